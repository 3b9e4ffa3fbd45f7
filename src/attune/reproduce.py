"""Train a version again from what it recorded, and compare the bytes."""

import tempfile
from pathlib import Path

from attune.config import Workspace
from attune.errors import RegistryError
from attune.governance.checks import Check
from attune.governance.manifest import digest_file
from attune.governance.provenance import code_version, environment
from attune.governance.requirements import read_document
from attune.progress import say
from attune.registry import Registry, Version
from attune.release import PLAN_FILE
from attune.trace import recorded_examples
from attune.training.examples import RECORD_FILE, ExamplesRecord, HistoricalFeatures, fetch_examples
from attune.training.plan import TrainingPlan
from attune.training.record import TRAINING_FILE
from attune.training.train import train_candidate


def reproduce(
    registry: Registry, workspace: Workspace, version: Version, store: HistoricalFeatures
) -> list[Check]:
    """Train a version again and compare digests: same code, data and seed give the same bytes on a processor.

    The examples are those that the run has left; where they are gone they are fetched again from the feature
    store, as of the same day.

    Args:
        registry: The versions.
        workspace: Runs, tables and features.
        version: Which to train again.
        store: Joins the features, should the examples be gone.

    Raises:
        RegistryError: The version is damaged, or did not record how it was trained.
    """
    registry.verify(version)
    manifest = version.manifest
    plan = read_document(TrainingPlan, version.folder / PLAN_FILE)
    if plan is None:
        raise RegistryError(
            f"version {version.version} of {version.name} did not record its plan ({PLAN_FILE}); only "
            "versions of the training pipeline can be trained again"
        )
    with tempfile.TemporaryDirectory() as folder:
        examples = _examples(workspace, version, plan, store, Path(folder))
        record = read_document(ExamplesRecord, examples / RECORD_FILE)
        out = Path(folder) / "trained"
        train_candidate(manifest.algorithm, plan.model_dump(mode="json"), str(examples), str(out))
        return [
            Check(what="the code", recorded=manifest.code_version, found=code_version()),
            Check(what="the environment", recorded=manifest.environment, found=environment()),
            Check(
                what="the examples", recorded=manifest.data_hash, found=record.data_hash if record else None
            ),
            *_files(version, out),
        ]


def _examples(
    workspace: Workspace, version: Version, plan: TrainingPlan, store: HistoricalFeatures, folder: Path
) -> Path:
    manifest = version.manifest
    kept = recorded_examples(workspace, manifest.data_hash)
    if kept is not None:
        say(f"reproduce: the run's own examples in {kept}")
        return kept
    out = folder / "examples"
    tables, features = workspace.tables, workspace.features
    fetch_examples(store, tables, features, version.name, plan, manifest.now, out)
    return out


def _files(version: Version, trained: Path) -> list[Check]:
    """What training wrote, file by file; how long it took is written too, and never the same."""
    made = sorted(path.name for path in trained.iterdir() if path.name != TRAINING_FILE)
    return [
        Check(
            what=name,
            recorded=version.manifest.files[name].sha256,
            found=digest_file(trained / name).sha256,
        )
        for name in made
        if name in version.manifest.files
    ]
