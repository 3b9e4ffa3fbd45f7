"""`attune models export`: a version for those who serve it elsewhere."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from attune.errors import ConfigError, RegistryError
from pipelines.options import HOME, Home, Model, workspace_at
from pipelines.terminal import say


def export(
    model: Model,
    onnx: Annotated[
        Path | None, typer.Option(help="Write graphs, contract and digests to this folder.")
    ] = None,
    torchserve: Annotated[
        Path | None, typer.Option(help="Write a model archive and a configuration to this folder.")
    ] = None,
    version: Annotated[int, typer.Option(help="Which version; left out: the champion.")] = 0,
    home: Home = HOME,
) -> None:
    """Verify a version, then write it as ONNX graphs or for TorchServe, which is archived upstream.

    For example: attune models export churn --onnx churn-graphs
    """
    from attune.packaging import write_package
    from attune.registry import Registry
    from serving.torchserve.archive import write_archive

    if (onnx is None) == (torchserve is None):
        raise ConfigError("name one thing to write: --onnx FOLDER, or --torchserve FOLDER")
    registry = Registry(workspace_at(home))
    found = registry.get(model, version) if version else registry.champion(model)
    if found is None:
        raise RegistryError(f"{model} has no champion; name a version with --version")
    registry.verify(found)
    if onnx is not None:
        write_package(found.folder, found.manifest, onnx)
        say(f"version {found.version} of {model}: {onnx}; check it with: sha256sum --check SHA256SUMS")
    if torchserve is not None:
        with tempfile.TemporaryDirectory() as folder:
            write_package(found.folder, found.manifest, Path(folder) / "package")
            write_archive(Path(folder) / "package", torchserve)
        say(f"version {found.version} of {model}: {torchserve}; read its README.md first")
