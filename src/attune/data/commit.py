"""Replace several files of a folder at once: a kill at any point leaves all the old or all the new.

The new files are staged in a folder beside, which becomes the official next state by one rename; then
they are moved into place, the marker last. Whoever finds that state half moved finishes it.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attune.errors import DataError
from attune.locks import in_turn

MARKER = "tables.json"

Files = dict[str, dict[str, Any]]


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the right to change a folder; a second writer waits. It ends with the process, even killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with in_turn(_beside(folder, "lock")):
        _finish(folder)
        yield


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """An empty folder for new files, on the same disk; call it while holding `exclusive`."""
    for leftover in folder.parent.glob(f".{folder.name}.stage-*"):
        shutil.rmtree(leftover)
    stage = _beside(folder, f"stage-{secrets.token_hex(4)}")
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def commit(folder: Path, stage: Path, kept: Files) -> list[str]:
    """Make the staged files, and those that are kept, all that a folder holds.

    Call it while holding `exclusive`.

    Args:
        folder: What readers read.
        stage: Holds the new files under the paths they get.
        kept: Files of the old marker that stay.

    Returns:
        The paths that were written; a staged file equal to the one in place leaves that untouched.
    """
    files = dict(kept)
    written = []
    for path in _files_of(stage):
        name = path.relative_to(stage).as_posix()
        files[name] = _describe(path)
        current = folder / name
        if current.is_file() and _describe(current) == files[name]:
            path.unlink()
        else:
            written.append(name)
    text = json.dumps({"files": files}, indent=1, sort_keys=True)
    (stage / MARKER).write_text(text + "\n", encoding="utf-8")
    stage.rename(_beside(folder, "incoming"))
    _finish(folder)
    return written


def settle(folder: Path) -> None:
    """Finish a change that a kill cut short, if there is one."""
    if _beside(folder, "incoming").exists():
        with exclusive(folder):
            pass


def marked_files(folder: Path) -> Files:
    """The files that belong to a folder now, with digest and size: what the marker says.

    Raises:
        DataError: There is no marker, so nothing was ever written completely; or it is unreadable.
    """
    try:
        files: Files = json.loads((folder / MARKER).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError as error:
        raise DataError(f"no tables in {folder} ({MARKER} is missing); import data first") from error
    except (ValueError, KeyError) as error:
        raise DataError(f"{folder / MARKER} is damaged ({error}); import the data again") from error
    return files


def is_marked(folder: Path) -> bool:
    """Whether anything was ever written completely."""
    return (folder / MARKER).exists()


def content_version(files: Mapping[str, Mapping[str, Any]]) -> str:
    """One digest over files: equal if and only if the same names hold the same bytes."""
    lines = "".join(f"{name} {files[name]['sha256']}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _finish(folder: Path) -> None:
    incoming = _beside(folder, "incoming")
    if not incoming.exists():
        return
    if is_marked(incoming):
        for path in _files_of(incoming):
            if path.name != MARKER:
                target = folder / path.relative_to(incoming)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
        belonging = marked_files(incoming)
        for path in _files_of(folder):
            if path.name != MARKER and path.relative_to(folder).as_posix() not in belonging:
                path.unlink()
        (incoming / MARKER).replace(folder / MARKER)
    shutil.rmtree(incoming)


def _describe(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _beside(folder: Path, what: str) -> Path:
    return folder.with_name(f".{folder.name}.{what}")
