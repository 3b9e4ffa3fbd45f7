from datetime import UTC, datetime
from pathlib import Path

import pytest

from attune.data.check_report import CheckReport, report_of
from attune.data.contracts import Violation
from monitoring.data_checks_page import data_checks_page, write_data_checks_page

SCALE = Violation("interactions", "amount", "scale: the median is 899, where 8.99 was usual", 0)
WORD = Violation("interactions", "quantity", "is not a number", 2, ("'two'",), (4, 17), (3, 16))


def report(refusing=(), quarantining=()) -> CheckReport:
    made = report_of(
        "a shop", {"interactions": 1000}, refusing, quarantining, ["the last import"], {"interactions": 2}
    )
    return made.model_copy(update={"checked_at": datetime(2017, 9, 3, tzinfo=UTC)})


def test_a_refusal_comes_first_with_its_reason_and_what_to_do():
    page = data_checks_page(report(refusing=[SCALE, WORD]))
    order = ["✕ Refused", SCALE.rule, "and 1 more", "--accept-changes", "<table", "interactions.quantity"]
    places = [page.index(text) for text in order]
    assert places == sorted(places)


def test_rows_that_were_set_aside_are_named_with_their_reason():
    page = data_checks_page(report(quarantining=[WORD]))
    for text in ("✓ Imported", "2 rows were set aside", "4, 17", "1,000 rows read", "the last import"):
        assert text in page


@pytest.mark.parametrize("payload", ["<script>x</script>", "<img src=x onerror=y>", "{{ 7 * 7 }}"])
def test_what_comes_from_the_data_stays_text(payload):
    found = Violation("items", payload, payload, 1, (payload,), (1,), (0,))
    page = data_checks_page(report(refusing=[found]).model_copy(update={"source": payload}))
    assert payload not in page.replace("{{ 7 * 7 }}", "") or "<" not in payload
    assert "49" not in page
    assert "<script" not in page
    assert "<img" not in page


def test_the_page_lies_beside_the_report(tmp_path: Path):
    checks = tmp_path / "data_checks.json"
    report(refusing=[SCALE]).write(checks)
    page = write_data_checks_page(checks)
    assert page == tmp_path / "data_checks.html"
    assert "Refused" in page.read_text(encoding="utf-8")
