"""What differs between two periods of a table more than chance and season explain.

Each rule looks at two descriptions and says in words what moved; none sees a row. The limits are wide:
a shop that grows by half or sells twice as much in December is no fault.
"""

from collections.abc import Iterator
from itertools import combinations
from math import log

from attune.config import Settings
from attune.data.profiles import HOURS, Numbers, Period


class Limits(Settings):
    """How far two periods may differ.

    Attributes:
        volume: Rows, and ids, by which factor.
        scale: The median of a number, by which factor: units and currencies differ by more.
        share: The share of a value, of zeros or of whole numbers, by how much.
        hours: Share of rows that lie in other hours of the day.
        rows: Periods with fewer rows are not compared.
    """

    volume: float = 1.25
    scale: float = 5.0
    share: float = 0.4
    hours: float = 0.1
    rows: int = 100


# The same months, imported again: late rows add little. Months of one import against each other: seasons do.
SAME_MONTHS = Limits()
OTHER_MONTHS = Limits(volume=4.0)
# Changes of the clock in spring and autumn move the hours by one.
LEAST_SHIFT = 2
WHOLE_MONTH = 0.8
FEWEST_DAYS = 7

Found = tuple[str, str]


def differences(reference: Period, current: Period, limits: Limits) -> list[Found]:
    """Say what of a period differs from another: (column, rule) each; no column where all rows do."""
    if reference.rows < limits.rows:
        return []
    found = [*_volume(reference, current, limits)]
    # Whoever is gone takes shares along: only where there is enough to compare is more said.
    if current.rows >= limits.rows:
        found += _constant(reference, current)
        found += [*_scale(reference, current, limits), *_values(reference, current, limits)]
        found += _clock(reference, current, limits)
    return found


def _volume(reference: Period, current: Period, limits: Limits) -> Iterator[Found]:
    if current.days < min(FEWEST_DAYS, reference.days):
        return  # a month that has just begun says little about a usual day
    was, now = reference.rows / reference.days, current.rows / current.days
    if not 1 / limits.volume <= now / was <= limits.volume:
        yield "", f"volume: {now:,.0f} rows a day, where {was:,.0f} were usual"
    if current.days < WHOLE_MONTH * reference.days:
        return  # a part of a month knows fewer customers than a whole one
    for column, distinct in reference.distinct.items():
        if distinct / limits.volume > current.distinct[column] > 1:
            yield (
                column,
                f"volume: {current.distinct[column]:,} different values, where {distinct:,} were usual",
            )


def _constant(reference: Period, current: Period) -> Iterator[Found]:
    was = {**reference.distinct, **{name: each.distinct for name, each in reference.numbers.items()}}
    now = {**current.distinct, **{name: each.distinct for name, each in current.numbers.items()}}
    for column, distinct in was.items():
        if distinct >= 10 and now[column] == 1:
            yield column, f"constant: has one value only, where {distinct:,} were usual"


def _scale(reference: Period, current: Period, limits: Limits) -> Iterator[Found]:
    for column, was in reference.numbers.items():
        now = current.numbers[column]
        if was.median and now.median and not 1 / limits.scale <= now.median / was.median <= limits.scale:
            yield (
                column,
                f"scale: the median is {now.median:g}, where {was.median:g} was usual; check the unit",
            )
        yield from _kind_of_numbers(column, was, now, limits)
    for one, other in combinations(reference.numbers, 2):
        straight = _unlike(reference, current, one, one) + _unlike(reference, current, other, other)
        crossed = _unlike(reference, current, one, other) + _unlike(reference, current, other, one)
        if straight > 1 and crossed < straight / 4:
            yield one, f"swapped: has the values that {other} had, and {other} those of {one}"


def _unlike(reference: Period, current: Period, before: str, after: str) -> float:
    """How unlike two columns of numbers are; 0 for the same."""
    was, now = reference.numbers[before], current.numbers[after]
    ratio = abs(log(now.median / was.median)) if was.median and now.median else 1.0
    return ratio + abs(now.zeros - was.zeros) + abs(now.whole - was.whole)


def _kind_of_numbers(column: str, was: Numbers, now: Numbers, limits: Limits) -> Iterator[Found]:
    for what, before, after in (("0", was.zeros, now.zeros), ("whole numbers", was.whole, now.whole)):
        if abs(after - before) > limits.share:
            yield column, f"share: {after:.0%} of values are {what}, where {before:.0%} were usual"


def _values(reference: Period, current: Period, limits: Limits) -> Iterator[Found]:
    for column, was in reference.shares.items():
        now = current.shares[column]
        moved = max((abs(now.get(value, 0) - was.get(value, 0)) for value in {*was, *now}), default=0)
        new = sum(share for value, share in now.items() if value not in was)
        # The rare values of a column with many are not kept: what is new counts only where all are known.
        if moved > limits.share or (sum(was.values()) > 0.99 and new > limits.share):
            yield column, f"share: {max(moved, new):.0%} of rows have other values than usual"


def _clock(reference: Period, current: Period, limits: Limits) -> Iterator[Found]:
    if not reference.hours:
        return
    apart = _apart(reference.hours, current.hours, 0)
    if apart <= limits.hours:
        return
    if max(current.hours) > 0.95 > 2 * max(reference.hours):
        hour = current.hours.index(max(current.hours))
        yield "event_timestamp", f"time of day: all rows lie in hour {hour}; the time was cut off"
        return
    shift = min(range(HOURS), key=lambda hours: _apart(reference.hours, current.hours, hours))
    signed = shift - HOURS if shift > HOURS / 2 else shift
    if abs(signed) >= LEAST_SHIFT and _apart(reference.hours, current.hours, shift) < apart / 2:
        yield "event_timestamp", f"time zone: the hours of the day moved by {signed:+d}; check the time zone"


def _apart(reference: tuple[float, ...], current: tuple[float, ...], shift: int) -> float:
    """The share of rows in other hours, once the reference is moved by so many hours."""
    return sum(abs(current[(hour + shift) % HOURS] - reference[hour]) for hour in range(HOURS)) / 2
