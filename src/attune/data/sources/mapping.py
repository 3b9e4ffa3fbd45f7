"""A user's own files, described by one mapping file (YAML): which column of which file means what."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, field_validator, model_validator

from attune import columns as c
from attune.config import Settings, load_params
from attune.data.conform import UNIT_PRICE
from attune.data.consents import PURPOSES
from attune.data.contracts import TABLES
from attune.data.raw import RawTables, no_consents, no_messages
from attune.errors import ConfigError, DataError

Constant = str | int | float | bool


class FileMapping(Settings):
    """One table: the file it comes from, and what its columns are called there.

    `columns` reads contract column: column of the file. `constants` gives a column one value for all rows.
    """

    file: Path
    columns: dict[str, str] = Field(min_length=1)
    constants: dict[str, Constant] = Field(default_factory=dict)
    distinct: bool = Field(default=False, description="keep the first row of each id, drop rows without")
    separator: str = Field(default=",", min_length=1, max_length=1, description="of a CSV file")
    encoding: str = Field(default="utf-8", description="of a CSV file")


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
    mapping = SourceMapping.parse(load_params(path))
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
    _require_known(name, {*table.columns, *table.constants})
    path = folder / table.file
    frame = _read_file(path, table)
    if frame.empty:
        raise DataError(f"{path} has no rows; name a file with data for the table {name}")
    # Columns that the file lacks are left out here: the import reports all of them at once.
    present = {column: frame[there] for column, there in table.columns.items() if there in frame}
    raw = pd.DataFrame(present, index=frame.index).assign(**table.constants)
    key = next(iter(TABLES[name].columns))
    if table.distinct and key in raw:
        raw = raw[raw[key].notna()].drop_duplicates(key)
    return raw


def _require_known(name: str, columns: set[str]) -> None:
    allowed = [*TABLES[name].columns, *([UNIT_PRICE] if name == "interactions" else [])]
    unknown = sorted(columns - set(allowed))
    if unknown:
        raise ConfigError(f"the table {name} has no column {', '.join(unknown)}; it has {', '.join(allowed)}")


def _read_file(path: Path, table: FileMapping) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path, columns=_present(path, set(table.columns.values())))
        # As text, so that a word in a column of numbers can be shown with its row.
        return pd.read_csv(
            path,
            sep=table.separator,
            encoding=table.encoding,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
        )
    except FileNotFoundError as error:
        raise DataError(f"no file {path}; files are looked for beside the mapping file") from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path} is empty; name a file with a header and rows") from error
    except (pd.errors.ParserError, UnicodeDecodeError, LookupError, pa.ArrowInvalid) as error:
        raise DataError(
            f"{path} cannot be read as {path.suffix or 'CSV'} ({error}); "
            "check its separator and encoding in the mapping"
        ) from error


def _present(path: Path, wanted: set[str]) -> list[str]:
    there: list[str] = pq.read_schema(path).names
    return [column for column in there if column in wanted]


def _distinct_ids(interactions: pd.DataFrame, column: str) -> pd.DataFrame:
    if column not in interactions:
        return pd.DataFrame({column: []})
    return interactions[[column]].dropna().drop_duplicates().reset_index(drop=True)


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
        (name, column): f"{there} in {table.file.name}"
        for name, table in files.items()
        for column, there in table.columns.items()
    }
