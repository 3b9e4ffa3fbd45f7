import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import torch

from attune.errors import ModelError
from attune.inference.files import INDEX_DOCUMENT, INDEX_FILE
from attune.inference.graphs import open_model, write_graphs
from attune.inference.index_writer import BEST, LEAST_RECALL, write_index
from attune.inference.item_index import ItemIndex
from attune.inference.retrieval import best_of
from attune.models.items import Items
from attune.models.transformer import Transformer

NOW = datetime(2017, 6, 4, tzinfo=UTC)
NOBODY = np.empty(0, dtype=np.int64)
DIMENSION, ITEMS = 24, 20_000


def catalogue(groups: int = 100) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items that lie in groups, how popular they are, and customers who like one group each."""
    draw = np.random.default_rng(0)
    middles = draw.normal(size=(groups, DIMENSION))
    items = middles[draw.integers(0, groups, ITEMS)] + 0.3 * draw.normal(size=(ITEMS, DIMENSION))
    customers = middles[draw.integers(0, groups, 200)] + 0.3 * draw.normal(size=(200, DIMENSION))
    bias = draw.normal(size=ITEMS) - 9
    return items.astype(np.float32), bias.astype(np.float32), customers.astype(np.float32)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    items, bias, customers = catalogue()
    document = write_index(folder, items, bias, above=1_000, state_of=customers.__getitem__)
    return folder, items, bias, customers, document


def test_an_index_finds_nearly_all_of_the_best_with_the_scores_they_have(indexed):
    folder, items, bias, customers, document = indexed
    assert document.recall_at_100 >= LEAST_RECALL
    index = ItemIndex.open(folder, items, bias)
    assert index.document == document
    shares = []
    for query in customers[128:]:
        codes, scores = index.best(query, BEST, NOBODY)
        np.testing.assert_allclose(scores, items[codes] @ query + bias[codes], rtol=1e-6)
        assert (np.diff(scores) <= 0).all()
        shares.append(len(set(codes) & set(best_of(items @ query + bias, BEST)[0])) / BEST)
    assert np.mean(shares) >= LEAST_RECALL - 0.01


def test_what_is_banned_gives_its_place_to_the_next(indexed):
    folder, items, bias, customers, _ = indexed
    index = ItemIndex.open(folder, items, bias)
    first, _ = index.best(customers[0], 20, NOBODY)
    then, _ = index.best(customers[0], 15, first[:5])
    assert then.tolist() == first[5:].tolist()


def test_few_items_have_no_index_and_lose_the_one_of_an_earlier_training(indexed, tmp_path):
    _, items, bias, customers, _ = indexed
    (tmp_path / INDEX_DOCUMENT).write_text("{}")
    assert write_index(tmp_path, items, bias, above=ITEMS, state_of=customers.__getitem__) is None
    assert not list(tmp_path.iterdir())
    assert ItemIndex.open(tmp_path, items, bias) is None


def test_without_faiss_nothing_is_lost_but_the_index(indexed, tmp_path, monkeypatch, caplog):
    folder, items, bias, customers, _ = indexed
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert write_index(tmp_path, items, bias, above=10, state_of=customers.__getitem__) is None
    assert not list(tmp_path.iterdir())
    assert ItemIndex.open(folder, items, bias) is None
    assert "install attune[index]" in caplog.text


def test_items_without_groups_have_no_index(tmp_path):
    draw = np.random.default_rng(1)
    items, customers = draw.normal(size=(4_000, 64)), draw.normal(size=(128, 64))
    bias = np.zeros(4_000, dtype=np.float32)
    found = write_index(
        tmp_path, items.astype(np.float32), bias, above=10, state_of=customers.astype(np.float32).__getitem__
    )
    assert found is None
    assert not list(tmp_path.iterdir())


def test_an_index_of_other_items_or_with_other_bytes_is_refused(indexed, tmp_path):
    folder, items, bias, *_ = indexed
    with pytest.raises(ModelError, match="of other items"):
        ItemIndex.open(folder, items, bias + 1)
    for name in (INDEX_FILE, INDEX_DOCUMENT):
        content = (folder / name).read_bytes()
        (tmp_path / name).write_bytes(content[:-1] + b"?" if name == INDEX_FILE else content)
    with pytest.raises(ModelError, match="not what was written"):
        ItemIndex.open(tmp_path, items, bias)


def network(above: int) -> Transformer:
    torch.manual_seed(0)
    made = Transformer(Transformer.Config(dimension=DIMENSION, length=20, index_above=above))
    made.items = Items([f"item-{code}" for code in range(ITEMS)])
    made._make_layers()
    with torch.no_grad():
        made.item_VD.copy_(torch.from_numpy(catalogue()[0]))
    return made.eval()


def test_a_recommender_asks_its_index_but_where_a_filter_leaves_a_part(tmp_path, monkeypatch):
    monkeypatch.setattr("attune.inference.index_writer.LEAST_RECALL", 0.5)
    made = network(above=1_000)
    made.save(tmp_path)
    write_graphs("transformer", made, tmp_path)
    model = open_model("transformer", tmp_path)
    assert model.index is not None
    bought = [f"item-{code}" for code in range(0, 200, 10)]
    times = [NOW.timestamp() - 9] * len(bought)
    with monkeypatch.context() as without:
        without.setattr(model, "_retriever", None)  # nobody searches all items
        found, scores = model.recommend_one(bought, times, NOW, 50, None, {"item-7"})
    index, model.index = model.index, None
    wanted, wanted_scores = model.recommend_one(bought, times, NOW, 50, None, {"item-7"})
    assert len(set(found) & set(wanted)) > 25
    same = {item: score for item, score in zip(wanted, wanted_scores, strict=True) if item in found}
    assert same == pytest.approx({i: s for i, s in zip(found, scores, strict=True) if i in same}, abs=1e-4)
    some = frozenset(made.items.ids[::40])
    wanted = model.recommend_one(bought, times, NOW, 50, some)[0]
    model.index = index
    assert model.recommend_one(bought, times, NOW, 50, some)[0] == wanted
    many = model.recommend_one(bought, times, NOW, 3 * ITEMS // 4)[0]
    assert len(many) == 3 * ITEMS // 4  # more than the lists hold that are looked through
