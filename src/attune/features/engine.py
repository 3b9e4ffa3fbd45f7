"""Where the expressions of feature views run: embedded DuckDB, or Spark for data that outgrow one machine.

A view is written once, as an Ibis expression. Inside expressions every time is whole microseconds since
1970, UTC: engines differ in what they can do with timestamps, and none in what it can do with integers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import ibis
import pyarrow as pa

from attune.features.settings import EngineName


class Engine(Protocol):
    """Runs expressions over Parquet files in bounded memory."""

    def read(self, files: Sequence[Path]) -> ibis.Table:
        """The rows of Parquet files of one schema, lazily, with times in microseconds."""

    def keep(self, rows: ibis.Table, name: str) -> ibis.Table:
        """Compute rows now, for as long as the engine is open: what is asked of them starts from there."""

    def batches(self, rows: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Compute rows and stream them in their order.

        Raises:
            FeatureError: There is too little memory or disk, or a file cannot be read.
        """


def open_engine(
    name: EngineName, scratch: Path, memory_gib: float, spark: Mapping[str, str]
) -> AbstractContextManager[Engine]:
    """Start an engine, to be used as a context.

    Args:
        name: Which.
        scratch: An empty folder for what does not fit into memory; on a cluster all workers see it.
        memory_gib: What DuckDB may use before it goes to disk.
        spark: Spark's own settings, such as `spark.master`; DuckDB does not look at them.

    Raises:
        ConfigError: Spark is asked for and not installed.
    """
    # One of the two is imported, and only where features are computed.
    if name == "spark":
        from attune.features.engine_spark import open_spark

        started: AbstractContextManager[Engine] = open_spark(scratch, spark)
        return started
    from attune.features.engine_duckdb import open_duckdb

    return open_duckdb(scratch, memory_gib)
