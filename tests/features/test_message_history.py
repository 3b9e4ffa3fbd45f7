from typing import Any

import polars as pl

from tests.features.computing import computed
from tests.features.purchases import TIME, at


def sent(customer: str, when: str, number: int = 1, responded: str | bool = False) -> dict[str, Any]:
    """A message of two weeks; answered at a time, at a time nobody knows (True), or not."""
    moment = at(when)
    return {
        "customer_id": customer,
        "message_id": f"m{number}",
        "channel": "mail" if number % 2 else "paper",
        "format": f"type {number}",
        "sent_at": moment,
        "ends_at": moment.replace(day=min(moment.day + 14, 30)),
        "responded": bool(responded),
        "responded_at": at(responded) if isinstance(responded, str) else None,
    }


def history(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """As of 4 June 2017."""
    times = dict.fromkeys(("sent_at", "ends_at", "responded_at"), TIME)
    words = dict.fromkeys(("customer_id", "message_id", "channel", "format"), pl.String)
    types = words | times | {"responded": pl.Boolean}
    return computed("message_history", messages=pl.DataFrame(list(messages), schema=types))


def test_messages_come_oldest_first_with_what_came_of_them():
    (row,) = history(
        sent("ann", "2017-06-01", 3),
        sent("ann", "2017-04-01", 1, responded="2017-04-05"),
        sent("ann", "2017-05-01", 2),
    )
    assert row == {
        "customer_id": "ann",
        "message_times": [int(at(day).timestamp()) for day in ("2017-04-01", "2017-05-01", "2017-06-01")],
        "message_channels": ["mail", "paper", "mail"],
        "message_formats": ["type 1", "type 2", "type 3"],
        "message_answers": [1, 0, 0],
    }


def test_neither_a_message_nor_an_answer_that_is_still_to_come_is_known():
    assert history(sent("ann", "2017-06-04")) == []
    (row,) = history(sent("ann", "2017-06-01", responded="2017-06-04"))
    assert row["message_answers"] == [0]


def test_an_answer_of_unknown_time_counts_from_the_end_of_its_campaign():
    over, running = history(
        sent("ann", "2017-05-01", responded=True), sent("bob", "2017-06-01", responded=True)
    )
    assert (over["message_answers"], running["message_answers"]) == ([1], [0])


def test_only_the_last_messages_are_kept():
    days = [f"2017-{month:02}-{day:02}" for month in (4, 5) for day in range(1, 21)]
    (row,) = history(*(sent("ann", day, number) for number, day in enumerate(days)))
    assert len(row["message_times"]) == 32
    assert row["message_formats"][-1] == "type 39"
