"""A user's own files, described by one mapping file (YAML): which column of which file means what."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
from pydantic import Field, field_validator, model_validator

from attune import columns as c
from attune.config import Settings, load_params
from attune.data.conform import UNIT_PRICE, as_ids
from attune.data.consents import PURPOSES
from attune.data.contracts import EXAMPLES, TABLES
from attune.data.enrichment import Enrichment, with_geography
from attune.data.raw import RawTables, no_consents, no_messages
from attune.data.sources.database import Query, read_query
from attune.data.sources.files import is_json_lines, read_csv, read_json_lines, read_parquet
from attune.errors import ConfigError, DataError
from attune.progress import say

Constant = str | int | float | bool


class FileMapping(Settings):
    """One table: the file or query it comes from, and what its columns are called there.

    `columns` reads contract column: column of the file; of JSON the path within an object, "user.id".
    `constants` gives a column one value for all rows. `where` keeps only rows with one of the values.
    """

    file: Path | None = None
    database: Query | None = None
    columns: dict[str, str] = Field(min_length=1)
    constants: dict[str, Constant] = Field(default_factory=dict)
    distinct: bool = Field(default=False, description="keep the first row of each id, drop rows without")
    where: dict[str, list[Constant]] = Field(
        default_factory=dict, description="column of the file: values; rows with other values are left out"
    )
    each: str | None = Field(
        default=None, min_length=1, description="of JSON: the path of a list, each element of which is a row"
    )
    enrich: Enrichment | None = None
    separator: str = Field(default=",", min_length=1, max_length=1, description="of a CSV file")
    encoding: str = Field(default="utf-8", description="of a CSV or JSON file")

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> Self:
        if (self.file is None) == (self.database is None):
            raise ValueError("name one place the table comes from: a file, or a database")
        return self

    @model_validator(mode="after")
    def _says_each_column_once(self) -> Self:
        enriched = set(self.enrich.columns) if self.enrich else set()
        twice = (
            (self.columns.keys() & self.constants.keys())
            | (self.columns.keys() & enriched)
            | (self.constants.keys() & enriched)
        )
        if twice:
            raise ValueError(f"{', '.join(sorted(twice))}: comes from two places; name one of them")
        return self

    @model_validator(mode="after")
    def _customer_ids_go_no_further(self) -> Self:
        ids = self.columns.get(c.CUSTOMER_ID)
        others = [name for name, there in self.columns.items() if there == ids and name != c.CUSTOMER_ID]
        if ids is not None and others:
            raise ValueError(
                f"{', '.join(others)}: {ids} holds customer ids, which would be written as they are; "
                "name another column"
            )
        return self

    @property
    def wanted(self) -> list[str]:
        """The columns of the file that are needed."""
        key = [self.enrich.key] if self.enrich else []
        return list(dict.fromkeys([*self.columns.values(), *self.where, *key]))

    @property
    def place(self) -> str:
        """What messages call the file or database."""
        if self.database:
            return f"the query to {self.database.url_variable}"
        return self.file.name if self.file else ""


class Rules(Settings):
    """What is known about the interactions of this source."""

    drop_without_customer: bool = Field(default=False, description="leave such rows out, not refuse them")
    cancellation_prefix: str | None = Field(
        default=None, min_length=1, description="orders whose id starts so are returns"
    )
    not_goods: dict[str, list[str]] = Field(
        default_factory=dict, description="item ids that are no goods, by the reason why"
    )


class EveryoneAgreed(Settings):
    """Your statement that every customer agreed to these purposes; Attune asks nobody by itself."""

    purposes: list[str] = Field(min_length=1)
    since: datetime

    @field_validator("purposes")
    @classmethod
    def _purposes_exist(cls, purposes: list[str]) -> list[str]:
        unknown = sorted(set(purposes) - set(PURPOSES))
        if unknown:
            raise ValueError(f"no purpose {', '.join(unknown)}; there are {', '.join(PURPOSES)}")
        return purposes


class SourceMapping(Settings):
    """A whole mapping file.

    Customers and items may be left out: then they are the distinct ids of the interactions, and all that
    describes them is "unknown".
    """

    source: str = Field(min_length=1)
    time_zone: str = Field(default="UTC", description="of times without an offset, an IANA name")
    time_format: str = Field(default="ISO8601", description="of times given as text, or as in strptime")
    interactions: FileMapping
    customers: FileMapping | None = None
    items: FileMapping | None = None
    messages: FileMapping | None = None
    consents: FileMapping | None = None
    everyone_agreed: EveryoneAgreed | None = None
    rules: Rules = Rules()

    @field_validator("time_zone")
    @classmethod
    def _time_zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {zone!r}; write an IANA name such as Europe/London") from error
        return zone

    @field_validator("time_format")
    @classmethod
    def _time_format_exists(cls, time_format: str) -> str:
        try:
            pd.to_datetime(pd.Series(["2017-07-01"]), errors="coerce", format=time_format)
        except ValueError as error:
            raise ValueError(f"{error}; write ISO8601, or as in strptime") from error
        return time_format

    @model_validator(mode="after")
    def _one_word_about_consents(self) -> Self:
        if self.consents is not None and self.everyone_agreed is not None:
            raise ValueError("give either a file of consents or everyone_agreed, not both")
        return self


def load(path: Path) -> RawTables:
    """Read the files that a mapping names; they lie relative to the mapping file.

    Raises:
        ConfigError: The mapping has an unknown key, column, purpose or time zone.
        DataError: A file is missing, empty or unreadable.
    """
    values = load_params(path, "mapping")
    try:
        mapping = SourceMapping.parse(values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    named = {name: getattr(mapping, name) for name in TABLES}
    files = {name: table for name, table in named.items() if table is not None}
    tables = {name: _read(name, table, path.parent) for name, table in files.items()}
    interactions = tables["interactions"]
    customers = tables.get("customers", _distinct_ids(interactions, c.CUSTOMER_ID))
    return RawTables(
        source=mapping.source,
        customers=customers,
        items=tables.get("items", _distinct_ids(interactions, c.ITEM_ID)),
        interactions=_cancelled(interactions, mapping.rules.cancellation_prefix),
        messages=tables.get("messages", no_messages()),
        consents=tables.get("consents", _consents(customers, mapping.everyone_agreed)),
        time_zone=mapping.time_zone,
        time_format=mapping.time_format,
        not_goods={reason: frozenset(ids) for reason, ids in mapping.rules.not_goods.items()},
        drop_without_customer=mapping.rules.drop_without_customer,
        names=_names(files),
    )


def _read(name: str, table: FileMapping, folder: Path) -> pd.DataFrame:
    enriched = table.enrich.columns if table.enrich else {}
    _require_known(name, {*table.columns, *table.constants, *enriched})
    frame = _kept(_read_place(table, folder), table)
    if frame.empty:
        raise DataError(f"{_where(table, folder)} has no rows; name a file with data for the table {name}")
    # Columns that the file lacks are left out here: the import reports all of them at once.
    present = {column: frame[there] for column, there in table.columns.items() if there in frame}
    raw = pd.DataFrame(present, index=frame.index).assign(**table.constants)
    _require_single_values(raw, table)
    if table.enrich:
        raw = with_geography(raw, frame, table.enrich, folder)
    key = next(iter(TABLES[name].columns))
    if table.distinct and key in raw:
        ids = as_ids(raw[key])
        raw = raw[ids.notna() & ~ids.duplicated()]
    return raw


def _require_single_values(raw: pd.DataFrame, table: FileMapping) -> None:
    """Refuse lists and objects within a value, and bytes, which would be taken for text."""
    for column, values in raw.items():
        kind = pd.api.types.infer_dtype(values, skipna=True) if values.dtype == object else ""
        nested = (
            values.map(_is_no_value) if kind in ("mixed", "mixed-integer", "bytes") else values.isna()[:0]
        )
        if nested.any():
            rows = ", ".join(str(row + 1) for row in values.index[nested][:EXAMPLES])
            raise DataError(
                f"{table.columns.get(str(column), column)!r} in {table.place} holds a list, an object or "
                f"bytes (row {rows}); name a column or a path with one number or text in each row"
            )


def _is_no_value(value: object) -> bool:
    return isinstance(value, bytes) or bool(pd.api.types.is_list_like(value))


def _read_place(table: FileMapping, folder: Path) -> pd.DataFrame:
    if table.database:
        return read_query(table.database)
    path = folder / (table.file or "")
    if is_json_lines(path):
        return read_json_lines(path, table.wanted, table.each, table.encoding)
    if path.suffix == ".parquet":
        return read_parquet(path, table.wanted)
    return read_csv(path, table.separator, table.encoding)


def _where(table: FileMapping, folder: Path) -> str:
    return str(folder / table.file) if table.file else table.place


def _kept(frame: pd.DataFrame, table: FileMapping) -> pd.DataFrame:
    kept = frame
    for column, values in table.where.items():
        if column not in frame:
            raise ConfigError(
                f"where: {table.place} has no column {column}; it has {', '.join(map(str, frame))}"
            )
        kept = kept[kept[column].astype("string").isin([str(value) for value in values])]
    if len(kept) < len(frame):
        say(f"{table.place}: {len(kept):,} of {len(frame):,} rows are wanted")
    return kept


def _require_known(name: str, columns: set[str]) -> None:
    allowed = [*TABLES[name].columns, *([UNIT_PRICE] if name == "interactions" else [])]
    unknown = sorted(columns - set(allowed))
    if unknown:
        raise ConfigError(f"the table {name} has no column {', '.join(unknown)}; it has {', '.join(allowed)}")


def _distinct_ids(interactions: pd.DataFrame, column: str) -> pd.DataFrame:
    if column not in interactions:
        return pd.DataFrame({column: []})
    ids = as_ids(interactions[column])
    return pd.DataFrame({column: ids[ids.notna() & ~ids.duplicated()]}).reset_index(drop=True)


def _cancelled(interactions: pd.DataFrame, prefix: str | None) -> pd.DataFrame:
    if prefix is None or c.ORDER_ID not in interactions:
        return interactions
    cancelled = interactions[c.ORDER_ID].astype("string").str.startswith(prefix).fillna(value=False)
    given: Any = interactions.get(c.EVENT, c.PURCHASE)
    events = pd.Series(given, index=interactions.index).mask(cancelled.astype(bool), c.RETURN)
    return interactions.assign(**{c.EVENT: events})


def _consents(customers: pd.DataFrame, agreed: EveryoneAgreed | None) -> pd.DataFrame:
    if agreed is None or c.CUSTOMER_ID not in customers:
        return no_consents()
    table = customers[[c.CUSTOMER_ID]].merge(pd.DataFrame({c.PURPOSE: agreed.purposes}), how="cross")
    table[c.GRANTED] = True
    table[c.EVENT_TIMESTAMP] = pd.Timestamp(agreed.since)
    return table


def _names(files: Mapping[str, FileMapping]) -> dict[tuple[str, str], str]:
    return {
        (name, column): f"{there} in {table.place}"
        for name, table in files.items()
        for column, there in table.columns.items()
    }
