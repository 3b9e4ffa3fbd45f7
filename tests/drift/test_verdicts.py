from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from attune.drift.monitor import Monitor
from attune.drift.profile import Profile, profile
from attune.drift.reference import ReferenceProfile
from attune.drift.verdicts import DRIFTED, NOT_COMPUTED, STABLE, Subject, Verdict
from attune.drift.watch import Side, watch
from attune.errors import DataError


@pytest.fixture
def verdict(
    subject: Subject,
    reference: Side[ReferenceProfile],
    sample: Callable[[int, int], pd.DataFrame],
    monitor: Monitor,
) -> Verdict:
    current: Side[Profile] = Side(profile(sample(2000, 1), reference.profile.grids), subject.now, subject.now)
    return watch(subject, reference, current, monitor)


def test_a_verdict_is_read_back_as_it_was_written(verdict: Verdict, tmp_path: Path):
    verdict.save(tmp_path / "deep" / "verdict.json")
    assert Verdict.load(tmp_path / "deep" / "verdict.json") == verdict
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["verdict.json"]


def test_the_drifted_share_counts_features_by_their_weight(verdict: Verdict):
    words = [DRIFTED, DRIFTED, STABLE]
    features = tuple(
        feature.model_copy(update={"word": word, "weight": weight})
        for feature, word, weight in zip(verdict.features[:3], words, [0.5, 0.1, 0.2], strict=True)
    )
    drifted = verdict.model_copy(update={"word": DRIFTED, "features": features})
    assert drifted.drifted_share == pytest.approx(0.75)
    assert verdict.drifted_share == 0
    assert drifted.model_copy(update={"word": NOT_COMPUTED}).drifted_share is None


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"word": "fine"}'])
def test_what_is_no_verdict_is_refused(content: str, tmp_path: Path):
    (tmp_path / "verdict.json").write_text(content)
    with pytest.raises(DataError, match="no readable verdict"):
        Verdict.load(tmp_path / "verdict.json")


def test_a_missing_verdict_says_what_to_do(tmp_path: Path):
    with pytest.raises(DataError, match="run the monitoring pipeline again"):
        Verdict.load(tmp_path / "verdict.json")
