"""A version's folder: what may be in it, how it gets to the disk, and whether it still is what it was."""

import math
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from attune.errors import IntegrityError, RegistryError
from attune.governance.manifest import (
    MANIFEST_FILE,
    SIGNATURE_FILE,
    FileDigest,
    Manifest,
    check_files,
    digest_files,
    plain_files,
)
from attune.governance.signing import check_signature, sign_for_workspace

# Formats that run no code when they are read; the text is LightGBM's trees, a graph is of known operations.
FORMATS = frozenset({".safetensors", ".json", ".parquet", ".txt", ".onnx"})
_PARTIAL = ".partial"
_PIECE = 1 << 18  # values looked at in one go


@contextmanager
def draft(folder: Path, home: Path) -> Iterator[tuple[Path, Mapping[str, FileDigest]]]:
    """A copy of a folder beside the versions, under a name that nobody reads, and the digests of its files.

    What is not taken by `finish` is removed, and so is what an earlier writer left that was killed: the
    caller is alone in the model's home.

    Raises:
        RegistryError: A file is refused.
    """
    for left in home.glob(f".*{_PARTIAL}"):
        shutil.rmtree(left)
    _refuse_other_formats(folder)
    partial = home / f".{uuid.uuid4().hex}{_PARTIAL}"
    try:
        # What is looked at is what the trainer wrote, beside the copying; that the copy is the same is for
        # the first verification to say, which is before anybody promotes it.
        with ThreadPoolExecutor(2) as beside:
            digests = beside.submit(digest_files, folder)
            sound = beside.submit(_refuse_broken_weights, folder)
            shutil.copytree(folder, partial)
            _flush(path for path in partial.rglob("*") if path.is_file())
            sound.result()
            files = digests.result()
        yield partial, files
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def complete(partial: Path, manifest: Manifest, keys: Path) -> None:
    """Add the signed manifest to a draft, and bring it to the disk for the day when the power fails."""
    content = manifest.to_bytes()
    (partial / MANIFEST_FILE).write_bytes(content)
    (partial / SIGNATURE_FILE).write_bytes(sign_for_workspace(keys, content))
    _flush([partial / MANIFEST_FILE, partial / SIGNATURE_FILE, *_folders(partial)])


def _flush(paths: Iterable[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _folders(partial: Path) -> list[Path]:
    return [*(path for path in partial.rglob("*") if path.is_dir()), partial]


def numbers(home: Path) -> list[int]:
    """The version numbers that have a folder."""
    return [int(path.name) for path in home.iterdir() if path.is_dir() and path.name.isdecimal()]


def check_recorded(folder: Path, recorded: bytes) -> None:
    """Make sure that a folder's manifest is the one on record.

    Raises:
        IntegrityError: It is not.
    """
    if read(folder / MANIFEST_FILE) != recorded:
        manifest = Manifest.from_bytes(recorded)
        raise IntegrityError(
            f"{MANIFEST_FILE} in {folder} is not the one that was recorded for version {manifest.version} of "
            f"{manifest.name}; restore the folder"
        )


def verified(folder: Path, keys: Path) -> Manifest:
    """The manifest of a folder whose every byte is what was signed, under the name that was signed.

    Raises:
        IntegrityError: It is not; the message names the file.
    """
    content = read(folder / MANIFEST_FILE)
    signature = read(folder / SIGNATURE_FILE)
    try:
        check_signature(keys, content, signature)
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


def read(path: Path) -> bytes:
    """The content of a version's file.

    Raises:
        IntegrityError: It is not there.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise IntegrityError(
            f"{path.name} is missing from {path.parent} ({error.strerror}); restore the version, for example "
            "by `dvc checkout`"
        ) from error


def _refuse_other_formats(folder: Path) -> None:
    for name in plain_files(folder):
        if Path(name).suffix not in FORMATS:
            raise RegistryError(
                f"{name} in {folder} is none of {', '.join(sorted(FORMATS))}; a version holds only formats "
                "that run no code when they are read"
            )


def _refuse_broken_weights(folder: Path) -> None:
    for path in sorted(folder.rglob("*.safetensors")):
        try:
            with safe_open(path, framework="numpy") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - not a mapping
                    for piece in _pieces(tensors, name):
                        _refuse_infinite(name, piece, path)
        except SafetensorError as error:
            raise RegistryError(f"{path} cannot be read ({error}); train again") from error


def _pieces(tensors: Any, name: str) -> Iterator["np.ndarray[Any, Any]"]:
    """A tensor, some rows at a time: a model may be larger than what memory is left."""
    rows = tensors.get_slice(name)
    shape = rows.get_shape()
    if not shape:
        yield tensors.get_tensor(name)
        return
    step = max(1, _PIECE // max(1, math.prod(shape[1:])))
    for start in range(0, shape[0], step):
        yield rows[start : min(start + step, shape[0])]


def _refuse_infinite(name: str, tensor: "np.ndarray[Any, Any]", path: Path) -> None:
    if not np.issubdtype(tensor.dtype, np.inexact) or tensor.size == 0:
        return
    # What is not a number, or without bounds, is the least or the greatest; nothing is allocated to see it.
    if not (np.isfinite(tensor.min()) and np.isfinite(tensor.max())):
        raise RegistryError(f"tensor {name} in {path} is not finite everywhere; train again")
