"""How a model came to be, as its folder tells it."""

from typing import Any, Literal

from attune.config import Settings

TRAINING_FILE = "training.json"


class TrainingRecord(Settings):
    """The whole of training.json: how a model came to be, beside its weights."""

    candidate: str
    kind: Literal["scorer", "recommender"]
    rows: int
    seconds: float
    epochs: int | None
    best_epoch: int | None
    settings: dict[str, Any]
