"""Feast: the definitions of `feature_repo/`, point-in-time training rows, and online reads.

Our own offline store, `feast_offline`, joins training rows. Feast neither applies a time to live online, nor
refuses an older value over a newer one in SQLite: this adapter sees to both.
"""

import attune.adapters.quick_feast

# isort: split

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import polars as pl
from feast import FeatureStore
from feast.repo_config import RepoConfig

import attune
from attune.adapters.feast_definitions import load_config, load_definitions
from attune.adapters.feast_online import service_of
from attune.adapters.feast_registry import publish_registry, require_pinned
from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from attune.config import Workspace
from attune.errors import FeatureError
from attune.features.materialize import MaterializeReport, materialize, online_as_of
from attune.features.online import OnlineRow
from attune.features.read_plan import OnlineReader
from attune.features.schema import VIEWS, features_of, key_of, views_of
from attune.features.snapshots import snapshots
from attune.locks import in_turn
from attune.progress import say

# Beside the library in a checkout; an image that installs the library elsewhere says where.
FEATURE_REPO = Path(
    os.environ.get("ATTUNE_FEATURE_REPO", Path(attune.__file__).parents[2] / "feature_repo")
).absolute()
REGISTRY_FILE = "registry.pb"


class FeastStore:
    """The feature store of one workspace.

    Keep one open for many reads: a read online costs a tenth of a millisecond once its service is planned.
    When another process brings features online, the next read sees them.
    """

    def __init__(self, workspace: Workspace, repo: Path = FEATURE_REPO) -> None:
        """Nothing is opened yet.

        Args:
            workspace: Where snapshots, registry and online store lie.
            repo: The folder of declarations.
        """
        self._workspace = workspace
        self._repo = repo
        self._rows = open_rows(workspace.feast / ONLINE_FILE)
        self._reader = OnlineReader(self._rows)

    def apply(self) -> None:
        """Write the definitions of the feature repository to the registry, as `feast apply` does."""
        with self._staged() as (_, staging):
            publish_registry(staging / REGISTRY_FILE, self._workspace.feast / REGISTRY_FILE)

    def materialize(self, as_of: datetime, rebuild: bool = False) -> MaterializeReport:
        """Bring the latest snapshots as of a date online; only what is not there yet, see `materialize`.

        Args:
            as_of: Nothing that happened or was recorded later is brought online.
            rebuild: Start from nothing, which also leads back to an earlier date.

        Raises:
            FeatureError: There are no snapshots, or what is online is later and this is no rebuild.
        """
        views = [view for view in VIEWS.values() if view.online]
        built = [view for view in views if snapshots(self._workspace.features, view.name)]
        if not built:
            self._require_snapshots(views[0].name)
        self._workspace.feast.mkdir(parents=True, exist_ok=True)
        with in_turn(self._workspace.feast / ".lock"):
            report = materialize(self._rows, self._workspace.features, built, as_of, rebuild)
        say(f"online: {report}")
        return report

    def online_as_of(self) -> datetime | None:
        """The date up to which snapshots were brought online last; None where none were."""
        return online_as_of(self._rows)

    def delete(self, customer: str) -> int:
        """Remove a customer from the online store; how many rows there were."""
        views = [view.name for view in VIEWS.values() if view.key == CUSTOMER_ID]
        return self._rows.delete(views, customer)

    def historical(self, service: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The features of a service as they were known at each row's time.

        Args:
            service: A feature service.
            rows: The key column (customer_id or item_id) and event_timestamp in UTC, N rows.

        Returns:
            N rows in the order given: key, event_timestamp, then the features in the service's order.
            A feature is null where nothing was known, or only what is older than its time to live.

        Raises:
            FeatureError: A service or a snapshot is missing, or the store lost or multiplied rows.
        """
        key = key_of(service)
        for view in views_of(service):
            self._require_snapshots(view)
        asked = rows.select(key, EVENT_TIMESTAMP)
        store = self._open_store()
        job = store.get_historical_features(
            entity_df=cast(Any, asked),  # Feast hands Polars rows on to our offline store as they are
            features=service_of(store, service),
            filter_by_created_timestamp=True,  # what was recorded later was not known
        )
        joined = pl.DataFrame(pl.from_arrow(job.to_arrow()))
        if not joined.select(key, EVENT_TIMESTAMP).equals(asked):
            raise FeatureError(
                f"asked {service!r} for {len(asked):,} rows and got {len(joined):,} or others: the offline "
                "store lost, multiplied or moved rows; feature_store.yaml must name AsOfOfflineStore"
            )
        return joined.select(key, EVENT_TIMESTAMP, *features_of(service))

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        """The latest features of a service for each key, in the order asked; see `OnlineFeatures`.

        Raises:
            FeatureError: The service is unknown or nothing was brought online yet.
        """
        return self._reader.online(service, keys, now)

    def _open_store(self) -> FeatureStore:
        """Feast over what was published; it would make a registry of its own where there is none."""
        registry = self._workspace.feast / REGISTRY_FILE
        if not registry.exists():
            raise FeatureError(f"no feature registry {registry}; run the features pipeline first")
        require_pinned(registry)
        return FeatureStore(config=self._config(self._workspace.feast))

    def _config(self, folder: Path) -> RepoConfig:
        return load_config(self._repo, self._workspace, folder / REGISTRY_FILE, folder / ONLINE_FILE)

    def _require_snapshots(self, view: str) -> None:
        if not snapshots(self._workspace.features, view):
            raise FeatureError(
                f"no snapshots of {view!r} in {self._workspace.features}; run the features pipeline first"
            )

    @contextmanager
    def _staged(self) -> Iterator[tuple[FeatureStore, Path]]:
        """A store with all definitions and nothing online, in a folder of its own on the same disk."""
        folder = self._workspace.feast
        folder.mkdir(parents=True, exist_ok=True)
        with in_turn(folder / ".lock"):
            staging = folder / ".staging"
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            store = FeatureStore(config=self._config(staging))
            store.apply([*load_definitions(self._repo, self._workspace)])
            yield store, staging
            shutil.rmtree(staging)
