"""`attune predictions compact | export`: the prediction log as tables."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.options import HOME, Home, workspace_at
from pipelines.terminal import console

app = typer.Typer(help="Predictions: what was answered, as tables.", no_args_is_help=True)


@app.command()
def compact(home: Home = HOME) -> None:
    """Make Parquet, by day and model, of every part of the log that nobody writes any more."""
    from serving.prediction_table import compact as make

    new = make(workspace_at(home).predictions)
    console.print(f"{len(new):,} new files in {workspace_at(home).predictions}", soft_wrap=True)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    home: Home = HOME,
) -> None:
    """Write every answer beside what was told of it afterwards."""
    from serving.prediction_table import joined

    rows = joined(workspace_at(home).predictions)
    unfinished = file.with_name(f".{file.name}.unfinished")
    rows.write_parquet(unfinished, compression="zstd")
    unfinished.replace(file)
    told = rows["kind"].is_not_null().sum()
    console.print(f"{rows['prediction_id'].n_unique():,} answers, {told:,} feedbacks: {file}", soft_wrap=True)
