"""Rows that do not hold are set aside with the reason why, so that the others can be used."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from attune import columns as c
from attune.data.conform import as_ids
from attune.data.contracts import Violation
from attune.data.pseudonyms import pseudonymise

FOLDER = "quarantine"
REASON = "reason"
ROW = "row"
# With more rows than this set aside, what is left is not the source any more.
MOST_SET_ASIDE = 0.2

# Table -> row of the source, from 0 -> why it was set aside.
Rejected = dict[str, dict[int, str]]


def reject(violations: Iterable[Violation]) -> Rejected:
    """The rows that violations are about, each with all its reasons."""
    reasons: dict[str, dict[int, list[str]]] = {}
    for found in violations:
        rule = f"{found.column} {found.rule}" if found.column else found.rule
        for row in found.index:
            reasons.setdefault(found.table, {}).setdefault(row, []).append(rule)
    return {name: {row: "; ".join(rules) for row, rules in rows.items()} for name, rows in reasons.items()}


def without(tables: Mapping[str, pd.DataFrame], rejected: Rejected) -> dict[str, pd.DataFrame]:
    """The tables without the rows that were rejected."""
    return {
        name: table[~table.index.isin(rejected[name].keys())] if name in rejected else table
        for name, table in tables.items()
    }


def too_many(rejected: Rejected, read: Mapping[str, int]) -> list[Violation]:
    """Refuse to set aside a large part of a table."""
    return [
        Violation(
            name, "", f"{len(rows) / read[name]:.0%} of all rows would be set aside; mend the source", 0
        )
        for name, rows in rejected.items()
        if len(rows) > MOST_SET_ASIDE * read[name]
    ]


def set_aside(folder: Path, raw: Mapping[str, pd.DataFrame], rejected: Rejected, key: bytes) -> None:
    """Write the rejected rows as they came, as text, with their row number and reason.

    Customer ids are written as pseudonyms, as everywhere.

    Args:
        folder: A folder of the moment, `2017-09-03T101500Z`, is made in it.
        raw: The tables as the source gave them.
        rejected: Which rows.
        key: Of the pseudonyms.
    """
    if not any(rejected.values()):
        return
    place = folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}"
    unfinished = folder / f".{place.name}.unfinished"
    unfinished.mkdir(parents=True)
    for name, reasons in rejected.items():
        rows = raw[name].loc[list(reasons)]
        if c.CUSTOMER_ID in rows:
            rows = rows.assign(**{c.CUSTOMER_ID: pseudonymise(key, as_ids(rows[c.CUSTOMER_ID]))})
        texts = rows.astype("string").astype(object).where(rows.notna(), None)
        noted = texts.assign(**{ROW: [row + 1 for row in reasons]})
        noted[REASON] = list(reasons.values())
        pq.write_table(pa.Table.from_pandas(noted, preserve_index=False), unfinished / f"{name}.parquet")
    unfinished.rename(place)
