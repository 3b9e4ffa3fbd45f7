"""From trained candidates to a registered version: measured, decided by the gate, promoted or not.

All of it can be done again: the same data, parameters, code and candidates are one run, which makes one
version, however often it is started and wherever it was stopped.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from pydantic import ValidationError

from attune.config import Settings
from attune.errors import ModelError, RegistryError
from attune.evaluation.comparison import Comparison
from attune.evaluation.evaluate import Champion, Contest, Test, evaluate
from attune.evaluation.gate import Decision, GateRules, Verdict, decide
from attune.evaluation.reference import reference_rows
from attune.governance.manifest import Origin, Window
from attune.governance.provenance import code_version, commit, environment
from attune.models.catalog import entry
from attune.progress import say
from attune.registry import Registry, Version
from attune.training.examples import RECORD_FILE, TEST, TRAIN, ExamplesRecord
from attune.training.plan import TrainingPlan
from attune.training.record import TRAINING_FILE, TrainingRecord

EVALUATION_FILE = "evaluation.json"
DECISION_FILE = "decision.json"
REFERENCE_FILE = "reference.parquet"

Document = TypeVar("Document", bound=Settings)


class Run(Settings):
    """What a training run hands in: one model's plan, examples and trained candidates."""

    model: str
    plan: TrainingPlan
    examples: Path
    record: ExamplesRecord
    candidates: dict[str, Path]

    @classmethod
    def of(cls, model: str, params: Mapping[str, Any], examples: str, trained: Sequence[str]) -> "Run":
        """Gather what components receive.

        Args:
            model: The served model.
            params: Its section of the parameter file.
            examples: The folder of the examples.
            trained: The folders of the trained candidates.

        Raises:
            ModelError: Other candidates were trained than the plan has.
        """
        plan = TrainingPlan.parse(params)
        found = {
            _read(TrainingRecord, Path(folder) / TRAINING_FILE).candidate: Path(folder) for folder in trained
        }
        if found.keys() != plan.candidates.keys():
            raise ModelError(
                f"trained were {sorted(found)}, the plan of {model} has {sorted(plan.candidates)}; "
                "train exactly those"
            )
        record = _read(ExamplesRecord, Path(examples) / RECORD_FILE)
        candidates = {name: found[name] for name in plan.candidates}
        return cls(model=model, plan=plan, examples=Path(examples), record=record, candidates=candidates)

    @property
    def rules(self) -> GateRules:
        """What the gate asks."""
        return GateRules.parse(self.plan.gate)

    @property
    def key(self) -> str:
        """The same for the same data, parameters, code and candidates."""
        content = {
            "model": self.model,
            "data": self.record.data_hash,
            "plan": _whole_numbers(self.plan.model_dump(mode="json")),
            "code": code_version(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Outcome(Decision):
    """What the gate decided about a version, as the version keeps it.

    Attributes:
        compared_with: The champion at the time; None for none.
        cause: What started the run.
    """

    model: str
    compared_with: int | None
    cause: str


class Released(Outcome):
    """The outcome, and the version it is about."""

    version: int


def measure(registry: Registry, run: Run, out: str) -> dict[str, float]:
    """Measure all candidates and the champion on the same test examples.

    A run that has made its version already is not measured again: it would be compared with itself.

    Args:
        registry: Knows the champion.
        run: What was trained.
        out: The file to write what was measured to.

    Returns:
        The deciding metric of each candidate that has one.
    """
    known = registry.find(run.model, run.key)
    if known is None:
        results = _measure(registry, run)
    else:
        registry.verify(known)
        say(f"{run.model}: the same data, parameters and code made version {known.version}; measured already")
        results = _read(Comparison, known.folder / EVALUATION_FILE)
    _write(results, Path(out))
    values = {name: results.measured(name).value for name in results.candidates}
    return {name: value for name, value in values.items() if value is not None}


def release(registry: Registry, run: Run, evaluation: str, cause: str, out: str) -> Verdict:
    """Let the gate decide, register the candidate it chose, and promote it if it says so.

    Args:
        registry: Where the version goes.
        run: What was trained.
        evaluation: The file that `measure` wrote.
        cause: What started the run: a person, a schedule, a verdict of drift.
        out: The file to write the decision to.

    Raises:
        PromotionConflictError: Somebody else promoted since the candidates were compared.
    """
    results = _read(Comparison, Path(evaluation))
    version = _register(registry, run, results, cause)
    registry.verify(version)
    # Where this run was here before, what it decided then holds.
    outcome = _read(Outcome, version.folder / DECISION_FILE)
    was_champion = any(event.version == version.version for event in registry.events(run.model))
    if outcome.verdict == "promoted" and not was_champion:
        registry.promote(run.model, version.version, outcome.compared_with, outcome.reason, outcome.cause)
    say(f"{run.model}: version {version.version} {outcome.reason}")
    _write(Released(**outcome.model_dump(), version=version.version), Path(out))
    return outcome.verdict


def _measure(registry: Registry, run: Run) -> Comparison:
    test = Test(
        examples=pd.read_parquet(run.examples / f"{TEST}.parquet"),
        as_of=run.record.as_of[TEST],
        seed=run.plan.seed,
        level=run.rules.level,
    )
    contest = Contest(
        model=run.model,
        kind=run.plan.kind,
        metric=run.rules.metric,
        network=run.plan.network,
        candidates={name: entry(name).load(folder) for name, folder in run.candidates.items()},
        champion=_champion(registry, run),
    )
    return evaluate(contest, test)


def _champion(registry: Registry, run: Run) -> Champion | None:
    version = registry.champion(run.model)
    if version is None:
        return None
    manifest = version.manifest
    if manifest.schema_hash != run.record.schema_hash:
        reason = f"it reads {manifest.feature_service} with another schema than these examples have"
        return Champion(version.version, None, reason)
    return Champion(version.version, registry.load(version))


def _register(registry: Registry, run: Run, results: Comparison, cause: str) -> Version:
    decision = decide(results, run.rules)
    outcome = Outcome(
        **decision.model_dump(),
        model=run.model,
        compared_with=results.champion.version if results.champion else None,
        cause=cause,
    )
    trained = run.candidates[decision.candidate]
    with tempfile.TemporaryDirectory() as folder:
        version = Path(folder) / "version"
        shutil.copytree(trained, version)
        shutil.copy(run.examples / RECORD_FILE, version / RECORD_FILE)
        _write(results, version / EVALUATION_FILE)
        _write(outcome, version / DECISION_FILE)
        model = entry(decision.candidate).load(trained)
        rows = reference_rows(run.examples / f"{TRAIN}.parquet", model, run.plan.kind, run.plan.seed)
        rows.to_parquet(version / REFERENCE_FILE, index=False)
        return registry.register(version, _origin(run, results, decision.candidate))


def _origin(run: Run, results: Comparison, candidate: str) -> Origin:
    record = run.record
    return Origin(
        name=run.model,
        algorithm=candidate,
        kind=run.plan.kind,
        purpose=record.purpose,
        feature_service=record.feature_service,
        schema_hash=record.schema_hash,
        data_hash=record.data_hash,
        now=record.now,
        window={
            part: Window(first=min(dates), last=max(dates)) for part, dates in record.as_of.items() if dates
        },
        metrics=results.candidates[candidate].metrics,
        seed=run.plan.seed,
        code_version=code_version(),
        commit=commit(),
        environment=environment(),
        run_key=run.key,
    )


def _write(document: Settings, path: Path) -> None:
    text = json.dumps(document.model_dump(mode="json"), indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _read(what: type[Document], path: Path) -> Document:
    try:
        return what.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RegistryError(
            f"{path} is no {what.__name__} ({error}); run the component that writes it again"
        ) from error


def _whole_numbers(value: Any) -> Any:
    """Numbers as a person wrote them: KFP turns the whole ones inside a dict into floats."""
    if isinstance(value, dict):
        return {key: _whole_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
