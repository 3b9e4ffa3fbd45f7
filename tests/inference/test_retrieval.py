import numpy as np
import pytest

from attune.inference.retrieval import Retriever, best_of
from attune.inference.retrieval_graph import quantise, retrieval_graph
from attune.inference.session import Graph


def items_and(seed: int, size: int, dimension: int, queries: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    items = draw.normal(size=(size, dimension)) * draw.lognormal(size=(size, 1))
    return items.astype(np.float32), draw.normal(size=(queries, dimension)).astype(np.float32)


def retriever(items: np.ndarray) -> Retriever:
    return Retriever(Graph(retrieval_graph(items), "retrieval.onnx"), items, screened_above=0)


def offsets(size: int, allowed: float, seed: int) -> np.ndarray:
    """A bias for each item, and -inf for those that a filter forbids."""
    draw = np.random.default_rng(seed)
    return np.where(draw.random(size) < allowed, draw.normal(size=size), -np.inf).astype(np.float32)


@pytest.mark.parametrize("allowed", [1.0, 0.3, 0.002, 0.0])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_screening_finds_exactly_what_scoring_everything_finds(allowed, k):
    items, queries = items_and(0, size=4_000, dimension=24, queries=20)
    found = retriever(items)
    offset = offsets(len(items), allowed, seed=1)
    for query in queries:
        codes, scores = found.best(query, k, offset)
        wanted, wanted_scores = best_of(items @ query + offset, k)
        assert codes.tolist() == wanted.tolist()
        np.testing.assert_allclose(scores, wanted_scores, rtol=1e-5, atol=1e-5)
    assert found.uncertified == 0


def test_few_items_are_scored_in_full_at_once():
    items, queries = items_and(0, size=500, dimension=8, queries=1)
    offset = offsets(len(items), 0.5, seed=1)
    small = Retriever(Graph(retrieval_graph(items), "retrieval.onnx"), items)
    wanted, wanted_scores = best_of(items @ queries[0] + offset, 10)
    codes, scores = small.best(queries[0], 10, offset)
    assert (codes.tolist(), scores.tolist()) == (wanted.tolist(), wanted_scores.tolist())


def test_what_screening_cannot_prove_is_looked_up_in_full():
    alike = np.ones((2_000, 8), dtype=np.float32)  # all scores are the same: no bound can tell them apart
    found = retriever(alike)
    codes, scores = found.best(np.ones(8, dtype=np.float32), 5, np.zeros(2_000, dtype=np.float32))
    assert (codes.tolist(), scores.tolist()) == ([0, 1, 2, 3, 4], [8.0] * 5)
    assert found.uncertified == 1


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_largest_codes_do_not_overflow(sign):
    items = np.full((300, 512), sign, dtype=np.float32)
    items[7] *= 3.0
    codes, scores = retriever(items).best(np.full(512, sign, np.float32), 1, np.zeros(300, np.float32))
    assert (codes.tolist(), scores.tolist()) == ([7], [1536.0])


def test_a_query_of_nothing_leaves_the_offsets():
    items, _ = items_and(0, size=600, dimension=8, queries=1)
    offset = np.arange(600, dtype=np.float32)
    codes, _ = retriever(items).best(np.zeros(8, dtype=np.float32), 3, offset)
    assert codes.tolist() == [599, 598, 597]


def test_codes_lose_no_more_than_they_say():
    items, _ = items_and(3, size=50, dimension=16, queries=1)
    items[0] = 0.0
    codes, scale, lost = quantise(items)
    errors = np.linalg.norm(items - codes.T * scale[:, None].astype(np.float64), axis=1)
    np.testing.assert_allclose(lost, errors, rtol=1e-6)
    assert (lost <= np.linalg.norm(items, axis=1) / 50).all()
    assert lost[0] == 0


def test_the_same_items_give_the_same_graph():
    items, _ = items_and(0, size=100, dimension=8, queries=1)
    assert retrieval_graph(items) == retrieval_graph(items.copy())


def test_of_equals_the_smaller_code_comes_first_and_nothing_forbidden_comes():
    scores = np.array([1.0, 3.0, 3.0, -np.inf, 3.0, 2.0], dtype=np.float32)
    codes, found = best_of(scores, 4)
    assert (codes.tolist(), found.tolist()) == ([1, 2, 4, 5], [3.0, 3.0, 3.0, 2.0])
    assert best_of(scores, 9)[0].tolist() == [1, 2, 4, 5, 0]
