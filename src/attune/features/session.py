"""One build's use of an engine: tables are read and prepared once, rows come for each date."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path

import ibis
import polars as pl
import pyarrow as pa

from attune.features.engine import Engine, open_engine
from attune.features.expectations import require_expected
from attune.features.inputs import INTERACTIONS, FeatureInputs
from attune.features.recipes import RECIPES
from attune.features.schema import VIEWS, View
from attune.features.settings import FeatureSettings

ARROW_TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "list[string]": pa.list_(pa.string()),
    "list[int64]": pa.list_(pa.int64()),
}


class Session:
    """Computes views as of dates."""

    def __init__(
        self,
        inputs: FeatureInputs,
        settings: FeatureSettings,
        engine: Engine,
        dates: Mapping[str, list[datetime]],
    ) -> None:
        """Take what is needed; nothing is computed yet.

        Args:
            inputs: The tables.
            settings: What is tunable.
            engine: Where expressions run.
            dates: View -> the dates it will be asked for.
        """
        self._inputs = inputs
        self._settings = settings
        self._engine = engine
        self._dates = dates
        self._prepared: dict[str, ibis.Table] = {}

    def rows(self, view: str, as_of: datetime) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The rows of a view as of a date, in the order of their key.

        Returns:
            Their schema, and a stream of them that raises FeatureError where they are not what is declared.
        """
        if view not in self._prepared:
            # The view before is done: its preparation makes room.
            self._prepared = {view: self._prepare(view)}
        rows = RECIPES[view].compute(self._prepared[view], as_of, self._settings)
        schema = arrow_schema(VIEWS[view])
        return schema, _expected(VIEWS[view], schema, self._engine.batches(rows))

    def _prepare(self, view: str) -> ibis.Table:
        recipe = RECIPES[view]
        prepared = recipe.prepare(*map(self._table, recipe.tables))
        # For a single date it is cheaper to compute it on the way.
        return self._engine.keep(prepared, "prepared") if len(self._dates[view]) > 1 else prepared

    def _table(self, name: str) -> ibis.Table:
        return self._interactions if name == INTERACTIONS else self._inputs.table(self._engine, name)

    @cached_property
    def _interactions(self) -> ibis.Table:
        latest = max(max(dates) for view, dates in self._dates.items() if dates and _reads_interactions(view))
        return self._inputs.interactions(self._engine, latest)


@contextmanager
def open_session(
    inputs: FeatureInputs, settings: FeatureSettings, scratch: Path, dates: Mapping[str, list[datetime]]
) -> Iterator[Session]:
    """Start the engine that the settings name, for one build.

    Args:
        inputs: The tables.
        settings: What is tunable.
        scratch: An empty folder for what does not fit into memory.
        dates: View -> the dates it will be asked for.

    Raises:
        ConfigError: The engine is not installed.
    """
    with open_engine(settings.engine, scratch, settings.memory_gib, settings.spark) as engine:
        yield Session(inputs, settings, engine, dates)


def arrow_schema(view: View) -> pa.Schema:
    """The key and the features of a view, in their order in every file."""
    features = [(feature.name, ARROW_TYPES[feature.type]) for feature in view.features]
    return pa.schema([(view.key, pa.string()), *features])


def _expected(view: View, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        require_expected(view, pl.DataFrame(pl.from_arrow(batch)))
        yield batch.cast(schema)


def _reads_interactions(view: str) -> bool:
    return INTERACTIONS in RECIPES[view].tables
