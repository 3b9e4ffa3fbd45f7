import numpy as np
import pandas as pd

from attune import columns as c
from attune.drift.monitor import DecisionRules, ListRules
from attune.drift.served import ServedCheck, check_decisions, check_lists, decision_fairness

RULES = ListRules(min_lists=4)
ITEMS = [f"item {number:02d}" for number in range(20)]
GROUPS = pd.Series(["food"] * 10 + ["garden"] * 10, index=ITEMS)
# Each of twenty customers buys an item of their own, and all of them the first one.
BOUGHT = pd.DataFrame(
    [(f"customer {number}", item) for number in range(20) for item in (ITEMS[0], ITEMS[number])],
    columns=[c.CUSTOMER_ID, c.ITEM_ID],
)


def words(lists: list[list[str]], reached: float | None = 0.8) -> dict[str, str]:
    checks, _ = check_lists(lists, BOUGHT, GROUPS, reached, RULES)
    return {check.name: check.word for check in checks}


def test_lists_that_are_as_varied_as_what_is_bought_are_healthy():
    assert words([[item, ITEMS[0]] for item in ITEMS]) == {
        "Coverage": "ok",
        "Novelty": "ok",
        "Popularity share": "ok",
        "Exposure by item group": "ok",
    }


def test_the_same_popular_item_for_everybody_is_beyond_every_limit():
    assert set(words([[ITEMS[0]]] * 20).values()) == {"beyond"}


def test_a_group_of_items_that_nobody_is_shown_is_named():
    checks, by_group = check_lists([ITEMS[:10]] * 5, BOUGHT, GROUPS, 0.8, RULES)
    exposure = checks[-1]
    assert exposure.word == "beyond"
    assert exposure.sentence.startswith("garden has 0.0% of the attention and 25.6% of the purchases")
    assert [(group.group, group.exposure) for group in by_group] == [("food", 1.0), ("garden", 0.0)]


def test_what_rests_on_too_few_lists_is_not_computed():
    assert set(words([[ITEMS[0]]] * 3).values()) == {"not computed"}
    assert words([[item] for item in ITEMS], reached=None)["Coverage"] == "not computed"
    nothing, _ = check_lists([[ITEMS[0]]] * 5, pd.DataFrame(), GROUPS, 0.8, RULES)
    assert {check.word for check in nothing} == {"not computed"}


def decided(found_of_young: float, rows: int = 6000) -> ServedCheck:
    """A third are young; a tenth of all left, and so many of the young ones among them have a high score."""
    draw = np.random.default_rng(0)
    young, left = np.arange(rows) % 3 == 1, draw.random(rows) < 0.1
    found = draw.random(rows) < np.where(young, found_of_young, 0.9)
    labelled = pd.DataFrame(
        {
            c.CUSTOMER_ID: [f"customer {number}" for number in range(rows)],
            "probability": np.where(left & found, 0.9, 0.1) + draw.random(rows) / 100,
            c.LABEL: left.astype(int),
        }
    )
    people = pd.DataFrame(
        {
            c.CUSTOMER_ID: labelled[c.CUSTOMER_ID],
            c.AGE_BAND: np.where(young, "19-24", "45-54"),
            c.INCOME_BAND: "unknown",
        }
    )
    table = decision_fairness(labelled, people, DecisionRules())
    return check_decisions(table)


def test_a_group_whose_leavers_are_found_less_often_is_beyond_the_limit():
    assert decided(0.9).word == "ok"
    worse = decided(0.3)
    assert worse.word == "beyond"
    assert "(age_band 19-24)" in worse.sentence


def test_without_labels_nothing_is_said_of_groups():
    assert decided(0.3, rows=200).word == "not computed"
    none = pd.DataFrame({c.CUSTOMER_ID: [], "probability": [], c.LABEL: []})
    people = pd.DataFrame({c.CUSTOMER_ID: ["ann"], c.AGE_BAND: ["45-54"], c.INCOME_BAND: ["unknown"]})
    assert decision_fairness(none, people, DecisionRules()).rows == []
