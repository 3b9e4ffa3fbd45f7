"""Networks of the catalogue with weights drawn at random: what a graph has to repeat, without training."""

from pathlib import Path
from typing import Any

import torch

from attune.inference.graphs import write_graphs
from attune.models.base import Fittable
from attune.models.calibration import Calibration
from attune.models.catalog import MODELS, build
from tests.models.examples import AS_OF, examples_for

SMALL: dict[str, dict[str, Any]] = {
    "blend": {"trees": {"trees": 5, "rows_per_leaf": 5}},
    "gradient_boosting": {"trees": 5, "rows_per_leaf": 5},
    "sequential": {"dimension": 16, "min_count": 1},
    "transformer": {"dimension": 16, "min_count": 1},
    "gru4rec": {"dimension": 16, "min_count": 1},
}


def learning(name: str, rows: int = 60, seed: int = 0) -> Any:
    """Examples as a model reads them; histories also for scorers that can read them."""
    examples = examples_for(name, rows, seed)
    if MODELS[name].kind == "scorer":
        now = int(AS_OF.timestamp())
        times = [[now - 86_400 * (row % 9 + day) for day in range(row % 5, 0, -1)] for row in range(rows)]
        examples["history_times"] = times
        sent = [times_of_one[:3] for times_of_one in times]
        examples["message_times"] = sent
        examples["message_channels"] = [["mail"] * len(each) for each in sent]
        examples["message_formats"] = [["coupon", "leaflet", "?"][: len(each)] for each in sent]
        examples["message_answers"] = [[1, 0, 1][: len(each)] for each in sent]
    return examples


def network(name: str, seed: int = 0, **params: Any) -> Any:
    """A network that knows its vocabularies and has learnt nothing."""
    torch.manual_seed(seed)
    made = build(name, SMALL.get(name, {}) | params)
    if isinstance(made, Fittable):
        made.fit(learning(name), learning(name, seed=1))
        return made
    made.prepare(learning(name))
    with torch.no_grad():
        for weight in made.parameters():
            weight += 0.1 * torch.randn_like(weight)
    if name == "blend":
        made.finish(learning(name, seed=1))
    if MODELS[name].kind == "scorer":
        made.calibration = Calibration(way="temperature", temperature=1.3)
    return made.eval()


def written(name: str, folder: Path, seed: int = 0, **params: Any) -> Any:
    """A network, saved to a folder with its graphs."""
    made = network(name, seed, **params)
    made.save(folder)
    write_graphs(name, made, folder)
    return made
