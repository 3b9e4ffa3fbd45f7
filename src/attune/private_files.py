"""Files that only their owner reads, such as keys: made once, by whoever comes first."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def place_first(path: Path, content: bytes) -> None:
    """Write a file of mode 0600, whole or not at all; where another process was first, its file stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, refuses to replace: the first file that arrives is everybody's.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
