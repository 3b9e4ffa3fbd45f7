from itertools import pairwise

import pandas as pd
import pytest

from attune.data.importing import import_tables
from attune.data.labels import churn_labels
from attune.data.synthetic import START, make_shop, successors
from attune.data.tables import read_table


@pytest.fixture(scope="module")
def shop():
    return make_shop(customers=300, items=60, weeks=40, seed=1)


@pytest.fixture(scope="module")
def bought(shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    import_tables(shop, folder, b"k" * 32)
    return read_table(folder, "interactions")


def test_a_seed_gives_the_same_shop_and_another_seed_another(shop):
    again = make_shop(customers=300, items=60, weeks=40, seed=1)
    for name, table in shop.tables().items():
        pd.testing.assert_frame_equal(table, again.tables()[name])
    assert not make_shop(seed=2).interactions.equals(shop.interactions)


def test_every_row_of_the_shop_holds_its_contract(shop, bought):
    assert len(bought) == len(shop.interactions)
    assert bought["event_timestamp"].min() >= pd.Timestamp(START)
    assert bought["event_timestamp"].max() < pd.Timestamp(START) + pd.Timedelta(weeks=40)


@pytest.mark.parametrize("week", [16, 24, 32])
def test_a_low_discount_share_foretells_a_silence(bought, week):
    as_of = pd.Timestamp(START) + pd.Timedelta(weeks=week)
    labels = churn_labels(bought, as_of, active_days=90, quiet_days=28)
    before = bought[
        (bought["event_timestamp"] < as_of) & (bought["event_timestamp"] >= as_of - pd.Timedelta(days=90))
    ]
    sums = before.groupby("customer_id")[["amount", "discount"]].sum()
    share = (sums["discount"] / sums.sum(axis=1)).reindex(labels.index)
    low = share < share.median()
    assert 0.1 < labels.mean() < 0.3
    assert labels[low].mean() > 3 * labels[~low].mean()


def test_the_next_order_holds_the_successors_of_the_last(shop):
    follows = successors(60)
    orders = (
        shop.interactions.groupby(["customer_id", "event_timestamp"], sort=True)["item_id"]
        .agg(set)
        .groupby(level=0)
    )
    hits = total = 0
    for _, baskets in orders:
        for last, after in pairwise(baskets):
            hits += sum(follows[item] in after for item in last)
            total += len(last)
    assert 0.7 < hits / total < 0.85


def test_the_planted_rule_is_one_circle():
    follows = successors(60)
    seen, item = set(), "item 0"
    while item not in seen:
        seen.add(item)
        item = follows[item]
    assert len(seen) == 60


def test_nothing_drifts_by_itself(bought):
    month = bought["event_timestamp"].dt.month
    spend = bought.groupby(month)["amount"].mean()[1:9]
    assert spend.max() / spend.min() < 1.15
