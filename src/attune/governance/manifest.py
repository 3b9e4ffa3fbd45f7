"""What a model version says about itself: where it comes from, and the digest of each of its files."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from attune.config import Settings
from attune.errors import IntegrityError, RegistryError
from attune.evaluation.results import Metric

MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"

_NAME = re.compile(r"[a-z][a-z0-9-]{1,62}")
_PIECE = 1 << 20
_SHA256 = r"^[0-9a-f]{64}$"


class FileDigest(Settings):
    """What one file must be."""

    sha256: str = Field(pattern=_SHA256)
    bytes: int = Field(ge=0)


class Window(Settings):
    """The first and the last as-of date of a set of examples."""

    first: datetime
    last: datetime


class Origin(Settings):
    """What a run knows about the version that it wants to register."""

    name: str
    algorithm: str = Field(description="its entry in the model catalogue")
    kind: Literal["scorer", "recommender"]
    purpose: str = Field(description="the consent on which its examples rest")
    feature_service: str
    schema_hash: str = Field(description="hash of the feature service's schema")
    data_hash: str = Field(description="hash of the examples")
    now: datetime = Field(description="what was known when the examples were fetched")
    window: dict[str, Window] = Field(description="the as-of dates of train, validation and test")
    metrics: dict[str, Metric]
    seed: int
    code_version: str = Field(description="hash of the library's sources")
    commit: str | None = Field(description="the git commit of those sources, where there is one")
    environment: str = Field(description="hash of the interpreter and the installed packages")
    image: str | None = Field(default=None, description="the image it was made in, where there is one")
    run_id: str | None = Field(default=None, description="the pipeline run, where it was one on a cluster")
    author: str = Field(default="unknown", description="who asked for it, and cannot approve it")
    approval: Literal["person", "gate"] = Field(default="gate", description="who may promote it")
    run_key: str = Field(description="the same data, parameters, code and candidates give the same key")


class Manifest(Origin):
    """A registered version: its origin, its place in the line, and every one of its files."""

    version: int = Field(ge=1)
    parent: int | None = Field(description="the champion when it was registered")
    created_at: datetime
    files: dict[str, FileDigest]

    def to_bytes(self) -> bytes:
        """The one way in which a manifest is written; these bytes are signed."""
        text = json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, allow_nan=False)
        return text.encode() + b"\n"

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read a manifest back.

        Raises:
            IntegrityError: These bytes are not a manifest.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the document"
            raise IntegrityError(
                f"{MANIFEST_FILE} is not a manifest ({where}: {first['msg']}); restore the version's folder"
            ) from error


def check_name(name: str) -> None:
    """Refuse a model name that a path, a database or a command line could misread.

    Raises:
        RegistryError: It is not 2 to 63 small letters, digits and dashes, starting with a letter.
    """
    if not _NAME.fullmatch(name):
        raise RegistryError(
            f"{name[:80]!r} is not a model name; wanted 2 to 63 small letters, digits or dashes, "
            "the first a letter, such as 'churn'"
        )


def digest_files(folder: Path) -> dict[str, FileDigest]:
    """The digest of every file below a folder, except the manifest and its signature.

    Raises:
        IntegrityError: Something there is neither a plain file nor a folder.
    """
    return {name: digest_file(folder / name) for name in plain_files(folder)}


def plain_files(folder: Path) -> list[str]:
    """The names of all files below a folder, except the manifest and its signature, in order.

    Raises:
        IntegrityError: Something there is neither a plain file nor a folder.
    """
    names = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise IntegrityError(f"{name} in {folder} is a link or a device, not a plain file; remove it")
        if path.is_file() and name not in (MANIFEST_FILE, SIGNATURE_FILE):
            names.append(name)
    return names


def check_files(folder: Path, wanted: Mapping[str, FileDigest]) -> None:
    """Compare every file of a folder with what its manifest says.

    Raises:
        IntegrityError: A file is missing, too many or different; the message names it.
    """
    found = digest_files(folder)
    if missing := sorted(wanted.keys() - found.keys()):
        raise IntegrityError(
            f"{missing[0]} is missing from {folder}; restore it, for example by `dvc checkout`"
        )
    if unknown := sorted(found.keys() - wanted.keys()):
        raise IntegrityError(f"{unknown[0]} in {folder} is not in the manifest; remove it")
    for name, digest in wanted.items():
        if found[name] != digest:
            raise IntegrityError(
                f"{name} in {folder} was changed: {found[name].bytes} bytes with SHA-256 "
                f"{found[name].sha256[:12]}…, the manifest says {digest.bytes} bytes with "
                f"{digest.sha256[:12]}…; do not use it, restore the version"
            )


def digest_file(path: Path) -> FileDigest:
    """What a file is."""
    digest, size, piece = hashlib.sha256(), 0, bytearray(_PIECE)
    view = memoryview(piece)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece):
            digest.update(view[:count])
            size += count
    return FileDigest(sha256=digest.hexdigest(), bytes=size)


def digest_bytes(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
