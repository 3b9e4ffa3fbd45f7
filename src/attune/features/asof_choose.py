"""Which row of a history was the latest one known at a time: sorted once, then one binary search a question.

A row becomes visible at its event time, or when it was recorded if that was later. Among the visible rows of
a key the one of the latest event counts; among equal events the one recorded last; among equals in both the
last in the order of the source.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
NO_ROW = -1
# A composite of key and time beyond this could overflow 64 bits: times are then replaced by their ranks.
LARGEST = 2**62


class History(NamedTuple):
    """N rows of a feature view in the order of the source; times in microseconds since 1970.

    Attributes:
        code: The key, numbered from 0.
        position: The place of the row in the source.
        event: When it happened.
        created: When it was recorded; equal to `event` where the source does not say.
    """

    code: Int64s
    position: Int64s
    event: Int64s
    created: Int64s


class Questions(NamedTuple):
    """M questions: what was known of a key at a time."""

    code: Int64s
    time: Int64s


def latest_known(history: History, questions: Questions, ttl: int | None, only_known: bool) -> Int64s:
    """The position of the row that was the latest known to each question, `NO_ROW` where there was none.

    Args:
        history: N rows; N log N steps.
        questions: M questions; M log N steps.
        ttl: Microseconds that a row lives after its event, the last one included; None is for ever.
        only_known: Whether what was recorded later counts as unknown.

    Returns:
        M positions.
    """
    if not len(history.code):
        return np.full(len(questions.code), NO_ROW, dtype=np.int64)
    visible = np.maximum(history.event, history.created) if only_known else history.event
    keys = int(max(history.code.max(), questions.code.max(initial=0))) + 1
    line, asked, span = _scaled(visible, questions.time, keys)
    del visible  # each column of a long history is worth its memory
    line += history.code * span
    order = _sorted_rows(line, history.created)
    line = line[order]
    place = _last_at_or_before(line, questions.code * span + asked)
    latest = order[_latest_event(history, order)[place]]
    found = (place >= 0) & (history.code[latest] == questions.code)
    if ttl is not None:
        found &= questions.time - history.event[latest] <= ttl
    return np.where(found, history.position[latest], NO_ROW)


def _scaled(values: Int64s, asked: Int64s, keys: int) -> tuple[Int64s, Int64s, int]:
    """Values from 1 and questions from 0, small enough to stand beside a key in 64 bits; and their span."""
    first = int(values.min())
    step = int(np.gcd.reduce(values - first)) or 1
    span = (int(values.max()) - first) // step + 2
    if keys * span < LARGEST:
        scaled = values - first
        scaled //= step
        scaled += 1
        return scaled, np.clip((asked - first) // step + 1, 0, span - 1), span
    known = np.unique(values)
    return np.searchsorted(known, values) + 1, np.searchsorted(known, asked, side="right"), len(known) + 1


def _sorted_rows(line: Int64s, created: Int64s) -> Int64s:
    """The order of rows by key and visible time, then by when they were recorded, then as in the source.

    Sorting plain numbers is several times faster than sorting their places, so each place stands in the low
    bits of its number. Where that leaves no room for the lowest bits of the line, or where lines are equal,
    the few rows that stand together are put in order afterwards.
    """
    bits = len(line).bit_length()
    dropped = max(0, int(line.max()).bit_length() + bits - 63)
    packed = line >> dropped
    packed <<= bits
    packed |= np.arange(len(line))
    packed.sort()
    order = packed & ((1 << bits) - 1)
    packed >>= bits
    tied = packed[1:] == packed[:-1]
    together = np.flatnonzero(np.append(tied, False) | np.insert(tied, 0, False))
    rows = order[together]
    order[together] = rows[np.lexsort((created[rows], line[rows]))]
    return order


def _latest_event(history: History, order: Int64s) -> Int64s:
    """For each place in the order, the place up to it whose row of the same key has the latest event.

    Of equal events the later place wins: it was recorded later, or stands later in the source.
    """
    places = np.arange(len(order))
    code, event = history.code[order], history.event[order]
    late = (code[1:] == code[:-1]) & (event[1:] < event[:-1])
    if not late.any():
        return places
    rising, _, span = _scaled(event, event[:0], int(code[-1]) + 1)
    code *= span
    rising += code
    np.maximum.accumulate(rising, out=code)
    places[rising != code] = 0
    return np.maximum.accumulate(places, out=places)


def _last_at_or_before(line: Int64s, asked: Int64s) -> Int64s:
    """The last place of a sorted line that is not above each question, -1 where all are above."""
    order = np.argsort(asked)  # neighbours in the line are then neighbours in memory
    place = np.empty(len(asked), dtype=np.int64)
    place[order] = np.searchsorted(line, asked[order], side="right") - 1
    return place
