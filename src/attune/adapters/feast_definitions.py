"""The feature repository, read for one workspace: Feast's configuration and its definitions."""

import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from threading import Lock

import yaml
from feast import Entity, FeatureService, FeatureView, FileSource
from feast.repo_config import RepoConfig

from attune.config import HOME_VARIABLE, Workspace

Definition = Entity | FileSource | FeatureView | FeatureService

_importing = Lock()


def load_config(repo: Path, workspace: Workspace, registry: Path, online_store: Path) -> RepoConfig:
    """Read feature_store.yaml, with the registry and the online store in files of our choice.

    Args:
        repo: The feature repository.
        workspace: Stands for ATTUNE_HOME.
        registry: The registry's file.
        online_store: The online store's file.
    """
    text = (repo / "feature_store.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(Template(text).substitute({HOME_VARIABLE: str(workspace.root)}))
    values["registry"]["path"] = str(registry)
    values["online_store"]["path"] = str(online_store)
    # It warns each time that serve_features_while_materializing does nothing for a registry file; it does.
    logging.getLogger("feast.repo_config").setLevel(logging.ERROR)
    return RepoConfig(repo_path=repo, **values)


def load_definitions(repo: Path, workspace: Workspace) -> list[Definition]:
    """Import the files of a feature repository and collect what they declare.

    The files import each other by bare names and take their paths from ATTUNE_HOME, so they are imported
    afresh each time and forgotten afterwards: two workspaces in one process do not disturb each other.
    """
    names = sorted(".".join(file.relative_to(repo).with_suffix("").parts) for file in repo.rglob("*.py"))
    with _importing, _importable(repo, workspace):
        modules = [importlib.import_module(name) for name in names]
    declared = (value for module in modules for value in vars(module).values())
    return list({id(value): value for value in declared if isinstance(value, Definition)}.values())


@contextmanager
def _importable(repo: Path, workspace: Workspace) -> Iterator[None]:
    home = os.environ.get(HOME_VARIABLE)
    others = dict(sys.modules)
    for name in _bare_names(repo):
        sys.modules.pop(name, None)
    os.environ[HOME_VARIABLE] = str(workspace.root)
    sys.path.insert(0, str(repo))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(repo))
        for name in _bare_names(repo):
            sys.modules.pop(name, None)
            if name in others:
                sys.modules[name] = others[name]
        if home is None:
            del os.environ[HOME_VARIABLE]
        else:
            os.environ[HOME_VARIABLE] = home


def _bare_names(repo: Path) -> list[str]:
    """What is importable from the repository, loaded or not, submodules included."""
    tops = {path.stem for path in repo.iterdir() if path.suffix == ".py" or path.is_dir()}
    loaded = [name for name in sys.modules if name.partition(".")[0] in tops]
    return sorted({*tops, *loaded})
