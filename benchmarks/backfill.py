"""Time a back-fill: daily snapshots of every view of interactions, and how it grows with their number.

python -m benchmarks.backfill --interactions 1000000 --customers 100000 --dates 9
python -m benchmarks.backfill                # the full size: 50 M interactions, 1 M customers, 90 dates
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from attune.columns import DEMOGRAPHICS, PURCHASE, UNKNOWN
from benchmarks.results import Result, add_results

START = datetime(2016, 1, 1, tzinfo=UTC)
MONTHS = 24
ITEMS = 50_000
LINES_AN_ORDER = 5
DEPARTMENTS = ("GROCERY", "PRODUCE", "MEAT", "TOYS")
MICROSECONDS_A_DAY = 86_400_000_000
SERVICES = ("churn_v1", "recommend_v1", "popularity_v1")
TIME = pa.timestamp("us", "UTC")
PROTOCOL = "generated, one process a size; peak is its largest resident memory"
PART = """
import json, resource, sys, time
from datetime import datetime
from pathlib import Path
from attune.features.build import build_features
from attune.features.settings import FeatureSettings
from benchmarks.peak_memory import peak_gib

tables, out, memory, services, dates = sys.argv[1:]
wanted = dict.fromkeys(json.loads(services), [datetime.fromisoformat(date) for date in json.loads(dates)])
started = time.perf_counter()
build_features(Path(tables), Path(out), wanted, FeatureSettings(memory_gib=float(memory)))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([time.perf_counter() - started, used.ru_utime + used.ru_stime, peak_gib()]))
"""


@dataclass(frozen=True)
class Size:
    """How much is back-filled, and in how much memory."""

    interactions: int = 50_000_000
    customers: int = 1_000_000
    dates: int = 90
    memory_gib: float = 6.0

    def part(self, of: int) -> "Size":
        """The same with so many times fewer interactions and customers."""
        return replace(self, interactions=self.interactions // of, customers=self.customers // of)


def measure(size: Size) -> list[Result]:
    """Back-fill a quarter, a half and the whole of a size."""
    measured = []
    for part in (4, 2, 1):
        measured.append(_measure(size.part(part)))
        figures = " ".join(f"{name} {value:,.2f}" for name, value in measured[-1].items())
        print(f"{size.part(part).interactions:,} interactions: {figures}", flush=True)
    return _results(measured, size)


def main(
    interactions: int = Size.interactions,
    customers: int = Size.customers,
    dates: int = Size.dates,
    memory_gib: float = Size.memory_gib,
) -> None:
    """Measure, print, and write beside the other figures of results/features.json."""
    results = measure(Size(interactions, customers, dates, memory_gib))
    print(json.dumps([result.model_dump() for result in results], indent=2))
    add_results("features", results)


def _measure(size: Size) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        tables, out = Path(folder) / "tables", Path(folder) / "features"
        write_shop(tables, size.interactions, size.customers)
        last = START + timedelta(days=30 * MONTHS)
        days = [(last - timedelta(days=number)).isoformat() for number in range(size.dates)]
        command = [
            sys.executable,
            "-c",
            PART,
            str(tables),
            str(out),
            str(size.memory_gib),
            json.dumps(SERVICES),
            json.dumps(days),
        ]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, cpu, rss = json.loads(printed.splitlines()[-1])
        written = sum(pq.read_metadata(file).num_rows for file in out.rglob("*.parquet"))
    return {
        "seconds": seconds,
        "cpu_s": cpu,
        "peak_rss_gib": rss,
        "rows_per_s": size.interactions * size.dates / seconds,
        "interactions_per_s": size.interactions / seconds,
        "written_rows_per_s": written / seconds,
    }


def _results(measured: list[dict[str, float]], size: Size) -> list[Result]:
    quarter, _, whole = measured
    figures = {
        "backfill_rows_per_s": (whole["rows_per_s"], "interactions x dates/s"),
        "backfill_interactions_per_s": (whole["interactions_per_s"], "interactions/s"),
        "backfill_written_rows_per_s": (whole["written_rows_per_s"], "feature rows/s"),
        "backfill_s": (whole["seconds"], "s"),
        "backfill_cpu_s": (whole["cpu_s"], "CPU s"),
        "backfill_peak_rss_gib": (whole["peak_rss_gib"], "GiB"),
        # 1 is linear: four times the interactions take four times the CPU.
        "backfill_growth": (whole["cpu_s"] / (4 * quarter["cpu_s"]), "of linear"),
    }
    data = f"{size.interactions:,} interactions, {size.customers:,} customers, {size.dates} dates"
    return [
        Result.here(
            name=name,
            value=round(value, 3),
            unit=unit,
            data=data,
            protocol=PROTOCOL,
            command=f"python -m benchmarks.backfill --interactions {size.interactions} "
            f"--customers {size.customers} --dates {size.dates} --memory-gib {size.memory_gib:g}",
        )
        for name, (value, unit) in figures.items()
    ]


def write_shop(folder: Path, interactions: int, customers: int) -> None:
    """Write the tables of a shop, a month at a time.

    Args:
        folder: Where to.
        interactions: How many lines, evenly over the months; five make an order.
        customers: How many; some buy more than others.
    """
    (folder / "interactions").mkdir(parents=True)
    names = pa.array([f"c_{number:08x}" for number in range(customers)])
    goods = pa.array([f"i{number}" for number in range(ITEMS)])
    told = {name: pa.array([UNKNOWN] * customers) for name in DEMOGRAPHICS}
    pq.write_table(pa.table({"customer_id": names, **told}), folder / "customers.parquet")
    departments = pa.array([DEPARTMENTS[number % len(DEPARTMENTS)] for number in range(ITEMS)])
    pq.write_table(pa.table({"item_id": goods, "department": departments}), folder / "items.parquet")
    for name, rows in _months(interactions // MONTHS, names, goods):
        pq.write_table(rows, folder / "interactions" / f"{name}.parquet", compression="zstd")


def _months(lines: int, names: pa.Array, goods: pa.Array) -> Iterator[tuple[str, pa.Table]]:
    chance = np.random.default_rng(0)
    for month in range(MONTHS):
        start = datetime(2016 + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        orders = -(-lines // LINES_AN_ORDER)
        order = np.repeat(np.arange(orders), LINES_AN_ORDER)[:lines]
        times = np.sort(chance.integers(0, 28 * MICROSECONDS_A_DAY, orders))
        moments = times[order] + int(start.timestamp()) * 1_000_000
        buyers = (len(names) * chance.random(orders) ** 1.5).astype(np.int64)
        items = (ITEMS * chance.random(lines) ** 3).astype(np.int64)
        time = pa.array(moments).cast(pa.timestamp("us")).cast(TIME)
        columns = {
            "interaction_id": pa.array([f"{month:02}-{number:08}" for number in range(lines)]),
            "customer_id": names.take(pa.array(buyers[order])),
            "item_id": goods.take(pa.array(items)),
            "order_id": pa.array([f"{month:02}-{number}" for number in order]),
            "event": pa.array([PURCHASE] * lines),
            "event_timestamp": time,
            "created_timestamp": time,
            "quantity": pa.array(np.ones(lines)),
            "amount": pa.array(chance.integers(50, 2000, lines) / 100),
            "discount": pa.array(chance.integers(0, 100, lines) / 100),
        }
        yield f"{start:%Y-%m}", pa.table(columns)


if __name__ == "__main__":
    typer.run(main)
