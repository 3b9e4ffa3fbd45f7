"""Spark as the engine of features, for data that outgrow one machine.

Spark computes; this process only passes rows on, a batch at a time, from the files that Spark wrote.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from attune.errors import ConfigError, FeatureError

try:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql import functions as F  # noqa: N812
    from pyspark.sql.types import TimestampType
except ImportError as error:
    raise ConfigError(
        "features.engine is spark, but pyspark is not installed; install attune[spark], or choose duckdb"
    ) from error

# Values are the same on every engine: nothing depends on where the machine stands or what it defaults to.
ALWAYS = {"spark.sql.session.timeZone": "UTC", "spark.ui.enabled": "false"}


class SparkEngine:
    """See `Engine`."""

    def __init__(self, session: SparkSession, scratch: Path) -> None:
        """Take a session and a folder that the driver and all workers see."""
        self._session = session
        self._connection = ibis.pyspark.connect(session)
        self._scratch = scratch
        self._numbers = count()

    def read(self, files: Sequence[Path]) -> ibis.Table:
        """The rows of Parquet files, with times in microseconds."""
        with _refused("read its input"):
            rows = self._session.read.parquet(*map(str, files))
            for column in rows.schema.fields:
                if isinstance(column.dataType, TimestampType):
                    rows = rows.withColumn(column.name, F.unix_micros(F.col(column.name)))
            return self._table(rows)

    def keep(self, rows: ibis.Table, name: str) -> ibis.Table:
        """Write rows to the scratch folder, and read them from there."""
        with _refused(f"prepare {name}"):
            folder = self._write(rows, name)
            return self._table(self._session.read.schema(self._query(rows).schema).parquet(str(folder)))

    def batches(self, rows: ibis.Table) -> Iterator[pa.RecordBatch]:
        """Compute rows into files of the scratch folder, whose names are in the order of the rows."""
        with _refused("compute features"):
            folder = self._write(rows, "rows")
            for file in sorted(folder.glob("*.parquet")):
                yield from pq.ParquetFile(file).iter_batches()
            shutil.rmtree(folder)

    def _write(self, rows: ibis.Table, name: str) -> Path:
        folder = self._scratch / f"{name}-{next(self._numbers)}"
        self._query(rows).write.parquet(str(folder))
        return folder

    def _query(self, rows: ibis.Table) -> DataFrame:
        return self._session.sql(self._connection.compile(rows))

    def _table(self, rows: DataFrame) -> ibis.Table:
        name = f"attune_{next(self._numbers)}"
        rows.createOrReplaceTempView(name)
        return self._connection.table(name)


@contextmanager
def open_spark(scratch: Path, settings: Mapping[str, str]) -> Iterator[SparkEngine]:
    """An engine on a Spark session: the one that is there, or one of its own for as long as it is open."""
    running = SparkSession.getActiveSession()
    with _refused("start"):
        session = running or SparkSession.builder.config(map={**settings, **ALWAYS}).getOrCreate()
    try:
        yield SparkEngine(session, scratch)
    finally:
        if running is None:
            session.stop()


@contextmanager
def _refused(what: str) -> Iterator[None]:
    try:
        yield
    except (PySparkException, Py4JError, pa.ArrowException, OSError) as error:
        raise FeatureError(
            f"Spark could not {what}: {error}; see its log, mend features.spark and start again: "
            "finished snapshots are kept"
        ) from error
