"""What is broken is refused with the right reason before anything is written; what is sound passes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attune.data.checks import check_profile, check_rows
from attune.data.cleaning import clean
from attune.data.conform import conform
from attune.data.importing import ImportOptions, import_tables, with_ids
from attune.data.profiles import profile_of
from attune.data.raw import RawTables
from attune.data.sources import complete_journey
from attune.data.synthetic import make_shop
from attune.errors import DataError
from tests.data.broken import BROKEN

KEY = b"k" * 32
CUSTOMERS, WEEKS = 150, 36


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def shop() -> RawTables:
    return make_shop(customers=CUSTOMERS, weeks=WEEKS)


@pytest.fixture(scope="module")
def imported(shop, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "tables"
    import_tables(shop, folder, KEY)
    return folder


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_data_set_is_refused_with_the_reason_and_nothing_is_written(shop, imported, name):
    change, reason = BROKEN[name]
    before = contents(imported.parent)
    with pytest.raises(DataError, match=reason):
        import_tables(change(shop), imported, KEY, options=ImportOptions())
    assert contents(imported.parent) == before


def refusals(tables: Mapping[str, pd.DataFrame], earlier: Mapping[str, pd.DataFrame]) -> list[str]:
    found, _ = check_profile(profile_of("a shop", tables), profile_of("a shop", earlier))
    return [*map(str, found)]


def windows(tables: Mapping[str, pd.DataFrame], count: int, seed: int) -> Iterator[tuple[dict, dict]]:
    """Customers drawn at random, for four to eight months: as they are, and as they were weeks before."""
    draw = np.random.default_rng(seed)
    people = tables["customers"]["customer_id"].to_numpy()
    times = tables["interactions"]["event_timestamp"]
    for _ in range(count):
        chosen = set(draw.choice(people, size=int(len(people) * draw.uniform(0.5, 0.9)), replace=False))
        days = int(draw.integers(120, 240))
        span = (times.max() - times.min()).days
        start = times.min() + pd.Timedelta(days=int(draw.integers(0, max(span - days, 1))))
        end = start + pd.Timedelta(days=days)
        earlier = end - pd.Timedelta(days=int(draw.integers(7, 60)))
        rows = {"interactions": tables["interactions"][tables["interactions"]["customer_id"].isin(chosen)]}
        yield _between(rows, start, end), _between(rows, start, earlier)


def _between(
    tables: Mapping[str, pd.DataFrame], start: pd.Timestamp, end: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    times = tables["interactions"]["event_timestamp"]
    return {**tables, "interactions": tables["interactions"][(times >= start) & (times < end)]}


def prepared(raw: RawTables) -> dict[str, pd.DataFrame]:
    typed, problems = conform(raw)
    tables, _ = clean(typed, raw.not_goods, drop_without_customer=raw.drop_without_customer)
    tables = {name: with_ids(name, table) for name, table in tables.items()}
    assert [*problems, *check_rows(tables)] == []
    return tables


def test_two_hundred_clean_windows_pass():
    """A hundred of synthetic shops, a hundred of real purchases."""
    refused: list[list[str]] = []
    for seed in range(5):
        shop = prepared(make_shop(customers=CUSTOMERS, weeks=52, seed=seed))
        refused += [found for window in windows(shop, 20, seed) if (found := refusals(*window))]
    refused += [found for window in windows(prepared(_households()), 100, 0) if (found := refusals(*window))]
    assert len(refused) <= 2, refused


def _households() -> RawTables:
    """Every twentieth household of the default data."""
    raw = complete_journey.load()
    kept = raw.customers["customer_id"].iloc[::20]
    return replace(
        raw,
        customers=raw.customers[raw.customers["customer_id"].isin(kept)],
        interactions=raw.interactions[raw.interactions["customer_id"].isin(kept)],
        messages=raw.messages[raw.messages["customer_id"].isin(kept)],
        consents=raw.consents.iloc[:0],
    )
