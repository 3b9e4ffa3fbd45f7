"""The entries of the registry's log: each names the one before it, and each is signed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError

from attune.config import Settings
from attune.errors import IntegrityError
from attune.governance.signing import check_signature, sign_for_workspace

Kind = Literal["registered", "staged", "approved", "promoted", "rolled back", "collected", "retraining"]

BEGINNING = "0" * 64


class Event(Settings):
    """One thing that was decided about a version.

    Attributes:
        sequence: Its place in the log of all models, from 1 without gaps.
        at: When it was written (ISO 8601, UTC).
        details: What there is to say about it, JSON.
        previous: The hash of the event before it.
        hash: SHA-256 of all of the above.
        signature: Ed25519, in hexadecimal digits, over the same bytes.
    """

    sequence: int
    at: str
    kind: Kind
    name: str
    version: int
    details: str
    previous: str
    hash: str
    signature: str

    @classmethod
    def signed(
        cls, keys: Path, last: Self | None, kind: Kind, name: str, version: int, details: Mapping[str, Any]
    ) -> Self:
        """The event that comes after the last one.

        Args:
            keys: The folder of the workspace's keys.
            last: The event before; None for the first of all.
            kind: What happened.
            name: The model.
            version: To which of its versions.
            details: What there is to say about it.
        """
        said = {
            "sequence": last.sequence + 1 if last else 1,
            "at": datetime.now(UTC).isoformat(),
            "kind": kind,
            "name": name,
            "version": version,
            "details": json.dumps(details, sort_keys=True, allow_nan=False),
            "previous": last.hash if last else BEGINNING,
        }
        content = _content(said)
        signature = sign_for_workspace(keys, content).hex()
        return cls.model_validate(
            said | {"hash": hashlib.sha256(content).hexdigest(), "signature": signature}
        )

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """The event in a row of the log.

        Raises:
            IntegrityError: No event looks like that.
        """
        try:
            return cls.model_validate(dict(row))
        except ValidationError as error:
            raise IntegrityError(
                f"event {row.get('sequence')} of the registry's log was changed: it is none; restore the log"
            ) from error

    @property
    def found(self) -> dict[str, Any]:
        """The details, read."""
        details: dict[str, Any] = json.loads(self.details)
        return details

    def check(self, keys: Path) -> None:
        """Make sure that the event is what was written.

        Raises:
            IntegrityError: It was changed, or was not signed by us.
        """
        content = _content(self.model_dump(exclude={"hash", "signature"}))
        if hashlib.sha256(content).hexdigest() != self.hash:
            raise IntegrityError(f"event {self.sequence} of the registry's log was changed; restore the log")
        try:
            check_signature(keys, content, bytes.fromhex(self.signature))
        except (IntegrityError, ValueError) as error:
            raise IntegrityError(
                f"event {self.sequence} of the registry's log was not signed by this workspace ({error}); "
                "restore the log"
            ) from error


def check_chain(keys: Path, events: Sequence[Event]) -> None:
    """Make sure that a whole log was neither edited, nor has lost an entry or its order.

    Raises:
        IntegrityError: It was; the message names the first event that does not fit.
    """
    for number, event in enumerate(events, start=1):
        if event.sequence != number:
            raise IntegrityError(f"event {number} of the registry's log is missing; restore the log")
        event.check(keys)
    if events and events[0].previous != BEGINNING:
        raise IntegrityError("event 1 of the registry's log follows another one; restore the log")
    for before, after in pairwise(events):
        if after.previous != before.hash:
            raise IntegrityError(
                f"event {after.sequence} of the registry's log does not follow event {before.sequence}; "
                "restore the log"
            )


def _content(said: Mapping[str, Any]) -> bytes:
    return b"attune event\n" + json.dumps(dict(said), sort_keys=True).encode()
