"""Registered versions of networks that have learnt nothing, for tests of what is done with a version."""

from datetime import UTC, datetime
from pathlib import Path

from attune.config import Workspace
from attune.governance.manifest import Origin, Window
from attune.models.catalog import MODELS
from attune.registry import Registry, Version
from tests.inference.networks import written
from tests.presentable import make_presentable

NOW = datetime(2017, 6, 4, tzinfo=UTC)


def registered(workspace: Workspace, model: str, algorithm: str, trained: Path) -> Version:
    """A version of an untrained network, with its graphs where it is one."""
    written(algorithm, trained)
    make_presentable(trained, model, algorithm)
    origin = Origin(
        name=model,
        algorithm=algorithm,
        kind=MODELS[algorithm].kind,
        purpose=model,
        feature_service=f"{model}_v1",
        schema_hash="s" * 64,
        data_hash="d" * 64,
        now=NOW,
        window={"train": Window(first=NOW, last=NOW)},
        metrics={},
        seed=0,
        code_version="c" * 64,
        commit=None,
        environment="e" * 64,
        run_key="1" * 64,
    )
    return Registry(workspace).register(trained, origin)
