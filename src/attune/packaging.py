"""A version for those who serve it elsewhere: graphs, what they take and give, and digests."""

import json
import shutil
import uuid
from pathlib import Path

from attune.errors import ModelError
from attune.governance.manifest import Manifest, digest_bytes
from attune.inference.files import (
    ATTRIBUTION_FILE,
    ATTRIBUTION_SAMPLE_FILE,
    CONTRACT_FILE,
    GRAPH_FILE,
    RETRIEVAL_FILE,
    SAMPLE_FILE,
)
from attune.inference.graphs import WRITERS, open_model
from attune.inference.session import Graph
from attune.models.base import CONFIG_FILE, WEIGHTS_FILE
from attune.models.calibration import CALIBRATION_FILE
from attune.models.trees import TREES_FILE

README_FILE = "README.md"
DIGESTS_FILE = "SHA256SUMS"
_GRAPHS = (GRAPH_FILE, SAMPLE_FILE, RETRIEVAL_FILE, ATTRIBUTION_FILE, ATTRIBUTION_SAMPLE_FILE)
_CONTENT = (*_GRAPHS, CONFIG_FILE, CALIBRATION_FILE, TREES_FILE, WEIGHTS_FILE)

_README = """\
# {model}, version {version}

{algorithm} for the feature service {feature_service}, exported from a version whose signature held.

- `contract.json`: what each graph takes and gives, by name, type and shape (a word is a free size).
- `graph.onnx`: the network; `graph.safetensors`: inputs with the answers that it has to give within 1e-4.
- `retrieval.onnx`, where there is one: screens all items in eight bits; no score is above its bound.
- `attribution.onnx`, where there is one: what each input adds to the log odds; its samples are beside it.
- `config.json`: vocabularies and medians, by which features become arrays; `weights.safetensors`: the items.
- `calibration.json`, of a scorer: how log odds become probabilities.
- `SHA256SUMS`: check them with `sha256sum --check SHA256SUMS` before anything is loaded.

In Python, `attune.inference.graphs.open_model("{algorithm}", folder)` turns features into answers.
"""


def write_package(folder: Path, manifest: Manifest, out: Path) -> None:
    """Write what serves a version into a folder of its own.

    Args:
        folder: The version's folder, verified.
        manifest: What it says about itself.
        out: The folder to write; it is there whole or not at all.

    Raises:
        ModelError: The version has no graph, or `out` is there already.
    """
    if manifest.algorithm not in WRITERS:
        raise ModelError(
            f"version {manifest.version} of {manifest.name} is a {manifest.algorithm}, which has no graph; "
            f"graphs have {', '.join(sorted(WRITERS))}"
        )
    open_model(manifest.algorithm, folder)  # a graph that does not answer as it should is not handed on
    if out.exists():
        raise ModelError(f"{out} is there already; name a new folder")
    unfinished = out.with_name(f".{out.name}.{uuid.uuid4().hex}.unfinished")
    unfinished.mkdir(parents=True)
    try:
        _fill(unfinished, folder, manifest)
        unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _fill(out: Path, folder: Path, manifest: Manifest) -> None:
    for name in _CONTENT:
        if (folder / name).exists():
            shutil.copyfile(folder / name, out / name)
    said = manifest.model_dump(mode="json")
    facts = ("version", "algorithm", "feature_service")
    about = {"model": manifest.name} | {name: said[name] for name in facts}
    graphs = {path.name: Graph.read(path).interface() for path in sorted(out.glob("*.onnx"))}
    contract = about | {"kind": manifest.kind, "schema_hash": manifest.schema_hash, "graphs": graphs}
    (out / CONTRACT_FILE).write_text(json.dumps(contract, indent=1) + "\n", encoding="utf-8")
    (out / README_FILE).write_text(_README.format(**about), encoding="utf-8")
    digests = [f"{digest_bytes(path.read_bytes())}  {path.name}\n" for path in sorted(out.iterdir())]
    (out / DIGESTS_FILE).write_text("".join(digests), encoding="utf-8")
