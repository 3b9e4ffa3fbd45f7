import json
import multiprocessing
import os
import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy

from attune.columns import AGE_BAND, CUSTOMER_ID, EVENT_TIMESTAMP, LABEL, RECENCY_DAYS, SPEND_90D
from attune.config import Workspace
from attune.errors import ModelError, PromotionConflictError, RegistryError
from attune.evaluation.comparison import Comparison
from attune.governance.documents import Document, markdown
from attune.registry import Registry
from attune.release import Released, Run, measure, release
from attune.training.examples import ExamplesRecord
from attune.training.leakage import LeakageAudit
from attune.training.plan import CardTexts
from attune.training.train import train_candidate

JUNE = datetime(2017, 6, 4, tzinfo=UTC)
JULY = JUNE + timedelta(days=28)
PARAMS: dict[str, Any] = {
    "feature_service": "churn_v1",
    "purpose": "churn",
    "kind": "scorer",
    "label": {"active_days": 90, "quiet_days": 28},
    "as_of": {"first": "2017-03-26"},
    "network": "gradient_boosting",
    "candidates": {
        # Learns in one call, and so spares every test here a second of torch.
        "gradient_boosting": {},
        "logistic_regression": {},
    },
    "loop": {"epochs": 2, "batch_size": 128},
    "gate": {"metric": "roc_auc", "min_rows": 200, "max_slice_loss": 0.2},
    "card": {
        "intended_use": "Tests.",
        "out_of_scope": "Everything else.",
        "ethical_considerations": "Nobody is harmed.",
        "caveats": "Nothing of it is real.",
    },
    "seed": 7,
}


def rows(seed: int, count: int, as_of: datetime) -> pd.DataFrame:
    """Customers who leave the likelier the longer they have been away."""
    draw = np.random.default_rng(seed)
    away = draw.uniform(0, 90, count)
    return pd.DataFrame(
        {
            CUSTOMER_ID: [f"c_{seed}_{number}" for number in range(count)],
            EVENT_TIMESTAMP: pd.Timestamp(as_of),
            RECENCY_DAYS: away,
            SPEND_90D: draw.gamma(2, 50, count),
            AGE_BAND: draw.choice(["25-34", "35-44"], count),
            LABEL: (draw.random(count) < away / 90).astype(np.int8),
        }
    )


def make_examples(folder: Path, seed: int = 1, schema_hash: str = "5" * 64) -> Path:
    folder.mkdir(parents=True)
    parts = {"train": (600, JUNE), "validation": (100, JUNE), "test": (600, JULY)}
    for number, (part, (count, as_of)) in enumerate(parts.items()):
        rows(10 * seed + number, count, as_of).to_parquet(folder / f"{part}.parquet")
    record = ExamplesRecord(
        model="churn",
        feature_service="churn_v1",
        schema_hash=schema_hash,
        features={RECENCY_DAYS: "float64", SPEND_90D: "float64", AGE_BAND: "string"},
        purpose="churn",
        now=JULY,
        as_of={"train": [JUNE], "validation": [JUNE], "test": [JULY]},
        rows={part: count for part, (count, _) in parts.items()},
        customers=1300,
        customers_without_consent=0,
        label={"active_days": 90, "quiet_days": 28},
        data_hash=f"{seed:064d}",
        tables_version="t" * 64,
        leakage_audit=LeakageAudit(checked_rows=1300, ages={}),
    )
    (folder / "examples.json").write_text(record.model_dump_json())
    return folder


