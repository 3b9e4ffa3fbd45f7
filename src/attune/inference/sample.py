"""Inputs of a graph and the answers that the trained network gave to them, kept beside the graph.

They are made up, not taken from customers. Whoever loads the graph asks it the same again: other hardware or
another version of the runtime must not change what a model says.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from attune.errors import ModelError
from attune.inference.session import Arrays, Graph

TOLERANCE = 1e-4

Sample = tuple[Arrays, Arrays]  # inputs, and outputs, by name


def write_samples(path: Path, samples: Sequence[Sample]) -> None:
    """Write samples to a file."""
    save_file(
        {
            f"{number}.{side}.{name}": np.ascontiguousarray(array)
            for number, sample in enumerate(samples)
            for side, arrays in zip(("in", "out"), sample, strict=True)
            for name, array in arrays.items()
        },
        path,
    )


def read_samples(path: Path) -> list[Sample]:
    """Read samples back, in order.

    Raises:
        ModelError: The file is missing, unreadable or empty.
    """
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} holds no readable samples ({error}); train and register again") from error
    numbers = sorted({int(key.partition(".")[0]) for key in arrays})
    if not numbers:
        raise ModelError(f"{path} holds no sample; train and register again")
    return [(_side(arrays, f"{number}.in."), _side(arrays, f"{number}.out.")) for number in numbers]


def check_samples(graph: Graph, samples: Sequence[Sample], name: str) -> float:
    """Make sure that a graph answers as the trained network did; its largest difference.

    Raises:
        ModelError: It does not; the message says how far it is off.
    """
    worst = 0.0
    for inputs, expected in samples:
        answers = dict(zip(graph.outputs, graph.run(inputs), strict=True))
        for output, wanted in expected.items():
            found = answers[output]
            if found.shape != wanted.shape:
                raise ModelError(
                    f"{name} answers {output} in the shape {found.shape}, not {wanted.shape}; export again"
                )
            worst = max(worst, float(np.abs(found - wanted).max(initial=0.0)))
    if not worst <= TOLERANCE:
        raise ModelError(
            f"{name} is {worst:.2g} off what the trained network answered, at most {TOLERANCE:g} is allowed; "
            "do not serve it, export it again with the versions in constraints.txt"
        )
    return worst


def _side(arrays: Arrays, prefix: str) -> Arrays:
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
