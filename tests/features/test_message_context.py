from typing import Any

import polars as pl
import pytest

from tests.features.computing import computed
from tests.features.purchases import TIME, at


def sent(customer: str, when: str, responded: str | bool = False) -> dict[str, Any]:
    """A message of two weeks; responded to at a time, at a time nobody knows (True), or not."""
    moment = at(when)
    return {
        "customer_id": customer,
        "sent_at": moment,
        "ends_at": moment.replace(day=min(moment.day + 14, 30)),
        "responded": bool(responded),
        "responded_at": at(responded) if isinstance(responded, str) else None,
    }


def context(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    times = dict.fromkeys(("sent_at", "ends_at", "responded_at"), TIME)
    types = {"customer_id": pl.String, **times, "responded": pl.Boolean}
    return computed("message_context", messages=pl.DataFrame(messages, schema=types))


def test_messages_and_responses_are_counted_by_window():
    rows = context(
        sent("ann", "2017-06-01", "2017-06-03"),
        sent("ann", "2017-05-20"),
        sent("ann", "2017-04-04", "2017-05-25"),
        sent("ann", "2017-01-01"),
    )
    assert rows == [
        {
            "customer_id": "ann",
            "messages_7d": 1,
            "messages_30d": 2,
            "messages_90d": 3,
            "responses_7d": 1,
            "responses_30d": 2,
            "responses_90d": 2,
            "days_since_message": 3.0,
            "days_since_response": 1.0,
            "response_share_90d": pytest.approx(2 / 3),
        }
    ]


def test_a_response_that_is_still_to_come_is_none():
    (row,) = context(sent("ann", "2017-06-01", "2017-06-05"))
    assert (row["responses_90d"], row["response_share_90d"]) == (0, 0.0)
    assert row["days_since_response"] == row["days_since_message"] == 3.0


def test_a_response_of_unknown_time_counts_from_the_end_of_its_campaign():
    over, running = context(
        sent("ann", "2017-05-01", responded=True), sent("bob", "2017-06-01", responded=True)
    )
    assert (over["responses_30d"], over["days_since_response"]) == (1, 20.0)
    assert running["responses_30d"] == 0


def test_who_was_sent_nothing_before_the_date_has_no_row():
    assert context(sent("ann", "2017-06-04"), sent("bob", "2017-06-10")) == []


def test_an_old_message_leaves_a_row_of_zeros_and_its_age():
    (row,) = context(sent("ann", "2017-01-05", "2017-01-06"))
    assert row["messages_90d"] == row["responses_90d"] == row["response_share_90d"] == 0
    assert (row["days_since_message"], row["days_since_response"]) == (150.0, 149.0)


def test_a_shop_without_messages_has_no_rows():
    assert context() == []
