"""The console in a real browser that reaches no host but this machine."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.config import Workspace
from attune.registry import Registry
from benchmarks.browser import Browser, browser, chromium
from monitoring.console.access import PEOPLE_FILE, Access
from tests.monitoring.console.governed import make_workspace
from tests.monitoring.console.running import console
from tests.monitoring.console.test_reading import READ
from tests.monitoring.test_pages import PAYLOADS

CHECKS = Path(__file__).with_name("accessibility.js").read_text(encoding="utf-8")
SHAPES = [(1280, "light", "en"), (1280, "dark", "ru"), (390, "light", "ru")]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if chromium() is None:
        missing = "no chromium to open pages with; install it (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def spoken(nodes: list[dict[str, Any]]) -> list[str]:
    """What a screen reader says, in its order."""
    known, said, left = {node["nodeId"]: node for node in nodes}, [], [nodes[0]["nodeId"]]
    while left:
        node = known[left.pop()]
        left += reversed([child for child in node.get("childIds", []) if child in known])
        if not node["ignored"]:
            said.append(node.get("name", {}).get("value", "").strip())
    return said


def in_language(page: str, language: str) -> str:
    return f"{page}{'&' if '?' in page else '?'}lang={language}"


@pytest.mark.parametrize(("width", "scheme", "language"), SHAPES)
def test_no_page_has_an_accessibility_error(
    tab: Browser, address: str, width: int, scheme: str, language: str
):
    tab.resize(width, scheme=scheme)
    for page in [*READ, "/sign-in"]:
        tab.open(address + in_language(page, language))
        assert tab.ask(CHECKS) == [], (page, width, scheme, language)


def test_the_checker_finds_what_is_wrong(tab: Browser):
    tab.open("about:blank")
    bad = "<h3>x</h3><a href='#'></a><input><table><tbody><tr><td>1</td></tr></tbody></table><svg></svg>"
    tab.ask(f"document.body.innerHTML = \"{bad}<p style='color: #aaa'>pale</p>\"")
    rules = {problem.partition(":")[0] for problem in tab.ask(CHECKS)}
    assert rules >= {
        "page without a language",
        "not one main",
        "a level of headings is left out",
        "link without a name",
        "field without a label",
        "row without a head",
        "picture without a name",
        "contrast 2.32",
    }


def test_every_page_is_small_quick_and_asks_nobody_else(tab: Browser, address: str):
    tab.resize(1280)
    for page in READ:
        loaded = tab.open(address + in_language(page, "en"))
        assert loaded.status == 200
        assert loaded.bytes <= 300_000, page
        assert loaded.complaints == [], page
        assert all(asked.startswith(address) for asked in loaded.addresses), page


def test_the_screen_reader_meets_the_word_before_any_figure(tab: Browser, address: str):
    tab.open(f"{address}/use-cases/churn?lang=en")
    said = spoken(tab.do("Accessibility.getFullAXTree")["nodes"])
    order = [said.index(text) for text in ("churn", "LOOK", "Five lamps", "What happened", "All versions")]
    assert order == sorted(order)
    assert "Skip to the content" in said


def test_the_keyboard_goes_through_the_page_in_the_order_of_reading(tab: Browser, address: str):
    tab.open(f"{address}/use-cases/churn?lang=en")
    places = []
    for _ in range(12):
        tab.press("Tab")
        places.append(tab.ask("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        outline = tab.ask("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def test_a_use_case_prints_on_two_pages(tab: Browser, address: str):
    tab.open(f"{address}/use-cases/churn?lang=en")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", tab.printed())) <= 2


def test_no_payload_runs_on_any_page(tab: Browser, tmp_path: Path):
    with console(make_workspace(tmp_path / "poisoned", " ".join(PAYLOADS))) as poisoned:
        for page in READ:
            loaded = tab.open(poisoned + in_language(page, "en"))
            assert "taken" not in tab.ask("document.title")
            found = tab.ask(
                "document.querySelectorAll('script, iframe, img, base, object, meta[http-equiv]').length"
            )
            assert found == 0, page
            assert all(asked.startswith(poisoned) for asked in loaded.addresses), page


def test_a_person_signs_in_reads_and_approves_with_forms_alone(tab: Browser, workspace: Workspace):
    token = Access(workspace.keys / PEOPLE_FILE).grant("carol", "approver")
    with console(workspace) as site:
        tab.open(f"{site}/use-cases/churn?lang=en")
        tab.ask(f"document.querySelector('#token').value = '{token}'")
        tab.leave_by("document.querySelector('main form button').click()")
        assert tab.ask("document.querySelector('.who').textContent") == "carol · approver"
        tab.open(f"{site}/use-cases/churn/versions/2/decide?lang=en")
        assert tab.ask(CHECKS) == []
        tab.ask("document.querySelector('#approve-reason').value = 'read and understood'")
        tab.leave_by("document.querySelector('button[value=approve]').click()")
        assert "approved by carol" in tab.ask("document.querySelector('.waiting').textContent")
        tab.open("about:blank")
    registry = Registry(workspace)
    said = registry.approvals(registry.get("churn", 2))[0].statement
    assert (said.approver, said.reason) == ("carol", "read and understood")
