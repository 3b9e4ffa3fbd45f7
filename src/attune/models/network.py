"""What the shared training loop asks of a network, and how its weights travel."""

from collections.abc import Iterable, Iterator

import pandas as pd
import torch
from torch import Tensor, nn

from attune.errors import ModelError
from attune.models.base import Tensors

Batch = dict[str, Tensor]


class Network(nn.Module):
    """A model that learns by gradient descent in the shared loop of `attune.training.loop`.

    A subclass makes its layers in `prepare`, where the size of the vocabularies becomes known.
    """

    def prepare(self, train: pd.DataFrame) -> None:
        """Learn vocabularies and scales from the training examples alone, and make the layers."""
        raise NotImplementedError

    def prepare_in_parts(self, parts: Iterable[pd.DataFrame]) -> None:  # noqa: ARG002  this one cannot
        """Do as `prepare` does, from training examples of which only a part is in memory at a time.

        Raises:
            ModelError: This network has to see all of its examples.
        """
        raise ModelError(
            f"{type(self).__name__} has to see all examples at once, and these are too many by the loop's "
            "stream_above; raise that, or choose fewer dates"
        )

    def encode(self, examples: pd.DataFrame, *, with_labels: bool) -> Batch:
        """Turn examples into tensors whose first dimension is the example."""
        raise NotImplementedError

    def batches(self, encoded: Batch, batch_size: int, order: Tensor) -> Iterator[Batch]:
        """Cut encoded examples into batches along a given order of rows."""
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            yield {name: tensor[rows] for name, tensor in encoded.items()}

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of one batch, a scalar."""
        raise NotImplementedError

    def weight(self, batch: Batch) -> float:
        """How much a batch counts beside others whose gradients make one step with it: its examples."""
        return float(len(next(iter(batch.values()))))

    def finish(self, validation: pd.DataFrame) -> None:
        """What follows training, calibration for example; nothing by default."""


def network_tensors(network: nn.Module) -> Tensors:
    """The weights of a network as arrays, for `write_model`."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}


def load_tensors(network: nn.Module, tensors: Tensors) -> None:
    """Put weights read by `read_model` back into a network."""
    network.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
