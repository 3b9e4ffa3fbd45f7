"""No file of the project reads or writes a format that runs code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("benchmarks", "components", "feature_repo", "monitoring", "pipelines", "serving", "src", "tests")
FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "joblib",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "skops",
}
FORBIDDEN_CALLS = {
    "torch.load",
    "torch.save",
    "torch.jit.load",
    "pd.read_pickle",
    "pandas.read_pickle",
    "yaml.load",
    "yaml.unsafe_load",
    "np.load",
    "numpy.load",
}
FORBIDDEN_METHODS = {"to_pickle", "read_pickle"}


def findings(source: str) -> Iterator[str]:
    """What a file has that is forbidden."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if _is_forbidden(name.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _is_forbidden(node.module):
            yield node.module
        elif isinstance(node, ast.Attribute):
            called = ast.unparse(node)
            if called in FORBIDDEN_CALLS or node.attr in FORBIDDEN_METHODS:
                yield called
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield "allow_pickle"


def _is_forbidden(module: str) -> bool:
    return module.split(".")[0] in FORBIDDEN_MODULES


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_reads_or_writes_a_format_that_runs_code(folder: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (names := list(findings(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load('x')",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "frame.to_pickle('x')",
        "import yaml\nyaml.load('x')",
    ],
)
def test_the_check_sees_what_it_is_for(source: str) -> None:
    assert list(findings(source))
