"""Model versions: registered once, verified at every load, promoted by one writer.

A version is a folder `models/<name>/<version>/`. It exists when the ledger says so; a folder that the ledger
does not know is what a killed registration left behind, and the next one adopts or removes it.
"""

import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from attune.config import Workspace
from attune.errors import IntegrityError, RegistryError
from attune.governance.ledger import Ledger, Promotion, Writer
from attune.governance.manifest import (
    MANIFEST_FILE,
    SIGNATURE_FILE,
    Manifest,
    Origin,
    check_files,
    check_name,
    digest_files,
)
from attune.governance.signing import check_signature, sign
from attune.models.catalog import entry
from attune.progress import say

# Formats that run no code when they are read; the text is LightGBM's trees.
FORMATS = frozenset({".safetensors", ".json", ".parquet", ".txt"})
_PARTIAL = ".partial"


class VersionStore(Protocol):
    """Where the bytes of versions are kept beside their folder."""

    def track(self, folder: Path) -> None:
        """Take a version's folder into the store; a folder that is there already stays as it is."""


@dataclass(frozen=True)
class Version:
    """One registered version of a model."""

    name: str
    version: int
    folder: Path
    manifest: Manifest


class Registry:
    """The versions of all models of one workspace."""

    def __init__(self, workspace: Workspace, store: VersionStore | None = None):
        workspace.root.mkdir(parents=True, exist_ok=True)
        self._workspace = workspace
        self._store = store
        self._ledger = Ledger(f"sqlite:///{workspace.registry}")

    def register(self, folder: Path, origin: Origin) -> Version:
        """Make a folder the next version of a model; a run that registers twice gets its first version.

        Args:
            folder: Everything that belongs to the version; it is copied.
            origin: Where the version comes from.

        Raises:
            RegistryError: The name or a file is refused.
        """
        check_name(origin.name)
        entry(origin.algorithm)
        _refuse_unsound_files(folder)
        home = self._workspace.models / origin.name
        home.mkdir(parents=True, exist_ok=True)
        with self._ledger.writing() as writer:
            self._tidy(home, writer)
            number = writer.version_of(origin.name, origin.run_key)
            if number is None:
                number = self._add(folder, home, origin, writer)
        version = self.get(origin.name, number)
        if self._store is not None:
            self._store.track(version.folder)
        return version

    def names(self) -> list[str]:
        """Every model that has a version."""
        return self._ledger.names()

    def versions(self, name: str) -> list[Version]:
        """Every version of a model, oldest first."""
        manifests = self._ledger.manifests(name)
        return [self._version(Manifest.from_bytes(content)) for content in manifests.values()]

    def get(self, name: str, version: int) -> Version:
        """One version of a model.

        Raises:
            RegistryError: There is none; the message lists those there are.
        """
        return self._version(Manifest.from_bytes(self._signed(name, version)))

    def find(self, name: str, run_key: str) -> Version | None:
        """The version that a run made, if it made one."""
        return next((found for found in self.versions(name) if found.manifest.run_key == run_key), None)

    def champion(self, name: str) -> Version | None:
        """The version that serves, if one does."""
        events = self.events(name)
        return self.get(name, events[-1].version) if events else None

    def events(self, name: str) -> list[Promotion]:
        """Every change of a model's champion, oldest first."""
        return self._ledger.promotions(name)

    def promote(self, name: str, version: int, expected: int | None, reason: str, cause: str) -> Promotion:
        """Make a verified version the champion if the champion still is the one it was compared with.

        Args:
            name: The model.
            version: Who is to be champion.
            expected: The champion that the decision was made against; None for none.
            reason: Why, in words.
            cause: What started it: a person, a schedule, a verdict of drift.

        Raises:
            PromotionConflictError: Somebody else promoted first; the message names the winner.
            RegistryError: The version is unknown, damaged, or the champion already.
        """
        self.verify(self.get(name, version))
        return self._ledger.promote(name, version, expected, reason, cause)

    def verify(self, version: Version) -> None:
        """Make sure that a version's folder holds what was registered, to the byte, and was signed by us.

        Raises:
            IntegrityError: It does not; the message names the file.
        """
        recorded = self._signed(version.name, version.version)
        if _read(version.folder / MANIFEST_FILE) != recorded:
            raise IntegrityError(
                f"{MANIFEST_FILE} in {version.folder} is not the one that was recorded for version "
                f"{version.version} of {version.name}; restore the folder"
            )
        self._verified(version.folder)

    def load(self, version: Version) -> Any:
        """Read a version's model, a `Scorer` or a `Recommender`, once its folder has been verified.

        Raises:
            IntegrityError: The folder is not what was registered.
            ModelError: The library cannot read this model any more.
        """
        self.verify(version)
        return entry(version.manifest.algorithm).load(version.folder)

    def _version(self, manifest: Manifest) -> Version:
        folder = self._workspace.models / manifest.name / str(manifest.version)
        return Version(manifest.name, manifest.version, folder, manifest)

    def _signed(self, name: str, version: int) -> bytes:
        manifests = self._ledger.manifests(name)
        if version not in manifests:
            known = ", ".join(map(str, manifests)) or "none; run the training pipeline first"
            raise RegistryError(f"{name} has no version {version}; registered versions: {known}")
        return manifests[version]

    def _verified(self, folder: Path) -> Manifest:
        content = _read(folder / MANIFEST_FILE)
        signature = _read(folder / SIGNATURE_FILE)
        try:
            check_signature(self._workspace.keys, content, signature)
        except IntegrityError as error:
            raise IntegrityError(f"{SIGNATURE_FILE} in {folder}: {error}") from error
        manifest = Manifest.from_bytes(content)
        if (folder.parent.name, folder.name) != (manifest.name, str(manifest.version)):
            raise IntegrityError(
                f"{MANIFEST_FILE} in {folder} belongs to version {manifest.version} of {manifest.name}; "
                "restore the folder"
            )
        check_files(folder, manifest.files)
        return manifest

    def _add(self, folder: Path, home: Path, origin: Origin, writer: Writer) -> int:
        champion = writer.last_promotion(origin.name)
        taken = [writer.last_version(origin.name), *_numbers(home)]
        partial = home / f".{uuid.uuid4().hex}{_PARTIAL}"
        shutil.copytree(folder, partial)
        manifest = Manifest(
            **origin.model_dump(),
            version=max(taken) + 1,
            parent=champion.version if champion else None,
            created_at=datetime.now(UTC),
            files=digest_files(partial),
        )
        content = manifest.to_bytes()
        (partial / MANIFEST_FILE).write_bytes(content)
        (partial / SIGNATURE_FILE).write_bytes(sign(self._workspace.keys, content))
        _flush(partial)
        writer.add(manifest)
        partial.rename(home / str(manifest.version))
        return manifest.version

    def _tidy(self, home: Path, writer: Writer) -> None:
        """Repair what a killed registration left: half-written folders, and whole ones without a record.

        Nobody else can be registering now: the caller holds the ledger's lock.
        """
        for partial in home.glob(f".*{_PARTIAL}"):
            shutil.rmtree(partial)
        known = self._ledger.manifests(home.name)
        for number in sorted(set(_numbers(home)) - known.keys()):
            try:
                manifest = self._verified(home / str(number))
            except IntegrityError as error:
                say(f"left alone, not a version of ours: {error}")
                continue
            if writer.version_of(home.name, manifest.run_key) is None:
                writer.add(manifest)


