"""Boosted trees on disk, as LightGBM's own text: nothing in it is run."""

from pathlib import Path

import lightgbm

from attune.errors import ModelError

TREES_FILE = "trees.txt"


def best_of(grown: lightgbm.Booster) -> lightgbm.Booster:
    """The trees up to the best round of a training that stopped early."""
    return lightgbm.Booster(model_str=grown.model_to_string(num_iteration=grown.best_iteration))


def write_trees(folder: Path, trees: lightgbm.Booster) -> None:
    """Write trees beside the other files of a model."""
    (folder / TREES_FILE).write_text(trees.model_to_string(), encoding="utf-8")


def read_trees(folder: Path) -> lightgbm.Booster:
    """Read what `write_trees` wrote.

    Raises:
        ModelError: The trees are missing or unreadable.
    """
    try:
        return lightgbm.Booster(model_str=(folder / TREES_FILE).read_text(encoding="utf-8"))
    except (OSError, lightgbm.basic.LightGBMError) as error:
        raise ModelError(f"{folder} holds no readable trees ({error}); register it again") from error
