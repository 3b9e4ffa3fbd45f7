"""Bring the features up to date: compute what is missing, declare it to the store, bring it online."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from attune.columns import EVENT_TIMESTAMP
from attune.config import Workspace
from attune.data.interactions import known_version, read_interactions
from attune.data.splits import on_grid
from attune.errors import ConfigError, DataError
from attune.features.build import build_features
from attune.features.settings import FEATURES_SECTION, FeatureSettings
from attune.progress import say
from attune.training.dates import needed_dates
from attune.training.plan import TrainingPlan

LONGEST_SILENCE = timedelta(days=7)  # of a whole shop, before it must be the data that end
PLAN_MARK = "feature_service"
NO_PLANS = (FEATURES_SECTION, "retraining")  # sections that are about no model


class FeaturePublisher(Protocol):
    """A feature store that learns what features there are."""

    def apply(self) -> None:
        """Write the definitions to the registry."""

    def materialize(self, as_of: datetime, rebuild: bool = False) -> object:
        """Bring the latest features as of a date online; a rebuild also leads back to an earlier date."""

    def online_as_of(self) -> datetime | None:
        """The date up to which features were brought online last."""


def refresh_features(
    store: FeaturePublisher, workspace: Workspace, params: Mapping[str, Any], now: datetime
) -> str:
    """Compute the features that the models' plans need and publish them.

    Args:
        store: Where they are published.
        workspace: Where the tables are and the snapshots go.
        params: All of the parameter file: each section with a feature service is a model's plan, the
            section `features` tunes the features.
        now: The moment up to which everything is known.

    Returns:
        The version of what examples are made of: another one when any feature, label or consent is.

    Raises:
        ConfigError: A section does not parse, or none is a plan.
        DataError: There are no tables, or they do not reach far enough.
    """
    sections = {name: values for name, values in params.items() if PLAN_MARK in (values or {})}
    if not sections:
        raise ConfigError(
            f"no section of the parameters names a {PLAN_MARK}: {', '.join(params) or 'none at all'}"
        )
    if unknown := sorted(params.keys() - sections.keys() - set(NO_PLANS)):
        raise ConfigError(
            f"the parameters of {', '.join(unknown)} are nobody's: a model's section names its {PLAN_MARK}, "
            f"and else there are only {' and '.join(NO_PLANS)}"
        )
    plans = [TrainingPlan.parse(values) for values in sections.values()]
    settings = FeatureSettings.of(params)
    data = known_version(workspace.tables)  # finishes an import that was cut short, before files are read
    _require_known_until(workspace, now)
    report = build_features(workspace.tables, workspace.features, needed_dates(plans, now), settings)
    written = sum(map(len, report.written.values()))
    say(f"features: {written} snapshots computed, {report.kept} unchanged, {report.removed} outdated removed")
    store.apply()
    online = store.online_as_of()
    store.materialize(on_grid(now), rebuild=online is not None and online > on_grid(now))
    version = hashlib.sha256(f"{data} {report.version}".encode()).hexdigest()
    say(f"features: online as of {on_grid(now):%Y-%m-%d}, version {version[:12]}")
    return version


def _require_known_until(workspace: Workspace, now: datetime) -> None:
    """Refuse a moment that the tables do not reach: after their end everybody would seem to stay away."""
    last = read_interactions(workspace.tables, [EVENT_TIMESTAMP])[EVENT_TIMESTAMP].max()
    if on_grid(now) > last + LONGEST_SILENCE:
        raise DataError(
            f"the last interaction is of {last:%Y-%m-%d}, so nothing is known of the time up to "
            f"{now:%Y-%m-%d}; import newer data, or name a date up to "
            f"{last + LONGEST_SILENCE:%Y-%m-%d} with --now"
        )
