import pytest
import torch
from torch import Tensor, nn

from attune.errors import ModelError
from attune.inference.export import Exportable, export, to_onnx


class Forgetful(nn.Module):
    """Takes the length that it was traced with for the length that there is."""

    def forward(self, number_L: Tensor) -> Tensor:
        return number_L * int(number_L.shape[0])


class Sorting(nn.Module):
    """Does what no graph can."""

    def forward(self, number_L: Tensor) -> Tensor:
        return torch.linalg.eigvals(number_L[:, None] * number_L).real


def lengths(*sizes: int) -> list[dict[str, Tensor]]:
    return [{"number": torch.arange(size, dtype=torch.float32)} for size in sizes]


def test_a_graph_that_does_not_answer_as_its_network_is_not_written(tmp_path):
    network = Exportable(Forgetful(), lengths(5, 3), ["scaled"], {"number": "L", "scaled": "L"})
    with pytest.raises(ModelError, match="off what the trained network answered"):
        export(network, tmp_path / "graph.onnx", tmp_path / "graph.safetensors")
    assert not list(tmp_path.iterdir())


def test_an_operation_that_has_no_place_in_a_graph_is_refused():
    with pytest.raises(ModelError, match="Sorting cannot become a graph"):
        to_onnx(Exportable(Sorting(), lengths(4), ["values"], {}))
