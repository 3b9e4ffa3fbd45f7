"""The one training loop: every network learns here, on the processor or on an accelerator."""

import math
import time
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from attune.errors import ModelError
from attune.models.network import Batch, Network
from attune.progress import say
from attune.training.device import best_device
from attune.training.loop_settings import LoopSettings


@dataclass(frozen=True)
class LoopResult:
    """What the loop did."""

    epochs: int
    best_epoch: int
    best_validation_loss: float
    seconds: float


def train_network(
    network: Network, train: pd.DataFrame, validation: pd.DataFrame, settings: LoopSettings
) -> LoopResult:
    """Train a network, keep the weights of its best epoch, and leave it on the processor in eval mode.

    The same examples, settings and seed give the same weights on the processor.

    Args:
        network: Not prepared yet; its layers are made here from the training examples.
        train: Examples to learn from.
        validation: Later examples that only choose the epoch.
        settings: How long and how fast.

    Raises:
        ModelError: There are no examples, or the loss stops being a number.
    """
    if train.empty or validation.empty:
        raise ModelError(
            f"{len(train)} training and {len(validation)} validation examples; a network needs both, "
            "choose a longer window"
        )
    started = time.perf_counter()
    torch.manual_seed(settings.seed)
    device = best_device()
    network.prepare(train)
    network.to(device)
    learnt = _learn(network, train, validation, settings, device)
    network.to("cpu").eval()
    network.finish(validation)
    epochs, best_epoch, best_loss = learnt
    return LoopResult(epochs, best_epoch, best_loss, time.perf_counter() - started)


def _learn(
    network: Network,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    settings: LoopSettings,
    device: torch.device,
) -> tuple[int, int, float]:
    examples, held_out = (_to(network.encode(part, with_labels=True), device) for part in (train, validation))
    count = _rows(examples)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = _warm_up_then_cosine(
        optimizer, settings, steps=settings.epochs * math.ceil(count / settings.batch_size)
    )
    shuffle = torch.Generator().manual_seed(settings.seed)
    best_loss, best_epoch, best_weights = math.inf, 0, _copy(network)
    for epoch in range(1, settings.epochs + 1):
        order = torch.randperm(count, generator=shuffle)
        loss = _one_epoch(network, examples, order, optimizer, schedule, settings)
        held_out_loss = _mean_loss(network, held_out, settings.batch_size)
        _stop_if_lost(network, loss + held_out_loss, epoch)
        say(f"epoch {epoch}/{settings.epochs}: loss {loss:.4f}, validation {held_out_loss:.4f}")
        if held_out_loss < best_loss:
            best_loss, best_epoch, best_weights = held_out_loss, epoch, _copy(network)
        elif epoch - best_epoch >= settings.patience:
            break
    network.load_state_dict(best_weights)
    return epoch, best_epoch, best_loss


def _one_epoch(
    network: Network,
    examples: Batch,
    order: Tensor,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    settings: LoopSettings,
) -> float:
    network.train()
    losses: list[Tensor] = []
    for batch in network.batches(examples, settings.batch_size, order):
        optimizer.zero_grad(set_to_none=True)
        loss = network.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


@torch.no_grad()
def _mean_loss(network: Network, examples: Batch, batch_size: int) -> float:
    network.eval()
    order = torch.arange(_rows(examples))
    losses = [network.loss(batch) for batch in network.batches(examples, batch_size, order)]
    return float(torch.stack(losses).mean())


def _stop_if_lost(network: Network, loss: float, epoch: int) -> None:
    if math.isfinite(loss):
        return
    broken = [name for name, weight in network.named_parameters() if not torch.isfinite(weight).all()]
    raise ModelError(
        f"the loss of {type(network).__name__} is not a number in epoch {epoch} "
        f"(weights: {broken or 'all finite'}); lower the rate or look for extreme values in the examples"
    )


def _warm_up_then_cosine(
    optimizer: torch.optim.Optimizer, settings: LoopSettings, steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    warm_up = max(1, int(settings.warmup_share * steps))

    def factor(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def _to(batch: Batch, device: torch.device) -> Batch:
    return {name: tensor.to(device) for name, tensor in batch.items()}


def _rows(batch: Batch) -> int:
    return len(next(iter(batch.values())))


def _copy(network: Network) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
