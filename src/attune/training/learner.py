"""What changes while a network learns, which is what a checkpoint holds."""

import hashlib
import math
from pathlib import Path

import torch
from torch import Tensor

from attune.errors import ModelError
from attune.models.network import Network
from attune.training.average import WeightAverage
from attune.training.checkpoint import read_checkpoint, write_checkpoint
from attune.training.feeds import Feed, tensors_digest
from attune.training.loop_settings import LoopSettings

_FACTS = ("epoch", "part", "step", "best_epoch", "best_loss", "seconds", "processor_seconds")


class Learner:
    """A network with its optimizer, the average of its weights, its best weights and how far it has come."""

    def __init__(self, network: Network, settings: LoopSettings) -> None:
        self.network, self.settings = network, settings
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.average = WeightAverage(network, settings.average)
        self.epoch, self.part, self.step = 0, 0, 0
        self.best_epoch, self.best_loss = 0, math.inf
        self.seconds, self.processor_seconds = 0.0, 0.0
        self.best_weights = self._copy()

    @property
    def is_done(self) -> bool:
        """Whether all epochs are over, or so many without gain that the rest is left out."""
        waited = self.epoch - self.best_epoch
        return self.epoch >= self.settings.epochs or waited >= self.settings.patience

    def update(self, steps: int) -> None:
        """Take one step along the gradients that are there.

        Args:
            steps: How many there will be in all; the rate rises, and falls along a cosine.
        """
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * _share_of_rate(self.step, steps, self.settings)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.average.update(self.step)

    def end_epoch(self, held_out_loss: float) -> None:
        """Count an epoch, and keep the weights if they are the best so far."""
        self.epoch, self.part = self.epoch + 1, 0
        if held_out_loss < self.best_loss:
            self.best_loss, self.best_epoch = held_out_loss, self.epoch
            with self.average.in_place():
                self.best_weights = self._copy()

    def write(self, file: Path, identity: str) -> None:
        """Write a checkpoint of training on the examples that an identity stands for."""
        tensors = {f"network.{name}": tensor for name, tensor in self._copy().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best_weights.items()}
        tensors |= {f"average.{number}": tensor for number, tensor in enumerate(self.average.weights)}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in state.items()}
        facts = {name: getattr(self, name) for name in _FACTS}
        write_checkpoint(file, tensors, facts | {"identity": identity})

    def resume(self, file: Path, identity: str) -> None:
        """Go on from a checkpoint; the weights become those of a run that was never interrupted.

        Raises:
            ModelError: It is no checkpoint, or one of other examples or settings.
        """
        tensors, facts = read_checkpoint(file)
        if facts.pop("identity") != identity:
            raise ModelError(
                f"{file} was left by training with other examples or settings; remove it to train anew, or "
                "train with those it began with"
            )
        self.network.load_state_dict(_below("network", tensors))
        self.best_weights = _below("best", tensors)
        for number, weight in enumerate(self.average.weights):
            weight.copy_(tensors[f"average.{number}"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _below("optimizer", tensors).items():
            parameter, _, what = name.partition(".")
            state.setdefault(int(parameter), {})[what] = tensor
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        for name in _FACTS:
            setattr(self, name, facts[name])

    def _copy(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}


def identity_of(network: Network, feed: Feed, settings: LoopSettings) -> str:
    """What a checkpoint belongs to: the untrained network, the examples and the settings."""
    said = f"{settings.model_dump_json()} {tensors_digest(network.state_dict())} {feed.digest()}"
    return hashlib.sha256(said.encode()).hexdigest()


def _share_of_rate(step: int, steps: int, settings: LoopSettings) -> float:
    warm_up = max(1, int(settings.warmup_share * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    done = min(1.0, (step - warm_up) / max(1, steps - warm_up))  # a stream may have a step or two more
    return 0.5 * (1 + math.cos(math.pi * done))


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name[len(start) :]: tensor for name, tensor in tensors.items() if name.startswith(start)}
