"""Views of a few entities at any moment: the definitions of the back-fill, turned into SQL once a process.

A back-fill asks for many rows and few dates, a push for one row at a moment of its own. Turning a definition
into SQL takes ten times longer than running it on one customer, so here the moment is a variable of the
database and the rows are a table that is exchanged.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache

import duckdb
import ibis
import polars as pl
import pyarrow as pa

from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP, INTERACTION_ID
from attune.data.layout import schema_of
from attune.errors import FeatureError
from attune.features.definitions.base import View
from attune.features.expectations import require_expected
from attune.features.inputs import INTERACTIONS, ITEMS
from attune.features.moments import microseconds
from attune.features.purchases import with_few_versions
from attune.features.recipes import RECIPES
from attune.features.session import arrow_schema
from attune.features.settings import FeatureSettings
from attune.features.snapshots import TIME

AS_OF = "as_of"


@ibis.udf.scalar.builtin(name="getvariable", signature=((str,), int))  # type: ignore[untyped-decorator]
def _variable(called: str) -> ibis.Value:
    """DuckDB's own: the value of a variable of this connection."""


def live_views(views: Iterable[View]) -> list[View]:
    """Of some views, those that one interaction changes at once: online, and made of interactions."""
    return [view for view in views if view.online and INTERACTIONS in RECIPES[view.name].tables]


class LiveViews:
    """Computes views that are made of interactions and items; for one thread."""

    def __init__(self, settings: FeatureSettings) -> None:
        """Nothing is computed yet; `learn_items` comes before the first rows.

        Args:
            settings: What is tunable; whatever engine it names, the values are the same.
        """
        self._settings = settings
        self._database = duckdb.connect()

    def learn_items(self, items: pa.Table) -> None:
        """Take the contract table of items, in place of what was known of them."""
        self._replace(ITEMS, items)

    def rows(self, view: View, interactions: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
        """The rows of a view as of a moment.

        Args:
            view: Made of interactions.
            interactions: Every version of every interaction of the entities asked for.
            as_of: In UTC, to the microsecond; what happened at this very moment is not known yet.

        Returns:
            A row an entity of which anything was known: key, features, event and creation time `as_of`.

        Raises:
            FeatureError: The rows are not what the view declares.
        """
        repeated = bool(interactions[INTERACTION_ID].is_duplicated().any())
        query = _query(view.name, repeated, tuple(self._settings.of_values.items()))
        try:
            self._replace(INTERACTIONS, _in_microseconds(interactions))
            self._database.execute(f"SET VARIABLE {AS_OF} = {microseconds(as_of)}::BIGINT")
            found = self._database.sql(query).to_arrow_table()
        except duckdb.Error as error:
            raise FeatureError(f"view {view.name!r} cannot be computed as of {as_of}: {error}") from error
        rows = require_expected(view, pl.DataFrame(pl.from_arrow(found)))
        rows = pl.DataFrame(pl.from_arrow(rows.to_arrow().cast(arrow_schema(view))))
        moment = pl.lit(as_of).cast(TIME)
        return rows.with_columns(moment.alias(EVENT_TIMESTAMP), moment.alias(CREATED_TIMESTAMP))

    def _replace(self, name: str, rows: pa.Table) -> None:
        self._database.register("given", rows)
        self._database.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")  # noqa: S608
        self._database.unregister("given")


@cache
def _query(view: str, repeated: bool, values: tuple[tuple[str, int], ...]) -> str:
    """The SQL of a view, by the settings that its values depend on."""
    recipe = RECIPES[view]
    tables = [_table(name, repeated) for name in recipe.tables]
    # To a definition an expression is as good as a moment: it only takes days from it and compares.
    rows = recipe.compute(recipe.prepare(*tables), _variable(AS_OF), FeatureSettings.parse(dict(values)))
    return str(ibis.to_sql(rows, dialect="duckdb"))


def _table(name: str, repeated: bool) -> ibis.Table:
    kinds = {
        column.name: "int64" if pa.types.is_timestamp(column.type) else str(column.type)
        for column in schema_of(name)
    }
    table = ibis.table(
        kinds | {name: "float64" for name, kind in kinds.items() if kind == "double"}, name=name
    )
    return with_few_versions(table, repeated) if name == INTERACTIONS else table


def _in_microseconds(interactions: pl.DataFrame) -> pa.Table:
    times = [name for name, kind in interactions.schema.items() if isinstance(kind, pl.Datetime)]
    names = schema_of("interactions").names
    return interactions.select(names).with_columns(pl.col(times).dt.epoch("us")).to_arrow()