def make_run(
    folder: Path, seed: int = 1, schema_hash: str = "5" * 64, params: dict[str, Any] = PARAMS
) -> Run:
    examples = make_examples(folder / "examples", seed, schema_hash)
    for candidate in params["candidates"]:
        train_candidate(candidate, params, str(examples), str(folder / candidate))
    return Run.of("churn", params, str(examples), [str(folder / name) for name in params["candidates"]])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same shop a while later."""
    return make_run(tmp_path_factory.mktemp("later"), seed=2)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(Workspace(root=tmp_path / "data"))


def released(registry: Registry, run: Run, folder: Path, cause: str = "a test") -> Released:
    measure(registry, run, str(folder / "evaluation.json"))
    release(registry, run, str(folder / "evaluation.json"), cause, str(folder / "decision.json"))
    return Released.model_validate_json((folder / "decision.json").read_bytes())


def test_a_first_run_makes_a_champion_with_everything_that_belongs_to_it(
    registry: Registry, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = measure(registry, run, str(tmp_path / "evaluation.json"))
    assert values.keys() == {"gradient_boosting", "logistic_regression"}
    assert values["logistic_regression"] > 0.75  # the truth is a straight line
    outcome = released(registry, run, tmp_path)
    assert (outcome.verdict, outcome.version, outcome.compared_with) == ("promoted", 1, None)
    champion = registry.champion("churn")
    assert champion is not None
    assert champion.manifest.algorithm == outcome.candidate
    assert champion.manifest.metrics["roc_auc"].value == values[outcome.candidate]
    assert (champion.manifest.window["test"].first, champion.manifest.data_hash) == (
        JULY,
        run.record.data_hash,
    )
    assert {path.name for path in champion.folder.iterdir()} == {
        "weights.safetensors",
        "config.json",
        "calibration.json",
        "analysis.json",
        "importance.json",
        "training.json",
        "evaluation.json",
        "decision.json",
        "examples.json",
        "plan.json",
        "fairness.json",
        "model_card.json",
        "datasheet.json",
        "reference.parquet",
        "reference_profile.json",
        "search.json",
        "manifest.json",
        "manifest.sig",
    }
    said = capsys.readouterr().out
    assert "[attune] logistic_regression: ROC-AUC 0.8" in said
    assert "[attune] churn: version 1 promoted" in said


def test_the_registered_model_answers_as_the_trained_one_did(
    registry: Registry, run: Run, tmp_path: Path
) -> None:
    outcome = released(registry, run, tmp_path)
    model = registry.load(registry.get("churn", outcome.version))
    reference = pd.read_parquet(registry.get("churn", 1).folder / "reference.parquet")
    assert list(reference) == [RECENCY_DAYS, SPEND_90D, AGE_BAND, "score"]
    np.testing.assert_array_equal(model.score(reference), reference["score"])


def test_the_same_run_again_changes_nothing(registry: Registry, run: Run, tmp_path: Path) -> None:
    first = released(registry, run, tmp_path)
    before = (tmp_path / "evaluation.json").read_bytes()
    assert released(registry, run, tmp_path, cause="impatience") == first
    assert (tmp_path / "evaluation.json").read_bytes() == before
    assert len(registry.versions("churn")) == len(registry.events("churn")) == 1


def test_numbers_that_came_through_kfp_make_the_same_run(run: Run) -> None:
    floats = json.loads(json.dumps(PARAMS), parse_int=float)
    floats["candidates"] = dict(reversed(floats["candidates"].items()))
    again = Run.of("churn", floats, str(run.examples), [str(folder) for folder in run.candidates.values()])
    assert again.key == run.key
    other = Run.of(
        "churn", PARAMS | {"seed": 8}, str(run.examples), [str(f) for f in run.candidates.values()]
    )
    assert other.key != run.key


def test_the_same_data_code_and_seed_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    manifests = []
    for name, trained in (("one", run), ("two", make_run(tmp_path / "again"))):
        registry = Registry(Workspace(root=tmp_path / name))
        (tmp_path / name / "out").mkdir()
        released(registry, trained, tmp_path / name / "out")
        manifests.append(registry.get("churn", 1).manifest)
    first, second = manifests
    assert first.run_key == second.run_key
    for name in ("weights.safetensors", "config.json", "examples.json", "decision.json", "reference.parquet"):
        assert first.files[name] == second.files[name], name


def test_a_later_run_is_compared_with_the_champion_on_the_same_rows(
    registry: Registry, run: Run, later: Run, tmp_path: Path
) -> None:
    first = released(registry, run, tmp_path)
    outcome = released(registry, later, tmp_path, cause="drift")
    results = Comparison.model_validate_json((tmp_path / "evaluation.json").read_bytes())
    assert results.champion is not None
    assert results.champion.version == first.version == 1
    assert {(found.a, found.b) for found in results.differences} == {
        ("gradient_boosting", "logistic_regression"),
        ("gradient_boosting", "version 1"),
        ("logistic_regression", "version 1"),
    }
    # As good as the champion is not surely better than it.
    assert (outcome.verdict, outcome.version, outcome.compared_with) == ("kept", 2, 1)
    assert outcome.reason.startswith("kept version 1: the challenger's ROC-AUC is 0.8")
    champion = registry.champion("churn")
    assert champion is not None
    assert champion.version == 1
    assert [version.version for version in registry.versions("churn")] == [1, 2]


def test_a_champion_of_another_schema_is_not_measured_and_stays(
    registry: Registry, run: Run, later: Run, tmp_path: Path
) -> None:
    released(registry, run, tmp_path)
    record = later.record.model_copy(update={"schema_hash": "6" * 64})
    outcome = released(registry, later.model_copy(update={"record": record}), tmp_path)
    assert outcome.verdict == "kept"
    assert (
        "version 1 could not be measured on these rows (it reads churn_v1 with another schema"
        in outcome.reason
    )


def test_who_was_overtaken_since_the_comparison_is_told(
    registry: Registry, run: Run, later: Run, tmp_path: Path
) -> None:
    evaluation = str(tmp_path / "evaluation.json")
    measure(registry, run, evaluation)
    (tmp_path / "out").mkdir()
    released(registry, later, tmp_path / "out", cause="ann")
    with pytest.raises(PromotionConflictError, match=r"version 1 of churn became champion .*\(ann\)"):
        release(registry, run, evaluation, "bob", str(tmp_path / "decision.json"))
    assert [event.version for event in registry.events("churn")] == [1]


def _release_and_die_at(root: Path, run: Run, evaluation: str, last: int) -> None:
    """Die when the database is about to commit: first the version, then the promotion."""
    commits = iter(range(last, 0, -1))

    def die(_: object) -> None:
        if next(commits) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    registry = Registry(Workspace(root=root))
    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "commit", die)
    release(registry, run, evaluation, "a test", os.devnull)


@pytest.mark.parametrize(("commit", "there"), [(1, []), (2, [1])], ids=["the version", "the promotion"])
def test_a_run_killed_while_it_writes_ends_the_same_when_it_is_started_again(
    registry: Registry, run: Run, tmp_path: Path, commit: int, there: list[int]
) -> None:
    evaluation = str(tmp_path / "evaluation.json")
    measure(registry, run, evaluation)
    arguments = (tmp_path / "data", run, evaluation, commit)
    process = multiprocessing.get_context("fork").Process(target=_release_and_die_at, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [version.version for version in registry.versions("churn")] == there
    assert registry.champion("churn") is None
    outcome = released(registry, run, tmp_path)
    assert (outcome.verdict, outcome.version) == ("promoted", 1)
    assert [(event.sequence, event.version) for event in registry.events("churn")] == [(1, 1)]


def test_where_a_person_must_agree_the_run_waits_and_ends_when_started_again(
    registry: Registry, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_PERSON", "ann")
    careful = run.model_copy(update={"plan": run.plan.model_copy(update={"approval": "person"})})
    assert released(registry, careful, tmp_path).ending == "waiting"
    version = registry.get("churn", 1)
    assert registry.champion("churn") is None
    with pytest.raises(RegistryError, match="ann asked for version 1"):
        registry.approve(version, "the card", "ann", "mine")
    registry.approve(version, markdown(registry.card(version)), "bob", "read it")
    assert released(registry, careful, tmp_path).ending == "promoted"
    (event,) = registry.events("churn")
    assert event.approval == registry.approvals(version)[0].digest


def test_a_version_describes_itself(registry: Registry, run: Run, tmp_path: Path) -> None:
    outcome = released(registry, run, tmp_path)
    card = registry.card(registry.get("churn", 1))
    assert card.empty == []
    text = markdown(card)
    assert outcome.reason.split(".")[0] in text
    assert "| age_band | 25-34 |" in text
    assert "Nobody is harmed." in text
    for said in (
        "Scores are calibrated by: ", "Conformal sets promise", "A score of 0.", "| selection_rate | 25-34 |",
        "| surest mistakes |", "| recency_days | yes |", "lost where a feature is shuffled", "By age_band: ",
    ):  # fmt: skip
        assert said in text
    assert "c_12_" not in (registry.get("churn", 1).folder / "analysis.json").read_text()  # a customer's name
    sheet = Document.model_validate_json((registry.get("churn", 1).folder / "datasheet.json").read_bytes())
    assert sheet.empty == []


def test_a_model_that_nobody_described_is_registered_and_not_promoted(
    registry: Registry, run: Run, tmp_path: Path
) -> None:
    silent = run.model_copy(update={"plan": run.plan.model_copy(update={"card": CardTexts()})})
    with pytest.raises(
        RegistryError, match="says nothing about: Intended use, Ethical considerations, Caveats"
    ):
        released(registry, silent, tmp_path)
    assert [version.version for version in registry.versions("churn")] == [1]
    assert registry.champion("churn") is None


def test_other_candidates_than_the_plan_has_are_refused(run: Run) -> None:
    with pytest.raises(ModelError, match=r"trained were \['gradient_boosting'\], the plan of churn has"):
        Run.of("churn", PARAMS, str(run.examples), [str(run.candidates["gradient_boosting"])])


def test_a_broken_evaluation_is_named(registry: Registry, run: Run, tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text("{}")
    with pytest.raises(RegistryError, match=r"evaluation\.json is no Comparison"):
        release(registry, run, str(tmp_path / "evaluation.json"), "a test", str(tmp_path / "decision.json"))


def test_weights_that_are_not_numbers_are_never_registered(
    registry: Registry, run: Run, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    measure(registry, run, str(tmp_path / "evaluation.json"))
    folders = {name: tmp_path / name for name in run.candidates}
    for name, folder in folders.items():
        shutil.copytree(run.candidates[name], folder)
        weights = load_file(folder / "weights.safetensors")
        save_file({key: array * np.nan for key, array in weights.items()}, folder / "weights.safetensors")
    broken = run.model_copy(update={"candidates": folders})
    with pytest.raises((RegistryError, ModelError)):
        release(
            registry, broken, str(tmp_path / "evaluation.json"), "a test", str(tmp_path / "decision.json")
        )
    assert registry.versions("churn") == []
