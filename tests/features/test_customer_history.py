from typing import Any

from attune.features.settings import FeatureSettings
from tests.features.computing import computed
from tests.features.purchases import at, bought, table


def rows_of(*lines: dict[str, Any], length: int = 200) -> list[dict[str, Any]]:
    settings = FeatureSettings(history_length=length)
    return computed("customer_history", settings=settings, interactions=table(*lines))


def history(*lines: dict[str, Any], length: int = 200) -> dict[str, list[str]]:
    return {row["customer_id"]: row["history_items"] for row in rows_of(*lines, length=length)}


def test_items_come_oldest_first_with_the_second_each_was_bought():
    lines = [bought("ann", "milk", "2017-06-02"), bought("ann", "bread", "2017-06-01")]
    (row,) = rows_of(*lines)
    assert row["history_items"] == ["bread", "milk"]
    assert row["history_times"] == [at("2017-06-01").timestamp(), at("2017-06-02").timestamp()]


def test_only_the_last_purchases_are_kept():
    lines = [bought("ann", item, f"2017-05-0{day}") for day, item in enumerate("abcd", start=1)]
    assert history(*lines, length=2) == {"ann": ["c", "d"]}


def test_lines_of_one_moment_stay_in_the_order_of_the_table():
    lines = [bought("ann", item, "2017-06-01") for item in ("soap", "bread", "milk")]
    assert history(*lines) == {"ann": ["soap", "bread", "milk"]}


def test_the_same_item_bought_twice_is_there_twice():
    lines = [bought("ann", "bread", "2017-06-01"), bought("ann", "bread", "2017-06-02")]
    assert history(*lines) == {"ann": ["bread", "bread"]}


def test_the_future_and_what_was_recorded_later_are_not_in_it():
    assert history(
        bought("ann", "now", "2017-06-04"),
        bought("ann", "late", "2017-06-01", recorded="2017-06-04T00:00:01"),
        bought("ann", "old", "2017-05-01"),
    ) == {"ann": ["old"]}
