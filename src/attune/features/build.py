"""Build feature snapshots: every view as of every date asked for, and only what is not there already."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field

from attune.config import Settings
from attune.features import (
    customer_activity,
    customer_history,
    customer_profile,
    item_popularity,
    item_profile,
    message_context,
)
from attune.features.expectations import require_expected
from attune.features.inputs import CUSTOMERS, INTERACTIONS, ITEMS, MESSAGES, FeatureInputs
from attune.features.schema import VIEWS, views_of
from attune.features.snapshots import as_of_date, fingerprint_of, snapshot_file, snapshots, write_snapshot
from attune.locks import in_turn
from attune.progress import say


class FeatureSettings(Settings):
    """What is tunable about the features; what a window is called in a feature's name is not."""

    history_length: int = Field(default=200, ge=1, description="purchases kept of a customer")


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
        version: Changes when any snapshot that was asked for does.
        written: View -> the as-of dates that were computed.
        kept: How many snapshots were there already, made from the same inputs by the same code.
        removed: How many snapshots were made from inputs that are no more.
    """

    version: str
    written: dict[str, list[datetime]] = field(default_factory=dict)
    kept: int = 0
    removed: int = 0


Compute = Callable[[FeatureInputs, datetime, FeatureSettings], pl.DataFrame]

# View -> the tables it reads and how it is computed from them.
RECIPES: Mapping[str, tuple[tuple[str, ...], Compute]] = {
    "customer_profile": (
        (CUSTOMERS,),
        lambda inputs, _as_of, _settings: customer_profile.compute(inputs.table(CUSTOMERS)),
    ),
    "customer_activity": (
        (INTERACTIONS, ITEMS),
        lambda inputs, as_of, _settings: customer_activity.compute(
            inputs.interactions(as_of), inputs.table(ITEMS), as_of
        ),
    ),
    "customer_history": (
        (INTERACTIONS,),
        lambda inputs, as_of, settings: customer_history.compute(
            inputs.interactions(as_of), as_of, settings.history_length
        ),
    ),
    "message_context": (
        (MESSAGES,),
        lambda inputs, as_of, _settings: message_context.compute(inputs.table(MESSAGES), as_of),
    ),
    "item_profile": (
        (ITEMS,),
        lambda inputs, _as_of, _settings: item_profile.compute(inputs.table(ITEMS)),
    ),
    "item_popularity": (
        (INTERACTIONS,),
        lambda inputs, as_of, _settings: item_popularity.compute(inputs.interactions(as_of), as_of),
    ),
}


def build_features(
    tables: Path, out: Path, wanted: Mapping[str, Iterable[datetime]], settings: FeatureSettings
) -> BuildReport:
    """Compute the views of feature services as of dates, and leave no snapshot of other inputs behind.

    Where another process builds features at the same moment, it waits, and does what is then left to do.

    Args:
        tables: Folder of the contract tables.
        out: Folder of the snapshots, one folder a view.
        wanted: Feature service -> the as-of dates asked for, midnights UTC.
        settings: What is tunable.

    Raises:
        DataError: There are no interactions before a date asked for.
        FeatureError: A service is unknown, a date is no midnight, or a column is not what is declared.
    """
    out.mkdir(parents=True, exist_ok=True)
    with in_turn(out / ".lock"):
        return _build(FeatureInputs(tables), out, wanted, settings)


def _build(
    inputs: FeatureInputs, out: Path, wanted: Mapping[str, Iterable[datetime]], settings: FeatureSettings
) -> BuildReport:
    code = _code_digest()

    def fingerprint(view: str, as_of: datetime) -> str:
        digests = inputs.digests(RECIPES[view][0], as_of)
        return _digest([view, as_of.isoformat(), settings.model_dump(), code, digests])

    written = {}
    asked_for: list[tuple[str, str, str | None]] = []
    for view, dates in _dates_of_views(wanted, inputs.start).items():
        files = {as_of: snapshot_file(out, view, as_of) for as_of in dates}
        asked = [as_of for as_of in dates if fingerprint_of(files[as_of]) != fingerprint(view, as_of)]
        for number, as_of in enumerate(asked, start=1):
            rows = require_expected(VIEWS[view], RECIPES[view][1](inputs, as_of, settings))
            write_snapshot(rows, files[as_of], as_of, fingerprint(view, as_of))
            say(f"features: {view} as of {as_of:%Y-%m-%d} ({number} of {len(asked)}), {len(rows):,} rows")
        written[view] = asked
        asked_for += [(view, file.stem, fingerprint_of(file)) for file in files.values()]
    removed = sum(_remove_outdated(out, view, fingerprint) for view in VIEWS)
    files_now = sum(len(snapshots(out, view)) for view in VIEWS)
    kept = files_now - sum(map(len, written.values()))
    return BuildReport(version=_digest(asked_for), written=written, kept=kept, removed=removed)


def _dates_of_views(wanted: Mapping[str, Iterable[datetime]], start: datetime) -> dict[str, list[datetime]]:
    """Which dates each view is needed for; a profile has no history and is dated from the start."""
    dates: dict[str, set[datetime]] = {}
    for service, as_of_dates in wanted.items():
        asked = set(as_of_dates)
        for view in views_of(service):
            dates.setdefault(view, set()).update(asked if VIEWS[view].dated else {start})
    return {view: sorted(asked) for view, asked in sorted(dates.items())}


def _remove_outdated(out: Path, view: str, fingerprint: Callable[[str, datetime], str]) -> int:
    outdated = [
        file for file in snapshots(out, view) if fingerprint_of(file) != fingerprint(view, as_of_date(file))
    ]
    for file in outdated:
        file.unlink()
    return len(outdated)


def _code_digest() -> str:
    """A digest of this package's sources: features of other code are other features."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return _digest([(source.name, source.read_text(encoding="utf-8")) for source in sources])


def _digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
