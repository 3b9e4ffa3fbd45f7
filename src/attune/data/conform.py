"""Bring raw tables into the columns and types of their contracts, and say which rows do not fit."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from attune import columns as c
from attune.data.contracts import (
    FLAGS,
    MISSING_COLUMN,
    NUMBERS,
    TABLES,
    TIMES,
    Violation,
    violation,
)
from attune.data.raw import RawTables

UNIT_PRICE = "unit_price"

# Columns that a source may leave out; `interaction_id` and `message_id` are derived at the import.
_DERIVED = frozenset({c.INTERACTION_ID, c.MESSAGE_ID, c.EVENT, c.CREATED_TIMESTAMP})
_DESCRIPTIONS = frozenset({*c.DEMOGRAPHICS, c.DEPARTMENT, c.CATEGORY, c.BRAND})
_IDS = frozenset({c.CUSTOMER_ID, c.ITEM_ID, c.ORDER_ID})
_YES = {"true": True, "yes": True, "y": True, "1": True, "1.0": True}
_NO = {"false": False, "no": False, "n": False, "0": False, "0.0": False}


def conform(raw: RawTables) -> tuple[dict[str, pd.DataFrame], list[Violation]]:
    """Give every column the type of its contract.

    Returns:
        The tables without the rows that do not fit, and a violation for each column that is missing or
        has such rows.
    """
    tables: dict[str, pd.DataFrame] = {}
    found: list[Violation] = []
    for name, frame in raw.tables().items():
        missing = _missing(name, frame)
        if missing or (frame.empty and name in _NEVER_EMPTY):
            found += missing or [Violation(name, "", "has no rows", 0)]
            continue
        tables[name], problems = _typed(name, frame, raw)
        found += problems
    return tables, [_named(raw, problem) for problem in found]


_NEVER_EMPTY = ("customers", "items", "interactions")


def _missing(name: str, frame: pd.DataFrame) -> list[Violation]:
    optional = _DERIVED | _DESCRIPTIONS | ({c.AMOUNT} if UNIT_PRICE in frame else set())
    return [
        Violation(name, column, MISSING_COLUMN, 0)
        for column in TABLES[name].columns
        if column not in frame and column not in optional
    ]


def _typed(name: str, frame: pd.DataFrame, raw: RawTables) -> tuple[pd.DataFrame, list[Violation]]:
    typed: dict[str, pd.Series] = {}
    found: list[Violation] = []
    misfits = pd.Series(data=False, index=frame.index)
    wanted = [column for column in (*TABLES[name].columns, UNIT_PRICE) if column in frame]
    for column in wanted:
        given = _blank_is_missing(frame[column])
        values, rule = _converter(column, raw)(given)
        # A missing flag cannot be told from a wrong one later; other gaps are the contract's to judge.
        wrong = values.isna() if column in FLAGS else values.isna() & given.notna()
        if wrong.any():
            found.append(violation(name, column, rule, given[wrong]))
            misfits |= wrong
        typed[column] = values
    table = pd.DataFrame(typed, index=frame.index)
    return _filled(name, table[~misfits].copy()), found


def _blank_is_missing(values: pd.Series) -> pd.Series:
    if values.dtype != object:
        return values
    return values.mask(values.astype("string").str.strip().eq("").fillna(value=False).to_numpy(dtype=bool))


def _filled(name: str, table: pd.DataFrame) -> pd.DataFrame:
    for column in _DESCRIPTIONS & set(TABLES[name].columns):
        table[column] = table[column].fillna(c.UNKNOWN) if column in table else c.UNKNOWN
    if name == "interactions":
        table = _filled_interactions(table)
    for column in FLAGS & set(table):
        table[column] = table[column].astype(bool)
    present = [column for column in TABLES[name].columns if column in table]
    return table[present]


def _filled_interactions(table: pd.DataFrame) -> pd.DataFrame:
    if UNIT_PRICE in table and c.AMOUNT not in table:
        table[c.AMOUNT] = table[c.QUANTITY] * table[UNIT_PRICE]
    if c.EVENT not in table:
        table[c.EVENT] = c.PURCHASE
    table[c.EVENT] = table[c.EVENT].fillna(c.PURCHASE)
    if c.CREATED_TIMESTAMP not in table:
        table[c.CREATED_TIMESTAMP] = table[c.EVENT_TIMESTAMP]
    return table


_Converted = tuple[pd.Series, str]


def _converter(column: str, raw: RawTables) -> Callable[[pd.Series], _Converted]:
    if column in NUMBERS or column == UNIT_PRICE:
        return _as_number
    if column in TIMES:
        return lambda values: _as_time(values, raw.time_zone, raw.time_format)
    if column in FLAGS:
        return _as_flag
    return _as_id if column in _IDS else _as_text


def _as_number(values: pd.Series) -> _Converted:
    rule = "is not a number"
    if values.dtype.kind in "mM":  # pandas would count the nanoseconds of a time
        return pd.Series(np.nan, index=values.index), rule
    try:
        numbers = pd.to_numeric(values, errors="coerce")
    except OverflowError:  # a whole number beyond every float
        numbers = pd.to_numeric(values.astype("string"), errors="coerce")
    return numbers.astype("float64"), rule


def _as_flag(values: pd.Series) -> _Converted:
    words = values.map(lambda value: str(value).strip().lower(), na_action="ignore")
    return words.map({**_YES, **_NO}), "is neither yes nor no"


def _as_text(values: pd.Series) -> _Converted:
    return pd.Series(_as_category(values), index=values.index).astype(object), "is not text"


def as_ids(values: pd.Series) -> pd.Series:
    """Ids as the tables know them: text without blanks around, 12346.0 is 12346."""
    return _as_id(_blank_is_missing(values))[0]


def _as_id(values: pd.Series) -> _Converted:
    # A million interactions share some thousand ids: as categories each rule looks at an id once.
    return pd.Series(_as_category(values), index=values.index), "is not an id"


def _as_category(values: pd.Series) -> pd.Categorical:
    codes, uniques = pd.factorize(values)
    texts = pd.Series([*map(_text, uniques)], dtype=object)
    # 7 and "7" are one id.
    again, distinct = pd.factorize(texts)
    return pd.Categorical.from_codes(np.append(again, -1)[codes], categories=distinct)


def _text(value: object) -> str:
    # A column of whole numbers with gaps arrives as floats: 12346.0 is the id 12346.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _as_time(values: pd.Series, zone: str, time_format: str) -> _Converted:
    """Parse times; those without an offset are local to the zone.

    A local time that happens twice in autumn is taken as the first; one that does not exist in spring is
    moved to the next that does.
    """
    # pandas counts nanoseconds while it reads, which ends in 2262.
    rule = f"is not a time like {time_format} in the years 1678 to 2261"
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return _in_utc(values), rule
    if pd.api.types.is_datetime64_dtype(values):
        return _localised(values, zone), rule
    texts = values.astype("string")
    aware = texts.str.contains(_OFFSET, regex=True, na=False) | ("%z" in time_format.lower())
    instants = pd.to_datetime(texts, errors="coerce", format=time_format, utc=True)
    local = instants.mask(aware).dt.tz_localize(None)
    return _in_utc(instants.where(aware)).fillna(_localised(local, zone)), rule


# 10:00Z, 10:00:00+02:00, 10:00 +0200, 10:00:00.5+02 as PostgreSQL writes it, T10Z, T100000Z
_OFFSET = r"(?:T\d{2}|T\d{4}|T\d{6}|:\d{2})(?:[.,]\d+)? ?(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$"


def _localised(values: pd.Series, zone: str) -> pd.Series:
    first = pd.Series(data=True, index=values.index).to_numpy()
    local: pd.Series = values.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return _in_utc(local)


def _in_utc(times: pd.Series) -> pd.Series:
    moments: pd.Series = times.dt.tz_convert("UTC").dt.as_unit("us")
    return moments


def _named(raw: RawTables, found: Violation) -> Violation:
    """Add what the file calls the column."""
    name = raw.names.get((found.table, found.column))
    if name is None or name == found.column:
        return found
    return replace(found, rule=f"{name!r} {found.rule}")
