"""Where things lie in the pictures; templates draw them. All coordinates are in the units of a view box."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from attune.drift.verdicts import Bars
from monitoring.console.timeline import Moment, Service


@dataclass(frozen=True)
class Scale:
    """From values to places: `low` lies at `left`, `high` at `right`."""

    low: float
    high: float
    left: float
    right: float

    def __call__(self, value: float) -> float:
        """Where a value lies; one beyond the ends lies at the end."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.left + min(max(share, 0.0), 1.0) * (self.right - self.left), 1)


def interval_scale(values: Sequence[float | None], width: float) -> Scale:
    """One scale for all bars of a table, from its lowest end to its highest."""
    known = [value for value in values if value is not None] or [0.0, 1.0]
    return Scale(min(known), max(known), 6, width - 6)


@dataclass(frozen=True)
class Block:
    """A version while it served."""

    version: int
    x: float
    width: float
    title: str


@dataclass(frozen=True)
class Mark:
    """Something that happened: where, which sign, and what the pointer shows."""

    x: float
    kind: str
    title: str


@dataclass(frozen=True)
class Tick:
    """A date below the strip."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True)
class Strip:
    """The timeline: versions as blocks, looks and decisions as marks, on one axis of time."""

    blocks: tuple[Block, ...]
    looks: tuple[Mark, ...]
    retraining: tuple[Mark, ...]
    decisions: tuple[Mark, ...]
    ticks: tuple[Tick, ...]


STRIP_WIDTH, STRIP_LEFT = 960, 96


def strip(moments: Sequence[Moment], services: Sequence[Service], now: datetime, days: int) -> Strip:
    """Lay out what happened in the last so many days."""
    start = now - timedelta(days=days)
    scale = Scale(start.timestamp(), now.timestamp(), STRIP_LEFT, STRIP_WIDTH - 12)
    marks: dict[str, list[Mark]] = {"look": [], "retraining": [], "registry": []}
    for moment in moments:
        if start <= moment.at <= now:
            mark = Mark(scale(moment.at.timestamp()), moment.kind, _title(moment))
            marks[moment.source].append(mark)
    return Strip(
        blocks=tuple(_block(scale, found, now) for found in services if (found.until or now) >= start),
        looks=tuple(marks["look"]),
        retraining=tuple(marks["retraining"]),
        decisions=tuple(marks["registry"]),
        ticks=tuple(_ticks(scale, start, now)),
    )


def _title(moment: Moment) -> str:
    return f"{moment.at:%Y-%m-%d %H:%M}, version {moment.version}, {moment.kind}: {moment.text}"


def _block(scale: Scale, service: Service, now: datetime) -> Block:
    begin, end = scale(service.since.timestamp()), scale((service.until or now).timestamp())
    until = f"{service.until:%Y-%m-%d %H:%M}" if service.until else "now"
    title = f"version {service.version}: {service.since:%Y-%m-%d %H:%M} to {until}"
    return Block(service.version, begin, max(end - begin, 4.0), title)


def _ticks(scale: Scale, start: datetime, now: datetime) -> list[Tick]:
    shown = "%Y-%m-%d" if now - start > timedelta(days=2) else "%H:%M"
    dates = [start + (now - start) * step / 3 for step in range(4)]
    anchors = ("start", "middle", "middle", "end")
    return [
        Tick(scale(date.timestamp()), f"{date:{shown}}", anchor)
        for date, anchor in zip(dates, anchors, strict=True)
    ]


@dataclass(frozen=True)
class Overlay:
    """Two histograms drawn over each other: the reference as an outline, the current one filled."""

    outline: str
    columns: tuple[tuple[float, float, float, float], ...]


PLOT_WIDTH, PLOT_HEIGHT = 320, 96


def overlay(bars: Bars) -> Overlay:
    """Lay out a feature's bins side by side; the highest share fills the height."""
    highest = max((*bars.reference, *bars.current), default=0) or 1
    width = PLOT_WIDTH / max(len(bars.labels), 1)
    tops = [round(PLOT_HEIGHT * (1 - share / highest), 1) for share in bars.reference]
    steps = [f"H{round(width * (index + 1), 1)}V{top}" for index, top in enumerate([*tops[1:], PLOT_HEIGHT])]
    columns = tuple(
        (
            round(width * index + 1, 1),
            round(PLOT_HEIGHT * (1 - share / highest), 1),
            round(width - 2, 1),
            round(PLOT_HEIGHT * share / highest, 1),
        )
        for index, share in enumerate(bars.current)
    )
    first = tops[0] if tops else PLOT_HEIGHT
    return Overlay(f"M0 {PLOT_HEIGHT}V{first}{''.join(steps)}", columns)


@dataclass(frozen=True)
class Course:
    """A distance over time: the line, its points, and the height of the limit."""

    line: str
    points: tuple[tuple[float, float, str], ...]
    limit: float


COURSE_HEIGHT = 56


def course(measured: Sequence[tuple[datetime, float | None]], limit: float) -> Course:
    """Lay out a feature's distance at each look; a look without one leaves a gap."""
    known = [value for _, value in measured if value is not None]
    times = [at.timestamp() for at, _ in measured] or [0.0]
    across = Scale(min(times), max(times), 8, PLOT_WIDTH - 8)
    up = Scale(0.0, max([*known, limit * 1.25]), COURSE_HEIGHT - 6, 6)
    parts, points, begun = [], [], False
    for at, value in measured:
        if value is None:
            begun = False
            continue
        x, y = across(at.timestamp()), up(value)
        parts.append(f"{'L' if begun else 'M'}{x} {y}")
        points.append((x, y, f"{at:%Y-%m-%d}: {value:.3f}"))
        begun = True
    return Course("".join(parts), tuple(points), up(limit))
