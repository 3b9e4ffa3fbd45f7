"""Pages for people: whole in one file, without script, and without a request to anywhere.

Column names and values come from whoever fills the tables, so every value is escaped by the engine and the
page's own policy forbids scripts should one get through.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from attune.drift.verdicts import DRIFTED, NOT_COMPUTED, STABLE, Bars, Verdict, Window, Word

_BAR_WIDTH = 120
_SIGNS: Mapping[Word, str] = {STABLE: "●", DRIFTED: "▲", NOT_COMPUTED: "◌"}
_NEXT: Mapping[Word, str] = {
    STABLE: "Nothing is retrained.",
    DRIFTED: "The retraining pipeline is asked, with this sentence as the cause on record; its gate decides "
    "whether a new version replaces this one.",
    NOT_COMPUTED: "This is an incident for those who own the data. The model is neither called stable nor "
    "retrained until a comparison can be made.",
}


@dataclass(frozen=True)
class Table:
    """A table of a summary page; the first cell of each row is its name."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Bin:
    """One row of a histogram, shares and widths of its two bars."""

    label: str
    reference: float
    current: float
    reference_width: str
    current_width: str


def drift_page(verdict: Verdict) -> str:
    """The page of one look at a model."""
    return render("drift_report.html", {"verdict": verdict, "next_step": _NEXT[verdict.word]})


def summary_page(title: str, word: Word, sentence: str, tables: Sequence[Table], footnote: str) -> str:
    """A page of tables under one sentence.

    Args:
        title: What the page is about.
        word: Gives the sentence its tone.
        sentence: What a reader in a hurry has to know.
        tables: The figures behind it.
        footnote: Where they come from.
    """
    values = {"title": title, "tone": word, "sentence": sentence, "tables": tables, "footnote": footnote}
    return render("summary.html", values)


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template of this package; every value is escaped.

    Args:
        template: The name of a file in `templates/`.
        values: What the template names; a missing one is an error.
    """
    engine = _engine()
    style = engine.loader.get_source(engine, "style.css")[0] if engine.loader else ""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # The style is a file of ours; it is the only text that goes in as it is.
    page = {"style": Markup(style), "style_digest": f"sha256-{digest}"}  # noqa: S704
    return engine.get_template(template).render({**page, **values})


def _engine() -> Environment:
    engine = Environment(
        loader=PackageLoader("monitoring"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(
        bins=_bins,
        count=lambda number: f"{number:,}",
        css_class=lambda word: str(word).replace(" ", "-"),
        day=_day,
        figure=lambda number: "none" if number is None else f"{number:.3f}",
        gauge=lambda ratio, width: f"{width * min(ratio / 2, 1):.1f}",
        percent=lambda share: f"{share:.0%}" if isfinite(share) else "far beyond",
        sign=_SIGNS.__getitem__,
        window=_window,
    )
    return engine


def _bins(bars: Bars) -> list[Bin]:
    widest = max((*bars.reference, *bars.current), default=0) or 1
    return [
        Bin(label, reference, current, _width(reference / widest), _width(current / widest))
        for label, reference, current in zip(bars.labels, bars.reference, bars.current, strict=True)
    ]


def _width(share: float) -> str:
    return f"{_BAR_WIDTH * share:.1f}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _window(window: Window) -> str:
    if window.first == window.last:
        return f"as of {_day(window.first)}"
    return f"as of {_day(window.first)} to {_day(window.last)}"
