"""Answers from graphs beside answers from the networks that they were made of, on one core, in turns.

    python -m benchmarks.graphs

Weights and items are drawn at random: speed does not depend on what was learnt, and what two ways of asking
the same weights answer is compared in full. Processor time of this thread, the median of calls in turns.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from attune.inference.graphs import open_model, write_graphs
from attune.inference.index_writer import write_index
from attune.inference.item_index import ItemIndex
from attune.inference.retrieval import Retriever, best_of
from attune.inference.retrieval_graph import retrieval_graph
from attune.inference.session import Graph
from attune.models.churn_network import ChurnNetwork
from attune.models.items import Items
from attune.models.transformer import Transformer
from benchmarks.results import Result, write_results

COMMAND = "make bench-serving"
ITEMS, LENGTH, DIMENSION, BEST = 50_000, 200, 128, 100
FEATURES, ROWS = 40, 2_000
NOW = pd.Timestamp("2017-06-04", tz="UTC")
TURNS = 60
CATALOGUES = ((60_000, 64), (60_000, 128), (1_000_000, 128))
INDEXED, GROUPS, SPREAD, LIKED = 1_000_000, 2_000, np.float32(0.7), 3

Figures = dict[str, tuple[float, str, str]]


def main() -> None:
    """Measure, print, and write results/graphs.json."""
    torch.set_num_threads(1)
    figures = _recommending() | _scoring()
    for size, dimension in CATALOGUES:
        figures |= _retrieving(size, dimension)
    figures |= _indexing()
    results = [_result(name, *figure) for name, figure in figures.items()]
    print(write_results("graphs", results).read_text(encoding="utf-8"))


def _recommending() -> Figures:
    """A history of 200, 50,000 items of 128 dimensions, the best 100: graph and retrieval beside torch."""
    network, draw = _transformer(), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder))
        write_graphs("transformer", network, Path(folder))
        model = open_model("transformer", Path(folder))
    histories = [draw.integers(0, ITEMS, LENGTH) for _ in range(TURNS)]
    times = [NOW.timestamp() - LENGTH + place for place in range(LENGTH)]
    names = [network.items.ids[history].tolist() for history in histories]
    asked = {
        "graph": lambda turn: set(model.recommend_one(names[turn], times, NOW, BEST)[0]),
        "torch": lambda turn: set(network.items.ids[_best_by_torch(network, histories[turn])]),
        "last": lambda turn: set(network.items.ids[_best_of_last(network, histories[turn])]),
    }
    seconds, answers = _in_turns(asked, TURNS)
    same = float(
        np.mean([len(set(map(frozenset, found))) == 1 for found in zip(*answers.values(), strict=True)])
    )
    data = f"random weights, history {LENGTH}, d {DIMENSION}, {ITEMS:,} items, top {BEST}"
    return {
        "recommend_graph_cpu_ms": (1e3 * seconds["graph"], "ms", data),
        "recommend_graph_cpu_ratio_torch": (seconds["graph"] / seconds["torch"], "x", data),
        "recommend_graph_cpu_ratio_last_torch": (seconds["graph"] / seconds["last"], "x", data),
        "recommend_graph_same_top_100_share": (same, "share", data),
        "recommend_graph_uncertified": (model.uncertified, "of 61 questions", data),
    }


def _transformer() -> Transformer:
    torch.manual_seed(0)
    network = Transformer(Transformer.Config(dimension=DIMENSION, length=LENGTH))
    network.items = Items([f"item-{code}" for code in range(ITEMS)])
    network._make_layers()
    return network.eval()


@torch.no_grad()
def _best_by_torch(network: Transformer, history: np.ndarray) -> np.ndarray:
    """As a network is usually asked: the states of all places, and the scores of the last."""
    item_VD = network.vectors()
    entered_1LD = network.embedded(item_VD[torch.from_numpy(history)])[None]
    state_1D = network.encoder(entered_1LD, torch.arange(LENGTH)[None])[:, -1]
    best: np.ndarray = (state_1D @ item_VD.T + network.bias_V).topk(BEST).indices[0].numpy()
    return best


@torch.no_grad()
def _best_of_last(network: Transformer, history: np.ndarray) -> np.ndarray:
    """As ours is asked: the last block computes the last place alone."""
    batch = {
        "code": torch.from_numpy(history)[None],
        "before": torch.arange(LENGTH)[None],
        "real": torch.ones(1, LENGTH, dtype=torch.bool),
    }
    best: np.ndarray = network(batch).topk(BEST).indices[0].numpy()
    return best


def _scoring() -> Figures:
    """One row of 40 features: the graph beside the network, which reads a table."""
    draw = np.random.default_rng(0)
    train = pd.DataFrame({f"feature_{number}": draw.normal(size=ROWS) for number in range(FEATURES)})
    train["label"] = draw.integers(0, 2, ROWS)
    network = ChurnNetwork(ChurnNetwork.Config())
    network.prepare(train)
    network.eval()
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder))
        write_graphs("churn_network", network, Path(folder))
        model = open_model("churn_network", Path(folder))
    rows = train.drop(columns="label").to_dict("records")
    encoded = [network.encode(train.iloc[[turn]], with_labels=False) for turn in range(TURNS)]
    asked = {
        "graph": lambda turn: model.score_rows([rows[turn]], NOW),
        "torch": lambda turn: network(encoded[turn]).detach(),
    }
    seconds, _ = _in_turns(asked, TURNS)
    data = f"random weights, one row of {FEATURES} features"
    return {
        "churn_graph_cpu_ms": (1e3 * seconds["graph"], "ms", data),
        "churn_graph_cpu_ratio_torch": (seconds["graph"] / seconds["torch"], "x", data),
    }


def _retrieving(size: int, dimension: int) -> Figures:
    """The exact best 100 of a catalogue: screening in eight bits beside scoring everything in full."""
    draw = np.random.default_rng(0)
    item_VD = draw.standard_normal((size, dimension), dtype=np.float32)
    retriever = Retriever(Graph(retrieval_graph(item_VD), "retrieval.onnx"), item_VD)
    offset_V = np.zeros(size, dtype=np.float32)
    turns = 20
    queries = draw.standard_normal((turns, dimension), dtype=np.float32)
    asked = {
        "screened": lambda turn: retriever.best(queries[turn], BEST, offset_V)[0].tolist(),
        "full": lambda turn: best_of(item_VD @ queries[turn] + offset_V, BEST)[0].tolist(),
    }
    seconds, answers = _in_turns(asked, turns)
    if answers["screened"] != answers["full"]:
        raise SystemExit("screening did not find what scoring everything finds; nothing is written")
    name, data = (
        f"retrieval_{size // 1000}k_d{dimension}",
        f"{size:,} random items, d {dimension}, top {BEST}",
    )
    return {
        f"{name}_cpu_ms": (1e3 * seconds["screened"], "ms", data),
        f"{name}_cpu_ratio_full": (seconds["screened"] / seconds["full"], "x", data),
        f"{name}_uncertified": (retriever.uncertified, f"of {turns + 1} questions", data),
    }


def _indexing() -> Figures:
    """The best 100 of a million items in groups by an index, beside searching all of them exactly."""
    draw, size = np.random.default_rng(0), INDEXED
    middles = draw.standard_normal((GROUPS, DIMENSION), dtype=np.float32)
    item_VD = middles[draw.integers(0, GROUPS, size)]
    item_VD += SPREAD * draw.standard_normal((size, DIMENSION), dtype=np.float32)
    bias_V = draw.standard_normal(size, dtype=np.float32)
    liked = draw.integers(0, GROUPS, (4 * TURNS, LIKED))
    customers = middles[liked].sum(axis=1)
    customers += SPREAD * draw.standard_normal(customers.shape, dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        written = write_index(Path(folder), item_VD, bias_V, 1, customers[::-1].__getitem__)
        made = time.process_time() - started
        index = ItemIndex.open(Path(folder), item_VD, bias_V)
    if written is None or index is None:
        raise SystemExit("the index finds too few of the best; nothing is written")
    retriever = Retriever(Graph(retrieval_graph(item_VD), "retrieval.onnx"), item_VD)
    nobody = np.empty(0, dtype=np.int64)
    asked = {
        "index": lambda turn: index.best(customers[turn], BEST, nobody)[0],
        "exact": lambda turn: retriever.best(customers[turn], BEST, bias_V)[0],
    }
    seconds, answers = _in_turns(asked, TURNS)
    pairs = zip(answers["index"], answers["exact"], strict=True)
    recall = float(
        np.mean([np.isin(np.asarray(wanted), np.asarray(found)).mean() for found, wanted in pairs])
    )
    data = (
        f"{size:,} items in {GROUPS:,} groups, d {DIMENSION}, top {BEST}; customers like {LIKED} groups; "
        f"{written.probes} of {written.lists} lists, made in {made:.0f} CPU s"
    )
    return {
        "index_1000k_d128_cpu_ms": (1e3 * seconds["index"], "ms", data),
        "index_1000k_d128_recall": (recall, "share of the exact top 100", data),
        "index_1000k_d128_cpu_ratio_exact": (seconds["index"] / seconds["exact"], "x", data),
    }


def _in_turns(
    asked: Mapping[str, Callable[[int], object]], turns: int
) -> tuple[dict[str, float], dict[str, Sequence[object]]]:
    """The median processor seconds of each way of asking, and its answers; the first call is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in asked}
    answers: dict[str, list[object]] = {name: [] for name in asked}
    for ask in asked.values():
        ask(0)
    for turn in range(turns):
        for name, ask in asked.items():
            started = time.thread_time()
            answers[name].append(ask(turn))
            seconds[name].append(time.thread_time() - started)
    return {name: float(np.median(measured)) for name, measured in seconds.items()}, dict(answers)


def _result(name: str, value: float, unit: str, data: str) -> Result:
    peer = "torch 2.13" if name.endswith("_torch") else None
    return Result.here(
        name=name,
        value=round(value, 4),
        unit=unit,
        peer=peer,
        data=data,
        protocol="one core, processor time of the thread, median of calls in turns",
        command=COMMAND,
    )


if __name__ == "__main__":
    main()
