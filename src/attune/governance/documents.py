"""Pages about a version, for people: what they say is JSON, signed with the version; here is how."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from pydantic import Field, FiniteFloat

from attune.config import Settings

_WIDTH, _LABEL, _ROW = 640, 200, 22
_UNSAFE = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]|"} | {"<": "&lt;", ">": "&gt;", "\n": " "})


class Table(Settings):
    """Rows of text."""

    columns: list[str]
    rows: list[list[str]]


class Bar(Settings):
    """A value with its interval."""

    label: str
    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


class Figure(Settings):
    """Values with their intervals, one under the other on one scale."""

    title: str
    bars: list[Bar] = Field(min_length=1)

    @property
    def height(self) -> int:
        """In pixels."""
        return _ROW * (len(self.bars) + 1)

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and the highest value shown."""
        return min(bar.low for bar in self.bars), max(bar.high for bar in self.bars)

    def x(self, value: float) -> float:
        """Where a value lies, in pixels."""
        low, high = self.scale
        share = (value - low) / (high - low) if high > low else 0.5
        return round(_LABEL + share * (_WIDTH - _LABEL - 60), 1)

    def y(self, index: int) -> float:
        """Where a row lies, in pixels."""
        return _ROW * (index + 0.5)


class Section(Settings):
    """One section: sentences first; tables and figures show what they say."""

    title: str
    sentences: list[str]
    tables: list[Table] = Field(default_factory=list)
    figures: list[Figure] = Field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether nobody has said anything."""
        return not any(sentence.strip() for sentence in self.sentences)


class Document(Settings):
    """A page: a title and its sections."""

    title: str
    sections: list[Section]

    @property
    def empty(self) -> list[str]:
        """The titles of the sections that say nothing."""
        return [section.title for section in self.sections if section.empty]


def markdown(document: Document) -> str:
    """A page for a terminal or a repository; nothing of what it says can be taken for markup."""
    return _render("document.md.j2", document, autoescape=False)


def html(document: Document) -> str:
    """A page for a browser, complete in itself; everything that it says is escaped."""
    return _render("document.html.j2", document, autoescape=True)


def _render(template: str, document: Document, *, autoescape: bool) -> str:
    # S701: Markdown is not HTML; `plain` below takes the markup out of it.
    environment = Environment(autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
    environment.filters["plain"] = lambda text: Markup(str(text).translate(_UNSAFE))  # noqa: S704 - just escaped
    source = (files("attune.governance") / "templates" / template).read_text(encoding="utf-8")
    return environment.from_string(source).render(document=document, width=_WIDTH)
