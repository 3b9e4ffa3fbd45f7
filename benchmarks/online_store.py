"""Bring rows online and read them: our packed rows against Feast's stock stores, in one run on one Redis."""

import gc
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.repo_config import RepoConfig
from feast.types import Float64, Int64

from attune.adapters.online_redis import RedisRows
from attune.adapters.online_sqlite import SqliteRows
from attune.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_TIMESTAMP
from attune.features.materialize import materialize
from attune.features.read_plan import OnlineReader, ViewPlan
from attune.features.row_store import RowStore
from attune.features.schema import CUSTOMER_ACTIVITY
from attune.features.snapshots import write_snapshot
from benchmarks.results import Result, add_results

AS_OF = datetime(2017, 6, 11, tzinfo=UTC)
TYPES = {"int64": Int64, "float64": Float64}
ASKED, TEN = 500, CUSTOMER_ACTIVITY.feature_names[:10]
ONE_CALLS, MANY_CALLS = 2_000, 100
# Feast writes SQLite so slowly that a part of the rows says as much.
SQLITE_PART = 20
WRITE_IDS = {"redis": "materialize_ratio", "sqlite": "materialize_sqlite_ratio"}
COMMAND = "python -m benchmarks.online_store"
PEER = "Feast 0.67 stock store"


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock and of this process's CPU."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Latency:
    """What a call takes by the clock, median and 99th percentile, and of this process's CPU, milliseconds."""

    p50: float
    p99: float
    cpu: float

    def __str__(self) -> str:
        return f"p50 {self.p50:.3f} ms, p99 {self.p99:.3f}"


def measure(rows: int) -> list[Result]:
    """Bring customers online and read them, ours and Feast's.

    Args:
        rows: How many customers.
    """
    sizes = {"redis": rows, "sqlite": rows // SQLITE_PART}
    with tempfile.TemporaryDirectory() as name, _redis(Path(name)) as port:
        folder = Path(name)
        customers = {kind: _snapshot(folder / kind, size) for kind, size in sizes.items()}["redis"]
        ours, fast = _ours(folder, port)
        theirs, slow = _theirs(folder, port)
        _same(fast, slow, customers[:ASKED])
        gc.collect()
        gc.freeze()
        results = [_writes(kind, sizes[kind], ours[kind], theirs[kind]) for kind in sizes]
        return results + _read_results(fast, slow, customers)


def main(
    rows: Annotated[int, typer.Option(help="customers to bring online")] = 200_000,
    only_reads: Annotated[bool, typer.Option(help="keep only what reads take: fewer rows do")] = False,
) -> None:
    """Measure, print, and write beside the other figures of results/features.json."""
    results = [each for each in measure(rows) if not (only_reads and each.id.startswith("materialize"))]
    print(json.dumps([result.model_dump() for result in results], indent=2))
    add_results("features", results)


def _snapshot(folder: Path, rows: int) -> list[str]:
    """One weekly snapshot of 20 features; who is in it."""
    random = np.random.default_rng(7)
    customers = [f"c{number:032x}" for number in random.integers(0, 2**62, rows)]
    values = {
        feature.name: random.integers(0, 90, rows) if feature.type == "int64" else random.random(rows)
        for feature in CUSTOMER_ACTIVITY.features
    }
    file = folder / CUSTOMER_ACTIVITY.name / f"{AS_OF:%Y-%m-%d}.parquet"
    write_snapshot(
        pl.DataFrame({CUSTOMER_ID: customers} | values).unique(CUSTOMER_ID), file, AS_OF, "benchmark"
    )
    return customers


def _ours(folder: Path, port: int) -> tuple[dict[str, Spent], OnlineReader]:
    stores: dict[str, RowStore] = {
        "redis": RedisRows(f"redis://127.0.0.1:{port}/0", "ours", read_seconds=5),
        "sqlite": SqliteRows(folder / "ours.db"),
    }
    spent: dict[str, Spent] = {}
    for kind, store in stores.items():
        with _spent(spent, kind):
            materialize(store, folder / kind, [CUSTOMER_ACTIVITY], AS_OF, rebuild=False)
    return spent, OnlineReader(stores["redis"])


def _theirs(folder: Path, port: int) -> tuple[dict[str, Spent], FeatureStore]:
    options: dict[str, dict[str, Any]] = {
        "sqlite": {"path": str(folder / "feast.db")},
        "redis": {"connection_string": f"127.0.0.1:{port},db=1"},
    }
    spent: dict[str, Spent] = {}
    for kind, option in options.items():
        store = _feast(folder, {"type": kind, **option})
        with _spent(spent, kind):
            store.materialize(AS_OF - timedelta(days=1), AS_OF)
    return spent, store


def _feast(folder: Path, online: dict[str, Any]) -> FeatureStore:
    """Feast with a stock online store, set up as it is fastest."""
    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry={"path": str(folder / f"{online['type']}.pb")},
            online_store=online,
            offline_store={"type": "duckdb"},
            materialization={"pull_latest_features": True, "online_write_batch_size": 10_000},
            entity_key_serialization_version=3,
        )
    )
    customer = Entity(name="customer", join_keys=[CUSTOMER_ID], value_type=ValueType.STRING)
    source = FileSource(
        name="snapshots",
        path=str(folder / online["type"] / CUSTOMER_ACTIVITY.name),
        file_format=ParquetFormat(),
        timestamp_field=EVENT_TIMESTAMP,
        created_timestamp_column=CREATED_TIMESTAMP,
    )
    schema = [Field(name=feature.name, dtype=TYPES[feature.type]) for feature in CUSTOMER_ACTIVITY.features]
    view = FeatureView(
        name=CUSTOMER_ACTIVITY.name,
        entities=[customer],
        ttl=CUSTOMER_ACTIVITY.ttl,
        source=source,
        schema=schema,
    )
    store.apply([customer, view])
    return store


