"""Five lamps and one word: what a person who is responsible for a model has to know first. Pure functions.

A lamp says "ok" only where a figure was measured, is recent and keeps its limit. Whatever could not be
measured, or was measured too long ago, is "unknown", and "unknown" is never ok.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, computed_field

from attune.config import Settings
from attune.governance.fairness import FairnessRow, FairnessTable

LampName = Literal["quality", "drift", "fairness", "rights", "integrity"]
LampState = Literal["ok", "warn", "stop", "unknown"]
Word = Literal["OK", "LOOK", "STOP"]
Value = str | int | float

_FIRST: tuple[LampState, ...] = ("stop", "unknown", "warn", "ok")


class Said(Settings):
    """A sentence as a pattern and what goes into it, so that it can be said in another language.

    >>> Said.of("{moved} of {watched} features", moved=1, watched=20).text
    '1 of 20 features'
    """

    pattern: str
    values: dict[str, Value] = Field(default_factory=dict)

    @classmethod
    def of(cls, pattern: str, **values: Value) -> "Said":
        """Say something."""
        return cls(pattern=pattern, values=values)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def text(self) -> str:
        """In English."""
        return self.pattern.format(**self.values)


class Lamp(Settings):
    """One lamp.

    Attributes:
        figure: What was measured.
        limit: What it is held against; None where nothing was measured.
        at: When it was measured.
        said: The sentence that explains the state.
    """

    name: LampName
    state: LampState
    figure: Said
    limit: Said | None
    at: datetime | None
    said: Said


class LampRules(Settings):
    """From when on a figure says nothing any more.

    Attributes:
        look_days: How often drift is looked for; after two periods without a look nothing is known.
        measure_days: How long a measurement of quality or fairness speaks for a version.
        withdrawal_days: How long a version may serve that learnt from somebody who has withdrawn since.
    """

    look_days: int = Field(default=7, ge=1)
    measure_days: int = Field(default=180, ge=1)
    withdrawal_days: int = Field(default=30, ge=0)


class Quality(Settings):
    """The newest measurement of the champion.

    Attributes:
        floor: The value under which it must not fall; None where nobody set one.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    rows: int
    min_rows: int
    floor: float | None
    at: datetime


class Drift(Settings):
    """The newest look at the champion.

    Attributes:
        moved: How many features moved beyond their limit; None where that could not be computed.
        paused: Why the controller of retraining waits for a person; None where it does not.
    """

    version: int
    moved: int | None
    watched: int
    rows: int
    at: datetime
    paused: str | None = None


class Rights(Settings):
    """What customers have said about the purpose of the champion.

    Attributes:
        withdrawn: How many have withdrawn since the champion learnt from them.
        first: When the first of those did.
    """

    purpose: str
    agreed: int
    asked: int
    withdrawn: int
    first: datetime | None
    at: datetime


class Integrity(Settings):
    """The check of the log, its signed heads, the tables and every byte of every version."""

    events: int
    versions: int
    problems: tuple[str, ...]
    at: datetime


def word_of(lamps: Iterable[Lamp]) -> tuple[Word, Lamp]:
    """One word for all lamps, and the lamp whose sentence explains it.

    Raises:
        ValueError: There are no lamps.
    """
    worst = min(lamps, key=lambda lamp: _FIRST.index(lamp.state))
    words: dict[LampState, Word] = {"ok": "OK", "warn": "LOOK", "unknown": "LOOK", "stop": "STOP"}
    return words[worst.state], worst


