"""The feature platform beside Feast's own engines and stores: joins, online rows, back-fill."""

from typing import Annotated

import typer

from benchmarks import backfill, online_store, pit_join
from benchmarks.results import add_results

INTERACTIONS_A_CUSTOMER = 50


def main(
    dask: Annotated[bool, typer.Option(help="also Feast's default engine: minutes, and 9 GB")] = False,
    customers: Annotated[int, typer.Option(help="to bring online")] = 200_000,
    interactions: Annotated[int, typer.Option(help="to back-fill 90 dates of")] = 5_000_000,
) -> None:
    """Measure all and write it beside the other figures of results/features.json."""
    results = [
        *pit_join.measure("wide", dask=dask),
        *pit_join.measure("dense"),
        *online_store.measure(customers),
        *backfill.measure(backfill.Size(interactions, interactions // INTERACTIONS_A_CUSTOMER)),
    ]
    print(add_results("features", results).read_text(encoding="utf-8"))


if __name__ == "__main__":
    typer.run(main)
