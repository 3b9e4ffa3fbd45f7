from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from attune import columns as c
from attune.drift.monitor import Monitor
from attune.drift.reference import ReferenceProfile
from attune.drift.verdicts import Subject
from attune.drift.watch import Side, watch
from attune.drift.windows import current_rows, current_side, reference_side
from attune.errors import DataError, FeatureError
from attune.features.schema import CUSTOMER_ACTIVITY, CUSTOMER_PROFILE, MESSAGE_CONTEXT, View
from attune.features.snapshots import snapshot_file, write_snapshot
from monitoring.monitors import MONITORS

START = datetime(2017, 1, 1, tzinfo=UTC)
SUNDAY = datetime(2017, 10, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
CHURN = Monitor(feature_service="churn_v1")
NEXT_WEEK = Monitor(
    feature_service="recommend_v1",
    next_days=7,
    not_watched={c.HISTORY_ITEMS: "a list", c.HISTORY_TIMES: "a list"},
)
EVERYBODY = frozenset({"ann", "bob", "cid"})


def write(folder: Path, view: View, as_of: datetime, **columns: list[object]) -> None:
    rows = len(columns[c.CUSTOMER_ID])
    others = {name: [0.0] * rows for name in view.feature_names if name not in columns}
    if view is CUSTOMER_PROFILE:
        others = {name: ["unknown"] * rows for name in view.feature_names if name not in columns}
    write_snapshot(pl.DataFrame({**columns, **others}), snapshot_file(folder, view.name, as_of), as_of, "x")


@pytest.fixture
def features(tmp_path: Path) -> Path:
    write(tmp_path, CUSTOMER_PROFILE, START, customer_id=["ann", "bob", "cid"], age_band=["a", "b", "c"])
    for as_of, recency, orders in (
        (SUNDAY - WEEK, [1.0, 100.0, 3.0], [11, 12, 13]),
        (SUNDAY, [2.0, 5.0, 10.0], [21, 22, 23]),
        (SUNDAY + WEEK, [9.0, 12.0, 17.0], [31, 32, 33]),
    ):
        write(
            tmp_path,
            CUSTOMER_ACTIVITY,
            as_of,
            customer_id=["ann", "bob", "cid"],
            recency_days=recency,
            orders_90d=orders,
        )
    (tmp_path / "customer_history").mkdir()
    pl.DataFrame({c.CUSTOMER_ID: ["ann"], c.HISTORY_ITEMS: [["bread"]]}).write_parquet(
        tmp_path / "customer_history" / f"{SUNDAY - WEEK:%Y-%m-%d}.parquet"
    )
    return tmp_path


def orders(folder: Path, monitor: Monitor, now: datetime, customers: frozenset[str]) -> list[int]:
    return current_rows(folder, monitor, now, customers).frame[c.ORDERS_90D].tolist()


def test_the_newest_snapshot_that_is_not_later_than_now_is_current(features: Path):
    assert orders(features, CHURN, SUNDAY, EVERYBODY) == [21, 22, 23]
    assert orders(features, CHURN, SUNDAY + timedelta(days=6), EVERYBODY) == [21, 22, 23]
    assert current_rows(features, CHURN, SUNDAY, EVERYBODY).last == SUNDAY


def test_customers_who_have_not_bought_for_long_are_left_out_as_in_the_examples(features: Path):
    assert orders(features, CHURN, SUNDAY - WEEK, EVERYBODY) == [11, 13]


def test_customers_who_did_not_agree_are_not_read(features: Path):
    assert orders(features, CHURN, SUNDAY, frozenset({"bob"})) == [22]


def test_a_recommender_is_compared_on_those_who_bought_in_the_week_after_the_features(features: Path):
    rows = current_rows(features, NEXT_WEEK, SUNDAY, EVERYBODY)
    assert rows.frame[c.ORDERS_90D].tolist() == [11, 12]
    assert rows.last == SUNDAY - WEEK


def test_the_window_has_the_watched_columns_and_no_customer(features: Path):
    rows = current_rows(features, CHURN, SUNDAY, EVERYBODY)
    assert rows.frame.columns.tolist() == [feature.name for feature in CHURN.watched()]
    assert rows.frame[c.AGE_BAND].tolist() == ["a", "b", "c"]


def test_without_a_snapshot_there_is_nothing_to_compare(features: Path, tmp_path: Path):
    with pytest.raises(FeatureError, match="no snapshot of customer_activity as of 2017-01-01 or earlier"):
        current_rows(features, CHURN, START, EVERYBODY)
    with pytest.raises(DataError, match="keeps no reference"):
        reference_side(tmp_path, START, SUNDAY)


def test_the_reference_is_the_profile_that_a_version_keeps(tmp_path: Path):
    ReferenceProfile.of(pd.DataFrame({"spend_7d": [1.0, 2.0]})).save(tmp_path)
    side = reference_side(tmp_path, START, SUNDAY)
    assert side.profile == ReferenceProfile.of(pd.DataFrame({"spend_7d": [1.0, 2.0]}))
    assert (side.first, side.last) == (START, SUNDAY)


def test_an_older_version_keeps_rows_and_its_profile_is_made_of_them(tmp_path: Path):
    pl.DataFrame({"spend_7d": [1.0, 2.0]}).write_parquet(tmp_path / "reference.parquet")
    assert reference_side(tmp_path, START, SUNDAY).profile.columns["spend_7d"].rows == 2


def test_a_profile_that_was_spoilt_is_refused(tmp_path: Path):
    (tmp_path / "reference_profile.json").write_text("{}")
    with pytest.raises(DataError, match="is no profile"):
        reference_side(tmp_path, START, SUNDAY)


def message_shop(folder: Path, customers: list[str], seed: int) -> None:
    """One Sunday of all views that a response rests on; the last third of the customers spends much."""
    draw = np.random.default_rng(seed)
    spent = np.sort(draw.gamma(2, 20, size=len(customers)))
    write(folder, CUSTOMER_PROFILE, START, customer_id=customers)
    write(folder, CUSTOMER_ACTIVITY, SUNDAY, customer_id=customers, spend_90d=spent.tolist())
    write(folder, MESSAGE_CONTEXT, SUNDAY, customer_id=customers)
    for past in ("customer_history", "message_history"):
        (folder / past).mkdir()
        pl.DataFrame({c.CUSTOMER_ID: customers}).write_parquet(folder / past / f"{SUNDAY:%Y-%m-%d}.parquet")


def sent(*messages: tuple[str, float]) -> pd.DataFrame:
    rows = [(customer, SUNDAY + timedelta(days=days)) for customer, days in messages]
    return pd.DataFrame(rows, columns=[c.CUSTOMER_ID, c.SENT_AT])


def test_a_model_of_messages_is_compared_on_messages_that_were_sent_and_could_be_learnt(tmp_path: Path):
    message_shop(tmp_path, ["ann", "bob", "cid"], seed=0)
    monitor = MONITORS["response_v1"].model_copy(update={"sent_windows": 1})
    spent = pd.read_parquet(tmp_path / "customer_activity" / f"{SUNDAY:%Y-%m-%d}.parquet")[c.SPEND_90D]
    messages = sent(("ann", 1), ("cid", 2), ("cid", 3), ("bob", 8))  # bob's was sent after the window
    rows = current_rows(tmp_path, monitor, SUNDAY + WEEK, EVERYBODY, messages)
    assert rows.frame[c.SPEND_90D].tolist() == [spent[0], spent[2], spent[2]]
    assert (rows.first, rows.last) == (SUNDAY, SUNDAY)
    nobody = current_rows(tmp_path, monitor, SUNDAY + WEEK, frozenset({"bob"}), messages)
    assert len(nobody.frame) == 0
    assert nobody.frame.columns.tolist() == [feature.name for feature in monitor.watched()]


def test_recipients_are_like_the_recipients_before_and_not_like_everybody(tmp_path: Path):
    customers = [f"customer {number:04d}" for number in range(3000)]
    monitor = MONITORS["response_v1"].model_copy(update={"sent_windows": 1})
    messages = sent(*((customer, 1) for customer in customers[-1000:]))
    windows = {}
    for year, seed in (("then", 1), ("now", 2)):
        message_shop(tmp_path / year, customers, seed)
        windows[year] = current_rows(tmp_path / year, monitor, SUNDAY + WEEK, frozenset(customers), messages)
    everybody = current_rows(
        tmp_path / "now", monitor.model_copy(update={"sent_days": None}), SUNDAY, frozenset(customers)
    )
    reference = Side(ReferenceProfile.of(windows["then"].frame), SUNDAY, SUNDAY)
    subject = Subject(model="response", version=1, feature_service="response_v1", now=SUNDAY)
    like, unlike = (
        watch(subject, reference, current_side(rows, reference.profile), monitor)
        for rows in (windows["now"], everybody)
    )
    assert like.word == "stable"
    assert unlike.drifted == (c.SPEND_90D,)
