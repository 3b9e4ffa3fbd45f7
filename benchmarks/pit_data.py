"""Generated histories and questions for the point-in-time join, in files that every engine can read."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import typer

from attune.config import Settings

SECOND = 10**6
YEAR = 365 * 86_400 * SECOND
START = 1_704_067_200 * SECOND  # 2024-01-01
LATE_SHARE, LATEST = 0.1, 5 * 86_400
FILE_ROWS = 5_000_000
TIME = pl.Datetime("us", "UTC")
KEY = "customer_id"


class ViewSize(Settings):
    """One feature view: how many rows and features it has, and how long a row lives."""

    name: str
    rows: int
    features: int
    ttl: timedelta | None

    @property
    def feature_names(self) -> list[str]:
        """The names of the features."""
        return [f"{self.name}_{number}" for number in range(self.features)]


class Case(Settings):
    """What is joined: rows that ask, over some customers, and the views that answer."""

    name: str
    asked: int
    customers: int
    views: tuple[ViewSize, ...]

    def words(self) -> str:
        """The case in words."""
        views = " + ".join(f"{view.rows:,} rows x {view.features} features" for view in self.views)
        return f"generated: {self.asked:,} entity rows, {self.customers:,} customers, {views}"


def case_of(name: str, scale: float) -> Case:
    """One of the cases at a share of its full size: `wide`, `dense` or `large`."""
    days = timedelta(days=1)

    def size(view: str, rows: float, features: int, ttl: timedelta | None) -> ViewSize:
        return ViewSize(name=view, rows=int(rows * scale), features=features, ttl=ttl)

    views = {
        "wide": (size("profile", 1e6, 8, 365 * days), size("activity", 4e6, 12, 90 * days)),
        "dense": (size("activity", 2e6, 4, None),),
        "large": (size("profile", 20e6, 8, 365 * days), size("activity", 80e6, 12, 90 * days)),
    }
    asked = {"wide": 1e6, "dense": 1e5, "large": 10e6}
    customers = {"wide": 2e5, "dense": 2e3, "large": 2e6}
    return Case(
        name=name,
        asked=int(asked[name] * scale),
        customers=int(customers[name] * scale),
        views=views[name],
    )


def write_case(case: Case, folder: Path) -> None:
    """Write `<view>/<number>.parquet` for each view, `asked.parquet` and `case.json`."""
    rng = np.random.default_rng(20_240_101)
    for view in case.views:
        (folder / view.name).mkdir(parents=True)
        for number, first in enumerate(range(0, view.rows, FILE_ROWS)):
            rows = _history(rng, case, view, min(FILE_ROWS, view.rows - first))
            rows.write_parquet(folder / view.name / f"{number:03}.parquet")
    asked = pl.DataFrame(
        {KEY: _customers(rng, case, case.asked), "event_timestamp": _seconds(rng, case.asked)}
    )
    asked = asked.cast({"event_timestamp": TIME}).with_row_index("row")
    asked.write_parquet(folder / "asked.parquet")
    (folder / "case.json").write_text(case.model_dump_json(), encoding="utf-8")


def _history(rng: np.random.Generator, case: Case, view: ViewSize, rows: int) -> pl.DataFrame:
    """Rows of random seconds of a year; a tenth was recorded up to five days late."""
    event = _seconds(rng, rows)
    late = rng.integers(0, LATEST, rows) * SECOND * (rng.random(rows) < LATE_SHARE)
    features = {
        name: rng.normal(size=rows) if number % 2 else rng.integers(0, 1000, rows)
        for number, name in enumerate(view.feature_names)
    }
    times = {"event_timestamp": event, "created_timestamp": event + late}
    table = pl.DataFrame({KEY: _customers(rng, case, rows), **times, **features})
    # Which of complete ties wins is up to each engine: there are none.
    return table.unique([KEY, "event_timestamp"], keep="first", maintain_order=True).cast(
        {"event_timestamp": TIME, "created_timestamp": TIME}
    )


def _customers(rng: np.random.Generator, case: Case, rows: int) -> pl.Series:
    """Pseudonyms of 32 characters."""
    numbers = pl.Series(rng.integers(0, case.customers, rows))
    return numbers.hash(7).cast(pl.String).str.zfill(32)


def _seconds(rng: np.random.Generator, rows: int) -> np.ndarray:
    return START + rng.integers(0, YEAR // SECOND, rows) * SECOND


def main(name: str, scale: float, folder: Path) -> None:
    """Write one case at a share of its full size."""
    write_case(case_of(name, scale), folder)


if __name__ == "__main__":
    typer.run(main)
