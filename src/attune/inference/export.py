"""From a trained torch network to an ONNX graph, held against the network before anybody sees it."""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from attune.errors import ModelError
from attune.inference.sample import Sample, check_samples, write_samples
from attune.inference.session import Arrays, Graph

OPSET = 20


@dataclass(frozen=True)
class Exportable:
    """What a network is to the exporter.

    Attributes:
        module: The network on plain tensors; it gives one tensor, or as many as there are outputs.
        samples: Inputs by name, in the order of the module's arguments; the first one is traced, so none of
            its free dimensions is 0 or 1.
        outputs: The names of what comes out.
        free: Input or output -> what its first dimension counts; the others are as in the samples.
        original: The network as it learnt, where the module is a rewriting of it that computes less; it gives
            the answers to the samples.
    """

    module: nn.Module
    samples: Sequence[Mapping[str, Tensor]]
    outputs: Sequence[str]
    free: Mapping[str, str]
    original: nn.Module | None = None


def export(network: Exportable, graph_file: Path, sample_file: Path) -> float:
    """Write a network as a graph, and beside it the samples on which both were found equal.

    Args:
        network: The network and its samples.
        graph_file: Where the graph goes.
        sample_file: Where the samples go, with the network's answers.

    Returns:
        The largest difference between the graph's answers and the network's.

    Raises:
        ModelError: The graph does not answer as the network does; nothing is written.
    """
    for module in filter(None, (network.module, network.original)):
        module.eval()
    content = to_onnx(network)
    samples = [_answered(network, inputs) for inputs in network.samples]
    difference = check_samples(Graph(content, graph_file.name), samples, graph_file.name)
    graph_file.write_bytes(content)
    write_samples(sample_file, samples)
    return difference


def to_onnx(network: Exportable) -> bytes:
    """The graph of a network; the same network gives the same bytes.

    Raises:
        ModelError: The network does something that has no place in a graph.
    """
    first = network.samples[0]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The exporter that follows this one takes 7 s of processor time a network, this one 0.3 s, and every
        # training run pays it. What comes out is held against the network either way, on samples of
        # different sizes: a size that was taken for a constant shows.
        warnings.simplefilter("ignore")
        written = Path(folder) / "graph.onnx"
        try:
            torch.onnx.export(
                network.module,
                tuple(first.values()),
                written,
                dynamo=False,
                opset_version=OPSET,
                input_names=list(first),
                output_names=list(network.outputs),
                dynamic_axes={name: {0: count} for name, count in network.free.items()},
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise ModelError(
                f"{type(network.module).__name__} cannot become a graph ({error}); use other operations in "
                "its forward pass"
            ) from error
        return written.read_bytes()


@torch.no_grad()
def _answered(network: Exportable, inputs: Mapping[str, Tensor]) -> Sample:
    answer = (network.original or network.module)(*inputs.values())
    answers = answer if isinstance(answer, tuple) else (answer,)
    outputs = dict(zip(network.outputs, answers, strict=True))
    return _arrays(inputs), _arrays(outputs)


def _arrays(tensors: Mapping[str, Tensor]) -> Arrays:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
