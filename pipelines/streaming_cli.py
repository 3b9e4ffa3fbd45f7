"""`attune features push | consume`: interactions as they happen, from a file or from a stream."""

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from attune.config import load_params
from attune.data.pseudonyms import workspace_key
from attune.errors import ConfigError, DataError
from attune.features.settings import FeatureSettings
from pipelines.options import HOME, PARAMS_FILE, Home, Params, workspace_at
from pipelines.terminal import console

if TYPE_CHECKING:  # an engine comes with it, which other commands need not load
    from attune.features.push import Pusher

STREAM_VARIABLE = "ATTUNE_STREAM"
BATCH = 500
READ_SECONDS = 10.0
SHOWN = 20


def push(
    file: Annotated[str, typer.Argument(help="JSON, one interaction a line; - reads standard input.")],
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Take interactions in: into the log that the next build reads, and online at once.

    A line has customer_id, item_id, order_id, event_timestamp (with its offset from UTC), quantity and
    amount; it may have event (purchase or return), discount, interaction_id and created_timestamp. Pushing a
    line again changes nothing. Lines that do not hold are named, the others are taken, and it ends with 1.

    For example: attune features push today.jsonl
    """
    from attune.features.push_lines import push_lines

    key, pusher = _opened(home, params)
    refused: dict[int, str] = {}
    with _lines(file) as lines:
        for batch in _batches(lines):
            now = datetime.now(UTC)
            arrived = {number: (line, now) for number, line in batch}
            report, wrong = push_lines(pusher, arrived, key, now)
            refused |= wrong
            console.print(f"lines {min(arrived):,} to {max(arrived):,}: {report}", soft_wrap=True)
    if refused:
        named = "\n  ".join(f"line {number}: {reason}" for number, reason in list(refused.items())[:SHOWN])
        raise DataError(
            f"{len(refused):,} lines were refused, the others are taken; correct these and push them again:"
            f"\n  {named}"
        )


def consume(
    url: Annotated[
        str, typer.Option(envvar=STREAM_VARIABLE, help="redis://host:6379/0 or kafka://host:9092.")
    ] = "",
    stream: Annotated[str, typer.Option(help="The stream or topic.")] = "interactions",
    group: Annotated[str, typer.Option(help="Each group is given every interaction once.")] = "attune",
    consumer: Annotated[
        str, typer.Option(help="A name that stays after a restart; left out: the host.")
    ] = "",
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Take interactions from a Redis stream or a Kafka topic until SIGTERM or ctrl-C, as `push` from a file.

    Redis: an entry has the field `interaction`, a JSON object; refused ones go to <stream>:refused. Kafka: a
    message is the object; refused ones go to <stream>.refused. It is acknowledged when it is in the log and
    online; after a kill it is delivered again, and counts once. For example:
    redis-cli XADD interactions '*' interaction '{"customer_id": "7", ...}'
    """
    from attune.adapters.streams import open_stream
    from attune.features.consume import consume as consume_from

    if not url:
        raise ConfigError(
            f"name it with --url or {STREAM_VARIABLE}: redis://host:6379/0 or kafka://host:9092"
        )
    source = open_stream(url, stream, consumer or socket.gethostname(), group)
    key, pusher = _opened(home, params)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    console.print(f"taking interactions from {stream}", soft_wrap=True)
    report = consume_from(source, pusher, key, stopping.is_set, lambda sofar: console.print(str(sofar)))
    console.print(f"stopped: {report}")


def _opened(home: Path, params: Path) -> "tuple[bytes, Pusher]":
    """The key of the pseudonyms, and what takes interactions of a workspace."""
    from attune.adapters.online_stores import ONLINE_FILE, open_rows
    from attune.features.push import Pusher

    workspace = workspace_at(home)
    settings = FeatureSettings.of(load_params(params))
    if not workspace.pseudonym_key.exists():
        raise DataError(f"no key of pseudonyms in {workspace.keys}; import data first")
    store = open_rows(workspace.feast / ONLINE_FILE, read_seconds=READ_SECONDS)
    return workspace_key(workspace), Pusher(workspace.tables, store, settings)


@contextmanager
def _lines(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as lines:
            yield lines
    except FileNotFoundError as error:
        raise ConfigError(f"no file {file}; name one of JSON lines, or - for standard input") from error


def _batches(lines: IO[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Lines with their numbers from 1; empty ones are passed over."""
    filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    while batch := list(islice(filled, BATCH)):
        yield batch
