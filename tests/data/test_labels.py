import pandas as pd

from attune.data.labels import churn_labels, next_items, response_labels

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


def message(customer: str, sent: str, responded: str | bool = False, number: int = 0) -> dict[str, object]:
    """A message of a fortnight; responded to on a day, on a day nobody knows (True), or not."""
    moment = pd.Timestamp(f"2017-{sent}", tz="UTC")
    return {
        "message_id": f"{customer}-{number}",
        "customer_id": customer,
        "channel": "e-mail",
        "format": "coupon",
        "sent_at": moment,
        "ends_at": moment.normalize() + pd.Timedelta(days=14),
        "responded": bool(responded),
        "responded_at": pd.Timestamp(f"2017-{responded}", tz="UTC") if isinstance(responded, str) else pd.NaT,
    }


def responses(*messages: dict[str, object]) -> pd.DataFrame:
    table = pd.DataFrame(messages)
    table["responded_at"] = pd.to_datetime(table["responded_at"], utc=True)
    return response_labels(table, AS_OF, send_days=7, answer_days=10)


def test_a_response_counts_when_it_comes_in_time():
    found = responses(
        message("ann", "04-02", "04-11"), message("bob", "04-02", "04-12"), message("eve", "04-02")
    )
    # Bob responds on the day after the tenth: too late.
    assert dict(zip(found["customer_id"], found["label"], strict=True)) == {"ann": 1, "bob": 0, "eve": 0}
    assert found["label"].dtype == "int8"


def test_only_messages_of_the_days_after_the_date_are_asked_about_and_each_by_itself():
    found = responses(
        message("ann", "04-01", "04-03"),
        message("ann", "04-03", "04-05", number=1),
        message("ann", "04-08", number=2),
        message("ann", "04-09", "04-10", number=3),
    )
    assert found[["customer_id", "label"]].to_numpy().tolist() == [["ann", 1], ["ann", 0]]


def test_a_response_of_unknown_time_came_at_the_end_of_the_offer():
    assert responses(message("ann", "04-02", responded=True))["label"].tolist() == [0]


def test_an_example_of_a_response_says_how_and_when_the_message_was_sent():
    (row,) = responses(message("ann", "04-03 09:30")).to_dict("records")
    assert (row["channel"], row["format"]) == ("e-mail", "coupon")
    assert (row["sent_hour"], row["sent_weekday"], row["offer_days"]) == (9, 0, 14 - 9.5 / 24)
