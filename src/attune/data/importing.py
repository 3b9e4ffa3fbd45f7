"""The door: raw tables come in, are cleaned, lose their raw ids, are checked, and only then written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from attune import columns as c
from attune.data.check_report import CheckReport
from attune.data.checks import check_cleaning, check_profile, check_rows, read_profile, write_profile
from attune.data.cleaning import Cleaned, clean
from attune.data.conform import conform
from attune.data.contracts import TIME_COLUMNS, Violation, check_references
from attune.data.import_checks import ImportChecks, ImportOptions, RefusedImportError
from attune.data.profiles import profile_of
from attune.data.pseudonyms import pseudonymise
from attune.data.quarantine import FOLDER as QUARANTINE
from attune.data.quarantine import reject, set_aside, too_many, without
from attune.data.raw import RawTables
from attune.data.tables import data_version, replace_rows_since, store_tables
from attune.data.times import utc

__all__ = [
    "ImportOptions",
    "ImportReport",
    "RefusedImportError",
    "TableReport",
    "import_tables",
    "replace_interactions",
]


@dataclass(frozen=True)
class TableReport:
    """What became of the rows of one table.

    Attributes:
        read: Rows of the source.
        kept: Rows that were written.
        later: Rows left for a later import: they lie at or after its `until`.
        cleaned: What each rule left out or changed.
        quarantined: Rows that do not hold and were set aside.
    """

    read: int
    kept: int
    later: int
    cleaned: tuple[Cleaned, ...]
    quarantined: int = 0


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes:
        source: What was imported.
        tables: By table name.
        written: Files that changed; months with equal content are left untouched.
        data_version: Digest of all tables afterwards.
        checks: What the checks said.
    """

    source: str
    tables: Mapping[str, TableReport]
    written: tuple[str, ...]
    data_version: str
    checks: CheckReport

    def lines(self) -> list[str]:
        """The report for a person: one line a table, and one a rule that did something."""
        lines = []
        for name, table in self.tables.items():
            later = f", {table.later:,} come later" if table.later else ""
            lines.append(f"{name}: {table.kept:,} of {table.read:,} rows{later}")
            if table.quarantined:
                lines.append(
                    f"  {table.quarantined:,} quarantined: they do not hold, the reason is beside each"
                )
            lines += [f"  {done.rows:,} {done.rule}: {done.reason}" for done in table.cleaned if done.rows]
        return lines


def import_tables(
    raw: RawTables,
    folder: Path,
    key: bytes,
    until: datetime | None = None,
    options: ImportOptions = ImportOptions(),  # noqa: B008 it is frozen
) -> ImportReport:
    """Clean, pseudonymise, check and write the tables of a source, replacing what was there.

    Args:
        raw: Tables with raw ids.
        folder: Where the contract tables lie.
        key: Of the pseudonyms; the same key gives the same customers again.
        until: Only what was known before this moment: later rows are left out, and a response that came
            later has not happened yet.
        options: What becomes of rows that do not hold, and of tables that look unlike before.

    Raises:
        RefusedImportError: Something breaks a contract or differs too much from what was usual; the message
            names every table, column, count and first examples, and nothing was written.
    """
    checks = ImportChecks(raw, options)
    tables, cleaned = _prepared(raw, key, checks)
    known = {name: _known_before(name, table, until) for name, table in tables.items()}
    checks.add(_nothing_left(known["interactions"], until))
    profile = profile_of(raw.source, known)
    profile_file = folder.with_name(f".{folder.name}.profile.json")
    if not options.accept_changes:
        found, checks.not_computed = check_profile(profile, read_profile(profile_file), until)
        checks.add(found)
    checks.refuse()
    set_aside(folder.with_name(QUARANTINE), raw.tables(), checks.rejected, key)
    written = store_tables(folder, known)
    write_profile(profile_file, profile)
    reports = {
        name: TableReport(
            read=len(raw.tables()[name]),
            kept=len(known[name]),
            later=len(tables[name]) - len(known[name]),
            cleaned=cleaned.get(name, ()),
            quarantined=len(checks.rejected.get(name, ())),
        )
        for name in tables
    }
    return ImportReport(raw.source, reports, tuple(written), data_version(folder), checks.report())


def _prepared(
    raw: RawTables, key: bytes, checks: ImportChecks
) -> tuple[dict[str, pd.DataFrame], dict[str, tuple[Cleaned, ...]]]:
    """The tables in contract types, cleaned and pseudonymous, every row held against its contract."""
    typed, problems = conform(raw)
    checks.add([*problems, *_too_few_customers(typed)])
    if set(typed) != set(raw.tables()):
        checks.refuse()
    tables, cleaned = clean(typed, raw.not_goods, drop_without_customer=raw.drop_without_customer)
    tables = {name: _pseudonymous(table, key) for name, table in tables.items()}
    tables = {name: with_ids(name, table) for name, table in tables.items()}
    found = check_rows(tables)
    checks.add(found)
    # Whom a row points to may have been set aside: what points there is then set aside too.
    while checks.options.quarantine and any(each.index for each in found):
        tables = without(tables, reject(found))
        found = check_references(tables)
        checks.add(found)
    checks.add(too_many(checks.rejected, checks.read))
    checks.add(check_cleaning(checks.read["interactions"], cleaned["interactions"]))
    checks.refuse()
    return tables, cleaned


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


def _nothing_left(interactions: pd.DataFrame, until: datetime | None) -> list[Violation]:
    if interactions.empty:
        rule = f"no row lies before {until:%Y-%m-%d %H:%M}" if until else "the rules leave no row"
        return [Violation("interactions", "", f"{rule}; there would be nothing to learn from", 0)]
    return []


def _pseudonymous(table: pd.DataFrame, key: bytes) -> pd.DataFrame:
    if c.CUSTOMER_ID not in table:
        return table
    return table.assign(**{c.CUSTOMER_ID: pseudonymise(key, table[c.CUSTOMER_ID])})


def with_ids(name: str, table: pd.DataFrame) -> pd.DataFrame:
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
