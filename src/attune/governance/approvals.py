"""Approvals: what a person was shown, decided and signed with a key of their own."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import Field, ValidationError

from attune.config import Settings
from attune.errors import IntegrityError, RegistryError
from attune.governance.manifest import Manifest, digest_bytes
from attune.governance.people import check_person
from attune.governance.signing import check_signature, sign

PEOPLE = "people"
VALID_DAYS = 30


class Statement(Settings):
    """What a person says about a version.

    Attributes:
        manifest: SHA-256 of the version's manifest, and by it of every file.
        shown: SHA-256 of the page that the person read.
        until: An approval that nobody used by then is void.
    """

    name: str
    version: int
    manifest: str
    shown: str
    approver: str
    reason: str = Field(min_length=1)
    at: datetime
    until: datetime


class Approval(Settings):
    """A statement and its signature."""

    statement: Statement
    signature: str

    @property
    def digest(self) -> str:
        """What the log calls it."""
        return digest_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The one way in which an approval is written."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Approval":
        """Read an approval back.

        Raises:
            IntegrityError: These bytes are none.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise IntegrityError("a recorded approval is no approval; restore the database") from error


def approve(keys: Path, manifest: Manifest, shown: str, approver: str, reason: str) -> Approval:
    """Sign that a person has read a page about a version and approves it.

    The person's key is `keys/people/<person>/`, made at first use; where only its public half is, as on a
    server, nobody can sign there.

    Args:
        keys: The folder of the workspace's keys.
        manifest: Of the version.
        shown: The text that the person was shown.
        approver: The person.
        reason: Why, in words.

    Raises:
        RegistryError: The person is the version's author, gives no reason, or has no usable key.
    """
    check_person(approver)
    if approver == manifest.author:
        raise RegistryError(
            f"{approver} asked for version {manifest.version} of {manifest.name} and cannot approve it; "
            "ask somebody else"
        )
    if not reason.strip():
        raise RegistryError("an approval needs a reason in words: --reason")
    now = datetime.now(UTC)
    statement = Statement(
        name=manifest.name,
        version=manifest.version,
        manifest=digest_bytes(manifest.to_bytes()),
        shown=hashlib.sha256(shown.encode()).hexdigest(),
        approver=approver,
        reason=reason,
        at=now,
        until=now + timedelta(days=VALID_DAYS),
    )
    return Approval(statement=statement, signature=sign(keys / PEOPLE / approver, _content(statement)).hex())


def check_approval(keys: Path, approval: Approval, manifest: Manifest, now: datetime) -> None:
    """Make sure that an approval is one of this version, by somebody who may, and in time.

    Raises:
        IntegrityError: It is forged, changed, of another version, of its author, or too old.
    """
    said = approval.statement
    who = f"the approval of version {manifest.version} of {manifest.name} by {said.approver[:80]!r}"
    wanted = manifest.name, manifest.version, digest_bytes(manifest.to_bytes())
    if (said.name, said.version, said.manifest) != wanted:
        raise IntegrityError(f"{who} is about version {said.version} of {said.name} or other content of it")
    if said.approver == manifest.author:
        raise IntegrityError(f"{who} is by its author")
    if not said.at <= now <= said.until:
        raise IntegrityError(f"{who} held from {said.at:%Y-%m-%d} to {said.until:%Y-%m-%d}; ask again")
    try:
        check_person(said.approver)
        check_signature(keys / PEOPLE / said.approver, _content(said), bytes.fromhex(approval.signature))
    except (RegistryError, ValueError) as error:
        raise IntegrityError(f"{who} was not signed by them ({error})") from error


def first_valid(
    keys: Path, documents: Iterable[bytes], manifest: Manifest, now: datetime
) -> tuple[Approval | None, list[str]]:
    """The first approval that holds, and why those before it do not.

    Args:
        keys: The folder of the workspace's keys.
        documents: The approvals on record.
        manifest: Of the version.
        now: The moment of the promotion.
    """
    refused: list[str] = []
    for document in documents:
        try:
            approval = Approval.from_bytes(document)
            check_approval(keys, approval, manifest, now)
        except IntegrityError as error:
            refused.append(str(error))
            continue
        return approval, refused
    return None, refused


def _content(statement: Statement) -> bytes:
    text = json.dumps(statement.model_dump(mode="json"), sort_keys=True)
    return b"attune approval\n" + text.encode()
