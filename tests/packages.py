"""Registered versions of networks that have learnt nothing, for tests of what is done with a version."""

from datetime import UTC, datetime
from pathlib import Path

from attune.config import Workspace
from attune.registry import Registry, Version
from tests.inference.networks import written
from tests.origins import make_origin
from tests.presentable import make_presentable

NOW = datetime(2017, 6, 4, tzinfo=UTC)


def registered(workspace: Workspace, model: str, algorithm: str, trained: Path) -> Version:
    """A version of an untrained network, with its graphs where it is one."""
    written(algorithm, trained)
    make_presentable(trained, model, algorithm)
    return Registry(workspace).register(trained, make_origin(NOW, name=model, algorithm=algorithm))
