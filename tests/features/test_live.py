"""A view of a few customers at any moment has the rows of the back-fill, whatever happened to them."""

from datetime import datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from attune.features.live import LiveViews, live_views
from attune.features.schema import ITEM_POPULARITY, VIEWS, View
from attune.features.settings import FeatureSettings
from tests.features.computing import computed
from tests.features.random_shop import AS_OF, random_shop

SETTINGS = FeatureSettings(history_length=20)
MADE_OF_INTERACTIONS = [*live_views(VIEWS.values()), ITEM_POPULARITY]


def live(view: View, tables: dict[str, pl.DataFrame], as_of: datetime) -> list[dict[str, object]]:
    views = LiveViews(SETTINGS)
    views.learn_items(tables["items"].to_arrow().cast(ITEMS))
    found = views.rows(view, tables["interactions"], as_of)
    assert set(found["event_timestamp"]) == {as_of}
    return found.drop("event_timestamp", "created_timestamp").to_dicts()


ITEMS = pa.schema([(name, pa.string()) for name in ("item_id", "department", "category", "brand")])


@pytest.mark.parametrize("view", MADE_OF_INTERACTIONS, ids=lambda view: view.name)
@pytest.mark.parametrize("seed", range(3))
def test_live_rows_are_those_of_a_back_fill(view, seed):
    tables = random_shop(seed)
    as_of = AS_OF + timedelta(days=seed, hours=3 * seed, microseconds=seed)
    assert live(view, tables, as_of) == computed(view.name, as_of=as_of, settings=SETTINGS, **tables)


@pytest.mark.parametrize("view", MADE_OF_INTERACTIONS, ids=lambda view: view.name)
def test_without_a_repeated_id_the_rows_are_the_same_too(view):
    tables = random_shop(seed=7)
    tables["interactions"] = tables["interactions"].unique("interaction_id", maintain_order=True)
    assert live(view, tables, AS_OF) == computed(view.name, as_of=AS_OF, settings=SETTINGS, **tables)


def test_what_one_interaction_changes_at_once_is_online_and_made_of_interactions():
    changed = [view.name for view in live_views(VIEWS.values())]
    assert changed == ["customer_activity", "customer_history", "item_popularity"]
