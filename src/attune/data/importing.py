"""The door: raw tables come in, are cleaned, lose their raw ids, are checked, and only then written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from attune import columns as c
from attune.data.cleaning import Cleaned, clean
from attune.data.conform import conform
from attune.data.contracts import TIME_COLUMNS, Violation, check_references, check_table, refuse
from attune.data.pseudonyms import pseudonymise
from attune.data.raw import RawTables
from attune.data.tables import data_version, replace_rows_since, store_tables
from attune.data.times import utc


@dataclass(frozen=True)
class TableReport:
    """What became of the rows of one table.

    Attributes:
        read: Rows of the source.
        kept: Rows that were written.
        later: Rows left for a later import: they lie at or after its `until`.
        cleaned: What each rule left out or changed.
    """

    read: int
    kept: int
    later: int
    cleaned: tuple[Cleaned, ...]


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes:
        source: What was imported.
        tables: By table name.
        written: Files that changed; months with equal content are left untouched.
        data_version: Digest of all tables afterwards.
    """

    source: str
    tables: Mapping[str, TableReport]
    written: tuple[str, ...]
    data_version: str

    def lines(self) -> list[str]:
        """The report for a person: one line a table, and one a rule that did something."""
        lines = []
        for name, table in self.tables.items():
            later = f", {table.later:,} come later" if table.later else ""
            lines.append(f"{name}: {table.kept:,} of {table.read:,} rows{later}")
            lines += [f"  {done.rows:,} {done.rule}: {done.reason}" for done in table.cleaned if done.rows]
        return lines


def import_tables(raw: RawTables, folder: Path, key: bytes, until: datetime | None = None) -> ImportReport:
    """Clean, pseudonymise, check and write the tables of a source, replacing what was there.

    Args:
        raw: Tables with raw ids.
        folder: Where the contract tables lie.
        key: Of the pseudonyms; the same key gives the same customers again.
        until: Only what was known before this moment: later rows are left out, and a response that came
            later has not happened yet.

    Raises:
        DataError: Something breaks a contract; the message names every table, column, count and first
            examples, and nothing was written.
    """
    typed, problems = conform(raw)
    problems += _too_few_customers(typed)
    if set(typed) != set(raw.tables()):
        refuse(raw.source, problems)
    tables, cleaned = clean(typed, raw.not_goods, drop_without_customer=raw.drop_without_customer)
    tables = {name: _pseudonymous(table, key) for name, table in tables.items()}
    tables = {name: _with_ids(name, table) for name, table in tables.items()}
    problems += [found for name, table in tables.items() for found in check_table(name, table)]
    refuse(raw.source, [*problems, *check_references(tables)])
    known = {name: _known_before(name, table, until) for name, table in tables.items()}
    written = store_tables(folder, known)
    reports = {
        name: TableReport(
            read=len(raw.tables()[name]),
            kept=len(known[name]),
            later=len(tables[name]) - len(known[name]),
            cleaned=cleaned.get(name, ()),
        )
        for name in tables
    }
    return ImportReport(raw.source, reports, tuple(written), data_version(folder))


def replace_interactions(folder: Path, since: datetime, interactions: pd.DataFrame) -> list[str]:
    """Put interactions in the place of all those at a moment or later.

    Returns:
        The files whose content changed.

    Raises:
        DataError: A row breaks the contract, lies before the moment or names an unknown customer or
            item; nothing was written.
    """
    return replace_rows_since(folder, "interactions", since, interactions)


def _too_few_customers(tables: Mapping[str, pd.DataFrame]) -> list[Violation]:
    if "customers" in tables and tables["customers"][c.CUSTOMER_ID].nunique() < 2:
        rule = "has one customer only; nothing can be learnt from fewer than two"
        return [Violation("customers", c.CUSTOMER_ID, rule, 0)]
    return []


def _pseudonymous(table: pd.DataFrame, key: bytes) -> pd.DataFrame:
    if c.CUSTOMER_ID not in table:
        return table
    return table.assign(**{c.CUSTOMER_ID: pseudonymise(key, table[c.CUSTOMER_ID])})


def _with_ids(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Derive the ids that a source does not have; no raw customer id enters them."""
    if name == "interactions" and c.INTERACTION_ID not in table:
        return _numbered(table, c.INTERACTION_ID, c.ORDER_ID, c.ITEM_ID)
    if name == "messages" and c.MESSAGE_ID not in table:
        return _numbered(table, c.MESSAGE_ID, c.CAMPAIGN_ID, c.CUSTOMER_ID)
    return table


def _numbered(table: pd.DataFrame, column: str, first: str, second: str) -> pd.DataFrame:
    names = table[first].astype(object) + "-" + table[second].astype(object)
    repeated = names[names.duplicated(keep=False) & names.notna()]
    nth = repeated.groupby(repeated).cumcount() + 1
    names.loc[repeated.index] = repeated.where(nth == 1, repeated + "-" + nth.astype(str))
    return table.assign(**{column: names})


def _known_before(name: str, table: pd.DataFrame, until: datetime | None) -> pd.DataFrame:
    if until is None or name not in TIME_COLUMNS:
        return table
    moment = utc(until)
    table = table[table[TIME_COLUMNS[name]] < moment]
    if name == "messages":
        not_yet = table[c.RESPONDED_AT] >= moment
        table = table.assign(**{c.RESPONDED: table[c.RESPONDED] & ~not_yet})
        table[c.RESPONDED_AT] = table[c.RESPONDED_AT].mask(not_yet)
    return table
