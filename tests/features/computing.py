"""A view computed from tables written in the test, by the engine under test."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from attune.features.engine import Engine, open_engine
from attune.features.purchases import with_versions
from attune.features.recipes import RECIPES
from attune.features.settings import EngineName, FeatureSettings
from tests.features.purchases import at

AS_OF = at("2017-06-04")


def computed(
    view: str,
    *,
    as_of: datetime = AS_OF,
    settings: FeatureSettings | None = None,
    engine: EngineName = "duckdb",
    **tables: pl.DataFrame,
) -> list[dict[str, Any]]:
    """The rows of a view, from tables given by name."""
    with tempfile.TemporaryDirectory() as folder, open_engine(engine, Path(folder), 1, {}) as opened:
        return computed_by(opened, Path(folder), view, as_of, settings or FeatureSettings(), tables)


def computed_by(
    engine: Engine,
    folder: Path,
    view: str,
    as_of: datetime,
    settings: FeatureSettings,
    tables: dict[str, pl.DataFrame],
) -> list[dict[str, Any]]:
    recipe = RECIPES[view]
    read = {}
    for name in recipe.tables:
        tables[name].write_parquet(folder / f"{name}.parquet")
        read[name] = engine.read([folder / f"{name}.parquet"])
    if "interactions" in read:
        read["interactions"] = with_versions(read["interactions"], engine)
    rows = recipe.compute(recipe.prepare(*read.values()), as_of, settings)
    batches = list(engine.batches(rows))
    return pa.Table.from_batches(batches).to_pylist() if batches else []
