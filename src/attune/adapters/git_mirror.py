"""The registry's decisions in a git repository: pointers, `dvc.yaml` artifacts, and tags as GTO writes them.

The mirror says what the registry decided and never decides: whoever can push a tag cannot promote. It lands a
state, not a change: what is there already is left alone, so that it may run again after any failure.
"""

import subprocess
from pathlib import Path

from attune.errors import RegistryError
from attune.governance.stages import Promotion
from attune.registry import HEADS_FILE, Registry, Version

_COMMITTER = ("-c", "user.name=Attune registry", "-c", "user.email=registry@localhost")
_ARTIFACTS = "dvc.yaml"


class GitMirror:
    """The git repository around a workspace."""

    def __init__(self, workspace_root: Path):
        """Find the repository.

        Raises:
            RegistryError: The workspace lies in none.
        """
        self._root = workspace_root.absolute()
        self._top = Path(_git(self._root, "rev-parse", "--show-toplevel").strip())

    def update(self, registry: Registry) -> list[str]:
        """Commit and tag whatever the registry knows and the repository does not; the tags that were made.

        Raises:
            RegistryError: `dvc.yaml` has changes of somebody's, a pointer is missing, or a tag does not show
                what the registry has.
        """
        made: list[str] = []
        for name in registry.names():
            known = self._tags(name)
            made += [
                self._show_version(version)
                for version in registry.versions(name)
                if _version_tag(version) not in known and self._pointer(version).exists()
            ]
            for promotion in registry.events(name):
                tag = f"{name}#champion#{promotion.sequence}"
                if tag not in known and _tag_of(name, promotion.version) in self._tags(name):
                    self._show_promotion(tag, promotion)
                    made.append(tag)
        self._keep_heads()
        return made

    def push(self) -> None:
        """Send branch and tags to where the branch comes from, both or neither.

        Raises:
            RegistryError: Somebody else was faster.
        """
        try:
            _git(self._top, "push", "--quiet", "--atomic", "--follow-tags", "origin", "HEAD")
        except RegistryError as error:
            raise RegistryError(f"{error}; pull, and mirror again") from error

    def _tags(self, name: str) -> set[str]:
        return set(_git(self._top, "tag", "--list", f"{name}@*", f"{name}#*").split())

    def _pointer(self, version: Version) -> Path:
        return version.folder.with_name(f"{version.version}.dvc")

    def _show_version(self, version: Version) -> str:
        pointer, tag = self._pointer(version), _version_tag(version)
        if _git(self._top, "status", "--porcelain", "--", _ARTIFACTS).strip().startswith("M"):
            raise RegistryError(
                f"{self._top / _ARTIFACTS} has changes of yours; commit them, and mirror again"
            )
        self._point_artifact(version)
        manifest = version.manifest
        message = f"Register version {version.version} of {version.name}\n\nRun-Key: {manifest.run_key}"
        where = pointer.relative_to(self._top).as_posix()
        self._commit(message, where, _ARTIFACTS)
        _git(self._top, *_COMMITTER, "tag", "--annotate", "--message", message, tag)
        if _git(self._top, "show", f"{tag}:{where}") != pointer.read_text(encoding="utf-8"):
            raise RegistryError(
                f"tag {tag} does not show the pointer of its version; delete it, and mirror again"
            )
        return tag

    def _show_promotion(self, tag: str, promotion: Promotion) -> None:
        message = f"{promotion.kind}: {promotion.reason}\n\nCause: {promotion.cause}"
        target = f"{_tag_of(promotion.name, promotion.version)}^{{commit}}"
        _git(self._top, *_COMMITTER, "tag", "--annotate", "--message", message, tag, target)

    def _point_artifact(self, version: Version) -> None:
        """Say in `dvc.yaml` which folder is the model's newest, for `dvc artifacts get` and what reads it."""
        from dvc.annotations import Artifact
        from dvc.repo import Repo

        path = version.folder.relative_to(self._top).as_posix()
        description = f"version {version.version} of {version.name}, a {version.manifest.algorithm}"
        with Repo(str(self._top)) as repo:
            artifact = Artifact(path=path, type="model", desc=description, labels=[version.manifest.kind])
            repo.artifacts.add(version.name, artifact, dvcfile=str(self._top / _ARTIFACTS))

    def _keep_heads(self) -> None:
        """A copy of the log's signed heads where who can change the database cannot reach."""
        heads = self._root / HEADS_FILE
        if heads.exists():
            self._commit(
                "Keep the signed heads of the registry's log", heads.relative_to(self._top).as_posix()
            )

    def _commit(self, message: str, *paths: str) -> None:
        _git(self._top, "add", "--force", "--", *paths)
        if _git(self._top, "status", "--porcelain", "--", *paths).strip():
            _git(self._top, *_COMMITTER, "commit", "--quiet", "--message", message, "--", *paths)


def _version_tag(version: Version) -> str:
    return _tag_of(version.name, version.version)


def _tag_of(name: str, version: int) -> str:
    return f"{name}@v{version}.0.0"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        # S603, S607: names were checked when they were registered; git is found on the path as everywhere.
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    except OSError as error:
        raise RegistryError(f"git cannot be run ({error}); the mirror needs it") from error
    except subprocess.CalledProcessError as error:
        raise RegistryError(f"git {arguments[-1]} in {folder}: {error.stderr.strip()}") from error
