from pathlib import Path

import pandas as pd
import pytest

from attune import columns as c
from attune.config import HOME_VARIABLE, Workspace
from attune.drift.verdicts import DRIFTED, NOT_COMPUTED, STABLE, Verdict
from attune.errors import IntegrityError, RegistryError
from monitoring.detect import detect
from tests.monitoring.watched_shop import make_workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "data"))
    return make_workspace(tmp_path / "data")


def look(workspace: Workspace, now: str) -> Verdict:
    report, figures = workspace.root / "out" / "report", workspace.root / "out" / "verdict"
    word = detect("churn", now, report, figures)
    verdict = Verdict.load(figures)
    assert verdict.word == word
    assert verdict.sentence.replace("&", "&amp;") in report.read_text(encoding="utf-8")
    home = workspace.reports / "drift" / "churn" / now
    assert (home / "report.html").read_bytes() == report.read_bytes()
    assert (home / "verdict.json").read_bytes() == figures.read_bytes()
    return verdict


def test_a_calm_month_is_stable_and_compares_only_customers_who_agreed(workspace: Workspace):
    verdict = look(workspace, "2017-10-01")
    assert verdict.word == STABLE
    assert verdict.subject.version == 1
    assert verdict.reference.rows == 1300
    assert verdict.current.rows == 1300 - 26
    assert look(workspace, "2017-10-01") == verdict


def test_larger_baskets_are_drift_and_are_named(workspace: Workspace):
    verdict = look(workspace, "2017-12-03")
    assert verdict.word == DRIFTED
    assert verdict.drifted == (c.BASKET_SIZE_90D,)


def test_an_empty_column_and_old_features_are_not_computed(workspace: Workspace):
    assert look(workspace, "2017-11-05").word == NOT_COMPUTED
    late = look(workspace, "2017-12-20")
    assert late.word == NOT_COMPUTED
    assert "features as of 2017-12-03, 17 days old" in late.sentence


def test_a_model_that_does_not_serve_cannot_be_watched(workspace: Workspace, tmp_path: Path):
    with pytest.raises(RegistryError, match="no version of 'recommend' serves"):
        detect("recommend", "2017-10-01", tmp_path / "report", tmp_path / "verdict")


def test_a_reference_that_somebody_changed_is_refused(workspace: Workspace, tmp_path: Path):
    file = workspace.models / "churn" / "1" / "reference.parquet"
    pd.read_parquet(file).assign(**{c.SPEND_90D: 1.0}).to_parquet(file)
    with pytest.raises(IntegrityError, match=r"reference\.parquet"):
        detect("churn", "2017-10-01", tmp_path / "report", tmp_path / "verdict")
