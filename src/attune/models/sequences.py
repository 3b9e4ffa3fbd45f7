"""Sequences of items kept end to end, and windows of them cut into batches of about equal length."""

# N sequences, B of a batch, L places of the longest window, T targets, P pairs (target, item seen before it)

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from attune.columns import LABEL
from attune.models.history import Histories
from attune.models.items import Items
from attune.models.network import Batch
from attune.models.ragged import spans

_BATCHES_SORTED_TOGETHER = 16


def sequences_of(
    histories: Histories, examples: pd.DataFrame | None, items: Items, *, timed: bool = False
) -> Batch:
    """Put the history of each example, and its label behind it where there is one, end to end.

    Args:
        histories: Of N examples.
        examples: They themselves where their labels are wanted.
        items: The catalogue; labels outside it are left out, but counted as bought.
        timed: Whether times are kept too.

    Returns:
        For each example the `count` and `start` of its sequence in `code`, how many of it are its `label`,
        and how many items were `bought`. Where times are kept, `times` beside `code`: how many days before
        the as-of date each item was bought, and what came after it; a label is of that date.
    """
    labels = [np.zeros(0, np.int64)] * len(histories)
    bought_N = np.zeros(len(histories), dtype=np.int64)
    if examples is not None:
        codes = [items.codes(dict.fromkeys(found)) for found in examples[LABEL]]
        labels = [found[found >= 0] for found in codes]
        bought_N = np.array([len(found) for found in codes], dtype=np.int64)
    label_N = np.array([len(found) for found in labels], dtype=np.int64)
    count_N = histories.lengths + label_N
    start_N = np.cumsum(count_N) - count_N
    code = np.empty(int(count_N.sum()), dtype=np.int64)
    is_label = _last(count_N, label_N)
    code[~is_label] = histories.code
    code[is_label] = np.concatenate([np.zeros(0, np.int64), *labels])
    found: dict[str, npt.NDArray[Any]]
    found = {"count": count_N, "start": start_N, "label": label_N, "bought": bought_N, "code": code}
    if timed:
        age = np.zeros(len(code), dtype=np.float32)
        age[~is_label] = histories.age
        after = np.append(age[1:], np.float32(0))[: len(age)]
        after[(start_N + count_N - 1)[count_N > 0]] = 0.0
        found["times"] = np.stack([age, after], axis=1)
    return {name: torch.from_numpy(value) for name, value in found.items()}


def _last(count_N: npt.NDArray[np.int64], label_N: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which elements of lists end to end are among the last so many of their list."""
    ends_N = np.cumsum(count_N)
    row_M = np.repeat(np.arange(len(count_N)), count_N)
    is_last: npt.NDArray[np.bool_] = np.arange(len(row_M)) >= (ends_N - label_N)[row_M]
    return is_last


def equal_batches(length_N: Tensor, batch_size: int, order: Tensor) -> Iterator[Tensor]:
    """Cut rows into batches of about equally long sequences, in an order that follows from the given one."""
    cut: list[Tensor] = []
    for rows in torch.split(order.to(length_N.device), batch_size * _BATCHES_SORTED_TOGETHER):
        cut.extend(torch.split(rows[torch.argsort(length_N[rows], stable=True)], batch_size))
    shuffle = torch.Generator().manual_seed(int(order[0]))
    for position in torch.randperm(len(cut), generator=shuffle):
        yield cut[int(position)]


def training_windows(sequences: Batch, rows: Tensor, length: int, *, exclude_seen: bool, items: int) -> Batch:
    """Cut a window out of each sequence, in which every item but the last asks for the one after it.

    A sequence longer than a window is cut at random, so that all of it teaches in the course of the epochs.

    Args:
        sequences: As `sequences_of` gives them.
        rows: Which of them.
        length: How many places a window has at most.
        exclude_seen: Whether what stands in the window before a target is not offered as an answer to it.
        items: How many the catalogue has.

    Returns:
        `code`, `before` and `real`, shape [B, L]: the window, how many items came before each place, and
        which places are not padding; `target` of each real place, shape [T]; `excluded`, shape [P], as
        `next_item_loss` reads it; and `times` of the places, shape [B, L, 2], where they are kept.
    """
    count_B, start_B = sequences["count"][rows], sequences["start"][rows]
    asked_B = (count_B - 1).clamp(min=0, max=length)
    spare_B = (count_B - 1 - asked_B).clamp(min=0)
    skipped_B = (torch.rand(len(rows), device=rows.device) * (spare_B + 1)).long()
    row_T, place_T = spans(start_B + skipped_B, asked_B)
    batch = _window(sequences, place_T, skipped_B, asked_B)
    batch["target"] = sequences["code"][place_T + 1]
    batch["excluded"] = place_T[:0]
    if exclude_seen:
        first_T = (start_B + skipped_B)[row_T]
        target_P, seen_P = spans(first_T, place_T - first_T + 1)
        batch["excluded"] = target_P * items + sequences["code"][seen_P]
    return batch


def last_windows(sequences: Batch, rows: Tensor, length: int) -> Batch:
    """Cut the end of each history off its sequence: what is known when the label is asked for.

    Returns:
        `code`, `before` and `real` as in `training_windows`, and `times` where they are kept.
    """
    known_B = sequences["count"][rows] - sequences["label"][rows]
    asked_B = known_B.clamp(max=length)
    skipped_B = known_B - asked_B
    _, place_T = spans(sequences["start"][rows] + skipped_B, asked_B)
    return _window(sequences, place_T, skipped_B, asked_B)


def labels_and_seen(sequences: Batch, rows: Tensor) -> Batch:
    """The row and item of each label, and of everything in the whole history before it."""
    count_B, start_B, label_B = (sequences[name][rows] for name in ("count", "start", "label"))
    label_row, label = spans(start_B + count_B - label_B, label_B)
    seen_row, seen = spans(start_B, count_B - label_B)
    code = sequences["code"]
    return {
        "label_row": label_row,
        "label_code": code[label],
        "seen_row": seen_row,
        "seen_code": code[seen],
        "bought": sequences["bought"][rows],
    }


def _window(sequences: Batch, place_T: Tensor, skipped_B: Tensor, asked_B: Tensor) -> Batch:
    place_L = torch.arange(max(1, int(asked_B.max())), device=place_T.device)
    real_BL = place_L < asked_B.unsqueeze(1)
    batch = {"before": skipped_B.unsqueeze(1) + place_L, "real": real_BL}
    for name in ("code", "times"):
        if name in sequences:
            found = sequences[name][place_T]
            batch[name] = found.new_zeros(*real_BL.shape, *found.shape[1:])
            batch[name][real_BL] = found  # both go row by row, oldest first
    return batch
