"""One ONNX graph, ready to be asked: one thread, and nothing read but the bytes at hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as state

from attune.errors import ModelError

Arrays = Mapping[str, npt.NDArray[Any]]

_ERRORS_ONLY = 3
_UNREADABLE = (
    state.InvalidProtobuf,
    state.InvalidGraph,
    state.Fail,
    state.NotImplemented,
    state.InvalidArgument,
)


class Graph:
    """A graph that turns arrays into arrays; threads may ask it at once."""

    def __init__(self, content: bytes, name: str) -> None:
        """Prepare it.

        Args:
            content: The graph, an ONNX model with its weights inside.
            name: What messages call it.

        Raises:
            ModelError: These bytes are not such a graph.
        """
        try:
            self._session = ort.InferenceSession(content, _options(), providers=["CPUExecutionProvider"])
        except _UNREADABLE as error:
            raise ModelError(
                f"{name} is not a graph that can run ({error}); train and register again"
            ) from error
        self.inputs = tuple(node.name for node in self._session.get_inputs())
        self.outputs = tuple(node.name for node in self._session.get_outputs())

    def interface(self) -> dict[str, list[dict[str, Any]]]:
        """Name, type and shape of everything that goes in and comes out; a word is a free size."""
        sides = {"inputs": self._session.get_inputs(), "outputs": self._session.get_outputs()}
        return {
            side: [{"name": node.name, "type": node.type, "shape": node.shape} for node in nodes]
            for side, nodes in sides.items()
        }

    @classmethod
    def read(cls, path: Path) -> "Graph":
        """Prepare a graph that lies in a file.

        Raises:
            ModelError: The file cannot be read, or holds no graph.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(
                f"{path} cannot be read ({error.strerror}); register the version again"
            ) from error
        return cls(content, str(path))

    def run(self, inputs: Arrays) -> list[npt.NDArray[Any]]:
        """Ask it: arrays by the names of its inputs in, arrays in the order of its outputs out."""
        answer: list[npt.NDArray[Any]] = self._session.run(None, {name: inputs[name] for name in self.inputs})
        return answer


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # A server has a process a core: more threads, or idle ones that spin, only take cores from the others.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _ERRORS_ONLY
    return options
