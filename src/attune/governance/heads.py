"""Signed heads of the registry's log, kept in a file beside the database.

A database that lost its last events, or was put back as it was last week, is whole in itself. What tells is
a file elsewhere that says how far the log had come. Copies of it further away (the mirror commits one to git)
guard against who can change both.
"""

import fcntl
import json
import os
from pathlib import Path

from pydantic import ValidationError

from attune.config import Settings
from attune.errors import IntegrityError
from attune.governance.events import BEGINNING, Event
from attune.governance.signing import check_signature, sign_for_workspace
from attune.private_files import place_first

_LAST_BYTES = 4096


class Head(Settings):
    """How far the log had come: its last event, signed."""

    sequence: int
    hash: str
    signature: str

    @classmethod
    def of(cls, keys: Path, sequence: int, digest: str) -> "Head":
        """Sign a head."""
        signature = sign_for_workspace(keys, _content(sequence, digest)).hex()
        return cls(sequence=sequence, hash=digest, signature=signature)

    def check(self, keys: Path) -> None:
        """Make sure that we signed it.

        Raises:
            IntegrityError: We did not.
        """
        try:
            check_signature(keys, _content(self.sequence, self.hash), bytes.fromhex(self.signature))
        except (IntegrityError, ValueError) as error:
            raise IntegrityError(
                f"the signed head of event {self.sequence} was forged or changed ({error}); restore the heads"
            ) from error


class Heads:
    """The file of heads, one a line; only ever appended to."""

    def __init__(self, file: Path, keys: Path):
        self._file = file
        self._keys = keys

    def begin(self) -> None:
        """Make the file with the head of an empty log, where there is none: its absence then tells."""
        if not self._file.exists():
            place_first(self._file, _line(Head.of(self._keys, 0, BEGINNING)))

    def last(self) -> Head | None:
        """The last head that was written whole, if there is a file.

        Raises:
            IntegrityError: It was changed or forged.
        """
        try:
            with self._file.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _LAST_BYTES))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return None
        # What follows the last line break was cut off by a full disk or a killed writer.
        if len(lines) < 2:
            raise IntegrityError(f"{self._file} holds no signed head; restore it")
        head = self._read(lines[-2])
        head.check(self._keys)
        return head

    def all(self) -> list[Head]:
        """Every head, oldest first, unchecked."""
        try:
            lines = self._file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        return [self._read(line) for line in lines[:-1]]

    def reach(self, event: Event) -> None:
        """Sign how far the log has come, unless another writer has signed further already."""
        with self._file.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            last = self.last()
            if last is not None and last.sequence >= event.sequence:
                return
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            file.write(_line(Head.of(self._keys, event.sequence, event.hash)))
            file.flush()
            os.fsync(file.fileno())

    def _read(self, line: bytes) -> Head:
        try:
            return Head.model_validate_json(line)
        except ValidationError as error:
            raise IntegrityError(f"a line of {self._file} is no signed head; restore the file") from error


def _content(sequence: int, digest: str) -> bytes:
    return f"attune head\n{sequence}\n{digest}\n".encode()


def _line(head: Head) -> bytes:
    return json.dumps(head.model_dump(), sort_keys=True).encode() + b"\n"
