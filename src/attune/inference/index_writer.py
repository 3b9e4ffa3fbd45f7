"""Making what finds the best items: the screening of all, and for a large catalogue an index as well.

How much the index misses is measured when it is made.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from attune.inference.files import GRAPH_FILE, INDEX_DOCUMENT, INDEX_FILE, RETRIEVAL_FILE
from attune.inference.item_index import IndexDocument, ItemIndex, digest_of, widened
from attune.inference.retrieval import Vector, best_of
from attune.inference.retrieval_graph import retrieval_graph
from attune.inference.session import Graph
from attune.progress import say

# V items of the catalogue, D embedding, W its width in the index, Q queries
LEAST_RECALL = 0.98
BEST = 100
_QUERIES = 128  # half of them choose how many lists are searched, the others are what is written down
_MOST_SEARCHED = 8  # a search of more than an eighth of the lists is no faster than all items in eight bits
_TAUGHT = 64  # items a list from which its middle is learnt


def write_search(
    folder: Path,
    item_VD: Vector,
    bias_V: Vector,
    above: int,
    sample_of: Callable[[int], Mapping[str, Tensor]],
) -> None:
    """Write what finds items beside the graph of a network; see `write_index`.

    Args:
        folder: Where the graph is.
        item_VD: The vector of each item, as scores are made of it.
        bias_V: What is added to the score of each.
        above: Smaller catalogues have no index.
        sample_of: Number -> what the graph reads of a made-up customer.
    """
    (folder / RETRIEVAL_FILE).write_bytes(retrieval_graph(item_VD))
    graph = cache(lambda: Graph.read(folder / GRAPH_FILE))  # most catalogues have no index to ask it for

    def state_of(number: int) -> Vector:
        inputs = {name: tensor.numpy() for name, tensor in sample_of(number).items()}
        state_D: Vector = graph().run(inputs)[0][0]
        return state_D

    write_index(folder, item_VD, bias_V, above, state_of)


def write_index(
    folder: Path, item_VD: Vector, bias_V: Vector, above: int, state_of: Callable[[int], Vector]
) -> IndexDocument | None:
    """Write the index of a catalogue beside its graphs.

    Args:
        folder: Where it goes.
        item_VD: The vector of each item, as scores are made of it.
        bias_V: What is added to the score of each.
        above: Smaller catalogues have none.
        state_of: Number -> the state of a made-up customer, shape [D].

    Returns:
        What is known of it; None where none is written: all items are searched, exactly, where there are few
        of them, where an index would miss too much, or where faiss is not installed.
    """
    for name in (INDEX_FILE, INDEX_DOCUMENT):
        (folder / name).unlink(missing_ok=True)
    if len(item_VD) <= above:
        return None
    if find_spec("faiss") is None:  # what was learnt is worth more than its index
        say(f"no index, all of {len(item_VD):,} items are searched: faiss is missing; install attune[index]")
        return None
    query_QD = np.stack([state_of(number) for number in range(_QUERIES)]).astype(np.float32)
    scale = float(np.sqrt((query_QD**2).mean())) or 1.0
    index, lists = _learnt(item_VD, bias_V, scale)
    document = IndexDocument(
        items=len(item_VD),
        dimension=item_VD.shape[1],
        lists=lists,
        probes=1,
        scale=scale,
        recall_at_100=0,
        queries=_QUERIES // 2,
        items_sha256=digest_of(item_VD, bias_V),
        index_sha256="",
    )
    chosen = _tuned(index, document, item_VD, bias_V, query_QD)
    if chosen is None:
        return None
    return _written(folder, index, chosen)


def _learnt(item_VD: Vector, bias_V: Vector, scale: float) -> tuple[Any, int]:
    """An index over the items, and how many lists it has."""
    import faiss

    faiss.omp_set_num_threads(1)
    # The mean of the biases says nothing about which item is better, and would be all that the lists see.
    item_VW = widened(item_VD, (bias_V - bias_V.mean()) / np.float32(scale))
    width, lists = item_VW.shape[1], 1 << max(1, round(np.log2(len(item_VD)) / 2))
    metric, eight_bits = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(width), width, lists, eight_bits, metric)
    index.cp.max_points_per_centroid = _TAUGHT
    index.train(item_VW)
    index.add(item_VW)
    return index, lists


def _tuned(
    index: Any, document: IndexDocument, item_VD: Vector, bias_V: Vector, query_QD: Vector
) -> IndexDocument | None:
    """The same with as few lists as are enough; None where no few are."""
    best = [set(best_of(item_VD @ query + bias_V, BEST)[0].tolist()) for query in query_QD]
    half = len(query_QD) // 2
    probes = 1
    while probes <= max(1, document.lists // _MOST_SEARCHED):
        tried = document.model_copy(update={"probes": probes})
        found = ItemIndex(index, tried, item_VD, bias_V)
        if _recall(found, query_QD[:half], best[:half]) >= LEAST_RECALL:
            recall = _recall(found, query_QD[half:], best[half:])
            if recall >= LEAST_RECALL:
                return tried.model_copy(update={"recall_at_100": recall})
        probes *= 2
    return None


def _recall(index: ItemIndex, query_QD: Vector, best: list[set[int]]) -> float:
    nobody = np.empty(0, dtype=np.int64)
    found = [set(index.best(query, BEST, nobody)[0].tolist()) for query in query_QD]
    return float(
        np.mean([len(each & wanted) / len(wanted) for each, wanted in zip(found, best, strict=True)])
    )


def _written(folder: Path, index: Any, document: IndexDocument) -> IndexDocument:
    import faiss

    content = faiss.serialize_index(index).tobytes()
    document = document.model_copy(update={"index_sha256": hashlib.sha256(content).hexdigest()})
    (folder / INDEX_FILE).write_bytes(content)
    (folder / INDEX_DOCUMENT).write_text(document.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return document
