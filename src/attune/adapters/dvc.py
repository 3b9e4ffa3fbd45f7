"""DVC keeps the bytes of versions: a pointer `<version>.dvc` beside each folder, the content in its cache.

DVC's MD5 is an address, not a proof: whether a version is what was registered is for the registry to say.
"""

import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from attune.errors import RegistryError
from attune.locks import in_turn

if TYPE_CHECKING:
    from dvc.repo import Repo

REMOTE_VARIABLE = "ATTUNE_DVC_REMOTE"
CONFIG = """\
[core]
    analytics = false
    autostage = false
    check_update = false
    no_scm = true
    remote = local
['remote "local"']
    url = ../remote
    verify = true
"""
# DVC gives up on its own lock after three seconds; processes of ours wait for each other at this one.
LOCK = ".dvc/tmp/attune.lock"
IGNORED = "/config.local\n/tmp\n/cache\n"


class DvcStore:
    """The DVC repository around a workspace, or one of the workspace's own where there is none."""

    def __init__(self, root: Path, remote: str | None = None):
        """A store.

        Args:
            root: The workspace.
            remote: Where content is pushed as soon as it is tracked, such as s3://bucket/models; None leaves
                that to the repository's own remote and `dvc push`.
        """
        self._root = root.absolute()
        self._remote = remote

    def track(self, folder: Path) -> None:
        """Take a version's folder into DVC's cache and write its pointer; what is tracked stays as it is.

        Args:
            folder: `models/<name>/<version>`; its pointer is `models/<name>/<version>.dvc`.

        Raises:
            RegistryError: DVC refuses; the message has its reason.
        """
        from dvc.exceptions import DvcException

        os.environ.setdefault("DVC_NO_ANALYTICS", "1")
        pointer = _pointer(folder)
        if _is_whole(pointer) and not self._remote:
            return
        try:
            with self._open() as repo, in_turn(Path(repo.root_dir) / LOCK):
                repo.scm_context.quiet = True
                if not _is_whole(pointer):
                    repo.add([str(path) for path in [folder, *_repair(folder.parent.parent)]])
                if self._remote:
                    repo.push(targets=[str(pointer)])
        except DvcException as error:
            raise RegistryError(
                f"DVC does not take {folder} ({error}); the version is registered and usable, but has no "
                "copy; remove the reason and register it again"
            ) from error

    def fetch(self, folder: Path) -> None:
        """Bring a version's folder back from the cache or the remote, over what is left of it.

        The remote is asked to prove DVC's own hash; whether it is the version is for the registry to say.

        Raises:
            RegistryError: Neither has it whole.
        """
        from dvc.exceptions import DvcException

        os.environ.setdefault("DVC_NO_ANALYTICS", "1")
        try:
            with self._open() as repo, in_turn(Path(repo.root_dir) / LOCK):
                repo.pull(targets=[str(_pointer(folder))], force=True)
        except (DvcException, OSError) as error:
            raise RegistryError(
                f"DVC cannot bring {folder} back ({error}); check the remote, or promote another version"
            ) from error

    def _open(self) -> "Repo":
        from dvc.exceptions import NotDvcRepoError
        from dvc.repo import Repo
        from dvc.scm import SCMError

        try:
            return _repository(Path(Repo.find_root(str(self._root))), self._remote)
        except (NotDvcRepoError, SCMError):
            # No repository around us, or one that lost its git, as in an image built from a checkout.
            _initialise(self._root)
            return _repository(self._root, self._remote)


def _repository(root: Path, remote: str | None) -> "Repo":
    from dvc.repo import Repo

    # DVC's default for this one is a folder below /var/tmp that everybody may write, and it reads pickles.
    private = root / ".dvc" / "tmp" / "site"
    private.mkdir(parents=True, exist_ok=True, mode=0o700)
    config: dict[str, Any] = {"core": {"site_cache_dir": str(private)}}
    if remote:
        config["core"]["remote"] = "attune"
        # Without `verify` DVC hands out what a remote has, whatever it is.
        config["remote"] = {"attune": {"url": remote, "verify": True}}
    return Repo(str(root), config=config)


def _initialise(root: Path) -> None:
    """Make a repository without git; where another process was first, its repository stays."""
    partial = root / f".dvc.{uuid.uuid4().hex}.partial"
    partial.mkdir(parents=True)
    (partial / "config").write_text(CONFIG, encoding="utf-8")
    (partial / ".gitignore").write_text(IGNORED, encoding="utf-8")
    try:
        partial.rename(root / ".dvc")
    except OSError:
        shutil.rmtree(partial)
        if not (root / ".dvc" / "config").exists():
            raise


def _repair(models: Path) -> list[Path]:
    """Remove pointers that a killed process left half written, for DVC reads them all; name their folders."""
    broken = [pointer for pointer in models.glob("*/*.dvc") if not _is_whole(pointer)]
    for pointer in broken:
        pointer.unlink()
    return [pointer.with_suffix("") for pointer in broken if pointer.with_suffix("").is_dir()]


def _pointer(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.dvc")


def _is_whole(pointer: Path) -> bool:
    try:
        content = yaml.safe_load(pointer.read_text(encoding="utf-8"))
    except (FileNotFoundError, yaml.YAMLError):
        return False
    outs = content.get("outs") if isinstance(content, dict) else None
    # The path is the last thing that DVC writes.
    return isinstance(outs, list) and [out.get("path") for out in outs] == [pointer.stem]
