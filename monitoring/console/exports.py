"""What a signed bundle about a model holds: every record, and no row of anybody."""

import json
import zipfile
from pathlib import Path

from attune.governance.bundle import Contents, check_bundle, write_bundle
from attune.governance.events import Event, check_chain
from attune.governance.manifest import MANIFEST_FILE, SIGNATURE_FILE
from attune.governance.people import check_person
from attune.governance.signing import PUBLIC_KEY_FILE
from attune.registry import HEADS_FILE, Version
from monitoring.console.evidence import Evidence
from monitoring.console.use_case import use_case

LOG_FILE = "log.jsonl"


def bundle(evidence: Evidence, model: str) -> bytes:
    """The signed bundle about a model.

    Raises:
        RegistryError: The workspace's key cannot sign here.
    """
    root, keys = evidence.workspace.root, evidence.workspace.keys
    found = use_case(evidence, model)
    files = {
        "use_case.json": found.model_dump_json(indent=1).encode(),
        LOG_FILE: "".join(f"{event.model_dump_json()}\n" for event in evidence.registry.log()).encode(),
        HEADS_FILE: _content(root / HEADS_FILE),
        f"keys/{PUBLIC_KEY_FILE}": _content(keys / PUBLIC_KEY_FILE),
    }
    for version in evidence.registry.versions(model):
        files |= _version(evidence, version)
    for look in evidence.looks(model).looks:
        verdict = look.verdict
        name = f"drift/{verdict.subject.now:%Y-%m-%d}.json"
        files[name] = verdict.model_dump_json(indent=1).encode()
    return write_bundle(keys, model, evidence.integrity().problems, files)


def _version(evidence: Evidence, version: Version) -> dict[str, bytes]:
    """Manifest, signature, every JSON document that holds, and the approvals with the keys to check them."""
    home = f"versions/{version.version}"
    files = {
        f"{home}/{MANIFEST_FILE}": version.manifest.to_bytes(),
        f"{home}/{SIGNATURE_FILE}": _content(version.folder / SIGNATURE_FILE),
    }
    for name in version.manifest.files:
        content = evidence.document(version, name) if name.endswith(".json") else None
        if content is not None:
            files[f"{home}/{name}"] = content
    approvals = evidence.registry.approvals(version)
    for approval in approvals:
        person = approval.statement.approver
        check_person(person)
        files[f"{home}/approvals/{approval.digest}.json"] = approval.to_bytes()
        files[f"keys/people/{person}/{PUBLIC_KEY_FILE}"] = _content(
            evidence.workspace.keys / "people" / person / PUBLIC_KEY_FILE
        )
    return files


def _content(path: Path) -> bytes:
    """A file as it is; nothing where it is missing, which the checks of the bundle's reader then say."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def check(keys: Path, file: Path) -> Contents:
    """Make sure that a bundle holds, and with it the chain of the log inside.

    Args:
        keys: The folder of the public key of who signed it.
        file: The bundle.

    Raises:
        IntegrityError: Something does not hold.
    """
    contents = check_bundle(keys, file)
    if not contents.problems:
        with zipfile.ZipFile(file) as packed:
            lines = packed.read(LOG_FILE).decode().splitlines()
        check_chain(keys, [Event.read(json.loads(line)) for line in lines])
    return contents
