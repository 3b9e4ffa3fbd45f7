"""Every pipeline of this folder: the file `<name>.py` holds the pipeline `<name>`."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import TYPE_CHECKING

from attune.errors import ConfigError
from pipelines.cluster import Cluster, place

if TYPE_CHECKING:  # KFP takes seconds to import, and most commands compile nothing
    from kfp.dsl.graph_component import GraphComponent

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


def load_pipeline(name: str) -> "GraphComponent":
    """The pipeline of a name.

    Raises:
        ConfigError: There is none of that name.
    """
    from kfp.dsl.graph_component import GraphComponent

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
    from kfp import compiler

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name in pipeline_names():
        file = folder / f"{name}.yaml"
        compiler.Compiler().compile(load_pipeline(name), str(file))
        files.append(file)
    return files


def compile_for(cluster: Cluster, name: str, folder: Path) -> Path:
    """Compile one pipeline for a cluster; the same sources and configuration give the same bytes.

    Args:
        cluster: What the pods of its components get.
        name: The pipeline.
        folder: Where the file `<name>.yaml` goes.

    Returns:
        The file: the pipeline, and in a second document what Kubernetes is told.

    Raises:
        ConfigError: There is no such pipeline, or the configuration does not fit.
    """
    from google.protobuf.json_format import MessageToDict, ParseDict
    from kfp.compiler.pipeline_spec_builder import write_pipeline_spec_to_file
    from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

    pipeline = load_pipeline(name)
    spec, platform = place(MessageToDict(pipeline.pipeline_spec), cluster)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yaml"
    write_pipeline_spec_to_file(
        ParseDict(spec, PipelineSpec()), pipeline.description, ParseDict(platform, PlatformSpec()), str(file)
    )
    return file


def _holds_a_pipeline(name: str) -> bool:
    source = FOLDER / f"{name}.py"
    return source.exists() and DECLARATION.search(source.read_text(encoding="utf-8")) is not None
