"""Which versions may not be given up: those that serve, may serve again, or have answered somebody."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attune.governance.stages import AT_WORK, Promotion, Stage, line_of_champions

CHAMPIONS_KEPT = 5


def pinned(
    promotions: list[Promotion], stages: Mapping[int, Stage], answered: Iterable[int]
) -> dict[int, str]:
    """The versions of one model that stay, and why.

    Args:
        promotions: Every change of its champion, oldest first.
        stages: Where each version stands.
        answered: The versions in the prediction log.
    """
    pins = dict.fromkeys(answered, "it has predictions in the log")
    last = list(dict.fromkeys(promotion.version for promotion in reversed(promotions)))[:CHAMPIONS_KEPT]
    # What a rollback goes back to stays, however many were taken back since.
    last += line_of_champions(promotions)[-CHAMPIONS_KEPT:]
    pins |= dict.fromkeys(last, f"it is one of the last {CHAMPIONS_KEPT} champions")
    return pins | {version: f"it is the {stage}" for version, stage in stages.items() if stage in AT_WORK}


def answered(predictions: Path, name: str) -> set[int]:
    """The versions of a model that have answered somebody, as the prediction log says."""
    return {version for model, version in _answers(predictions) if model == name}


def _answers(predictions: Path) -> Iterator[tuple[str, int]]:
    for file in sorted(predictions.glob("*.jsonl")):
        with file.open("rb") as lines:
            for line in lines:
                # A line that was cut off by a full disk is no answer that anybody received whole.
                try:
                    record = json.loads(line)
                    yield str(record["model"]), int(record["model_version"])
                except (ValueError, KeyError, TypeError):
                    continue