def quality_lamp(found: Quality | None, now: datetime, rules: LampRules) -> Lamp:
    """Whether the champion is as good as it has to be: by the low end of its interval, not by its value."""
    if found is None:
        return _unknown("quality", None, Said.of("No measurement of this version can be read."))
    if found.value is None or found.low is None or found.high is None:
        return _unknown("quality", found.at, Said.of("{metric} was not computed.", metric=found.metric))
    figure = Said.of(
        "{metric} {value:.4f} ({low:.4f} to {high:.4f})",
        metric=found.metric,
        value=found.value,
        low=found.low,
        high=found.high,
    )
    if found.rows < found.min_rows:
        said = Said.of(
            "{rows} test rows are too few, {wanted} wanted.", rows=found.rows, wanted=found.min_rows
        )
        return _unknown("quality", found.at, said, figure)
    if found.floor is None:
        return _unknown("quality", found.at, Said.of("Nobody has set a limit for this version."), figure)
    if late := _late("quality", found.at, now, rules.measure_days, figure):
        return late
    limit = Said.of("at least {floor:.4f}", floor=found.floor)
    state, said = _quality(found.low, found.high, found.floor)
    return Lamp(name="quality", state=state, figure=figure, limit=limit, at=found.at, said=said)


def drift_lamp(found: Drift | None, champion: int, now: datetime, rules: LampRules) -> Lamp:
    """Whether the champion is asked about customers like those it learnt from."""
    if found is None:
        return _unknown("drift", None, Said.of("Nobody has looked for drift yet."))
    if found.paused is not None:
        said = Said.of("Retraining is paused and waits for a person: {why}.", why=found.paused.rstrip("."))
        figure = Said.of("not known")
        return Lamp(name="drift", state="stop", figure=figure, limit=None, at=found.at, said=said)
    if found.version != champion:
        said = Said.of(
            "The last look was at version {looked}; version {champion} serves.",
            looked=found.version,
            champion=champion,
        )
        return _unknown("drift", found.at, said)
    if found.moved is None:
        return _unknown("drift", found.at, Said.of("The data did not allow a comparison: an incident."))
    figure = Said.of(
        "{moved} of {watched} features moved ({rows} rows)",
        moved=found.moved,
        watched=found.watched,
        rows=found.rows,
    )
    if late := _late("drift", found.at, now, 2 * rules.look_days, figure):
        return late
    if found.moved:
        said = Said.of("Customers are no longer like those that the version learnt from.")
    else:
        said = Said.of("No feature moved beyond its limit.")
    state: LampState = "warn" if found.moved else "ok"
    return Lamp(name="drift", state=state, figure=figure, limit=Said.of("none"), at=found.at, said=said)


def fairness_lamp(table: FairnessTable | None, at: datetime, now: datetime, rules: LampRules) -> Lamp:
    """Whether any group is surely served worse than the one it is compared with."""
    if table is None or not table.rows:
        return _unknown("fairness", None, Said.of("This version has no fairness table."))
    if not table.compared:
        said = Said.of("None of {groups} groups has enough data to be compared.", groups=len(table.rows))
        return _unknown("fairness", at, said)
    worst = max(table.compared, key=lambda row: row.gap or 0.0)
    figure = _gap(worst)
    if late := _late("fairness", at, now, rules.measure_days, figure):
        return late
    limit = Said.of("at most {limit:.3f}", limit=table.max_gap)
    state, said = _fairness(table)
    return Lamp(name="fairness", state=state, figure=figure, limit=limit, at=at, said=said)


def answers_lamp(quality: Lamp, beyond: Sequence[str], at: datetime) -> Lamp:
    """The lamp of quality where answers are beyond a limit: what was ok warns, and says of what."""
    if quality.state != "ok" or not beyond:
        return quality
    said = Said.of("Its answers are beyond a limit: {names}.", names=", ".join(beyond))
    return quality.model_copy(update={"state": "warn", "said": said, "at": at})


def worse_of(measured: Lamp, served: Lamp) -> Lamp:
    """Of two lamps about the same, the one to show: what serving shows counts where it is worse."""
    if served.state == "unknown":
        return measured
    return min(measured, served, key=lambda lamp: _FIRST.index(lamp.state))


def rights_lamp(found: Rights | None, now: datetime, rules: LampRules) -> Lamp:
    """Whether the champion rests on people who agreed, and still do."""
    if found is None:
        return _unknown("rights", None, Said.of("There is no table of consents that can be read."))
    if not found.asked:
        said = Said.of("Nobody was asked about the purpose {purpose}.", purpose=found.purpose)
        return _unknown("rights", found.at, said)
    figure = Said.of(
        "{withdrawn} withdrew since it learnt; {agreed} of {asked} agree",
        withdrawn=found.withdrawn,
        agreed=found.agreed,
        asked=found.asked,
    )
    limit = Said.of("retrained within {days} days", days=rules.withdrawal_days)
    state, said = _rights(found, now, rules.withdrawal_days)
    return Lamp(name="rights", state=state, figure=figure, limit=limit, at=found.at, said=said)


