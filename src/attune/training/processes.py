"""The processes that train together: one, unless torchrun started more."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from attune.models.network import Batch, Network
from attune.training.loop_settings import LoopSettings


@dataclass(frozen=True)
class Processes:
    """Which of how many this one is, counted from 0."""

    rank: int
    count: int

    def total(self, value: float) -> float:
        """The sum of everybody's value."""
        if self.count == 1:
            return value
        summed = torch.tensor([value], dtype=torch.float64, device=_meeting_place())
        distributed.all_reduce(summed)
        return float(summed)

    def agreed(self, value: float) -> float:
        """The first process's value, so that all decide alike."""
        return self.total(value if self.rank == 0 else 0.0)


@contextmanager
def processes() -> Iterator[Processes]:
    """Meet the other processes, by the variables that torchrun sets, and part from them at the end.

    Where the caller has met them already, they stay together.
    """
    if distributed.is_initialized():
        yield Processes(distributed.get_rank(), distributed.get_world_size())
        return
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(0, 1)
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Processes(distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()


class LossOf(nn.Module):
    """The loss of a network as a forward pass, which is what data-parallel training can wrap."""

    def __init__(self, network: Network, *, bfloat16: bool) -> None:
        super().__init__()
        self.network, self.is_bfloat16 = network, bfloat16

    def forward(self, batch: Batch) -> torch.Tensor:
        """The mean loss of one batch, where told so with products of matrices in bfloat16."""
        kind = next(iter(batch.values())).device.type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.is_bfloat16):
            return self.network.loss(batch)


def shared_loss(network: Network, together: Processes, settings: LoopSettings) -> nn.Module:
    """The loss whose gradient is the mean over all processes."""
    bfloat16 = settings.precision == "bfloat16" or (
        settings.precision == "auto" and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    )
    alone: nn.Module = LossOf(network, bfloat16=bfloat16)
    if settings.compile:
        alone.compile()
    if together.count == 1:
        return alone
    return DistributedDataParallel(alone, forward_sync_buffers=False)


def _meeting_place() -> torch.device:
    return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
