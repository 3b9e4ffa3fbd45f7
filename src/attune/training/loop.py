"""The one training loop: every network learns here, in one process or several, on whatever computes here."""

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from attune.errors import ModelError
from attune.models.network import Batch, Network
from attune.progress import say
from attune.training.device import best_device
from attune.training.learner import Learner, identity_of
from attune.training.loop_settings import LoopSettings
from attune.training.processes import Processes, processes, shared_loss


@dataclass(frozen=True)
class LoopResult:
    """What the loop did; seconds are those of the epochs, in all processes and before an interruption too."""

    epochs: int
    best_epoch: int
    best_validation_loss: float
    seconds: float
    processor_seconds: float


def train_network(
    network: Network,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    settings: LoopSettings,
    checkpoint: Path | None = None,
) -> LoopResult:
    """Train a network, keep the weights of its best epoch, and leave it on the processor in eval mode.

    The same examples, settings and seed give the same weights on the processor, also where a run was
    interrupted and goes on from its checkpoint. Started by torchrun, the processes share every batch: two of
    them learn as one that computes its batches in two parts.

    Args:
        network: Not prepared yet; its layers are made here from the training examples.
        train: Examples to learn from.
        validation: Later examples that only choose the epoch.
        settings: How long and how fast.
        checkpoint: Written after every epoch; where it is there already, training goes on from it.

    Raises:
        ModelError: There are no examples, the loss stops being a number, or the checkpoint is another's.
    """
    if train.empty or validation.empty:
        raise ModelError(
            f"{len(train)} training and {len(validation)} validation examples; a network needs both, "
            "choose a longer window"
        )
    torch.manual_seed(settings.seed)
    with processes() as together:
        device = best_device()
        network.prepare(train)
        network.to(device)
        learner = Learner(network, settings)
        examples, held_out = (
            _to(network.encode(part, with_labels=True), device) for part in (train, validation)
        )
        identity = identity_of(network, examples, settings) if checkpoint else ""
        if checkpoint and checkpoint.exists():
            learner.resume(checkpoint, identity)
            if together.rank == 0:
                say(f"goes on after epoch {learner.epoch}, where {checkpoint.name} was left")
        loss_of = shared_loss(network, together)
        while not learner.is_done:
            _one_epoch(learner, loss_of, examples, held_out, together)
            if checkpoint and together.rank == 0:
                learner.write(checkpoint, identity)
    network.load_state_dict(learner.best_weights)
    network.to("cpu").eval()
    network.finish(validation)
    return LoopResult(
        learner.epoch, learner.best_epoch, learner.best_loss, learner.seconds, learner.processor_seconds
    )


def _one_epoch(
    learner: Learner, loss_of: nn.Module, examples: Batch, held_out: Batch, together: Processes
) -> None:
    started, used = time.perf_counter(), time.process_time()
    settings, epoch = learner.settings, learner.epoch + 1
    loss = _learn(learner, loss_of, examples, together)
    with learner.average.in_place():
        held_out_loss = together.agreed(_mean_loss(learner.network, held_out, settings.batch_size))
    _stop_if_lost(learner.network, held_out_loss, f"epoch {epoch}, on the validation examples")
    learner.end_epoch(held_out_loss)
    seconds = time.perf_counter() - started
    learner.seconds += seconds
    learner.processor_seconds += together.total(time.process_time() - used)
    if together.rank == 0:
        say(
            f"epoch {epoch}/{settings.epochs}: loss {loss:.4f}, validation {held_out_loss:.4f}, "
            f"{_rows(examples) / seconds:,.0f} examples/s, "
            f"at most {(settings.epochs - epoch) * seconds / 60:.1f} min left"
        )


def _learn(learner: Learner, loss_of: nn.Module, examples: Batch, together: Processes) -> float:
    """Let all batches of an epoch teach; the mean loss of this process's."""
    settings, network, count = learner.settings, learner.network, _rows(examples)
    network.train()
    order = _shuffled(count, settings.seed, learner.epoch, together.rank)
    parts = settings.accumulate * together.count
    part_size = math.ceil(settings.batch_size / parts)
    steps = settings.epochs * math.ceil(math.ceil(count / part_size) / parts)
    losses: list[Tensor] = []
    for group in _groups(network.batches(examples, part_size, order), parts):
        losses.append(_accumulate(network, loss_of, group, together))
        learner.update(steps)
    lost = torch.isfinite(torch.stack(losses)).logical_not().nonzero()
    if len(lost):
        _stop_if_lost(network, math.nan, f"epoch {learner.epoch + 1}, step {int(lost[0]) + 1}")
    return float(torch.stack(losses).mean())


def _groups(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    while group := list(islice(batches, size)):
        yield group


def _accumulate(network: Network, loss_of: nn.Module, group: list[Batch], together: Processes) -> Tensor:
    """Gather the gradient of the mean over all examples of a batch in parts; the mean loss of ours."""
    # Whoever gets no part of a last, short batch computes one that counts for nothing, as all have to meet.
    mine = [(batch, network.weight(batch)) for batch in group[together.rank :: together.count]]
    mine = mine or [(group[0], 0.0)]
    total = max(together.total(sum(weight for _, weight in mine)), 1e-9)
    losses: list[Tensor] = []
    for number, (batch, weight) in enumerate(mine, start=1):
        alone = isinstance(loss_of, DistributedDataParallel) and number < len(mine)
        with loss_of.no_sync() if alone else nullcontext():  # type: ignore[operator]
            loss: Tensor = loss_of(batch)
            (loss * (weight * together.count / total)).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    return torch.stack(losses).mean()


@torch.no_grad()
def _mean_loss(network: Network, examples: Batch, batch_size: int) -> float:
    network.eval()
    order = torch.arange(_rows(examples))
    losses = [network.loss(batch) for batch in network.batches(examples, batch_size, order)]
    return float(torch.stack(losses).mean())


def _stop_if_lost(network: Network, loss: float, where: str) -> None:
    if math.isfinite(loss):
        return
    broken = [name for name, weight in network.named_parameters() if not torch.isfinite(weight).all()]
    raise ModelError(
        f"the loss of {type(network).__name__} is not a number in {where} "
        f"(weights: {broken or 'all finite'}); lower the rate or look for extreme values in the examples. "
        "A checkpoint, where one is written, holds the epoch before"
    )


def _shuffled(count: int, seed: int, epoch: int, rank: int) -> Tensor:
    """The order of an epoch, the same in every process; what is drawn at random after it is not.

    It depends on nothing that came before, so that an interrupted run goes on as if it had not been.
    """
    torch.manual_seed(hash((seed, epoch)))
    order = torch.randperm(count)
    torch.manual_seed(hash((seed, epoch, rank)))
    return order


def _to(batch: Batch, device: torch.device) -> Batch:
    return {name: tensor.to(device) for name, tensor in batch.items()}


def _rows(batch: Batch) -> int:
    return len(next(iter(batch.values())))
