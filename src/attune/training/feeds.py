"""Where batches come from: examples that are held in memory, or a file that is streamed part by part."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Protocol

import pandas as pd
import torch
from torch import Tensor

from attune.models.network import Batch, Network
from attune.training.loop_settings import LoopSettings
from attune.training.parquet_examples import ParquetExamples
from attune.training.processes import Processes

# What one process computes of one step: batches, and how much each counts beside the others of the step.
Share = list[tuple[Batch, float]]


class Feed(Protocol):
    """The batches of training, an epoch in one part or several; all processes ask the same ones together."""

    rows: int

    def parts(self, epoch: int) -> int:
        """How many parts an epoch has, counted from 0."""

    def steps(self) -> int:
        """How many steps an epoch has, or about that many."""

    def shares(self, network: Network, epoch: int, part: int) -> Iterator[Share]:
        """This process's share of each step of a part, at least one batch each.

        It depends on nothing that came before, so that an interrupted run goes on as if it had not been.
        """

    def digest(self) -> str:
        """Another one when the examples are."""


class InMemory:
    """Examples that are encoded once; an epoch is one part of them all."""

    def __init__(self, encoded: Batch, settings: LoopSettings, together: Processes) -> None:
        self.rows = len(next(iter(encoded.values())))
        self._encoded, self._settings, self._together = encoded, settings, together
        self._pieces = settings.accumulate * together.count  # of one step, over all processes
        self._size = math.ceil(settings.batch_size / self._pieces)

    def parts(self, epoch: int) -> int:  # noqa: ARG002  each is like the others
        """One."""
        return 1

    def steps(self) -> int:
        """How many steps an epoch has."""
        return math.ceil(math.ceil(self.rows / self._size) / self._pieces)

    def shares(self, network: Network, epoch: int, part: int) -> Iterator[Share]:  # noqa: ARG002  there is one
        """Every process cuts the same batches, and takes some of each step."""
        rank, count = self._together.rank, self._together.count
        order = _shuffled(self.rows, (self._settings.seed, epoch))
        torch.manual_seed(hash((self._settings.seed, epoch, rank)))
        batches = network.batches(self._encoded, self._size, order)
        while group := list(islice(batches, self._pieces)):
            # Whoever gets no batch of a last, short step computes one that counts for nothing.
            mine = [(batch, network.weight(batch)) for batch in group[rank::count]]
            yield mine or [(group[0], 0.0)]

    def digest(self) -> str:
        """Of all tensors."""
        return tensors_digest(self._encoded)


class Streamed:
    """Examples read from their file a part at a time, in an order of its row groups that each epoch draws.

    Within a part the examples are shuffled, and each process reads row groups of its own.
    """

    def __init__(
        self, examples: ParquetExamples, device: torch.device, settings: LoopSettings, together: Processes
    ) -> None:
        self.rows = len(examples)
        self._examples, self._device, self._settings = examples, device, settings
        self._together = together
        self._size = math.ceil(settings.batch_size / (settings.accumulate * together.count))

    def parts(self, epoch: int) -> int:
        """As many as bound the memory."""
        return len(self._cut(epoch))

    def steps(self) -> int:
        """How many steps the first epoch has; the others cut their last batches elsewhere."""
        return sum(self._steps_of(groups) for groups in self._cut(0))

    def shares(self, network: Network, epoch: int, part: int) -> Iterator[Share]:
        """Every process reads its own row groups of a part, and makes as many steps as the longest."""
        rank, accumulate = self._together.rank, self._settings.accumulate
        groups = self._cut(epoch)[part]
        mine = groups[rank :: self._together.count]
        encoded = self._encoded(network, mine or groups[:1])
        seeds = (self._settings.seed, epoch, part, rank)
        order = _shuffled(len(next(iter(encoded.values()))), seeds)
        torch.manual_seed(hash(seeds))
        batches = network.batches(encoded, self._size, order) if mine else iter(())
        idle: Batch = {}
        for _ in range(self._steps_of(groups)):
            share = [(batch, network.weight(batch)) for batch in islice(batches, accumulate)]
            idle = share[0][0] if share else idle or next(network.batches(encoded, self._size, order))
            yield share or [(idle, 0.0)]

    def digest(self) -> str:
        """Of the file."""
        return self._examples.digest()

    def _cut(self, epoch: int) -> list[list[int]]:
        order = _shuffled(len(self._examples.rows), (self._settings.seed, epoch)).tolist()
        return self._examples.cut(order, self._settings.stream_part * self._together.count)

    def _steps_of(self, groups: list[int]) -> int:
        count = self._together.count
        rows = [sum(self._examples.rows[group] for group in groups[rank::count]) for rank in range(count)]
        return max(math.ceil(math.ceil(each / self._size) / self._settings.accumulate) for each in rows)

    def _encoded(self, network: Network, groups: list[int]) -> Batch:
        return encoded_on(network, self._examples.read(groups), self._device)


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Of their names and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def encoded_on(network: Network, examples: pd.DataFrame, device: torch.device) -> Batch:
    """Examples with labels as a network's tensors, where it computes."""
    return {name: tensor.to(device) for name, tensor in network.encode(examples, with_labels=True).items()}


def _shuffled(count: int, seeds: tuple[int, ...]) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(hash(seeds)))