def integrity_lamp(found: Integrity | None) -> Lamp:
    """Whether everything on record is what was recorded."""
    if found is None:
        return _unknown("integrity", None, Said.of("The record could not be checked."))
    figure = Said.of(
        "{events} events, {versions} versions, {problems} problems",
        events=found.events,
        versions=found.versions,
        problems=len(found.problems),
    )
    said = Said.of("The log, its signed heads and every byte of every version hold.")
    if found.problems:
        said = Said.of("{problem}.", problem=found.problems[0].rstrip("."))
    state: LampState = "stop" if found.problems else "ok"
    return Lamp(name="integrity", state=state, figure=figure, limit=Said.of("none"), at=found.at, said=said)


def _quality(low: float, high: float, floor: float) -> tuple[LampState, Said]:
    if high < floor:
        return "stop", Said.of("Its quality is surely under its limit.")
    if low < floor:
        return "warn", Said.of("Its quality may be under its limit.")
    return "ok", Said.of("Its quality is surely above its limit.")


def _gap(worst: FairnessRow) -> Said:
    values: dict[str, Value] = {
        "gap": worst.gap or 0.0,
        "attribute": worst.attribute,
        "group": worst.group,
    }
    if worst.gap_low is None or worst.gap_high is None:
        return Said.of("largest gap {gap:.3f} ({attribute} {group})", **values)
    values |= {"low": worst.gap_low, "high": worst.gap_high}
    return Said.of("largest gap {gap:.3f} ({low:.3f} to {high:.3f}), {attribute} {group}", **values)


def _fairness(table: FairnessTable) -> tuple[LampState, Said]:
    compared, judged, groups = table.compared, len(table.judged), len(table.rows)
    gaps = [row for row in compared if row.verdict == "gap"]
    if gaps:
        said = Said.of("{gaps} groups are surely served worse, and by more than the limit.", gaps=len(gaps))
        return "stop", said
    if any((row.gap or 0.0) > table.max_gap for row in compared):
        return "warn", Said.of("A group may be served worse than the limit allows; its interval is wide.")
    if judged == groups:
        return "ok", Said.of("No group exceeds the limit.")
    said = Said.of(
        "No group exceeds the limit; {judged} of {groups} have enough data.", judged=judged, groups=groups
    )
    return "ok", said


def _rights(found: Rights, now: datetime, days: int) -> tuple[LampState, Said]:
    if not found.withdrawn or found.first is None:
        return "ok", Said.of("Nobody has withdrawn since this version learnt.")
    waiting = (now - found.first).days
    if waiting > days:
        return "stop", Said.of("Somebody withdrew {waiting} days ago; the version is due.", waiting=waiting)
    return "warn", Said.of("A new version without them is due in {left} days.", left=days - waiting)


def _late(name: LampName, at: datetime, now: datetime, days: int, figure: Said) -> Lamp | None:
    """Unknown where a figure is older than it may be, or comes from the future."""
    if at > now + timedelta(minutes=5):
        return _unknown(name, at, Said.of("The figure is dated in the future; a clock is wrong."), figure)
    if (age := (now - at).days) > days:
        said = Said.of("The last figure is {age} days old, more than {days}.", age=age, days=days)
        return _unknown(name, at, said, figure)
    return None


def _unknown(name: LampName, at: datetime | None, said: Said, figure: Said | None = None) -> Lamp:
    return Lamp(
        name=name, state="unknown", figure=figure or Said.of("not known"), limit=None, at=at, said=said
    )


def all_unknown(said: Said) -> Sequence[Lamp]:
    """The lamps of a model of which nothing can be known, for one reason."""
    names: tuple[LampName, ...] = ("quality", "drift", "fairness", "rights", "integrity")
    return [_unknown(name, None, said) for name in names]
