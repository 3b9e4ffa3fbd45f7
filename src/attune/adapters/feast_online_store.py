"""Feast's online store over packed rows: what its SDK reads and writes is what serving reads.

Selected in feature_store.yaml by the class's path. SQLite in the file named there, or the Redis that
ATTUNE_ONLINE_STORE names.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl
from feast import Entity, FeatureView
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Int64List, StringList, Value
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.types import Array, FeastType, Float64, Int64, String
from pydantic import StrictStr

from attune.adapters.online_stores import open_rows
from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP
from attune.errors import FeatureError
from attune.features.packing import NUMBERS, TEXTS, Layout
from attune.features.row_store import RowStore, write_frame
from attune.features.schema import FeatureType
from attune.progress import say

ENTITY = "entity"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
TYPES: Mapping[FeastType, FeatureType] = {
    String: "string",
    Int64: "int64",
    Float64: "float64",
    Array(String): "list[string]",
    Array(Int64): "list[int64]",
}
VALUES: Mapping[FeatureType, Callable[[Any], Value]] = {
    "string": lambda value: Value(string_val=value),
    "int64": lambda value: Value(int64_val=value),
    "float64": lambda value: Value(double_val=value),
    "list[string]": lambda value: Value(string_list_val=StringList(val=value)),
    "list[int64]": lambda value: Value(int64_list_val=Int64List(val=value)),
}
Offered = tuple[EntityKey, dict[str, Value], datetime, datetime | None]


class PackedOnlineStoreConfig(FeastConfigBaseModel):
    """The lines below `online_store` in feature_store.yaml."""

    type: Literal["attune.adapters.feast_online_store.PackedOnlineStore"] = (
        "attune.adapters.feast_online_store.PackedOnlineStore"
    )
    path: StrictStr
    """The SQLite file, used where ATTUNE_ONLINE_STORE names no Redis."""


class PackedOnlineStore(OnlineStore):
    """Feast's door to the online rows."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self._rows: RowStore | None = None
        self._layouts: dict[str, Layout] = {}

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[Offered],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write what is news among the rows; say what was refused.

        Raises:
            FeatureError: A feature has a type that is not served, or the store cannot be written.
        """
        layout = self._layout(table)
        report = write_frame(self._open(config), layout, ENTITY, _frame(layout, data), datetime.now(UTC))
        if report.future:
            say(f"online: {table.name}, {report.future:,} rows from the future refused")
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, Value] | None]]:
        """Event time and values of each entity, both None where nothing is known.

        Raises:
            FeatureError: Nothing was ever brought online, or the store does not answer in time.
        """
        layout = self._layout(table)
        reader = layout.reader(requested_features or layout.names)
        makers = [VALUES[layout.types[name]] for name in reader.names]
        answers: list[tuple[datetime | None, dict[str, Value] | None]] = []
        (rows,) = self._open(config).get_many([table.name], [_entity(key) for key in entity_keys])
        for row in rows:
            if row is None:
                answers.append((None, None))
                continue
            event, values = reader.one(row)
            protos = {
                name: Value() if value is None else make(value)
                for name, make, value in zip(reader.names, makers, values, strict=True)
            }
            answers.append((EPOCH + timedelta(microseconds=event), protos))
        return answers

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Nothing to prepare: tables and keys appear with their first row, and go with their generation."""

    def teardown(
        self,
        config: RepoConfig,
        tables: Sequence[FeatureView],  # noqa: ARG002 - Feast's signature
        entities: Sequence[Entity],  # noqa: ARG002
    ) -> None:
        """Remove all rows."""
        self._open(config).wipe()

    def _open(self, config: RepoConfig) -> RowStore:
        if self._rows is None:
            file = Path(config.online_store.path)
            place = file if file.is_absolute() or not config.repo_path else config.repo_path / file
            self._rows = open_rows(place, config.project)
        return self._rows

    def _layout(self, table: FeatureView) -> Layout:
        if table.name not in self._layouts:
            other = [field.name for field in table.features if field.dtype not in TYPES]
            if other:
                raise FeatureError(
                    f"feature {other[0]!r} of view {table.name!r} has a type that is not served online; "
                    f"there are: {', '.join(sorted(TYPES.values()))}"
                )
            types = {field.name: TYPES[field.dtype] for field in table.features}
            self._layouts[table.name] = Layout(table.name, types)
        return self._layouts[table.name]


def _entity(key: EntityKey) -> str:
    """A single text is its own name; other keys are named by Feast's serialisation."""
    if len(key.entity_values) == 1 and key.entity_values[0].WhichOneof("val") == "string_val":
        return str(key.entity_values[0].string_val)
    return str(serialize_entity_key(key, entity_key_serialization_version=3).hex())


def _frame(layout: Layout, data: Sequence[Offered]) -> pl.DataFrame:
    """Feast's rows as a table."""
    kinds = {name: NUMBERS[layout.types[name]][2] for name in layout.numbers}
    kinds |= {name: TEXTS[layout.types[name]][1] for name in layout.texts}
    columns: dict[str, list[Any]] = {
        name: [_plain(values.get(name)) for _, values, _, _ in data] for name in kinds
    }
    columns[ENTITY] = [_entity(key) for key, _, _, _ in data]
    columns[EVENT_TIMESTAMP] = [_utc(event) for _, _, event, _ in data]
    columns[CREATED_TIMESTAMP] = [_utc(created or event) for _, _, event, created in data]
    schema = kinds | {ENTITY: pl.String(), EVENT_TIMESTAMP: TIME, CREATED_TIMESTAMP: TIME}
    return pl.DataFrame(columns, schema=schema)


def _plain(value: Value | None) -> Any:
    kind = value.WhichOneof("val") if value is not None else None
    if value is None or kind is None:
        return None
    found = getattr(value, kind)
    return list(found.val) if kind.endswith("_list_val") else found


def _utc(moment: datetime) -> datetime:
    """Feast hands over times without a zone, which are UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
