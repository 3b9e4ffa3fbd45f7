"""The schemas of custom resources, strict: a field that they do not know is an error."""

import re
import tarfile
from functools import cache
from typing import Any

import pytest
import yaml

from tests.k8s.rendered import ROOT

# Data that may lie beside the project: definitions as their projects publish them.
ARCHIVE = ROOT.parent / "shared" / "crds" / "crds.tar.xz"
WANTED = re.compile(r"(keda|prometheus)[^/]*/|\.org_(trainingruntimes|trainjobs)\.yaml$|/inferenceservices\.")
Schema = dict[str, Any]


def schema_of(api_version: str, kind: str) -> Schema:
    """The schema of one version of a kind; skipped where the definitions are not there."""
    if not ARCHIVE.exists():
        pytest.skip(f"no custom resource definitions at {ARCHIVE.parent.name}/{ARCHIVE.name}")
    return _schemas()[api_version, kind]


def is_defined(api_version: str, kind: str) -> bool:
    return not ARCHIVE.exists() or (api_version, kind) in _schemas()


@cache
def _schemas() -> dict[tuple[str, str], Schema]:
    found = {}
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            if not member.isfile() or not WANTED.search(member.name):
                continue
            file = archive.extractfile(member)
            assert file is not None
            spec = next(yaml.load_all(file, yaml.CSafeLoader))["spec"]
            for version in spec["versions"]:
                key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                found[key] = _strict(version["schema"]["openAPIV3Schema"])
    return found


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not is_open:
        strict["additionalProperties"] = False
    if "pattern" in schema and isinstance(schema["pattern"], str):
        strict["pattern"] = schema["pattern"].replace("^(?i)", "(?i)^")  # Python wants flags first
    return strict
