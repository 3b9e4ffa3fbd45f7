"""The story of the loop in eight chapters; each calls what `attune` calls."""

import shutil
from pathlib import Path

from attune.config import Workspace
from attune.locks import only_writer
from pipelines.demo import chapters
from pipelines.demo.screen import Screen
from pipelines.demo.teller import Teller
from pipelines.launch import Launch

CHAPTERS = (
    ("Data", "A year of grocery purchases becomes checked, pseudonymous tables.", chapters.data),
    ("Features", "What was known of every customer and item, week by week.", chapters.features),
    ("Train", "A network and simpler models, side by side, for each use.", chapters.train),
    (
        "Evaluate",
        "Everybody answers for a future that nobody has learnt from; then the gate.",
        chapters.evaluate,
    ),
    ("Register", "What won is a signed folder that DVC tracks.", chapters.register),
    ("Serve", "An application asks over HTTP.", chapters.serve),
    ("Monitor", "Is what the models see still what they learnt from?", chapters.monitor),
    ("Retrain", "A verdict starts a run; the gate decides on the newest data.", chapters.retrain),
)


def tell(workspace: Workspace, params: Path) -> None:
    """Tell the whole story in a workspace of its own.

    Versions and reports start afresh each time, so that the story is the same each time; tables, features and
    trained models are used again as far as they would come out the same.

    Args:
        workspace: Where everything is kept.
        params: The parameter file.

    Raises:
        BusyError: Another process is writing there.
    """
    screen = Screen()
    launch = Launch.here(workspace, screen.progress, params)
    screen.say(f"Attune: the whole loop on real purchases, kept in {workspace.root}")
    with only_writer(workspace.root):
        _start_afresh(workspace)
        teller = Teller(screen, launch)
        for number, (title, purpose, chapter) in enumerate(CHAPTERS, start=1):
            with screen.chapter(number, title, purpose):
                chapter(teller)


def _start_afresh(workspace: Workspace) -> None:
    for path in workspace.root.glob(f"{workspace.registry.stem}.*"):  # the record, its log, its signed heads
        path.unlink()
    for folder in (workspace.models, workspace.reports, workspace.predictions):
        shutil.rmtree(folder, ignore_errors=True)
