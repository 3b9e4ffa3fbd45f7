import pandas as pd
import pytest

from attune.errors import DataError
from attune.evaluation.protocols import global_time_split, leave_one_out
from attune.models.history import known_purchases


def interactions(*lines: str) -> pd.DataFrame:
    """Each line is a customer, an item and a day of January: "ann bread 3"."""
    words = [line.split() for line in lines]
    days = pd.to_datetime([f"2017-01-{int(day):02}" for _, _, day in words], utc=True).as_unit("us")
    return pd.DataFrame(
        {
            "customer_id": [customer for customer, _, _ in words],
            "item_id": [item for _, item, _ in words],
            "event_timestamp": days,
        }
    )


def told(examples: pd.DataFrame) -> list[str]:
    return [
        f"{customer}: {' '.join(history)} -> {' '.join(label)}"
        for customer, history, label in zip(
            examples["customer_id"], examples["history_items"], examples["label"], strict=True
        )
    ]


SHOP = interactions(
    *["ann bread 1", "bob soap 1", "ann milk 2", "ann tea 3", "bob milk 4", "ann rice 5", "cat tea 6"],
    "bob tea 7",
)


def test_the_last_is_asked_the_one_before_chooses_and_the_others_teach():
    split = leave_one_out(SHOP)
    assert told(split.test) == ["ann: bread milk tea -> rice", "bob: soap milk -> tea"]
    assert told(split.validation) == ["ann: bread milk -> tea", "bob: soap -> milk"]
    assert told(split.train) == ["ann: bread -> milk", "bob:  -> soap", "cat:  -> tea"]


def test_who_has_two_interactions_is_asked_but_does_not_choose():
    split = leave_one_out(interactions("ann a 1", "ann b 2", "ann c 3", "bob a 1", "bob b 2"))
    assert told(split.test) == ["ann: a b -> c", "bob: a -> b"]
    assert told(split.validation) == ["ann: a -> b"]
    assert told(split.train) == ["ann:  -> a", "bob:  -> a"]


def test_leave_one_out_keeps_the_order_as_delivered_and_uses_no_time_stamps():
    delivered = interactions("ann c 9", "ann a 1", "ann b 1", "ann d 1").drop(columns="event_timestamp")
    split = leave_one_out(delivered)
    assert told(split.test) == ["ann: c a b -> d"]
    times = split.test["history_times"][0]
    assert (times[1:] - times[:-1]).tolist() == [3600, 3600]
    assert split.test["event_timestamp"][0].timestamp() == times[-1] + 3600


def test_models_know_what_teaches_and_nothing_else():
    known = known_purchases(leave_one_out(SHOP).train)
    assert known[["customer_id", "item_id"]].to_numpy().tolist() == [
        ["ann", "bread"], ["ann", "milk"], ["bob", "soap"], ["cat", "tea"],
    ]  # fmt: skip


def test_nobody_with_three_interactions_is_refused():
    with pytest.raises(DataError, match="nobody has three interactions"):
        leave_one_out(interactions("ann a 1", "ann b 2"))


def test_every_order_after_the_moment_is_asked_in_turn_with_all_that_came_before():
    split = global_time_split(SHOP, quantile=0.5, validation_share=1.0)
    assert told(split.test) == [
        "ann: bread milk tea -> rice",
        "bob: soap -> milk",
        "bob: soap milk -> tea",
        "cat:  -> tea",
    ]
    assert told(split.validation) == ["ann: bread milk -> tea"]
    assert told(split.train) == ["ann: bread -> milk", "bob:  -> soap"]


def test_what_is_bought_at_one_time_is_one_order_and_its_items_count_once():
    shop = interactions(
        *["ann bread 1", "ann milk 1", "ann tea 2", "ann rice 3", "bob soap 3"],
        *["ann tea 8", "ann rice 8", "ann tea 8"],
    )
    split = global_time_split(shop, quantile=0.6, validation_share=1.0)
    assert told(split.test) == ["ann: bread milk tea rice -> tea rice"]
    assert told(split.validation) == ["ann: bread milk tea -> rice"]
    assert told(split.train) == ["ann: bread milk -> tea", "bob:  -> soap"]
    assert split.test["event_timestamp"][0] == pd.Timestamp("2017-01-08", tz="UTC")


def test_nothing_after_the_moment_teaches_or_chooses():
    split = global_time_split(SHOP, quantile=0.5, validation_share=1.0)
    moment = split.test["event_timestamp"].min()
    assert known_purchases(split.train)["second"].max() < moment.timestamp()
    assert (split.validation["event_timestamp"] < moment).all()


def test_interactions_at_one_moment_cannot_be_split():
    with pytest.raises(DataError, match="none before or none after"):
        global_time_split(interactions("ann a 1", "bob b 1"))


def test_earlier_orders_of_a_customer_can_teach_too_and_tell_nothing_new():
    one, two = (global_time_split(SHOP, 0.5, 1.0, teaching_orders=orders) for orders in (1, 2))
    assert told(two.train) == ["ann:  -> bread", "ann: bread -> milk", "bob:  -> soap"]
    pd.testing.assert_frame_equal(known_purchases(two.train), known_purchases(one.train))
    assert told(two.validation) == told(one.validation)
