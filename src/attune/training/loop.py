"""The one training loop: every network learns here, in one process or several, on whatever computes here."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from attune.errors import ModelError
from attune.models.network import Batch, Network
from attune.progress import say
from attune.training.device import best_device
from attune.training.feeds import Feed, InMemory, Share, Streamed, encoded_on
from attune.training.learner import Learner, identity_of
from attune.training.loop_settings import LoopSettings
from attune.training.parquet_examples import ParquetExamples
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
    train: pd.DataFrame | ParquetExamples,
    validation: pd.DataFrame,
    settings: LoopSettings,
    checkpoint: Path | None = None,
    after_epoch: Callable[[Learner], None] | None = None,
) -> LoopResult:
    """Train a network, keep the weights of its best epoch, and leave it on the processor in eval mode.

    The same examples, settings and seed give the same weights on the processor, also where a run was
    interrupted and goes on from its checkpoint. Started by torchrun, the processes share every batch: two of
    them learn as one that computes its batches in two parts.

    Args:
        network: Not prepared yet; its layers are made here from the training examples.
        train: Examples to learn from, in memory or streamed from their file.
        validation: Later examples that only choose the epoch.
        settings: How long and how fast.
        checkpoint: Written after every epoch, and after every part of one that is streamed; where it is
            there already, training goes on from it.
        after_epoch: Looks at what was learnt by then, in the first process; its time does not count.

    Raises:
        ModelError: There are no examples, the loss stops being a number, or the checkpoint is another's.
    """
    if not len(train) or not len(validation):
        raise ModelError(
            f"{len(train)} training and {len(validation)} validation examples; a network needs both, "
            "choose a longer window"
        )
    torch.manual_seed(settings.seed)
    with processes() as together:
        device = best_device()
        feed = _prepared(network, train, device, settings, together)
        learner = Learner(network, settings)
        held_out = encoded_on(network, validation, device)
        identity = identity_of(network, feed, settings) if checkpoint else ""
        if checkpoint and checkpoint.exists():
            learner.resume(checkpoint, identity)
            if together.rank == 0:
                say(f"goes on after epoch {learner.epoch}, where {checkpoint.name} was left")
        loss_of = shared_loss(network, together, settings)
        while not learner.is_done:
            _one_part(learner, loss_of, feed, held_out, together)
            if checkpoint and together.rank == 0:
                learner.write(checkpoint, identity)
            if after_epoch and together.rank == 0 and learner.part == 0:
                after_epoch(learner)
    network.load_state_dict(learner.best_weights)
    network.to("cpu").eval()
    network.finish(validation)
    return LoopResult(
        learner.epoch, learner.best_epoch, learner.best_loss, learner.seconds, learner.processor_seconds
    )


def _prepared(
    network: Network,
    train: pd.DataFrame | ParquetExamples,
    device: torch.device,
    settings: LoopSettings,
    together: Processes,
) -> Feed:
    """Make the layers of a network where it computes, and what feeds it."""
    if isinstance(train, ParquetExamples):
        network.prepare_in_parts(train.frames())
        network.to(device)
        return Streamed(train, device, settings, together)
    network.prepare(train)
    network.to(device)
    return InMemory(encoded_on(network, train, device), settings, together)


def _one_part(learner: Learner, loss_of: nn.Module, feed: Feed, held_out: Batch, together: Processes) -> None:
    """Learn from one part of an epoch, and after the last one ask the validation examples."""
    started, used = time.perf_counter(), time.process_time()
    settings, epoch, parts = learner.settings, learner.epoch + 1, feed.parts(learner.epoch)
    loss = _learn(learner, loss_of, feed, together)
    learner.part += 1
    left = (settings.epochs - epoch) * parts + parts - learner.part
    where = f"epoch {epoch}/{settings.epochs}" + (f", part {learner.part}/{parts}" if parts > 1 else "")
    said = f"{where}: loss {loss:.4f}"
    if learner.part == parts:
        with learner.average.in_place():
            held_out_loss = together.agreed(_mean_loss(learner.network, held_out, settings.batch_size))
        _stop_if_lost(learner.network, held_out_loss, f"epoch {epoch}, on the validation examples")
        learner.end_epoch(held_out_loss)
        said += f", validation {held_out_loss:.4f}"
    seconds = time.perf_counter() - started
    learner.seconds += seconds
    learner.processor_seconds += together.total(time.process_time() - used)
    if together.rank == 0:
        say(
            f"{said}, {feed.rows / parts / seconds:,.0f} examples/s, "
            f"at most {left * seconds / 60:.1f} min left"
        )


def _learn(learner: Learner, loss_of: nn.Module, feed: Feed, together: Processes) -> float:
    """Let all batches of a part teach; the mean loss of this process's."""
    network, steps = learner.network, learner.settings.epochs * feed.steps()
    network.train()
    losses: list[Tensor] = []
    for share in feed.shares(network, learner.epoch, learner.part):
        losses.append(_accumulate(loss_of, share, together))
        learner.update(steps)
    lost = torch.isfinite(torch.stack(losses)).logical_not().nonzero()
    if len(lost):
        _stop_if_lost(network, math.nan, f"epoch {learner.epoch + 1}, step {int(lost[0]) + 1}")
    return float(torch.stack(losses).mean())


def _accumulate(loss_of: nn.Module, share: Share, together: Processes) -> Tensor:
    """Gather the gradient of the mean over all examples of a step in parts; the mean loss of ours."""
    total = max(together.total(sum(weight for _, weight in share)), 1e-9)
    losses: list[Tensor] = []
    for number, (batch, weight) in enumerate(share, start=1):
        alone = isinstance(loss_of, DistributedDataParallel) and number < len(share)
        with loss_of.no_sync() if alone else nullcontext():  # type: ignore[operator]
            loss: Tensor = loss_of(batch)
            (loss * (weight * together.count / total)).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    return torch.stack(losses).mean()


@torch.no_grad()
def _mean_loss(network: Network, examples: Batch, batch_size: int) -> float:
    network.eval()
    order = torch.arange(len(next(iter(examples.values()))))
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
