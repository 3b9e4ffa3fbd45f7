from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import escape

from attune.drift.verdicts import DRIFTED, NOT_COMPUTED, STABLE, Bars, Verdict
from monitoring.pages import Table, drift_page, render, summary_page

Browse = Callable[..., str]

PAYLOADS = [
    "<script>document.title='taken'</script>",
    "</script><script>document.title='taken'</script>",
    "</style><script>document.title='taken'</script>",
    "</title><script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "<svg onload=\"document.title='taken'\">",
    "\"><script>document.title='taken'</script>",
    "' onmouseover='document.title=1' x='",
    "<iframe srcdoc=\"<script>parent.document.title='taken'</script>\"></iframe>",
    "<a href=\"javascript:document.title='taken'\">click</a>",
    '<meta http-equiv="refresh" content="0;url=https://example.org">',
    '<link rel="stylesheet" href="https://example.org/x.css">',
    "{{ 7 * 7 }}{% for x in [] %}",
    "<!-- --><base href='https://example.org/'>",
    "<SCRIPT SRC=//example.org/x.js></SCRIPT>",
]


class Elements(HTMLParser):
    """What a browser would build: the names of all elements and of all their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def poisoned(verdict: Verdict, payload: str) -> Verdict:
    """The verdict with a payload in every text that comes from data, and in the others too."""
    bars = Bars(labels=(payload[:48], "b"), reference=(0.5, 0.5), current=(1.0, 0.0))
    feature = verdict.features[0].model_copy(
        update={"feature": payload, "description": payload, "kind": "category", "bars": bars}
    )
    check = verdict.checks[0].model_copy(update={"name": payload, "found": payload, "wanted": payload})
    subject = verdict.subject.model_copy(update={"model": payload, "feature_service": payload})
    return verdict.model_copy(
        update={
            "subject": subject,
            "sentence": payload,
            "features": (feature, *verdict.features[1:]),
            "checks": (check,),
            "not_watched": {payload: payload},
        }
    )


def test_the_verdict_and_its_sentence_come_before_any_figure(verdict: Verdict):
    page = drift_page(verdict)
    order = [page.index(text) for text in ("▲ Drifted", verdict.sentence, "<table", "0.412")]
    assert order == sorted(order)


def test_the_page_names_the_model_the_windows_and_every_feature(verdict: Verdict):
    page = drift_page(verdict)
    for text in (
        "churn, version 3, as of 1 October 2017",
        "as of 2 July 2017<br>20,000 rows",
        "as of 1 October 2017<br>2,317 rows",
        "spend_90d",
        "age_band",
        "tenure_days",
        "It tells the calendar.",
        "current: enough rows",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("word", "sign", "next_step"),
    [
        (STABLE, "● Stable", "Nothing is retrained."),
        (DRIFTED, "▲ Drifted", "The retraining pipeline is asked"),
        (NOT_COMPUTED, "◌ Not computed", "This is an incident"),
    ],
)
def test_each_word_has_its_own_sign_and_says_what_follows(
    verdict: Verdict, word: str, sign: str, next_step: str
):
    page = drift_page(verdict.model_copy(update={"word": word}))
    assert sign in page
    assert next_step in page


def test_a_feature_without_a_distance_shows_none_and_no_bar(verdict: Verdict):
    broken = verdict.features[0].model_copy(update={"distance": None, "word": NOT_COMPUTED, "bars": None})
    page = drift_page(verdict.model_copy(update={"features": (broken,)}))
    assert "no figure" in page
    assert '<td class="number">none</td>' in page


def test_a_bar_ends_at_the_edge_however_far_a_feature_moved(verdict: Verdict):
    far = verdict.features[0].model_copy(update={"distance": 1e9})
    empty = verdict.features[1].model_copy(
        update={"bars": Bars(labels=("none",), reference=(0,), current=(0,))}
    )
    assert 'width="144.0"' in drift_page(verdict.model_copy(update={"features": (far, empty)}))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_in_any_text_stays_text(verdict: Verdict, payload: str):
    clean, page = Elements(drift_page(verdict)), drift_page(poisoned(verdict, payload))
    assert str(escape(payload)) in page
    assert payload not in page.replace(str(escape(payload)), "")
    assert Elements(page).names <= clean.names
    assert Elements(page).attributes <= clean.attributes
    assert not {"script", "iframe", "img", "link", "base", "a"} & clean.names


def test_the_page_asks_nobody_for_anything_and_forbids_scripts(verdict: Verdict):
    page = drift_page(verdict)
    assert "://" not in page
    assert "url(" not in page
    assert "default-src 'none'" in page
    assert not {"src", "href", "style", "onclick"} & Elements(page).attributes


def test_the_same_verdict_gives_the_same_page(verdict: Verdict):
    assert drift_page(verdict) == drift_page(Verdict.model_validate_json(verdict.model_dump_json()))


def test_a_summary_has_its_sentence_and_its_tables_and_escapes_them_too():
    table = Table("Versions", ["version", "decision"], [[1, "promoted"], ["<b>2</b>", "kept"]])
    page = summary_page("The loop", STABLE, "Version 1 serves & stays.", [table], "From this run.")
    assert "Version 1 serves &amp; stays." in page
    assert '<th scope="row">1</th><td>promoted</td>' in page
    assert "&lt;b&gt;2&lt;/b&gt;" in page


def test_a_value_that_a_template_misses_is_an_error():
    with pytest.raises(UndefinedError):
        render("summary.html", {"title": "no sentence"})


def test_a_browser_shows_the_page_in_its_own_style(verdict: Verdict, tmp_path: Path, browse: Browse):
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(drift_page(verdict), encoding="utf-8")
    document = browse(page, "--dump-dom")
    assert "<title>churn, version 3, as of 1 October 2017</title>" in document
    assert "1 of 2 features moved beyond their limit" in document
    browse(page, "--window-size=1200,1600", f"--screenshot={picture}")
    plain = tmp_path / "plain.html"
    plain.write_text(drift_page(verdict).replace("sha256-", "sha256-x"), encoding="utf-8")
    browse(plain, "--window-size=1200,1600", f"--screenshot={tmp_path / 'plain.png'}")
    # The policy lets our style pass, by its digest: with another digest the page looks different.
    assert picture.read_bytes() != (tmp_path / "plain.png").read_bytes()


def test_no_payload_runs_in_a_browser(verdict: Verdict, tmp_path: Path, browse: Browse):
    page = tmp_path / "page.html"
    page.write_text(drift_page(poisoned(verdict, "".join(PAYLOADS))), encoding="utf-8")
    document = browse(page, "--dump-dom")
    assert "<title>taken</title>" not in document
    assert not {"script", "iframe", "img", "link", "base", "a"} & Elements(document).names