def _numbers(home: Path) -> list[int]:
    return [int(path.name) for path in home.iterdir() if path.is_dir() and path.name.isdecimal()]


def _flush(folder: Path) -> None:
    """Bring files to the disk before their folder gets its final name, for the day when the power fails."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IntegrityError(
            f"{path.name} is missing from {path.parent} ({error.strerror}); restore the version, for example "
            "by `dvc checkout`"
        ) from error


def _refuse_unsound_files(folder: Path) -> None:
    for name in digest_files(folder):
        if Path(name).suffix not in FORMATS:
            raise RegistryError(
                f"{name} in {folder} is none of {', '.join(sorted(FORMATS))}; a version holds only formats "
                "that run no code when they are read"
            )
        if name.endswith(".safetensors"):
            _refuse_broken_weights(folder / name)


def _refuse_broken_weights(path: Path) -> None:
    try:
        tensors: Mapping[str, np.ndarray[Any, Any]] = load_file(path)
    except SafetensorError as error:
        raise RegistryError(f"{path} cannot be read ({error}); train again") from error
    for name, tensor in tensors.items():
        if np.issubdtype(tensor.dtype, np.inexact) and not np.isfinite(tensor).all():
            raise RegistryError(f"tensor {name} in {path} is not finite everywhere; train again")
