"""A small shop in which everything happens: late, repeated, corrected and returned lines, ties, odd names."""

import random
from datetime import timedelta

import polars as pl

from tests.features.purchases import DEMOGRAPHICS, TIME, at

AS_OF = at("2017-06-04")
GOODS = {"i1": "GROCERY", "i2": "DRUG GM", "i3": "MEAT-PCKGD", "i4": " Déli ", "i5": "_produce_", "i6": None}


def random_shop(seed: int, lines: int = 400) -> dict[str, pl.DataFrame]:
    """The tables, by name; equal seeds make equal shops."""
    chance = random.Random(seed)
    return {
        "interactions": _interactions(chance, lines),
        "items": pl.DataFrame(
            {
                "item_id": list(GOODS),
                "department": list(GOODS.values()),
                "category": "c",
                "brand": ["b", None] * 3,
            }
        ),
        "customers": pl.DataFrame(
            [
                {"customer_id": f"c{number}"} | {name: chance.choice(["told", None]) for name in DEMOGRAPHICS}
                for number in range(8)
            ]
        ),
        "messages": _messages(chance),
    }


def _interactions(chance: random.Random, lines: int) -> pl.DataFrame:
    rows = []
    for number in range(lines):
        # Few distinct moments: many lines share theirs, and some lie on the edge of a window.
        moment = AS_OF - timedelta(
            days=chance.choice((-1, 0, 1, 7, 8, 30, 45, 90, 200)), hours=chance.choice((0, 6))
        )
        rows.append(
            {
                "interaction_id": f"l{number:04}",
                "customer_id": f"c{chance.randrange(8)}",
                "item_id": chance.choice([*GOODS, "unheard of"]),
                "order_id": f"o{chance.randrange(lines // 4)}",
                "event": chance.choice(["purchase"] * 9 + ["return"]),
                "event_timestamp": moment,
                "created_timestamp": moment + timedelta(days=chance.choice((0, 0, 0, 2, 10)), microseconds=1),
                "quantity": 1.0,
                "amount": round(chance.uniform(0, 20), 2),
                "discount": chance.choice((0.0, 0.33)),
            }
        )
    again = [
        line
        | {
            "amount": line["amount"] + 1.01,
            "created_timestamp": line["created_timestamp"] + timedelta(days=3),
        }
        for line in chance.sample(rows, lines // 10)
    ]
    same = chance.sample(rows, lines // 10)
    types = {"event_timestamp": TIME, "created_timestamp": TIME}
    return pl.DataFrame([*rows, *again, *same], schema_overrides=types)


def _messages(chance: random.Random) -> pl.DataFrame:
    rows = []
    for number in range(60):
        sent = AS_OF - timedelta(days=chance.choice((-3, 0, 1, 7, 20, 30, 90, 120)))
        responded = chance.random() < 0.5
        rows.append(
            {
                "customer_id": f"c{chance.randrange(8)}",
                "message_id": f"m{number}",
                "channel": ("mail", "paper")[number % 2],
                "format": f"type {number % 3}",
                "sent_at": sent,
                "ends_at": sent + timedelta(days=14),
                "responded": responded,
                "responded_at": sent + timedelta(days=1) if responded and chance.random() < 0.7 else None,
            }
        )
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(("sent_at", "ends_at", "responded_at"), TIME))
