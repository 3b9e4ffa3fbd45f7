import math

import pytest

from attune.errors import DataError
from attune.recommend import Recommendations
from serving.assortment import read_assortment
from serving.facts import Facts
from serving.filters import require_boosted, wanted_items
from serving.problems import Problem
from serving.rules import chosen, with_slots
from serving.schemas import ItemFilters, Slot

DEPARTMENTS = {"bread": "BAKERY", "rolls": "BAKERY", "milk": "DAIRY", "cheese": "DAIRY", "soap": "HOME"}
CATEGORIES = {"bread": "loaf", "rolls": "small", "milk": "drink", "cheese": "solid", "soap": "solid"}
BEST = Recommendations(("bread", "rolls", "milk", "cheese", "soap"), (5.0, 4.0, 3.0, 2.0, 1.0), ())


def facts(**more: object) -> Facts:
    def by(groups: dict[str, str]) -> dict[str, frozenset[str]]:
        return {name: frozenset(i for i, g in groups.items() if g == name) for name in groups.values()}

    return Facts(frozenset(), {}, by(DEPARTMENTS), by(CATEGORIES), DEPARTMENTS, CATEGORIES, **more)  # type: ignore[arg-type]


def names(k: int, diversity: float = 0.0, most: int | None = None, **boosts: float) -> list[str]:
    return [BEST.items[place] for place in chosen(BEST, facts(), k, diversity, most, boosts)]


def test_without_variety_the_best_come_first():
    assert names(3) == ["bread", "rolls", "milk"]


def test_a_department_has_as_many_items_as_it_may():
    assert names(3, most=1) == ["bread", "milk", "soap"]
    assert names(5, most=1) == ["bread", "milk", "soap"]


def test_with_full_variety_each_category_comes_before_any_comes_again():
    assert names(5, diversity=1.0) == ["bread", "rolls", "milk", "cheese", "soap"]
    assert names(4, diversity=0.5)[:2] == ["bread", "rolls"]


def test_what_is_boosted_comes_up_and_what_is_held_back_goes_down():
    assert names(3, HOME=1.0) == ["bread", "soap", "rolls"]
    assert names(2, BAKERY=-1.0) == ["milk", "cheese"]
    assert names(2, solid=0.6) == ["bread", "cheese"]  # a category counts like a department


def slotted(*slots: tuple[int, list[str]], k: int = 4) -> list[str]:
    places = [Slot(position=position, items=items) for position, items in slots]
    return list(with_slots(BEST, places, lambda item: item != "tobacco", k).items)


def test_a_campaign_has_its_place_and_the_others_move_down():
    assert slotted((2, ["soap"])) == ["bread", "soap", "rolls", "milk"]
    assert slotted((1, ["tobacco", "vase"]), (3, ["bread"])) == ["vase", "rolls", "bread", "milk"]
    assert slotted((1, ["tobacco"]), (9, ["vase"])) == ["bread", "rolls", "milk", "cheese"]
    assert with_slots(BEST, [Slot(position=2, items=["vase"])], bool, 3).scores == (5.0, 4.0, 4.0)
    assert with_slots(Recommendations((), (), ()), [Slot(position=2, items=["vase"])], bool, 3).items == (
        "vase",
    )


def test_a_boost_of_what_there_is_not_is_refused():
    with pytest.raises(Problem) as refused:
        require_boosted(facts(), {"BAKERY": 1.0, "spaceship": 0.5})
    assert refused.value.errors is not None
    assert [fault.location for fault in refused.value.errors] == [["boosts", "spaceship"]]


def test_filters_hold_together():
    wanted = wanted_items(facts(), ItemFilters(departments=["BAKERY", "DAIRY"], categories=["loaf", "solid"]))
    assert wanted.allowed == {"bread", "cheese"}
    assert wanted_items(facts(), ItemFilters(exclude_items=["milk"])).excluded == {"milk"}


def test_what_there_is_not_is_named_by_its_place():
    with pytest.raises(Problem) as refused:
        wanted_items(facts(), ItemFilters(categories=["loaf", "spaceship"]))
    assert refused.value.errors is not None
    assert refused.value.errors[0].location == ["categories", 1]


@pytest.fixture
def assortment(tmp_path):
    (tmp_path / "assortment.csv").write_text(
        "item_id,price,in_stock\nbread,2.5,1\nmilk,1,0\nsoap,4,1\n", encoding="utf-8"
    )
    return read_assortment(tmp_path / "tables")


def test_prices_and_stock_come_from_the_assortment(assortment):
    shop = facts(assortment=assortment)
    assert wanted_items(shop, ItemFilters(max_price=2.5)).allowed == {"bread", "milk"}
    assert wanted_items(shop, ItemFilters(in_stock=True)).allowed == {"bread", "soap"}
    assert wanted_items(shop, ItemFilters(min_price=2.0, in_stock=True, max_price=3.0)).allowed == {"bread"}
    assert assortment.priced(None, math.inf) == {"bread", "milk", "soap"}


def test_without_an_assortment_nobody_filters_by_it(tmp_path):
    assert read_assortment(tmp_path / "tables") is None
    with pytest.raises(Problem) as refused:
        wanted_items(facts(), ItemFilters(in_stock=True))
    assert refused.value.name == "no-assortment"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item_id,price\nbread,1\n", "no column in_stock"),
        ("item_id,price,in_stock\nbread,free,1\n", "line 2"),
        ("item_id,price,in_stock\nbread,nan,1\n", "line 2"),
        ("item_id,price,in_stock\nbread,1,yes\n", "line 2"),
    ],
)
def test_a_damaged_assortment_is_named(tmp_path, text, message):
    (tmp_path / "assortment.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_assortment(tmp_path / "tables")
