from pathlib import Path

import pytest

from attune.drift.monitor import Monitor
from attune.drift.verdicts import Subject, Verdict
from attune.drift.watch import Rows, watch
from attune.errors import DataError


class NoEngine:
    def distances(self, histograms: object, methods: object) -> dict[str, float]:
        return {}


def test_a_verdict_is_read_back_as_it_was_written(
    subject: Subject, reference: Rows, current: Rows, monitor: Monitor, tmp_path: Path
):
    verdict = watch(subject, reference, current, monitor, NoEngine())
    verdict.save(tmp_path / "deep" / "verdict.json")
    assert Verdict.load(tmp_path / "deep" / "verdict.json") == verdict
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["verdict.json"]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"word": "fine"}'])
def test_what_is_no_verdict_is_refused(content: str, tmp_path: Path):
    (tmp_path / "verdict.json").write_text(content)
    with pytest.raises(DataError, match="no readable verdict"):
        Verdict.load(tmp_path / "verdict.json")


def test_a_missing_verdict_says_what_to_do(tmp_path: Path):
    with pytest.raises(DataError, match="run the monitoring pipeline again"):
        Verdict.load(tmp_path / "verdict.json")