def _read_ours(reader: OnlineReader, names: tuple[str, ...], keys: list[str]) -> dict[str, Any]:
    plans = [ViewPlan(CUSTOMER_ACTIVITY, names)]
    return dict(reader.table(plans, keys, AS_OF).values)


def _read_theirs(store: FeatureStore, names: tuple[str, ...], keys: list[str]) -> dict[str, Any]:
    answer: dict[str, Any] = store.get_online_features(
        features=[f"{CUSTOMER_ACTIVITY.name}:{name}" for name in names],
        entity_rows=[{CUSTOMER_ID: key} for key in keys],
    ).to_dict()
    return answer


def _same(reader: OnlineReader, store: FeatureStore, keys: list[str]) -> None:
    names = CUSTOMER_ACTIVITY.feature_names
    ours, theirs = _read_ours(reader, names, keys), _read_theirs(store, names, keys)
    different = [name for name in names if list(ours[name]) != theirs[name]]
    if different:
        raise SystemExit(f"ours and Feast's differ in {', '.join(different)}: nothing is measured")


def _read_results(reader: OnlineReader, store: FeatureStore, customers: list[str]) -> list[Result]:
    whole = [ViewPlan(CUSTOMER_ACTIVITY, CUSTOMER_ACTIVITY.feature_names)]
    some = [ViewPlan(CUSTOMER_ACTIVITY, TEN)]
    random = np.random.default_rng(8)
    ones = [customers[place] for place in random.integers(0, len(customers), ONE_CALLS)]
    many = [
        [customers[place] for place in random.integers(0, len(customers), ASKED)] for _ in range(MANY_CALLS)
    ]
    one = _latency(lambda key: reader.rows(whole, [key], AS_OF), ones)
    one_theirs = _latency(lambda key: _read_theirs(store, CUSTOMER_ACTIVITY.feature_names, [key]), ones)
    several = _latency(lambda keys: reader.table(some, keys, AS_OF), many)
    several_theirs = _latency(lambda keys: _read_theirs(store, TEN, keys), many)
    return [
        *_reads("online_one", "20 features of 1 customer", one, one_theirs),
        *_reads("online_500", "10 features of 500 customers", several, several_theirs),
    ]


def _latency(call: Callable[[Any], object], questions: list[Any]) -> Latency:
    """What a call takes, after a tenth of the calls to warm up."""
    for question in questions[: len(questions) // 10]:
        call(question)
    seconds = []
    cpu = time.process_time()
    for question in questions:
        started = time.perf_counter()
        call(question)
        seconds.append(time.perf_counter() - started)
    middle, tail = np.percentile(seconds, [50, 99]) * 1000
    return Latency(float(middle), float(tail), 1000 * (time.process_time() - cpu) / len(questions))


def _reads(name: str, what: str, ours: Latency, theirs: Latency) -> list[Result]:
    clock = f"{what}, Redis; ours {ours}; Feast {theirs}; garbage frozen"
    cpu = f"{what}, Redis; the client's CPU a call: ours {ours.cpu:.3f} ms, Feast {theirs.cpu:.3f}"
    return [
        _result(f"{name}_ratio_feast", theirs.p50 / ours.p50, clock),
        _result(f"{name}_cpu_ratio_feast", theirs.cpu / ours.cpu, cpu),
        _result(f"{name}_p99_of_p50", ours.p99 / ours.p50, clock, peer=None),
    ]


def _writes(kind: str, rows: int, ours: Spent, theirs: Spent) -> Result:
    spread = (
        f"{rows:,} rows x 20 features to {kind}: ours {rows / ours.wall:,.0f} rows/s, {ours.cpu:.1f} CPU s; "
        f"Feast {rows / theirs.wall:,.0f} rows/s, {theirs.cpu:.1f} CPU s"
    )
    return _result(WRITE_IDS[kind], theirs.wall / ours.wall, spread)


def _result(name: str, value: float, protocol: str, peer: str | None = PEER) -> Result:
    return Result.here(
        name=name,
        value=round(value, 2),
        unit="x",
        peer=peer,
        data="generated, seed 7",
        protocol=protocol,
        command=COMMAND,
    )


@contextmanager
def _spent(spent: dict[str, Spent], kind: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    spent[kind] = Spent(time.perf_counter() - wall, time.process_time() - cpu)


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    """The port of a Redis of this run's own."""
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("no redis-server; install Debian's package redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while _closed(port):
                time.sleep(0.05)
            yield port
        finally:
            process.kill()


def _closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    typer.run(main)
