import pandas as pd

from attune.data.labels import churn_labels, next_items

AS_OF = pd.Timestamp("2017-04-02", tz="UTC")


def test_who_was_active_and_then_silent_has_left(interactions):
    table = interactions(
        "ann milk 03-20", "ann milk 04-03", "bob milk 03-20", "bob milk 04-30", "eve milk 03-20"
    )
    labels = churn_labels(table, AS_OF, active_days=90, quiet_days=28)
    # Bob comes on the first day after the 28: too late.
    assert labels.to_dict() == {"ann": 0, "bob": 1, "eve": 1}
    assert labels.dtype == "int8"
    assert labels.name == "label"


def test_a_purchase_at_the_very_moment_belongs_to_the_future(interactions):
    table = interactions("ann milk 03-20", "ann milk 04-02", "eve milk 04-02")
    labels = churn_labels(table, AS_OF, active_days=90, quiet_days=28)
    # Eve had not bought before, so nobody asks whether she left.
    assert labels.to_dict() == {"ann": 0}


def test_the_active_window_begins_exactly_so_many_days_before(interactions):
    table = interactions("ann milk 03-23", "bob milk 03-22")
    assert list(churn_labels(table, AS_OF, active_days=10, quiet_days=28).index) == ["ann"]


def test_a_return_is_no_sign_of_life(interactions):
    table = interactions("ann milk 03-20", "ann milk 04-03 return", "bob milk 03-20 return")
    assert churn_labels(table, AS_OF, active_days=90, quiet_days=28).to_dict() == {"ann": 1}


def test_the_next_items_are_distinct_and_in_order_of_purchase(interactions):
    table = interactions(
        "ann rice 04-04",
        "ann milk 04-02",
        "ann bread 04-02",
        "ann milk 04-05",
        "ann late 04-09",
        "bob early 04-01",
        "eve beer 04-03 return",
    )
    found = next_items(table, AS_OF, days=7)
    assert found.to_dict() == {"ann": ["bread", "milk", "rice"]}
    assert found.name == "label"


def test_nobody_bought_anything(interactions):
    table = interactions("ann rice 01-04")
    assert next_items(table, AS_OF, days=7).to_dict() == {}
    assert churn_labels(table, AS_OF, active_days=30, quiet_days=7).to_dict() == {}
