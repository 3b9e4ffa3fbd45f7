"""Damage to a registry: to the files of a version, and to the record of what was decided."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from attune.config import Workspace
from attune.governance.signing import sign

Draw = np.random.Generator
# Damages the second of three versions, the champion, and says what a refusal has to name.
Fault = Callable[[Workspace, Draw], str]
FILES = (
    "weights.safetensors",
    "config.json",
    "examples.json",
    "evaluation.json",
    "manifest.json",
    "manifest.sig",
)


def _folder(workspace: Workspace, version: int = 2) -> Path:
    return workspace.models / "churn" / str(version)


def _some_file(workspace: Workspace, draw: Draw) -> Path:
    return _folder(workspace) / str(draw.choice(FILES))


def flip(workspace: Workspace, draw: Draw) -> str:
    """One bit of one file."""
    path = _some_file(workspace, draw)
    content = bytearray(path.read_bytes())
    content[int(draw.integers(len(content)))] ^= 1 << int(draw.integers(8))
    path.write_bytes(content)
    return path.name


def truncate(workspace: Workspace, draw: Draw) -> str:
    """The end of one file."""
    path = _some_file(workspace, draw)
    os.truncate(path, int(draw.integers(path.stat().st_size)))
    return path.name


def extend(workspace: Workspace, draw: Draw) -> str:
    """More bytes at the end of one file."""
    path = _some_file(workspace, draw)
    with path.open("ab") as file:
        file.write(draw.bytes(int(draw.integers(1, 64))))
    return path.name


def remove(workspace: Workspace, draw: Draw) -> str:
    """One file less."""
    path = _some_file(workspace, draw)
    path.unlink()
    return path.name


def add(workspace: Workspace, draw: Draw) -> str:
    """One file more."""
    path = _folder(workspace) / f"extra-{draw.integers(1000)}.json"
    path.write_text("{}")
    return path.name


def swap_files(workspace: Workspace, draw: Draw) -> str:
    """Two files of one version change places."""
    a, b = (_folder(workspace) / str(name) for name in draw.choice(FILES[:4], 2, replace=False))
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)
    return min(a.name, b.name)


def borrow_file(workspace: Workspace, draw: Draw) -> str:
    """One file of another version, under the same name."""
    name = str(draw.choice(("weights.safetensors", "config.json", "manifest.json", "manifest.sig")))
    shutil.copy(_folder(workspace, 3) / name, _folder(workspace) / name)
    return name


def replay(workspace: Workspace, draw: Draw) -> str:
    """An older or a newer version, whole and signed, under this one's number."""
    shutil.rmtree(_folder(workspace))
    shutil.copytree(_folder(workspace, int(draw.choice((1, 3)))), _folder(workspace))
    return "manifest.json"


def forge(workspace: Workspace, draw: Draw) -> str:
    """A signature of nobody's, or by a key of somebody else's."""
    manifest, signature = (_folder(workspace) / name for name in ("manifest.json", "manifest.sig"))
    if draw.integers(2):
        signature.write_bytes(draw.bytes(64))
    else:
        signature.write_bytes(sign(workspace.root / "other-keys", manifest.read_bytes()))
    return "manifest.sig"


def rewrite(workspace: Workspace, draw: Draw) -> str:
    """Other weights, with a manifest that says so and the signature of somebody else."""
    folder = _folder(workspace)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"seed": 2', f'"seed": {draw.integers(3, 99)}'))
    (folder / "manifest.sig").write_bytes(sign(workspace.root / "other-keys", manifest.read_bytes()))
    return "manifest.json"


def change_record(workspace: Workspace, draw: Draw) -> str:
    """The manifest on record is another version's."""
    _execute(
        workspace,
        "UPDATE versions SET manifest = (SELECT manifest FROM versions WHERE version = ?) WHERE version = 2",
        int(draw.choice((1, 3))),
    )
    return "manifest of version"


def forge_promotion(workspace: Workspace, draw: Draw) -> str:
    """The log says that a version was promoted that was not."""
    _execute(workspace, "UPDATE events SET version = ? WHERE sequence = 5", int(draw.choice((1, 3))))
    return "event 5"


def forge_event_signature(workspace: Workspace, draw: Draw) -> str:
    """The last promotion is signed by nobody."""
    _execute(workspace, "UPDATE events SET signature = ? WHERE sequence = 5", draw.bytes(64).hex())
    return "event 5"


def cut_log(workspace: Workspace, draw: Draw) -> str:
    """The log ends earlier: last week's database, put back."""
    _execute(workspace, "DELETE FROM events WHERE sequence >= ?", int(draw.integers(1, 6)))
    return "event 5"


def lose_heads(workspace: Workspace, draw: Draw) -> str:
    """The signed heads are gone, empty, or somebody else's."""
    heads = workspace.root / "registry.heads"
    if draw.integers(2):
        heads.unlink()
    else:
        heads.write_bytes(heads.read_bytes().replace(b'"signature": "', b'"signature": "0'))
    return "head"


VERSION_FAULTS: tuple[Fault, ...] = (
    flip,
    truncate,
    extend,
    remove,
    add,
    swap_files,
    borrow_file,
    replay,
    forge,
    rewrite,
    change_record,
    forge_promotion,
    forge_event_signature,
    cut_log,
    lose_heads,
)


def damage_log(workspace: Workspace, draw: Draw, events: int) -> None:
    """Edit, delete, swap or cut what the log has, anywhere in it."""
    kind = int(draw.integers(4))
    one, other = (int(number) for number in draw.choice(np.arange(1, events + 1), 2, replace=False))
    if kind == 0:
        column = str(
            draw.choice(("at", "kind", "name", "version", "details", "previous", "hash", "signature"))
        )
        # S608: the name is one of those above.
        _execute(workspace, f"UPDATE events SET {column} = {column} || '0' WHERE sequence = ?", one)  # noqa: S608
    elif kind == 1:
        _execute(workspace, "DELETE FROM events WHERE sequence = ?", one)
    elif kind == 2:
        for number, becomes in ((one, -1), (other, one), (-1, other)):
            _execute(workspace, "UPDATE events SET sequence = ? WHERE sequence = ?", becomes, number)
    else:
        _execute(workspace, "DELETE FROM events WHERE sequence >= ?", one)


def _execute(workspace: Workspace, statement: str, *values: Any) -> None:
    connection = sqlite3.connect(workspace.registry)
    with connection:
        connection.execute(statement, values)
    connection.close()
