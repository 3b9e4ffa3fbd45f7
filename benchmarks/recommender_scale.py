"""What large catalogues cost: a million items in memory, a sampled loss, one answer, the best of many items.

`python -m benchmarks.recommender_scale` runs all four; `--only million` one of them.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, HISTORY_ITEMS, HISTORY_TIMES, LABEL
from attune.inference.graphs import open_model, write_graphs
from attune.inference.retrieval import Retriever
from attune.inference.retrieval_graph import retrieval_graph
from attune.inference.session import Graph
from attune.models import catalog
from attune.models.hits import TEN, hit_rate
from attune.models.transformer import Transformer
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from benchmarks.recommender_results import FILE
from benchmarks.results import Result, add_results

MILLION, ASKED = 1_000_000, 200
HUNDRED, DIMENSION = 100, 128
AS_OF = pd.Timestamp("2026-01-01", tz="UTC").as_unit("us")
# A customer stays in one group; its ten most popular items are 43 % of what is taken from its 500.
GROUPS, CUSTOMERS, LEFT_OUT, LENGTH = 100, 12_000, 10_000, 20
SAMPLED = 4_096
MADE = "made-up histories"


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=sorted(PARTS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for name, measure in PARTS.items():
            if asked.only in (None, name):
                add_results(FILE, measure())


def million() -> list[Result]:
    """The most memory of a process that learns a million items."""
    script = "from benchmarks.recommender_scale import learn_a_million; learn_a_million()"
    subprocess.run([sys.executable, "-c", script], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    words = f"{MILLION:,} items, d 128, 1 block, 512 sampled items, 5 steps of 1,000 customers, AdamW"
    return [_figure("million_items_peak_gib", peak, "GiB", words, "million")]


def learn_a_million() -> None:
    """Five steps of a network of a million items."""
    torch.set_num_threads(1)
    draw = np.random.default_rng(0)
    walks = draw.permutation(MILLION).reshape(5_000, 200)
    train = _examples(walks)
    params = {"dimension": 128, "blocks": 1, "length": 20, "min_count": 1, "negatives": 512}
    network = catalog.build("transformer", params)
    assert isinstance(network, Transformer)
    train_network(
        network, train, train.iloc[:16], LoopSettings(epochs=1, batch_size=1_000, accumulate=4, average=0)
    )


def sampled() -> list[Result]:
    """What a sampled loss hits beside the whole softmax when both have learnt, and what it costs."""
    items, chosen = 50_000, 1_000
    train, test = (
        _examples(_groups(rows, LENGTH + 1, items, seed))
        for seed, rows in enumerate((CUSTOMERS, chosen + LEFT_OUT))
    )
    params = {"dimension": 32, "blocks": 1, "length": LENGTH, "min_count": 1, "dropout": 0.1}
    loop = LoopSettings(epochs=2, batch_size=32, learning_rate=0.003, patience=2)
    found: dict[int, tuple[float, float]] = {}
    for negatives in (SAMPLED, 0):
        network = catalog.build("transformer", {**params, "negatives": negatives})
        assert isinstance(network, Transformer)
        used = train_network(network, train, test.iloc[:chosen], loop).processor_seconds
        hits = hit_rate(network.recommend(test.iloc[chosen:], TEN)[0], test[LABEL].iloc[chosen:])
        found[negatives] = hits, used
        print(f"{negatives} negatives: {hits:.4f} hits among ten, {used:.0f} CPU s", flush=True)
    (whole, whole_s), (part, part_s) = found[0], found[SAMPLED]
    words = (
        f"{items:,} items in {GROUPS} groups that customers stay in, {CUSTOMERS:,} customers, d 32, "
        f"{SAMPLED:,} sampled items, {loop.epochs} epochs; hits among ten of {LEFT_OUT:,} others "
        f"{part:.4f} against {whole:.4f}, {part_s:.0f} against {whole_s:.0f} CPU s"
    )
    return [_figure("sampled_share_of_full_hits10", part / whole, "share", words, "sampled")]


def one() -> list[Result]:
    """Processor time of one customer's answer from the graph."""
    walks = np.random.default_rng(0).integers(0, 3_706, (400, 201))
    examples = _examples(walks)
    network = catalog.build("transformer", {"min_count": 1})
    assert isinstance(network, Transformer)
    network.prepare(examples)
    with tempfile.TemporaryDirectory() as folder:
        network.eval().save(Path(folder))
        write_graphs("transformer", network, Path(folder))
        model = open_model("transformer", Path(folder))
        took = []
        for row in range(ASKED):
            items, times = examples.at[row, HISTORY_ITEMS], examples.at[row, HISTORY_TIMES]
            started = time.process_time()
            model.recommend_one(items, times, AS_OF.to_pydatetime(), TEN)
            took.append((time.process_time() - started) * 1e3)
    words = f"200 ids to exact top 10 of {len(network.items):,} items, d 64, 2 blocks, ONNX graph, one thread"
    return [_figure("one_user_graph_p50_ms", float(np.median(took)), "CPU ms", words, "one")]


def top() -> list[Result]:
    """Processor time of the exact hundred best of a catalogue."""
    figures = []
    for name, size in (("60k", 60_000), ("1m", MILLION)):
        draw = np.random.default_rng(0)
        item_VD = draw.standard_normal((size, DIMENSION), dtype=np.float32)
        retriever = Retriever(Graph(retrieval_graph(item_VD), f"{name} items"), item_VD)
        bias_V, took = np.zeros(size, dtype=np.float32), []
        for query_D in draw.standard_normal((ASKED, DIMENSION), dtype=np.float32):
            started = time.process_time()
            retriever.best(query_D, HUNDRED, bias_V)
            took.append((time.process_time() - started) * 1e3)
        words = f"exact top {HUNDRED} of {size:,} random items, d {DIMENSION}, one thread"
        figures.append(_figure(f"top100_{name}_p50_ms", float(np.median(took)), "CPU ms", words, "top"))
    return figures


def _groups(rows: int, length: int, items: int, seed: int) -> np.ndarray:
    """Customers who stay in one group of items, in which the first are far more popular."""
    draw = np.random.default_rng(seed)
    each = items // GROUPS
    chance = 1 / np.arange(1, each + 1)
    within = draw.choice(each, (rows, length), p=chance / chance.sum())
    return within * GROUPS + draw.integers(0, GROUPS, (rows, 1))


def _examples(walks: np.ndarray) -> pd.DataFrame:
    """One example a walk, whose last step is the label, an hour a step."""
    now = int(AS_OF.timestamp())
    names = np.char.add("i", walks.astype(str)).astype(object)
    times = list(now - 3_600 * np.arange(walks.shape[1] - 1, 0, -1))
    return pd.DataFrame(
        {
            CUSTOMER_ID: [f"c{number}" for number in range(len(walks))],
            EVENT_TIMESTAMP: AS_OF,
            HISTORY_ITEMS: [walk[:-1].tolist() for walk in names],
            HISTORY_TIMES: [times] * len(walks),
            LABEL: [walk[-1:].tolist() for walk in names],
        }
    )


def _figure(name: str, value: float, unit: str, words: str, part: str) -> Result:
    print(f"{name} {value:.4f} {unit}", flush=True)
    command = f"python -m benchmarks.recommender_scale --only {part}"
    return Result.here(name, round(value, 4), unit, data=MADE, protocol=words, command=command)


PARTS: Mapping[str, Callable[[], list[Result]]] = {
    "million": million,
    "sampled": sampled,
    "one": one,
    "top": top,
}


if __name__ == "__main__":
    main()
