"""The one list of networks that become graphs: how each is written, and what answers from it.

Neither side is imported before it is asked for: writing needs torch, answering must not have it.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.errors import ModelError
from attune.inference.files import GRAPH_FILE


@dataclass(frozen=True)
class GraphEntry:
    """One network of the catalogue.

    Attributes:
        writer: A function that writes the graphs of a trained network into a folder.
        server: A class whose `open` reads such a folder, and which answers as the network does.
    """

    writer: str
    server: str


_OF_TABLES = GraphEntry("attune.inference.churn_graph:write_graph", "attune.inference.scoring:GraphScorer")

GRAPHS: Mapping[str, GraphEntry] = {
    "churn_network": _OF_TABLES,
    "response_network": _OF_TABLES,
    "sequential": GraphEntry(
        "attune.inference.sequential_graph:write_graph", "attune.inference.recommending:GraphRecommender"
    ),
}


def write_graphs(algorithm: str, network: object, folder: Path) -> None:
    """Write a trained network as graphs beside its weights; a model that is no network has none.

    Raises:
        ModelError: The graph does not answer as the network does.
    """
    if algorithm in GRAPHS:
        pkgutil.resolve_name(GRAPHS[algorithm].writer)(network, folder)


def has_graph(algorithm: str, folder: Path) -> bool:
    """Whether a version can answer without the library that trained it."""
    return algorithm in GRAPHS and (folder / GRAPH_FILE).exists()


def open_model(algorithm: str, folder: Path) -> Any:
    """What answers from the graphs in a folder, a `Scorer` or a `Recommender`.

    Raises:
        ModelError: There are none, or they do not answer as the network did.
    """
    if not has_graph(algorithm, folder):
        raise ModelError(f"{folder} holds no graph of {algorithm}; train and register it again")
    return pkgutil.resolve_name(GRAPHS[algorithm].server).open(folder)
