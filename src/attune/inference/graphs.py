"""Which models answer without the library that trained them: how each is written, and what answers from it.

Neither side is imported before it is asked for: writing needs torch, answering must not have it.
"""

import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.errors import ModelError
from attune.inference.files import GRAPH_FILE

_EXPLAINED = "attune.inference.attribution_graph:write_graphs"
_OF_TABLES = "attune.inference.churn_graph:write_graph"
_OF_SEQUENCES = "attune.inference.next_item_graph:write_graph"
_NEXT_ITEM = "attune.inference.next_item:GraphNextItem"

# Network of the catalogue -> a function that writes its graphs into a folder.
WRITERS: Mapping[str, str] = {
    "churn_network": _EXPLAINED,
    "response_network": _EXPLAINED,
    "blend": _OF_TABLES,
    "sequential": "attune.inference.sequential_graph:write_graph",
    "transformer": _OF_SEQUENCES,
    "gru4rec": _OF_SEQUENCES,
}

# Model of the catalogue -> a class whose `open` reads a version's folder, and which answers as the model.
SERVERS: Mapping[str, str] = {
    "churn_network": "attune.inference.explaining:ExplainedScorer",
    "response_network": "attune.inference.explaining:ExplainedScorer",
    "blend": "attune.inference.boosting:GraphBlend",
    "gradient_boosting": "attune.inference.boosting:BoostedScorer",
    "sequential": "attune.inference.sequential:GraphSequential",
    "transformer": _NEXT_ITEM,
    "gru4rec": _NEXT_ITEM,
}


def write_graphs(algorithm: str, model: object, folder: Path) -> None:
    """Write a trained network as graphs beside its weights; a model that is no network has none.

    Raises:
        ModelError: A graph does not answer as the network does.
    """
    if algorithm in WRITERS:
        pkgutil.resolve_name(WRITERS[algorithm])(model, folder)


def can_open(algorithm: str, folder: Path) -> bool:
    """Whether a version can answer without the library that trained it."""
    return algorithm in SERVERS and (algorithm not in WRITERS or (folder / GRAPH_FILE).exists())


def open_model(algorithm: str, folder: Path) -> Any:
    """What answers from a version's folder, a `Scorer` or a `Recommender` that also takes single rows.

    Raises:
        ModelError: The folder has no graphs, or they do not answer as the network did.
    """
    if not can_open(algorithm, folder):
        raise ModelError(f"{folder} holds no graph of {algorithm}; train and register it again")
    return pkgutil.resolve_name(SERVERS[algorithm]).open(folder)
