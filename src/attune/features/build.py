"""Build feature snapshots: every view as of every date asked for, and only what is not there already.

One date or a back-fill of hundreds is the same call: what is the same for every date is prepared once,
and each date is one file. A build that ends early, however it ends, goes on where it was.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from attune.features.inputs import INTERACTIONS, FeatureInputs
from attune.features.recipes import RECIPES
from attune.features.schema import VIEWS, views_of
from attune.features.session import Session, open_session
from attune.features.settings import FeatureSettings
from attune.features.snapshots import (
    as_of_date,
    fingerprint_of,
    snapshot_file,
    snapshots,
    sweep_unfinished,
    write_batches,
)
from attune.locks import in_turn
from attune.progress import say

SCRATCH = ".scratch"
Fingerprint = Callable[[str, datetime], str]


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
        ConfigError: The engine that the settings name is not installed.
        DataError: There are no interactions before a date asked for.
        FeatureError: A service is unknown, a date is no midnight, a column is not what is declared, or
            memory or disk do not suffice.
    """
    out.mkdir(parents=True, exist_ok=True)
    with in_turn(out / ".lock"):
        sweep_unfinished(out)
        return _build(FeatureInputs(tables), out, wanted, settings)


def _build(
    inputs: FeatureInputs, out: Path, wanted: Mapping[str, Iterable[datetime]], settings: FeatureSettings
) -> BuildReport:
    def fingerprint(view: str, as_of: datetime) -> str:
        recipe = RECIPES[view]
        digests = inputs.digests(recipe.tables, as_of)
        return _digest([view, as_of.isoformat(), settings.of_values, recipe.code, digests])

    dates_of = _dates_of_views(wanted, inputs.start)
    missing = {view: _missing(out, view, dates, fingerprint) for view, dates in dates_of.items()}
    _require_months(inputs, missing)
    if any(missing.values()):
        with _scratch(out) as scratch, open_session(inputs, settings, scratch, missing) as session:
            for view, dates in missing.items():
                _write_view(session, out, view, dates, fingerprint)
    asked_for = [
        (view, as_of_date(file).isoformat(), fingerprint_of(file))
        for view, dates in dates_of.items()
        for file in (snapshot_file(out, view, as_of) for as_of in dates)
    ]
    removed = sum(_remove_outdated(out, view, fingerprint) for view in VIEWS)
    files_now = sum(len(snapshots(out, view)) for view in VIEWS)
    kept = files_now - sum(map(len, missing.values()))
    return BuildReport(version=_digest(asked_for), written=missing, kept=kept, removed=removed)


def _write_view(
    session: Session, out: Path, view: str, dates: Sequence[datetime], fingerprint: Fingerprint
) -> None:
    started, rows = time.monotonic(), 0
    for number, as_of in enumerate(dates, start=1):
        schema, batches = session.rows(view, as_of)
        file = snapshot_file(out, view, as_of)
        count = write_batches(schema, batches, file, as_of, fingerprint(view, as_of))
        rows += count
        seconds = max(time.monotonic() - started, 1e-3)
        left = seconds / number * (len(dates) - number)
        say(
            f"features: {view} as of {as_of:%Y-%m-%d} ({number} of {len(dates)}), {count:,} rows, "
            f"{rows / seconds:,.0f} rows/s, {left:.0f} s left"
        )


def _missing(out: Path, view: str, dates: Iterable[datetime], fingerprint: Fingerprint) -> list[datetime]:
    files = {as_of: snapshot_file(out, view, as_of) for as_of in dates}
    return [as_of for as_of, file in files.items() if fingerprint_of(file) != fingerprint(view, as_of)]


def _require_months(inputs: FeatureInputs, missing: Mapping[str, Iterable[datetime]]) -> None:
    for view, dates in missing.items():
        if INTERACTIONS in RECIPES[view].tables:
            for as_of in dates:
                inputs.require_months(as_of)


def _dates_of_views(wanted: Mapping[str, Iterable[datetime]], start: datetime) -> dict[str, list[datetime]]:
    """Which dates each view is needed for; a profile has no history and is dated from the start."""
    dates: dict[str, set[datetime]] = {}
    for service, as_of_dates in wanted.items():
        asked = set(as_of_dates)
        for view in views_of(service):
            dates.setdefault(view, set()).update(asked if VIEWS[view].dated else {start})
    return {view: sorted(asked) for view, asked in sorted(dates.items())}


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    """An empty folder for what does not fit into memory; a killed build leaves it to the next one."""
    folder = out / SCRATCH
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_outdated(out: Path, view: str, fingerprint: Fingerprint) -> int:
    outdated = [
        file for file in snapshots(out, view) if fingerprint_of(file) != fingerprint(view, as_of_date(file))
    ]
    for file in outdated:
        file.unlink()
    return len(outdated)


def _digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
