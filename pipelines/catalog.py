"""Every pipeline of this folder: the file `<name>.py` holds the pipeline `<name>`."""

import importlib
import pkgutil
import re
from pathlib import Path

from kfp import compiler
from kfp.dsl.graph_component import GraphComponent

from attune.errors import ConfigError

FOLDER = Path(__file__).parent
DECLARATION = re.compile(r"^@dsl\.pipeline", re.MULTILINE)


def pipeline_names() -> list[str]:
    """The names of all pipelines, sorted."""
    names = (module.name for module in pkgutil.iter_modules([str(FOLDER)]))
    return sorted(name for name in names if _holds_a_pipeline(name))


def require_pipeline(name: str) -> None:
    """Make sure that there is a pipeline of a name.

    Raises:
        ConfigError: There is none.
    """
    names = pipeline_names()
    if name not in names:
        raise ConfigError(f"no pipeline named {name!r}; there are: {', '.join(names)}")


def load_pipeline(name: str) -> GraphComponent:
    """The pipeline of a name.

    Raises:
        ConfigError: There is none of that name.
    """
    require_pipeline(name)
    pipeline = getattr(importlib.import_module(f"pipelines.{name}"), name)
    assert isinstance(pipeline, GraphComponent)
    return pipeline


def compile_pipelines(folder: Path) -> list[Path]:
    """Compile every pipeline to YAML; the same sources give the same bytes.

    Args:
        folder: Where the files `<name>.yaml` go.

    Returns:
        The files, in the order of their names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name in pipeline_names():
        file = folder / f"{name}.yaml"
        compiler.Compiler().compile(load_pipeline(name), str(file))
        files.append(file)
    return files


def _holds_a_pipeline(name: str) -> bool:
    source = FOLDER / f"{name}.py"
    return source.exists() and DECLARATION.search(source.read_text(encoding="utf-8")) is not None
