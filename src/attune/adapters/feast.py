"""Feast: the definitions of `feature_repo/`, point-in-time training rows, and online reads.

DuckDB joins training rows, SQLite answers online. Feast neither keeps the order of rows, nor applies a time
to live online, nor refuses an older value over a newer one in SQLite: this adapter sees to all three.
"""

import attune.adapters.quick_feast

# isort: split

import io
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import datetime
from pathlib import Path
from threading import Lock

import polars as pl
from feast import FeatureStore
from feast.repo_config import RepoConfig

import attune
from attune.adapters.feast_definitions import load_config, load_definitions
from attune.adapters.feast_online import OnlineReader, service_of
from attune.adapters.feast_registry import publish_registry, require_pinned
from attune.columns import EVENT_TIMESTAMP
from attune.config import Workspace
from attune.errors import FeatureError
from attune.features.online import OnlineRow
from attune.features.schema import VIEWS, View, features_of, key_of, views_of
from attune.features.snapshots import as_of_date, fingerprint_of, snapshots
from attune.locks import in_turn

# Beside the library in a checkout; an image that installs the library elsewhere says where.
FEATURE_REPO = Path(
    os.environ.get("ATTUNE_FEATURE_REPO", Path(attune.__file__).parents[2] / "feature_repo")
).absolute()
REGISTRY_FILE = "registry.pb"
ONLINE_FILE = "online.db"
CONTENT_FILE = "online.txt"
ROW = "attune_row"
# The join of a long history spills to disk rather than take more than this.
JOIN_MEMORY = "2GB"


class FeastStore:
    """The feature store of one workspace.

    Keep one open for many reads: opening costs tens of milliseconds, a read about one. When another process
    brings features online anew, the next read sees them.
    """

    def __init__(self, workspace: Workspace, repo: Path = FEATURE_REPO) -> None:
        """Nothing is opened yet.

        Args:
            workspace: Where snapshots, registry and online store lie.
            repo: The folder of declarations.
        """
        self._workspace = workspace
        self._repo = repo
        self._lock = Lock()
        self._reader: OnlineReader | None = None

    def apply(self) -> None:
        """Write the definitions of the feature repository to the registry, as `feast apply` does."""
        with self._staged() as (_, staging):
            publish_registry(staging / REGISTRY_FILE, self._workspace.feast / REGISTRY_FILE)

    def materialize(self, as_of: datetime) -> None:
        """Bring the latest snapshots as of a date online, in place of all that was there.

        A new database is filled beside the old one and takes its name at the end. So nothing later than
        `as_of` stays online, no older value overwrites a newer one, and no reader sees half of it. Nothing
        is done if the very same snapshots are online already.

        Raises:
            FeatureError: A view has no snapshots.
        """
        views = [view for view in VIEWS.values() if view.online]
        for view in views:
            self._require_snapshots(view.name)
        content = self._content(views, as_of)
        if self._online_content() == content:
            return
        with self._staged() as (store, staging):
            for view in views:
                with _quiet():
                    store.materialize(as_of - view.ttl, as_of, feature_views=[view.name])
            (staging / CONTENT_FILE).write_text(content, encoding="utf-8")
            (self._workspace.feast / CONTENT_FILE).unlink(missing_ok=True)
            publish_registry(staging / REGISTRY_FILE, self._workspace.feast / REGISTRY_FILE)
            for name in (ONLINE_FILE, CONTENT_FILE):
                (staging / name).replace(self._workspace.feast / name)

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
        numbered = rows.select(key, EVENT_TIMESTAMP).with_row_index(ROW)
        self._bound_memory()
        store = self._open_store()
        job = store.get_historical_features(
            entity_df=numbered.to_pandas(),
            features=service_of(store, service),
            filter_by_created_timestamp=True,  # what was recorded later was not known
        )
        joined = pl.DataFrame(pl.from_arrow(job.to_arrow())).sort(ROW)
        if joined[ROW].to_list() != numbered[ROW].to_list():
            raise FeatureError(
                f"asked {service!r} for {len(rows):,} rows and got {len(joined):,}: "
                "the offline store lost or multiplied rows; feature_store.yaml must name duckdb"
            )
        return numbered.select(key, EVENT_TIMESTAMP).hstack(joined.select(list(features_of(service))))

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        """The latest features of a service for each key, in the order asked; see `OnlineFeatures`.

        Raises:
            FeatureError: The service is unknown or nothing was brought online yet.
        """
        return self._open_reader().read(service, keys, now) if keys else []

    def _open_reader(self) -> OnlineReader:
        file = self._workspace.feast / ONLINE_FILE
        try:
            found = file.stat()
        except FileNotFoundError as error:
            raise FeatureError(
                f"no online features in {file.parent}; run the features pipeline first"
            ) from error
        version = found.st_ino, found.st_mtime_ns
        with self._lock:
            if self._reader is None or self._reader.version != version:
                self._reader = OnlineReader(self._open_store(), version)
            return self._reader

    def _open_store(self) -> FeatureStore:
        """Feast over what was published; a registry that anybody else changed is never opened."""
        require_pinned(self._workspace.feast / REGISTRY_FILE)
        return FeatureStore(config=self._config(self._workspace.feast))

    def _config(self, folder: Path) -> RepoConfig:
        return load_config(self._repo, self._workspace, folder / REGISTRY_FILE, folder / ONLINE_FILE)

    def _require_snapshots(self, view: str) -> None:
        if not snapshots(self._workspace.features, view):
            raise FeatureError(
                f"no snapshots of {view!r} in {self._workspace.features}; run the features pipeline first"
            )

    def _content(self, views: Sequence[View], as_of: datetime) -> str:
        """What is online once the views' snapshots of a date are: every file by what it was made from."""
        files = [
            f"{view.name} {file.name} {fingerprint_of(file)}"
            for view in views
            for file in snapshots(self._workspace.features, view.name)
            if as_of - view.ttl <= as_of_date(file) <= as_of
        ]
        return "\n".join([as_of.isoformat(), *files]) + "\n"

    def _online_content(self) -> str | None:
        file = self._workspace.feast / CONTENT_FILE
        whole = file.exists() and (self._workspace.feast / ONLINE_FILE).exists()
        return file.read_text(encoding="utf-8") if whole else None

    def _bound_memory(self) -> None:
        import ibis  # with DuckDB 80 MB that a server, which only reads online, need not carry

        scratch = self._workspace.feast / "scratch"
        ibis.set_backend(ibis.duckdb.connect(memory_limit=JOIN_MEMORY, temp_directory=str(scratch)))

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


@contextmanager
def _quiet() -> Iterator[None]:
    """Feast reports progress with prints and bars; ours is said elsewhere."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
