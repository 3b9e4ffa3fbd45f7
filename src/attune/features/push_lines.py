"""Push interactions as they come from outside: lines of JSON, each with a name of its own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from attune.columns import EVENT_TIMESTAMP
from attune.data.arrivals import as_interactions, read_arrival
from attune.errors import DataError
from attune.features.push import Pusher, PushReport
from attune.features.row_store import FUTURE

NameT = TypeVar("NameT")
IN_THE_FUTURE = "event_timestamp: lies more than five minutes ahead"


def push_lines(
    pusher: Pusher, lines: Mapping[NameT, tuple[bytes, datetime]], key: bytes, now: datetime
) -> tuple[PushReport, dict[NameT, str]]:
    """Read lines and push those that hold.

    Args:
        pusher: Takes them.
        lines: Name -> a JSON object, see `Arrival`, and when it arrived.
        key: Of the pseudonyms.
        now: The present time.

    Returns:
        What became of the lines that could be read, and for each line that was refused the reason.

    Raises:
        DataError: There are no tables, or the log cannot be written.
        FeatureError: The online store cannot be written.
    """
    rows: dict[NameT, dict[str, Any]] = {}
    refused: dict[NameT, str] = {}
    for name, (line, at) in lines.items():
        try:
            rows[name] = read_arrival(line, key, at)
        except DataError as error:
            refused[name] = str(error)
    report = pusher.push(as_interactions(list(rows.values())), now)
    names = list(rows)
    refused |= {names[place]: reason for place, reason in report.refused.items()}
    refused |= {name: IN_THE_FUTURE for name, row in rows.items() if row[EVENT_TIMESTAMP] > now + FUTURE}
    return report, refused
