"""From one served answer back to what it rests on: version, data, features, code, decision, approval.

Nothing of what was recorded is repeated unchecked: each digest is computed again from what is here now.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attune.config import Workspace
from attune.data.interactions import known_version
from attune.errors import DataError, IntegrityError, RegistryError
from attune.features.schema import schema_hash
from attune.governance.approvals import check_approval
from attune.governance.checks import Check
from attune.governance.provenance import code_version
from attune.governance.requirements import read_document
from attune.governance.stages import Promotion
from attune.registry import Registry, Version
from attune.training.examples import PARTS, RECORD_FILE, ExamplesRecord


def trace(registry: Registry, workspace: Workspace, prediction_id: str) -> list[Check]:
    """Follow an answer back to what it rests on.

    Args:
        registry: The versions.
        workspace: Prediction log, runs and tables.
        prediction_id: As the answer said.

    Raises:
        RegistryError: The log has no such answer, or names a version that there is not.
    """
    record = _prediction(workspace.predictions, prediction_id)
    version = registry.get(str(record["model"]), int(record["model_version"]))
    at = datetime.fromisoformat(str(record["at"]))
    answer = f"{version.name} version {version.version}, {at:%Y-%m-%d %H:%M:%S} UTC"
    return [
        Check(what="the answer", recorded=answer, found=answer),
        _folder(registry, version),
        _champion_then(registry.events(version.name), version, at),
        *_data(workspace, version),
        _features(version, str(record["feature_service"])),
        *_code(version),
        *_approvals(registry, workspace, version),
    ]


def recorded_examples(workspace: Workspace, data_hash: str) -> Path | None:
    """The folder of the examples with a digest, where a run has left it; the digest is computed again."""
    for record in sorted(workspace.runs.glob(f"*/artifacts/*/fetch-examples/examples/{RECORD_FILE}")):
        said = read_document(ExamplesRecord, record)
        if said and said.data_hash == data_hash and examples_hash(record.parent) == data_hash:
            return record.parent
    return None


def examples_hash(folder: Path) -> str | None:
    """The digest of the examples in a folder, as their record has it; None where a part is missing."""
    digest = hashlib.sha256()
    for part in PARTS:
        file = folder / f"{part}.parquet"
        if not file.exists():
            return None
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _prediction(folder: Path, prediction_id: str) -> dict[str, Any]:
    for file in sorted(folder.glob("*.jsonl")):
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                # Only lines that may be the one are parsed: a log has millions.
                if prediction_id in line and (record := _parsed(line)).get("prediction_id") == prediction_id:
                    return record
    raise RegistryError(
        f"no answer {prediction_id[:80]!r} in the prediction log {folder}; copy an answer's prediction_id"
    )


def _parsed(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _folder(registry: Registry, version: Version) -> Check:
    files = f"{len(version.manifest.files)} files, manifest and signature"
    try:
        registry.verify(version)
    except IntegrityError as error:
        return Check(what="the version", recorded=files, found=str(error))
    return Check(what="the version", recorded=files, found=files)


def _champion_then(promotions: list[Promotion], version: Version, at: datetime) -> Check:
    served = [promotion for promotion in promotions if promotion.promoted_at <= at]
    found = f"version {served[-1].version} ({served[-1].reason})" if served else None
    mine = [promotion for promotion in served if promotion.version == version.version]
    recorded = f"version {version.version} ({mine[-1].reason})" if mine else f"version {version.version}"
    return Check(what="the champion at that time", recorded=recorded, found=found)


def _data(workspace: Workspace, version: Version) -> Iterator[Check]:
    manifest = version.manifest
    kept = recorded_examples(workspace, manifest.data_hash)
    yield Check(
        what="the training data",
        recorded=manifest.data_hash,
        found=examples_hash(kept) if kept else None,
    )
    record = read_document(ExamplesRecord, version.folder / RECORD_FILE)
    if record is not None:
        try:
            now = known_version(workspace.tables)
        except DataError:
            now = None
        yield Check(what="the tables it was made from", recorded=record.tables_version, found=now)


def _features(version: Version, served: str) -> Check:
    manifest = version.manifest
    found = f"{served} {schema_hash(served)}"
    return Check(
        what="the feature service",
        recorded=f"{manifest.feature_service} {manifest.schema_hash}",
        found=found,
    )


def _code(version: Version) -> Iterator[Check]:
    manifest = version.manifest
    yield Check(what="the code", recorded=manifest.code_version, found=code_version())
    if manifest.commit:
        yield Check(what="the commit", recorded=manifest.commit, found=_commit(manifest.commit))


def _commit(commit: str) -> str | None:
    command = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "rev-parse",
        "--verify",
        "--quiet",
        f"{commit}^{{commit}}",
    ]
    try:
        # S603, S607: the commit comes out of a signed manifest; git is found on the path as everywhere here.
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _approvals(registry: Registry, workspace: Workspace, version: Version) -> Iterator[Check]:
    decisions = [event for event in registry.events(version.name) if event.version == version.version]
    for approval in registry.approvals(version):
        said = approval.statement
        recorded = f"{approval.digest} by {said.approver}: {said.reason}"
        try:
            check_approval(workspace.keys, approval, version.manifest, said.at)
        except IntegrityError as error:
            yield Check(what="an approval", recorded=recorded, found=str(error))
            continue
        yield Check(what="an approval", recorded=recorded, found=recorded)
    for event in decisions:
        rests_on = event.approval or "the gate's word"
        recorded = f"{event.kind} on {event.promoted_at.astimezone(UTC):%Y-%m-%d}, resting on {rests_on}"
        yield Check(what=f"the decision of change {event.sequence}", recorded=recorded, found=recorded)
