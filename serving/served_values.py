"""What the last answers rested on, from the prediction log: for the proof that training is told the same."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from attune.features.parity import Served
from attune.features.schema import SERVICES
from serving.lines import SUFFIX
from serving.prediction_log import PredictionRecord, parse

# As far back as one looks: a log may hold months of answers of other models.
LAST = 200
MOST_BYTES = 256 * 1024 * 1024


def served_values(predictions: Path, count: int = LAST, model: str = "") -> list[Served]:
    """What each of the last answers about a customer used of each feature view.

    Args:
        predictions: The folder of the log.
        count: How many answers, the newest first.
        model: Only answers of this model; empty: of all.
    """
    about = (
        record
        for record in _newest_first(predictions, model)
        if record.customer and record.features and record.feature_service in SERVICES
    )
    return [
        Served(record.feature_service, view, str(record.customer), used.as_of, used.digest, record.at)
        for record in islice(about, count)
        for view, used in (record.features or {}).items()
        if view in SERVICES[record.feature_service]
    ]


def _newest_first(predictions: Path, model: str) -> Iterator[PredictionRecord]:
    looked_at = 0
    for file in sorted(predictions.glob(f"*{SUFFIX}"), reverse=True):
        lines = file.read_bytes().splitlines()
        for line in reversed(lines):
            record = parse(line) if model.encode() in line else None
            if record is not None and model in ("", record.model):
                yield record
        looked_at += sum(map(len, lines))
        if looked_at > MOST_BYTES:
            return
