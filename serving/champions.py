"""The champions that this process serves: verified, tried out, and exchanged without a pause."""

import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy.exc import SQLAlchemyError

from attune import columns as c
from attune.errors import AttuneError, ModelError
from attune.features.schema import check_schema
from attune.inference.graphs import can_open, open_model
from attune.registry import Registry, Version
from serving import examples, metrics
from serving.schemas import ModelStatus

log = logging.getLogger("bentoml.attune")

SERVED = ("churn", "recommend", "response")
EXAMPLES_FILE = "examples.json"
TRIED_ITEMS = 5
TRY_AGAIN_SECONDS = 30.0


@dataclass(frozen=True)
class Champion:
    """One version that answers: it was verified, loaded, and has made a prediction."""

    version: Version
    model: Any
    loaded_at: datetime

    @property
    def name(self) -> str:
        """The model it is a version of."""
        return self.version.name

    @property
    def number(self) -> int:
        """Its version number."""
        return self.version.version

    @property
    def service(self) -> str:
        """The feature service it was trained on."""
        return self.version.manifest.feature_service

    @property
    def purpose(self) -> str:
        """The consent it needs."""
        return self.version.manifest.purpose


@dataclass(frozen=True)
class Refusal:
    """A champion that was not taken."""

    version: int
    reason: str
    at: float

    @property
    def is_due(self) -> bool:
        """Whether to try again: the folder may have been restored."""
        return time.monotonic() - self.at >= TRY_AGAIN_SECONDS


class Champions:
    """What serves now, by name; readers see one version or the next, never a mixture."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._serving: dict[str, Champion] = {}
        self._warm: dict[str, Champion] = {}  # who served before: a rollback finds it loaded
        self._refused: dict[str, Refusal] = {}

    def of(self, name: str) -> Champion | None:
        """The champion of a served model that answers now."""
        return self._serving.get(name)

    def refusal(self, name: str) -> Refusal | None:
        """Why the registry's champion is not the one that answers, where that is so."""
        return self._refused.get(name)

    @property
    def ready(self) -> bool:
        """Whether there is a champion, and each has made a prediction here."""
        return bool(self._serving) and not (self._refused.keys() - self._serving.keys())

    def refresh(self) -> None:
        """Take the registry's champions where they changed; a bad one is refused and the old one stays."""
        for name in SERVED:
            try:
                self._refresh(name)
            except (SQLAlchemyError, AttuneError, OSError) as error:
                log.warning("the registry cannot be asked for the champion of %s: %s", name, error)

    def status(self) -> list[ModelStatus]:
        """What each served model is doing."""
        return [self._status(name) for name in SERVED]

    def _refresh(self, name: str) -> None:
        version = self._registry.champion(name)
        serving = self._serving.get(name)
        if version is None or (serving and serving.number == version.version):
            self._refused.pop(name, None)
            return
        refused = self._refused.get(name)
        if refused and refused.version == version.version and not refused.is_due:
            return
        refusal = self._take(version)
        if refusal is None:
            self._refused.pop(name, None)
            return
        self._refused[name] = refusal
        if serving is None:
            self._fall_back(name)

    def _take(self, version: Version) -> Refusal | None:
        """Let a version serve, or say why it may not."""
        warm, serving = self._warm.get(version.name), self._serving.get(version.name)
        try:
            taken = warm if warm and warm.number == version.version else admit(self._registry, version)
        except Exception as error:  # noqa: BLE001 - whatever a version raises, it is not taken
            metrics.REFUSED_VERSIONS.labels(version.name).inc()
            log.error("version %d of %s was refused: %s", version.version, version.name, error)
            return Refusal(version.version, str(error), time.monotonic())
        self._serving[version.name] = taken
        if serving:
            self._warm[version.name] = serving
        log.info("version %d of %s serves", version.version, version.name)
        return None

    def _fall_back(self, name: str) -> None:
        """Serve the last champion that is sound: a worker that replaces another knows no less than it did."""
        promoted = [event.version for event in reversed(self._registry.events(name))]
        for number in list(dict.fromkeys(promoted))[1:]:
            if self._take(self._registry.get(name, number)) is None:
                return

    def _status(self, name: str) -> ModelStatus:
        serving, refused = self._serving.get(name), self._refused.get(name)
        return ModelStatus(
            name=name,
            champion=serving.number if serving else None,
            feature_service=serving.service if serving else None,
            algorithm=serving.version.manifest.algorithm if serving else None,
            loaded_at=serving.loaded_at if serving else None,
            refused=refused.version if refused else None,
            reason=refused.reason if refused else None,
        )


def admit(registry: Registry, version: Version) -> Champion:
    """Make something that answers of a version: verified, loaded and tried out.

    Raises:
        AttuneError: It is not what was registered, wants other features, or gives no sound prediction.
    """
    model = _loaded(registry, version)
    _check_features(version)
    _try_out(version, model)
    return Champion(version, model, datetime.now(UTC))


def _loaded(registry: Registry, version: Version) -> Any:
    """What answers of a version: its graphs where it has them, which need no torch; else the model itself."""
    algorithm = version.manifest.algorithm
    if not can_open(algorithm, version.folder):
        return registry.load(version)
    registry.verify(version)
    return open_model(algorithm, version.folder)


def check_champions(registry: Registry) -> None:
    """Refuse to start over a champion that could not serve.

    Raises:
        IntegrityError: A digest or a signature does not match what was registered.
        FeatureError: A feature service is not what a champion was trained on; the message says where.
    """
    for name in SERVED:
        if version := registry.champion(name):
            registry.verify(version)
            _check_features(version)


def _check_features(version: Version) -> None:
    manifest = version.manifest
    check_schema(manifest.feature_service, _recorded_features(version), manifest.schema_hash)


def _recorded_features(version: Version) -> dict[str, str]:
    document = json.loads((version.folder / EXAMPLES_FILE).read_text(encoding="utf-8"))
    recorded: dict[str, str] = document["features"]
    return recorded


def _try_out(version: Version, model: Any) -> None:
    """Make the first predictions, for nobody in particular.

    Raises:
        ModelError: A prediction is not finite, or there is none.
    """
    nobody = examples.nobody(version.manifest.feature_service)
    now = datetime.now(UTC)
    if version.manifest.kind == "scorer":
        scores = model.score(examples.example(nobody, now))
    else:
        items, scores = model.recommend(examples.example(nobody, now), TRIED_ITEMS)
        bought = [item for item in items[0] if item is not None]
        times = [int(now.timestamp())] * len(bought)
        somebody = {**nobody, c.HISTORY_ITEMS: bought, c.HISTORY_TIMES: times}
        items, scores = model.recommend(examples.example(somebody, now), TRIED_ITEMS)
        scores = scores[items != np.array(None)]
    if scores.size == 0 or not np.isfinite(scores).all():
        raise ModelError(
            f"version {version.version} of {version.name} gave {scores.tolist()} in its first predictions; "
            "promote another version"
        )
