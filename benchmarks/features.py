"""The feature platform beside Feast's own engines and stores: joins, online rows, back-fill."""

from typing import Annotated

import typer

from benchmarks import backfill, online_store, pit_join
from benchmarks.results import write_results

# A tenth of a shop of a million customers and a tenth of its interactions: an hour's work on two cores.
BACKFILL = backfill.Size(interactions=5_000_000, customers=100_000)


def main(
    dask: Annotated[bool, typer.Option(help="also Feast's default engine: minutes, and 9 GB")] = False,
    customers: Annotated[int, typer.Option(help="to bring online")] = 200_000,
) -> None:
    """Measure all and write results/features.json."""
    results = [
        *pit_join.measure("wide", dask=dask),
        *pit_join.measure("dense"),
        *online_store.measure(customers),
        *backfill.measure(BACKFILL),
    ]
    print(write_results("features", results).read_text(encoding="utf-8"))


if __name__ == "__main__":
    typer.run(main)
