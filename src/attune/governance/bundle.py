"""A signed bundle: records in one zip file that somebody elsewhere can check without asking anybody.

`bundle.json` in it names every other file with its digest, and `bundle.sig` signs those bytes.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import Field, ValidationError

from attune.config import Settings
from attune.errors import IntegrityError
from attune.governance.manifest import FileDigest, digest_bytes
from attune.governance.signing import check_signature, sign_for_workspace

CONTENTS_FILE, SIGNATURE_FILE = "bundle.json", "bundle.sig"
MOST_BYTES = 1 << 30
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the same records give the same bytes, but for the time of the bundle


class Contents(Settings):
    """What is in a bundle.

    Attributes:
        subject: The model that it is about.
        problems: What did not hold when it was made; a bundle is made all the same, and says so.
    """

    subject: str
    made_at: datetime
    problems: tuple[str, ...]
    files: dict[str, FileDigest] = Field(min_length=1)

    def to_bytes(self) -> bytes:
        """The one way in which it is written; these bytes are signed."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True).encode() + b"\n"


def write_bundle(keys: Path, subject: str, problems: tuple[str, ...], files: Mapping[str, bytes]) -> bytes:
    """Pack and sign records.

    Args:
        keys: The folder of the workspace's keys.
        subject: The model that they are about.
        problems: What does not hold of them.
        files: Their content by name.

    Returns:
        The zip file.

    Raises:
        RegistryError: The workspace's key cannot sign.
    """
    contents = Contents(
        subject=subject,
        made_at=datetime.now(UTC),
        problems=problems,
        files={
            name: FileDigest(sha256=digest_bytes(content), bytes=len(content))
            for name, content in sorted(files.items())
        },
    ).to_bytes()
    packed = io.BytesIO()
    own = {CONTENTS_FILE: contents, SIGNATURE_FILE: sign_for_workspace(keys, _signed(contents))}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in (*own.items(), *sorted(files.items())):
            bundle.writestr(zipfile.ZipInfo(name, _FIRST_DATE), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def check_bundle(keys: Path, bundle: Path) -> Contents:
    """Make sure that a bundle was signed by a workspace and holds exactly what was signed.

    Args:
        keys: The folder of that workspace's public key. The key must have come another way than the bundle.
        bundle: The zip file.

    Raises:
        IntegrityError: It is no bundle, or anything in it was added, taken away or changed.
    """
    try:
        with zipfile.ZipFile(bundle) as packed:
            return _check(keys, bundle, packed)
    except (OSError, zipfile.BadZipFile, NotImplementedError, KeyError) as error:
        raise IntegrityError(f"{bundle} is no bundle that can be read ({error}); ask for it again") from error


def _check(keys: Path, bundle: Path, packed: zipfile.ZipFile) -> Contents:
    entries = packed.infolist()
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names) or not all(map(_plain, names)):
        raise IntegrityError(f"{bundle} names a file twice, or a place outside; do not unpack it")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise IntegrityError(f"{bundle} unpacks to more than {MOST_BYTES:,} bytes; do not unpack it")
    content = packed.read(CONTENTS_FILE)
    check_signature(keys, _signed(content), packed.read(SIGNATURE_FILE))
    try:
        contents = Contents.model_validate_json(content)
    except ValidationError as error:
        raise IntegrityError(f"{CONTENTS_FILE} in {bundle} is no list of contents; ask again") from error
    found = set(names) - {CONTENTS_FILE, SIGNATURE_FILE}
    if different := sorted(found ^ contents.files.keys()):
        raise IntegrityError(f"{different[0]} was added to {bundle} or taken out; ask for it again")
    for name, digest in contents.files.items():
        if hashlib.sha256(packed.read(name)).hexdigest() != digest.sha256:
            raise IntegrityError(f"{name} in {bundle} was changed; ask for it again")
    return contents


def _plain(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and not name.endswith("/")


def _signed(contents: bytes) -> bytes:
    return b"attune bundle\n" + contents
