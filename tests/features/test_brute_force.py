from datetime import timedelta

import pytest

from attune.features.settings import FeatureSettings
from tests.features import brute_force
from tests.features.computing import computed
from tests.features.random_shop import AS_OF, GOODS, random_shop

DATES = (AS_OF, AS_OF - timedelta(days=20))
SEEDS = range(2)


@pytest.mark.parametrize("as_of", DATES)
@pytest.mark.parametrize("seed", SEEDS)
def test_activity_is_what_plain_loops_say(seed, as_of):
    shop = random_shop(seed)
    expected = brute_force.activity(shop["interactions"].to_dicts(), GOODS, as_of)
    rows = {row.pop("customer_id"): row for row in computed("customer_activity", as_of=as_of, **shop)}
    assert list(rows) == list(expected)
    for customer, features in expected.items():
        assert rows[customer] == pytest.approx(features, abs=1e-9), customer


@pytest.mark.parametrize("as_of", DATES)
@pytest.mark.parametrize("seed", SEEDS)
def test_history_is_what_plain_loops_say(seed, as_of):
    shop = random_shop(seed)
    rows = computed("customer_history", as_of=as_of, settings=FeatureSettings(history_length=9), **shop)
    found = {row["customer_id"]: (row["history_items"], row["history_times"]) for row in rows}
    assert found == brute_force.history(shop["interactions"].to_dicts(), as_of, length=9)


@pytest.mark.parametrize("as_of", DATES)
@pytest.mark.parametrize("seed", SEEDS)
def test_popularity_is_what_plain_loops_say(seed, as_of):
    shop = random_shop(seed)
    rows = computed("item_popularity", as_of=as_of, **shop)
    found = {row["item_id"]: tuple(row.values())[1:] for row in rows}
    assert found == brute_force.popularity(shop["interactions"].to_dicts(), as_of)
