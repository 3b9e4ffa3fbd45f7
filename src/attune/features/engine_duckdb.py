"""DuckDB as the engine of features: in this process, in bounded memory, spilling to a scratch folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

from attune.errors import FeatureError

BATCH_ROWS = 65_536


@ibis.udf.scalar.builtin(signature=((dt.Timestamp("UTC"),), dt.int64))  # type: ignore[untyped-decorator]
def epoch_us(time: ibis.Value) -> ibis.Value:
    """DuckDB's own: microseconds since 1970."""


class DuckDBEngine:
    """See `Engine`."""

    def __init__(self, connection: ibis.BaseBackend) -> None:
        """Take a connection to a database in memory."""
        self._connection = connection

    def read(self, files: Sequence[Path]) -> ibis.Table:
        """The rows of Parquet files, with times in microseconds."""
        with _refused("read its input"):
            rows = self._connection.read_parquet([str(file) for file in files])
        times = [name for name, kind in rows.schema().items() if kind.is_timestamp()]
        return rows.mutate(**{name: epoch_us(rows[name]) for name in times})

    def keep(self, rows: ibis.Table, name: str) -> ibis.Table:
        """Compute rows into a temporary table, which goes to the scratch folder when memory is short."""
        with _refused(f"prepare {name}"):
            query = self._connection.compile(rows)
            self._connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
            return self._connection.table(name, database=("temp", "main"))

    def batches(self, rows: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Compute rows and stream them."""
        with _refused("compute features"):
            relation = self._connection.con.sql(self._connection.compile(rows))
            yield from relation.to_arrow_reader(BATCH_ROWS)


@contextmanager
def open_duckdb(scratch: Path, memory_gib: float) -> Iterator[DuckDBEngine]:
    """An engine whose database is in memory and whose overflow is in a scratch folder."""
    connection = ibis.duckdb.connect(
        memory_limit=f"{round(memory_gib * 1024)}MiB", temp_directory=str(scratch)
    )
    try:
        yield DuckDBEngine(connection)
    finally:
        connection.disconnect()


@contextmanager
def _refused(what: str) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise FeatureError(
            f"DuckDB could not {what}: {error}; where it lacks memory or disk, raise features.memory_gib or "
            "free space and start again: finished snapshots are kept"
        ) from error
