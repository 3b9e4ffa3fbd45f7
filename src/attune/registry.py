"""Model versions: registered once, verified at every load, promoted by one writer.

A version is a folder `models/<name>/<version>/`. It exists when the ledger says so; a folder that the ledger
does not know is what a killed registration left behind, and the next one adopts or removes it.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from attune.config import Workspace
from attune.errors import IntegrityError, RegistryError
from attune.governance.approvals import Approval, approve, first_valid
from attune.governance.audit import problems
from attune.governance.database import database_url
from attune.governance.documents import Document
from attune.governance.events import Event
from attune.governance.heads import Heads
from attune.governance.ledger import Ledger
from attune.governance.manifest import Manifest, Origin, check_name, digest_bytes
from attune.governance.model_card import MODEL_CARD_FILE
from attune.governance.pins import answered, pinned
from attune.governance.record import Writer
from attune.governance.requirements import read_document, require_promotable
from attune.governance.stages import Promotion, Stage, line_of_champions
from attune.governance.version_folder import (
    FORMATS,
    check_recorded,
    complete,
    draft,
    numbers,
    verified,
)
from attune.locks import in_turn
from attune.models.catalog import entry
from attune.progress import say

__all__ = ["FORMATS", "Registry", "Version", "VersionStore"]

HEADS_FILE = "registry.heads"


class VersionStore(Protocol):
    """Where the bytes of versions are kept beside their folder."""

    def track(self, folder: Path) -> None:
        """Take a version's folder into the store; a folder that is there already stays as it is."""

    def fetch(self, folder: Path) -> None:
        """Bring a version's folder back from the store, over what is left of it."""


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
        self._heads = workspace.root / HEADS_FILE
        self._ledger = Ledger(database_url(workspace), workspace.keys, self._heads)

    @property
    def searches(self) -> Path:
        """Where the workspace keeps what was tried before settings were chosen."""
        return self._workspace.searches

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
        home = self._workspace.models / origin.name
        home.mkdir(parents=True, exist_ok=True)
        with in_turn(home.with_name(f".{origin.name}.lock")):
            self._adopt(home)
            with self._ledger.reading() as reader:
                number = reader.version_of(origin.name, origin.run_key)
            if number is None:
                number = self._added(folder, home, origin)
        version = self.get(origin.name, number)
        if self._store is not None:
            self._store.track(version.folder)
        return version

    def names(self) -> list[str]:
        """Every model that has a version."""
        with self._ledger.reading() as reader:
            return reader.names()

    def versions(self, name: str) -> list[Version]:
        """Every version of a model, oldest first."""
        with self._ledger.reading() as reader:
            manifests = reader.manifests(name)
        return [self._version(name, number, content) for number, content in manifests.items()]

    def get(self, name: str, version: int) -> Version:
        """One version of a model.

        Raises:
            RegistryError: There is none; the message lists those there are.
        """
        return self._version(name, version, self._recorded(name, version))

    def find(self, name: str, run_key: str) -> Version | None:
        """The version that a run made, if it made one."""
        with self._ledger.reading() as reader:
            number = reader.version_of(name, run_key)
        return None if number is None else self.get(name, number)

    def stages(self, name: str) -> dict[int, Stage]:
        """Where each version of a model stands."""
        with self._ledger.reading() as reader:
            return reader.stages(name)

    def champion(self, name: str) -> Version | None:
        """The version that serves, if one does.

        Raises:
            IntegrityError: The log that says so was changed, cut or put back.
        """
        with self._ledger.reading() as reader:
            last = reader.last_promotion(name)
        return self.get(name, last.version) if last else None

    def events(self, name: str) -> list[Promotion]:
        """Every change of a model's champion, oldest first."""
        with self._ledger.reading() as reader:
            return reader.promotions(name)

    def log(self) -> list[Event]:
        """Everything that was decided about any model, oldest first; `problems` says whether it holds."""
        with self._ledger.reading() as reader:
            return reader.events()

    def promote(
        self,
        name: str,
        version: int,
        expected: int | None,
        reason: str,
        cause: str,
        sequence: int | None = None,
    ) -> Promotion:
        """Make a verified version the champion if the champion still is the one it was compared with.

        Args:
            name: The model.
            version: Who is to be champion.
            expected: The champion that the decision was made against; None for none.
            reason: Why, in words.
            cause: What started it: a person, a schedule, a verdict of drift.
            sequence: The last change of champion that the decision knows: it fences off a writer that was
                thought dead, also where the same version serves again. None where it does not say.

        Raises:
            PromotionConflictError: Somebody else promoted first; the message names the winner.
            RegistryError: The version is unknown, damaged, the champion already, or lacks what a promotion
                needs: the gate's verdict, a fairness table, a simple model beside it, a whole model card, and
                the approval that its policy asks for.
        """
        found = self.get(name, version)
        self.verify(found)
        with self._ledger.reading() as reader:
            documents = reader.approvals(name, version)
        approval, refused = first_valid(
            self._workspace.keys, documents.values(), found.manifest, datetime.now(UTC)
        )
        require_promotable(found.folder, found.manifest, approval is not None, refused)
        digest = approval.digest if approval else None
        return self._ledger.promote(
            name, version, expected, reason, cause, sequence=sequence, approval=digest
        )

    def approve(self, version: Version, shown: str, approver: str, reason: str) -> Approval:
        """Record that a person has read a page about a version and approves it.

        Raises:
            RegistryError: The person may not, or has no key.
        """
        self.verify(version)
        approval = approve(self._workspace.keys, version.manifest, shown, approver, reason)
        with self._ledger.writing() as writer:
            writer.approve(version.name, version.version, approval.digest, approval.to_bytes(), approver)
        return approval

    def approvals(self, version: Version) -> list[Approval]:
        """What persons have said about a version."""
        with self._ledger.reading() as reader:
            documents = reader.approvals(version.name, version.version)
        return [Approval.from_bytes(document) for document in documents.values()]

    def move(self, name: str, version: int, stage: Stage, reason: str, cause: str) -> None:
        """Let a version be shadow, canary, candidate or retired; champions are promoted.

        Raises:
            RegistryError: It cannot go there from where it is.
        """
        if stage == "champion":
            raise RegistryError(f"nobody is moved to champion: attune models promote {name} {version}")
        self.verify(self.get(name, version))
        with self._ledger.writing() as writer:
            writer.move(name, version, stage, reason, cause)

    def roll_back(self, name: str, reason: str, cause: str) -> Promotion:
        """Make the champion before the present one champion again; it was approved when it was promoted.

        Needs nothing but the database and the folder of the version.

        Raises:
            RegistryError: There is none before, or its folder is damaged.
            PromotionConflictError: Somebody else changed the champion meanwhile.
        """
        line = line_of_champions(self.events(name))
        if len(line) < 2:
            raise RegistryError(f"{name} has no champion before the present one; promote another version")
        target, present = line[-2:]
        self.verify(self.get(name, target))
        return self._ledger.roll_back(name, present, target, reason, cause)

    def verify(self, version: Version) -> None:
        """Make sure that a version's folder holds what was registered, to the byte, and was signed by us.

        Raises:
            IntegrityError: It does not; the message names the file.
        """
        recorded = self._recorded(version.name, version.version)
        check_recorded(version.folder, recorded)
        verified(version.folder, self._workspace.keys)
        with self._ledger.reading() as reader:
            event = reader.registered(version.name, version.version)
        if event is None or event.found["manifest"] != digest_bytes(recorded):
            raise IntegrityError(
                f"the log does not know this manifest of version {version.version} of {version.name}; "
                "restore the database"
            )

    def problems(self) -> list[str]:
        """Everything that does not hold: in the record, or else in the versions that are kept."""
        heads = Heads(self._heads, self._workspace.keys)
        with self._ledger.reading() as reader:
            found = list(problems(reader, heads, self._workspace.keys))
            if found:
                return found
            collected = {
                (event.name, event.version) for event in reader.events() if event.kind == "collected"
            }
        for name in self.names():
            for version in self.versions(name):
                if (name, version.version) not in collected:
                    found += self._damage(version)
        return found

    def load(self, version: Version) -> Any:
        """Read a version's model, a `Scorer` or a `Recommender`, once its folder has been verified.

        Raises:
            IntegrityError: The folder is not what was registered.
            ModelError: The library cannot read this model any more.
        """
        self.verify(version)
        return entry(version.manifest.algorithm).load(version.folder)

    def pins(self, name: str) -> dict[int, str]:
        """The versions of a model that are never collected, and why."""
        return pinned(self.events(name), self.stages(name), answered(self._workspace.predictions, name))

    def collect(self, name: str) -> list[int]:
        """Give up the content of every version that nothing pins, except the newest; the records stay.

        Returns:
            The versions that were given up now.
        """
        loose = self.loose(name)
        for number in loose:
            with self._ledger.writing() as writer:
                writer.collect(name, number, "nothing pins it")
            folder = self._workspace.models / name / str(number)
            folder.with_name(f"{number}.dvc").unlink(missing_ok=True)
            shutil.rmtree(folder)
        return loose

    def loose(self, name: str) -> list[int]:
        """The versions that `collect` would give up."""
        pins = self.pins(name)
        older = self.versions(name)[:-1]
        return [found.version for found in older if found.version not in pins and found.folder.exists()]

    def restore(self, version: Version, store: VersionStore) -> None:
        """Bring a lost or damaged version back from where its bytes are kept, and verify it.

        Raises:
            RegistryError: The store does not have it.
            IntegrityError: What it has is not what was registered.
        """
        store.fetch(version.folder)
        self.verify(version)

    def card(self, version: Version) -> Document:
        """The model card of a version, once its folder has been verified.

        Raises:
            RegistryError: It has none.
        """
        self.verify(version)
        card = read_document(Document, version.folder / MODEL_CARD_FILE)
        if card is None:
            raise RegistryError(f"version {version.version} of {version.name} has no model card")
        return card

    def _damage(self, version: Version) -> list[str]:
        try:
            self.verify(version)
        except IntegrityError as error:
            return [str(error)]
        return []

    def _version(self, name: str, version: int, recorded: bytes) -> Version:
        manifest = Manifest.from_bytes(recorded)
        if (manifest.name, manifest.version) != (name, version):
            raise IntegrityError(
                f"the database has the manifest of version {manifest.version} of {manifest.name} in the "
                f"place of version {version} of {name}; restore the database"
            )
        folder = self._workspace.models / name / str(version)
        return Version(name, version, folder, manifest)

    def _recorded(self, name: str, version: int) -> bytes:
        check_name(name)
        with self._ledger.reading() as reader:
            manifests = reader.manifests(name)
        if version not in manifests:
            known = ", ".join(map(str, manifests)) or "none; run the training pipeline first"
            raise RegistryError(f"{name} has no version {version}; registered versions: {known}")
        return manifests[version]

    def _added(self, folder: Path, home: Path, origin: Origin) -> int:
        try:
            return self._add(folder, home, origin)
        except OSError as error:
            raise RegistryError(
                f"a version of {origin.name} cannot be written to {home} ({error}); free space, and register "
                "it again: what is there already stays"
            ) from error

    def _add(self, folder: Path, home: Path, origin: Origin) -> int:
        with draft(folder, home) as (partial, files), self._ledger.writing() as writer:
            champion = writer.last_promotion(origin.name)
            manifest = Manifest(
                **origin.model_dump(),
                version=max([writer.last_version(origin.name), *numbers(home)]) + 1,
                parent=champion.version if champion else None,
                created_at=datetime.now(UTC),
                files=files,
            )
            complete(partial, manifest, self._workspace.keys)
            writer.add(manifest)
            partial.rename(home / str(manifest.version))
        return manifest.version

    def _adopt(self, home: Path) -> None:
        """Record whole folders that a registration left when it was killed before its record was written."""
        with self._ledger.reading() as reader:
            known = reader.manifests(home.name)
        for number in sorted(set(numbers(home)) - known.keys()):
            try:
                manifest = verified(home / str(number), self._workspace.keys)
            except IntegrityError as error:
                say(f"left alone, not a version of ours: {error}")
                continue
            with self._ledger.writing() as writer:
                self._record_once(writer, manifest)

    @staticmethod
    def _record_once(writer: Writer, manifest: Manifest) -> None:
        if writer.version_of(manifest.name, manifest.run_key) is None:
            writer.add(manifest)
