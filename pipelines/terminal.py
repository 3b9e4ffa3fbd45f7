"""Where commands print: as wide as the terminal, and wide enough for a table where there is none."""

import sys

from rich.console import Console

FILE_WIDTH = 200  # a pipe or a file cuts nothing off

console = Console(highlight=False, width=None if sys.stdout.isatty() else FILE_WIDTH)


def say(line: str) -> None:
    """Print one line as it is, however long."""
    console.print(line, markup=False, soft_wrap=True)
