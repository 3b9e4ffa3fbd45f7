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
from typing import Any, Literal, TypeVar

import pandas as pd
from pydantic import ValidationError

from attune.config import Settings
from attune.drift.reference import ReferenceProfile
from attune.errors import ModelError, RegistryError
from attune.evaluation.comparison import Comparison
from attune.evaluation.evaluate import Champion, Contest, Test, evaluate
from attune.evaluation.gate import GateRules, decide
from attune.evaluation.reference import REFERENCE_FILE, reference_rows
from attune.governance.datasheet import DATASHEET_FILE, datasheet
from attune.governance.fairness import FAIRNESS_FILE, fairness_table
from attune.governance.insight import Insight
from attune.governance.manifest import Origin, Window
from attune.governance.model_card import MODEL_CARD_FILE, Evidence, model_card
from attune.governance.outcome import DECISION_FILE, Outcome
from attune.governance.people import this_person
from attune.governance.provenance import code_version, commit, environment, image, pipeline_run
from attune.governance.requirements import EVALUATION_FILE
from attune.models.catalog import entry
from attune.progress import say
from attune.registry import Registry, Version
from attune.training.examples import RECORD_FILE, TEST, TRAIN, VALIDATION, ExamplesRecord
from attune.training.plan import TrainingPlan
from attune.training.record import TRAINING_FILE, TrainingRecord
from attune.training.search_record import SEARCH_FILE, search_behind

PLAN_FILE = "plan.json"

Ending = Literal["promoted", "kept", "waiting"]

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


class Released(Outcome):
    """The outcome, and the version it is about.

    Attributes:
        ending: The gate's word, or "waiting" where it would promote and a person has to approve first.
    """

    version: int
    ending: Ending


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


def release(
    registry: Registry, run: Run, evaluation: str, cause: str, out: str, obstacle: str | None = None
) -> Ending:
    """Let the gate decide, register the candidate it chose, and promote it if it says so.

    Args:
        registry: Where the version goes.
        run: What was trained.
        evaluation: The file that `measure` wrote.
        cause: What started the run: a person, a schedule, a verdict of drift.
        out: The file to write the decision to.
        obstacle: Why nothing may be promoted now, whatever the gate says; None where nothing is in the way.

    Returns:
        "promoted", "kept", or "waiting" for a person's approval or for the obstacle to go.

    Raises:
        PromotionConflictError: Somebody else promoted since the candidates were compared.
        RegistryError: The version lacks something without which nothing is promoted.
    """
    results = _read(Comparison, Path(evaluation))
    version = _register(registry, run, results, cause)
    registry.verify(version)
    # Where this run was here before, what it decided then holds.
    outcome = _read(Outcome, version.folder / DECISION_FILE)
    ending = _end(registry, version, outcome, obstacle)
    say(f"{run.model}: version {version.version} {outcome.reason}")
    _write(Released(**outcome.model_dump(), version=version.version, ending=ending), Path(out))
    return ending


def _end(registry: Registry, version: Version, outcome: Outcome, obstacle: str | None) -> Ending:
    """Promote what the gate would promote, unless a person has to agree."""
    was_champion = any(event.version == version.version for event in registry.events(version.name))
    if outcome.verdict == "kept" or was_champion:
        return outcome.verdict
    if obstacle:
        say(f"not promoted: {obstacle}")
        return "waiting"
    if version.manifest.approval == "person" and not registry.approvals(version):
        number = f"{version.name} {version.version}"
        say(f"waits for a person: attune models approve {number}; attune models promote {number}")
        return "waiting"
    registry.promote(version.name, version.version, outcome.compared_with, outcome.reason, outcome.cause)
    return "promoted"


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
    origin = _origin(run, results, decision.candidate)
    model = entry(decision.candidate).load(trained)
    insight = _insight(run, model)
    with tempfile.TemporaryDirectory() as folder:
        version = Path(folder) / "version"
        shutil.copytree(trained, version)
        shutil.copy(run.examples / RECORD_FILE, version / RECORD_FILE)
        for name, document in _documents(run, results, outcome, origin, insight).items():
            _write(document, version / name)
        settings = _read(TrainingRecord, trained / TRAINING_FILE).settings
        search = search_behind(registry.searches, run.model, decision.candidate, settings, run.plan.seed)
        _write(search, version / SEARCH_FILE)
        rows = reference_rows(run.examples / f"{TRAIN}.parquet", model, run.plan.kind, run.plan.seed)
        rows.to_parquet(version / REFERENCE_FILE, index=False)
        ReferenceProfile.of(rows).save(version)
        return registry.register(version, origin)


def _insight(run: Run, model: Any) -> Insight | None:
    if run.plan.kind != "scorer":
        return None
    held_out, test = (run.examples / f"{part}.parquet" for part in (VALIDATION, TEST))
    return Insight.of(model, held_out, test, run.rules.level, run.plan.seed)


def _documents(
    run: Run, results: Comparison, outcome: Outcome, origin: Origin, insight: Insight | None
) -> dict[str, Settings]:
    """What a version says about itself, by the name of its file."""
    rules, evaluation = run.rules, results.candidates[outcome.candidate]
    fairness = fairness_table(evaluation, rules.metric, rules.level, rules.max_slice_loss)
    evidence = Evidence(origin, run.plan.card, results, outcome, run.record, fairness, insight)
    return {
        PLAN_FILE: run.plan,
        EVALUATION_FILE: results,
        DECISION_FILE: outcome,
        FAIRNESS_FILE: fairness,
        MODEL_CARD_FILE: model_card(evidence),
        DATASHEET_FILE: datasheet(evidence),
        **(insight.documents if insight else {}),
    }


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
        image=image(),
        run_id=pipeline_run(),
        author=this_person(),
        approval=run.plan.approval,
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
