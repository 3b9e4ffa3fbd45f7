"""What holds for every component of the folder."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest
from kfp.dsl.base_component import BaseComponent

import components

FOLDER = Path(components.__file__).parent
NAMES = sorted(module.name for module in pkgutil.iter_modules([str(FOLDER)]) if module.name != "base")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_the_component_of_its_name(name):
    assert isinstance(getattr(importlib.import_module(f"components.{name}"), name), BaseComponent)


@pytest.mark.parametrize("name", NAMES)
def test_a_component_imports_the_library_in_its_body_and_decides_nothing(name):
    function = _function(name)
    imported = [node.module for node in ast.walk(function) if isinstance(node, ast.ImportFrom)]
    assert any(module.split(".")[0] in {"attune", "monitoring"} for module in imported)
    deciding = ast.If | ast.While | ast.Try
    assert not [node for node in ast.walk(function) if isinstance(node, deciding)]
    # The one bracket around it all says what was read and written.
    around = [node for node in ast.walk(function) if isinstance(node, ast.With)]
    assert [ast.unparse(node.items[0].context_expr).startswith("step(") for node in around] == [True]


@pytest.mark.parametrize("name", NAMES)
def test_every_input_of_a_component_is_described_for_the_kubeflow_ui(name):
    function = _function(name)
    text = ast.get_docstring(function) or ""
    assert all(f"{argument.arg}: " in text for argument in function.args.args)


def test_no_component_file_postpones_annotations_which_kfp_cannot_read():
    assert not [name for name in NAMES if "from __future__" in (FOLDER / f"{name}.py").read_text()]


def _function(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
