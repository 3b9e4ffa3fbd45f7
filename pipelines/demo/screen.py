"""How the story looks in a terminal: chapters with timings, lines of progress, tables."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

FILE_WIDTH = 110  # where there is no terminal to ask


class Screen:
    """A terminal that shows chapters; every text from data is escaped."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, width=None if sys.stdout.isatty() else FILE_WIDTH)
        self._started = time.perf_counter()

    @contextmanager
    def chapter(self, number: int, title: str, purpose: str) -> Iterator[None]:
        """Show a chapter's heading, and how long it took when it ends."""
        started = time.perf_counter()
        self._console.print()
        self._console.rule(f"[bold]{number}  {escape(title)}", align="left")
        self._console.print(f"[dim]{escape(purpose)}")
        yield
        self._console.print(
            f"[green]{escape(title)} done in {time.perf_counter() - started:.1f} s[/] "
            f"[dim]({time.perf_counter() - self._started:.0f} s since the start)"
        )

    def progress(self, line: str) -> None:
        """One line of progress, with the seconds since the start."""
        self._console.print(
            f"[dim]{time.perf_counter() - self._started:6.1f} s  {escape(line)}", soft_wrap=True
        )

    def say(self, line: str) -> None:
        """One sentence of the story."""
        self._console.print(escape(line), soft_wrap=True)

    def verdict(self, line: str) -> None:
        """The sentence that a chapter leads to."""
        self._console.print(f"[bold cyan]{escape(line)}", soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; the first column reads, the others align right."""
        table = Table(title=escape(title), title_justify="left", title_style="bold")
        for position, column in enumerate(columns):
            table.add_column(escape(column), justify="left" if position == 0 else "right", overflow="fold")
        for row in rows:
            table.add_row(*[escape(cell) for cell in row])
        self._console.print(table)
