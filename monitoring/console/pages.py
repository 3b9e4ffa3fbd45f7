"""From what is known to HTML: templates with autoescape, and how figures and dates are written."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from attune.evaluation.comparison import metric_title
from monitoring.console import plots
from monitoring.console.words import LANGUAGES, Language, words

STATIC = Path(__file__).parent / "static"
_SIGNS = {
    "ok": "●",
    "warn": "▲",
    "stop": "■",
    "unknown": "?",
    "OK": "●",
    "LOOK": "▲",
    "STOP": "■",
    "stable": "●",
    "drifted": "▲",
    "not computed": "?",
    "holds": "✓",
    "differs": "✕",
    "not here": "?",
}


def render(template: str, language: Language, values: Mapping[str, Any]) -> str:
    """Fill a template of the console; every value is escaped.

    Args:
        template: The name of a file in `templates/`.
        language: Of the console's own words.
        values: What the template names; a missing one is an error.
    """
    return _engine(language).get_template(template).render(**values)


@cache
def _engine(language: Language) -> Environment:
    engine = Environment(
        loader=PackageLoader("monitoring.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    speak = words(language)
    engine.globals.update(_=speak, language=language, languages=LANGUAGES, plots=plots)
    engine.filters.update(
        count=lambda number: f"{number:,}".replace(",", "\u202f"),
        day=lambda moment: f"{moment:%Y-%m-%d}",
        figure=_figure,
        metric=metric_title,
        moment=_moment,
        said=speak.said,
        sign=lambda word: _SIGNS[word],
        slug=lambda word: str(word).replace(" ", "-"),
    )
    return engine


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
