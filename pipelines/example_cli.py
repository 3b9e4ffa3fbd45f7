"""The `attune data example` command: a made-up shop, for whoever has no data at hand yet."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.terminal import console


def example(
    folder: Annotated[Path, typer.Argument(help="Where the tables and their mapping go.")],
    customers: Annotated[int, typer.Option(min=2, help="How many customers the shop has.")] = 1200,
    weeks: Annotated[int, typer.Option(min=1, help="How long it is watched, from 2017-01-01 on.")] = 40,
    seed: Annotated[int, typer.Option(help="Another seed, another shop.")] = 0,
) -> None:
    """Write a made-up shop and its mapping, to try things out or to see what a mapping looks like.

    For example: attune data example incoming && attune data import --mapping incoming/mapping.yaml
    """
    from attune.data.example import write_example
    from attune.data.synthetic import make_shop

    mapping = write_example(folder, make_shop(customers=customers, weeks=weeks, seed=seed))
    console.print(f"import it with: attune data import --mapping {mapping}", soft_wrap=True)
