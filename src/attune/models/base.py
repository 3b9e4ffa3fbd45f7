"""What a model is to everyone who trains, measures, registers or serves one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from attune.config import Settings
from attune.errors import ModelError

Floats = npt.NDArray[np.float64]
Tensors = dict[str, npt.NDArray[Any]]

WEIGHTS_FILE = "weights.safetensors"
CONFIG_FILE = "config.json"


class Model(Protocol):
    """Anything in the catalogue: configured, trained, saved to a folder and loaded again."""

    Config: type[Settings]
    config: Settings

    def save(self, folder: Path) -> None:
        """Write the trained model to a folder: safetensors and JSON only."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained model back; it answers exactly as before."""


@runtime_checkable
class Fittable(Protocol):
    """A model that learns in one call, without gradients."""

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Learn from examples; the validation part may stop or calibrate, never teach."""


@runtime_checkable
class ReadsItems(Protocol):
    """A model that can learn from features of items."""

    def read_items(self, table: pd.DataFrame) -> None:
        """Take the table of items before learning.

        Args:
            table: One row an item: item_id, and its features in columns of words or numbers. Items that
                nobody took yet are in it too.
        """


class Scorer(Model, Protocol):
    """A model that gives each example a probability."""

    def score(self, examples: pd.DataFrame) -> Floats:
        """Give the probability of the label for each of N examples, shape [N], finite, within [0, 1]."""


class Recommender(Model, Protocol):
    """A model that gives each example an ordered list of items."""

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend k items for each of N examples, best first.

        Args:
            examples: Rows with the history columns; an empty history is a new customer.
            k: How many items.
            allowed: Only these items may appear; None allows the whole catalogue.

        Returns:
            Item ids, shape [N, k], padded with None where fewer are left, and their scores,
            shape [N, k], not increasing along a row, padded with -inf.
        """


@cache
def fulfils(model: type, protocol: type) -> bool:
    """Whether the models of a class do what a protocol asks for; looking costs more than a small network."""
    return issubclass(model, protocol)


class Wish(NamedTuple):
    """What is to be recommended to one customer.

    Attributes:
        items: What they bought, oldest first; nothing for a new customer.
        times: When, unix seconds.
        as_of: The moment that ages are counted from, with a time zone.
        k: How many items.
        allowed: Only these may appear; None allows the whole catalogue. The same set again costs nothing.
        excluded: These may not appear, for example what was bought before.
    """

    items: Sequence[str | None]
    times: Sequence[float]
    as_of: datetime
    k: int
    allowed: frozenset[str] | None = None
    excluded: Iterable[str] = ()


def write_model(folder: Path, config: Settings, state: Mapping[str, Any], tensors: Tensors) -> None:
    """Write a model's settings, its learned vocabulary (JSON) and its weights (safetensors).

    Raises:
        ModelError: A weight is not a finite number; nothing is written.
    """
    broken = [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]
    if broken:
        raise ModelError(
            f"the weights {broken} are not finite numbers; look for extreme values and train again"
        )
    folder.mkdir(parents=True, exist_ok=True)
    document = {"config": config.model_dump(mode="json"), "state": dict(state)}
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(contiguous, folder / WEIGHTS_FILE)


def read_model(folder: Path) -> tuple[dict[str, Any], dict[str, Any], Tensors]:
    """Read what `write_model` wrote: settings, state and tensors.

    Raises:
        ModelError: A file is missing or unreadable.
    """
    try:
        document = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        return document["config"], document["state"], load_file(folder / WEIGHTS_FILE)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelError(f"{folder} holds no readable model ({error}); register it again") from error
