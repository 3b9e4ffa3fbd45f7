import shutil
import subprocess
import sys
import textwrap

import pandas as pd

from attune.inference.files import GRAPH_FILE
from attune.inference.graphs import write_graphs
from attune.inference.scoring import GraphScorer
from attune.inference.sequential import GraphSequential
from attune.models.catalog import build
from attune.registry import Registry
from serving.champions import Champions
from tests.origins import make_origin
from tests.presentable import make_presentable
from tests.serving.conftest import NOW, Shop

NETWORKS = {"churn": "churn_network", "recommend": "sequential"}


def release_networks(mine: Shop, folder) -> None:
    """Let a network be the champion of each model, with its graphs; it has learnt nothing."""
    registry = Registry(mine.workspace)
    for name, algorithm in NETWORKS.items():
        trained, examples = folder / f"trained-{name}", mine.examples(name)
        network = build(algorithm, {"min_count": 1} if algorithm == "sequential" else {})
        network.prepare(pd.read_parquet(examples / "train.parquet"))
        network.eval().save(trained)
        write_graphs(algorithm, network, trained)
        shutil.copy(examples / "examples.json", trained)
        make_presentable(trained, name, algorithm)
        version = registry.register(
            trained, make_origin(NOW, name=name, algorithm=algorithm, run_key=f"{2:064x}")
        )
        registry.promote(name, version.version, 1, "a test", "a test")


def test_champions_answer_from_their_graphs_where_nothing_that_trains_is_imported(shop, tmp_path):
    mine = shop.elsewhere(tmp_path / "workspace")
    release_networks(mine, tmp_path)
    champions = Champions(Registry(mine.workspace))
    champions.refresh()
    churn, recommend = champions.of("churn"), champions.of("recommend")
    assert churn is not None
    assert recommend is not None
    assert (churn.number, recommend.number, champions.ready) == (2, 2, True)
    assert isinstance(churn.model, GraphScorer)
    assert isinstance(recommend.model, GraphSequential)
    script = f"""
        import sys
        from pathlib import Path
        from attune.config import Workspace
        from attune.registry import Registry
        from serving.champions import Champions
        champions = Champions(Registry(Workspace(root=Path({str(mine.workspace.root)!r}))))
        champions.refresh()
        assert champions.ready and champions.of("churn").number == 2, champions.refusal("churn")
        heavy = {{"torch", "feast", "captum", "onnx", "lightgbm", "sklearn"}} & sys.modules.keys()
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


def test_a_graph_that_was_changed_is_refused_before_it_is_read(shop, tmp_path):
    mine = shop.elsewhere(tmp_path / "workspace")
    release_networks(mine, tmp_path)
    graph = mine.workspace.models / "churn" / "2" / GRAPH_FILE
    graph.write_bytes(graph.read_bytes() + b"\0")
    champions = Champions(Registry(mine.workspace))
    champions.refresh()
    refusal, churn = champions.refusal("churn"), champions.of("churn")
    assert refusal is not None
    assert GRAPH_FILE in refusal.reason
    assert churn is not None
    assert churn.number == 1
