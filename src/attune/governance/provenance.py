"""Which code and which environment made something."""

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import attune

_LIBRARY = Path(attune.__file__).parent


def code_version() -> str:
    """A hash of the library's sources: it changes whenever they do, and only then."""
    digest = hashlib.sha256()
    for path in sorted(_LIBRARY.rglob("*.py")):
        digest.update(path.relative_to(_LIBRARY).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def commit() -> str | None:
    """The last git commit that touched the library's sources; None outside a repository that holds them."""
    command = ["git", "-C", str(_LIBRARY), "log", "-1", "--format=%H", "--", "."]
    try:
        # S603, S607: a fixed command, found on the path as everywhere else in the project.
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip() or None


def environment() -> str:
    """A hash of the interpreter and of every installed package with its version."""
    # The folders' names say both; reading 350 packages' metadata takes a second and says no more.
    packages = {found.name for folder in sys.path for found in Path(folder).glob("*.dist-info")}
    text = "\n".join([f"python {platform.python_version()}", *sorted(packages)])
    return hashlib.sha256(text.encode()).hexdigest()


def image() -> str | None:
    """The image that this process runs in, as its deployment says; None outside one."""
    return os.environ.get("ATTUNE_IMAGE") or None


def pipeline_run() -> str | None:
    """The pipeline run that this process belongs to, as its pod says; None on a laptop."""
    return os.environ.get("KFP_RUN_ID") or os.environ.get("ARGO_WORKFLOW_NAME") or None
