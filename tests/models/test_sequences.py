import torch

from attune.models.history import read_histories
from attune.models.items import Items
from attune.models.sequences import (
    equal_batches,
    labels_and_seen,
    last_windows,
    sequences_of,
    training_windows,
)
from tests.models.shopping import shopping

ITEMS = Items(["bread", "milk", "rice", "tea"])  # codes 0, 1, 2, 3


def sequences(*sentences: str, with_labels: bool = True):
    examples = shopping(*sentences)
    return sequences_of(read_histories(examples, ITEMS.codes), examples if with_labels else None, ITEMS)


def windows(found, length: int, *, exclude_seen: bool = False):
    rows = torch.arange(len(found["count"]))
    return training_windows(found, rows, length, exclude_seen=exclude_seen, items=len(ITEMS))


def test_every_place_asks_for_what_came_after_it():
    batch = windows(sequences("bread@3 milk@2 -> tea", "rice@1 -> bread"), length=9)
    assert batch["code"].tolist() == [[0, 1], [2, 0]]
    assert batch["real"].tolist() == [[True, True], [True, False]]
    assert batch["target"].tolist() == [1, 3, 0]
    assert batch["before"].tolist() == [[0, 1], [0, 1]]


def test_what_was_seen_before_a_target_is_no_answer_to_it():
    batch = windows(sequences("bread@3 milk@2 -> tea", "rice@1 -> bread"), length=9, exclude_seen=True)
    places = [divmod(pair, len(ITEMS)) for pair in batch["excluded"].tolist()]
    assert places == [(0, 0), (1, 0), (1, 1), (2, 2)]


def test_windows_of_a_long_sequence_lie_anywhere_in_it_and_know_what_they_cut_off():
    torch.manual_seed(0)
    found = sequences("bread@4 milk@3 rice@2 -> tea")
    batches = [windows(found, length=2) for _ in range(40)]
    seen = {(tuple(batch["code"][0].tolist()), tuple(batch["target"].tolist())) for batch in batches}
    assert seen == {((0, 1), (1, 2)), ((1, 2), (2, 3))}
    assert {int(batch["before"][0, 0] - batch["code"][0, 0]) for batch in batches} == {0}


def test_a_single_interaction_teaches_nothing():
    batch = windows(sequences("-> tea", "-> caviar", "bread@1 ->"), length=9)
    assert batch["target"].tolist() == []
    assert not batch["real"].any()


def test_the_end_of_a_history_is_what_is_known_when_the_label_is_asked():
    found = sequences("bread@4 milk@3 rice@2 -> tea caviar", "-> bread")
    batch = last_windows(found, torch.arange(2), length=2) | labels_and_seen(found, torch.arange(2))
    assert batch["code"].tolist() == [[1, 2], [0, 0]]
    assert batch["real"].tolist() == [[True, True], [False, False]]
    assert batch["before"][0].tolist() == [1, 2]
    assert (batch["label_row"].tolist(), batch["label_code"].tolist()) == ([0, 1], [3, 0])
    assert batch["bought"].tolist() == [2, 1]
    assert batch["seen_code"].tolist() == [0, 1, 2]


def test_batches_hold_every_row_once_and_rows_of_like_length():
    lengths = torch.arange(100) % 10
    batches = list(
        equal_batches(lengths, 10, torch.randperm(100, generator=torch.Generator().manual_seed(0)))
    )
    assert sorted(torch.cat(batches).tolist()) == list(range(100))
    assert max(int(lengths[rows].max() - lengths[rows].min()) for rows in batches) <= 1
