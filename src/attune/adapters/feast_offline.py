"""Our point-in-time join as an offline store of Feast: `feature_store.yaml` names it by its class path.

`get_historical_features` stays the way to ask. Rows come back all of them and in the order asked, which
Feast's own stores do not promise.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pandas as pd
import polars as pl
import pyarrow as pa
from feast import FeatureView, FileSource
from feast.data_source import DataSource
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from pydantic import Field

from attune.columns import EVENT_TIMESTAMP
from attune.errors import FeatureError
from attune.features.asof import join_as_of
from attune.features.asof_latest import latest_rows, rows_between
from attune.features.asof_source import AsOfView

EntityRows = pd.DataFrame | pl.DataFrame | pl.LazyFrame


class AsOfOfflineStoreConfig(FeastConfigBaseModel):
    """The `offline_store` section of feature_store.yaml.

    Attributes:
        memory_gb: Gigabytes that keys and times of one view may take before they are split on disk.
    """

    type: str = "attune.adapters.feast_offline.AsOfOfflineStore"
    memory_gb: float = Field(default=2.0, gt=0)


class AsOfRetrievalJob(RetrievalJob):
    """A question that is answered when it is asked for its answer."""

    def __init__(
        self, answer: Callable[[], pl.DataFrame], full_feature_names: bool, metadata: RetrievalMetadata | None
    ) -> None:
        """Nothing is read yet.

        Args:
            answer: Reads and joins.
            full_feature_names: Whether features carry the names of their views.
            metadata: What was asked, for Feast.
        """
        super().__init__()
        self._answer = answer
        self._full_feature_names = full_feature_names
        self._metadata = metadata

    @property
    def full_feature_names(self) -> bool:
        """Whether features carry the names of their views."""
        return self._full_feature_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """None: a registry that holds functions is executable."""
        return []

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """What was asked."""
        return self._metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002, as Feast asks
        return self._answer().to_arrow()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:  # noqa: ARG002
        return self._answer().to_pandas()


class AsOfOfflineStore(OfflineStore):
    """Point-in-time joins over folders of Parquet files."""

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: EntityRows | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **period: datetime,
    ) -> RetrievalJob:
        """What the views knew at the time of each entity row.

        Args:
            config: The store's configuration.
            feature_views: The views that are asked.
            feature_refs: `view:feature`, what is asked of them.
            entity_df: N rows of keys and a time with a zone, of pandas or Polars.
            registry: Feast's registry.
            project: The project in it.
            full_feature_names: Whether features are called `view__feature`.
            filter_by_created_timestamp: Whether what was recorded after a row's time counts as unknown.
            period: Start and end date, which Feast hands over where there are no entity rows.

        Returns:
            A job of N rows in the order given.

        Raises:
            FeatureError: There are no entity rows, or an on-demand feature view is asked.
        """
        rows = _entity_rows(entity_df, period)
        computed = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        if computed:
            raise FeatureError(
                f"{computed[0].name!r} is an on-demand feature view, and those are not allowed: "
                "compute the feature in the library and declare a feature view"
            )
        time = _time_column(rows)
        views = [_view(config, view, feature_refs, full_feature_names) for view in feature_views]

        def answer() -> pl.DataFrame:
            return join_as_of(
                rows,
                views,
                time=time,
                only_known=filter_by_created_timestamp,
                memory=int(config.offline_store.memory_gb * 2**30),
            )

        asked = RetrievalMetadata(
            features=feature_refs,
            keys=[name for name in rows.columns if name != time],
            min_event_timestamp=cast(datetime | None, rows[time].min()),
            max_event_timestamp=cast(datetime | None, rows[time].max()),
        )
        return AsOfRetrievalJob(answer, full_feature_names, asked)

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """The latest row of each key between two times, both included: what Feast brings online."""
        files = _files(config, data_source)
        times = [timestamp_field, *([created_timestamp_column] if created_timestamp_column else [])]
        columns = [*join_key_columns, *feature_name_columns, *times]
        return AsOfRetrievalJob(
            lambda: latest_rows(files, join_key_columns, times, columns, (start_date, end_date)), False, None
        )

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> RetrievalJob:
        """All rows between two times, both included."""
        files = _files(config, data_source)
        times = [timestamp_field, *([created_timestamp_column] if created_timestamp_column else [])]
        columns = [*join_key_columns, *feature_name_columns, *times]
        return AsOfRetrievalJob(
            lambda: rows_between(files, timestamp_field, columns, start_date, end_date).collect(), False, None
        )

    @staticmethod
    def offline_write_batch(
        config: RepoConfig,  # noqa: ARG004, as Feast asks
        feature_view: FeatureView,
        table: pa.Table,
        progress: Callable[[int], Any] | None,  # noqa: ARG004
    ) -> None:
        """Refuse: the features pipeline alone writes features, so that they can be computed again.

        Raises:
            FeatureError: Always.
        """
        raise FeatureError(
            f"{table.num_rows:,} rows were to be written to the history of {feature_view.name!r}, which "
            "the features pipeline alone writes; push interactions, and build the features from them"
        )


def _entity_rows(rows: EntityRows | str | None, period: dict[str, datetime]) -> pl.DataFrame:
    if isinstance(rows, pl.LazyFrame):
        return rows.collect()
    if isinstance(rows, pl.DataFrame):
        return rows
    if isinstance(rows, pd.DataFrame):
        return pl.from_pandas(rows)
    asked = f"features between {period}" if rows is None else f"an entity frame as {type(rows).__name__}"
    raise FeatureError(f"found {asked}, wanted rows of keys and times as a pandas or Polars frame")


def _time_column(rows: pl.DataFrame) -> str:
    """The column of event times: `event_timestamp`, or the only time there is."""
    times = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime)]
    if EVENT_TIMESTAMP in rows.columns:
        return EVENT_TIMESTAMP
    if len(times) != 1:
        found = ", ".join(rows.columns)
        raise FeatureError(f"entity rows have the columns {found}; name the one of times {EVENT_TIMESTAMP!r}")
    return times[0]


def _view(config: RepoConfig, view: FeatureView, refs: Sequence[str], full_names: bool) -> AsOfView:
    source = view.batch_source
    if source is None:
        raise FeatureError(f"feature view {view.name!r} has no batch source; declare where its history lies")
    stored = {feast: column for column, feast in source.field_mapping.items()}
    prefix = f"{view.projection.name_to_use()}:"  # type: ignore[no-untyped-call]
    names = [ref.removeprefix(prefix) for ref in refs if ref.startswith(prefix)]
    full = f"{view.projection.name_alias or view.name}__" if full_names else ""
    keys = view.projection.join_key_map or {key.name: key.name for key in view.entity_columns}
    created = source.created_timestamp_column
    return AsOfView(
        name=view.name,
        files=_files(config, source),
        keys={asked: stored.get(key, key) for key, asked in keys.items()},
        features={f"{full}{name}": stored.get(name, name) for name in names},
        ttl=view.ttl or None,
        event=stored.get(source.timestamp_field, source.timestamp_field),
        created=stored.get(created, created) or None,
    )


def _files(config: RepoConfig, source: DataSource) -> tuple[Path, ...]:
    """The Parquet files of a source: one file, or all files of a folder by name."""
    if not isinstance(source, FileSource):
        raise FeatureError(f"{source.name!r} is a {type(source).__name__}; this offline store reads files")
    path = Path(FileSource.get_uri_for_file_path(config.repo_path, source.path))
    if not path.is_dir():
        return (path,)
    return tuple(sorted(file for file in path.rglob("*.parquet") if not file.name.startswith(".")))
