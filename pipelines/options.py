"""What every command asks in the same words: which workspace, which parameters, which model."""

from pathlib import Path
from typing import Annotated

import typer

from attune.config import HOME_VARIABLE, Workspace
from pipelines.launch import PARAMS_FILE, Launch
from pipelines.terminal import say

__all__ = ["HOME", "PARAMS_FILE", "Home", "Model", "Now", "Params", "launch_at", "workspace_at"]

HOME = Path("data")

Home = Annotated[Path, typer.Option(envvar=HOME_VARIABLE, help="Where tables, features and models are kept.")]
Now = Annotated[str, typer.Option(help="The date up to which all is known; left out: the latest possible.")]
Params = Annotated[Path, typer.Option(help="The parameter file.")]
Model = Annotated[str, typer.Argument(help="The served model: churn, recommend or response.")]


def workspace_at(home: Path) -> Workspace:
    """The workspace in a folder."""
    return Workspace(root=home.absolute())


def launch_at(home: Path, params: Path) -> Launch:
    """Runs in a workspace, with a parameter file, that tell the terminal how far they are."""
    return Launch.here(workspace_at(home), say, params)
