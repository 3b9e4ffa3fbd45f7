"""Rows that fit their contract and yet cannot be true: spoilt text, and times in the wrong order."""

import re
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from attune import columns as c
from attune.data.contracts import CLOCK_TOLERANCE, FLAGS, NUMBERS, TIMES, Violation, violation

# UTF-8 that was read as Latin-1 or Windows-1252 and written again, or bytes that were given up on.
SPOILT = re.compile("\ufffd|[ÃÂ][\u0080-\u00bf\u0152-\u0178\u2018-\u203a\u20ac\u2122]|â€")

# Table -> (a time, the time that cannot lie before it, what is then wrong with the later one).
_ORDERS = {
    "interactions": ((c.EVENT_TIMESTAMP, c.CREATED_TIMESTAMP, "is recorded before it happened"),),
    "messages": (
        (c.SENT_AT, c.ENDS_AT, "ends before it was sent"),
        (c.SENT_AT, c.RESPONDED_AT, "is a response to what was not sent yet"),
    ),
}


def check_plausible(name: str, table: pd.DataFrame) -> list[Violation]:
    """Find rows that cannot be true; none, an empty list.

    Args:
        name: One of the contract tables.
        table: In contract types; its index numbers the rows of the source from 0.
    """
    return [*_spoilt_texts(name, table), *_wrong_order(name, table)]


def _spoilt_texts(name: str, table: pd.DataFrame) -> Iterator[Violation]:
    for column in table.columns.difference([*NUMBERS, *TIMES, *FLAGS], sort=False):
        values = table[column]
        looked_at = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
        texts = pa.array(looked_at, pa.string(), from_pandas=True)
        # Most ids are ASCII, and of a million of them that is soon told.
        foreign = texts.filter(pc.invert(pc.string_is_ascii(texts))).unique()
        spoilt = {text for text in foreign.to_pylist() if SPOILT.search(text)}
        if spoilt:
            rule = "is text in the wrong encoding; set the encoding of the file in the mapping"
            yield violation(name, column, rule, values[values.isin(spoilt)])


def _wrong_order(name: str, table: pd.DataFrame) -> Iterator[Violation]:
    for first, second, rule in _ORDERS.get(name, ()):
        if first in table and second in table:
            wrong = table[second] < table[first] - CLOCK_TOLERANCE
            if wrong.any():
                yield violation(name, second, rule, table.loc[wrong, second])
