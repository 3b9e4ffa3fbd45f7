"""A small shop whose truth is known, for tests and for trying things out.

Two rules are planted, and what a customer does is otherwise drawn:

- Who will leave stops using offers first. A customer is loyal, then cools for 6 to 10 weeks (orders as
  often, but without discounts), then stays away for 7 to 11 weeks, and comes back. So the discount share
  of the last 90 days, and the recency, foretell a silence.
- After item a comes item b: with probability `FOLLOWS` the next order holds the successor of an item of
  the last order (see `successors`).

The mix of loyal, cooling and absent customers is the same in every week, so nothing drifts by itself;
`attune.data.shift` plants a drift.
"""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune import columns as c
from attune.data.consents import grant_all_but
from attune.data.raw import RawTables

# B customers, W weeks, N orders, L lines of an order
Ints = npt.NDArray[np.int64]
Names = npt.NDArray[np.object_]

START = datetime(2017, 1, 1, tzinfo=UTC)
DEPARTMENTS = ("GROCERY", "PRODUCE", "MEAT", "DELI", "PASTRY", "DRUG GM")
FOLLOWS = 0.75
DISCOUNT_SHARE = 0.3
REFUSING_SHARE = 0.02

_LINES = 4
_LOYAL, _COOLING, _AWAY = range(3)
# Shortest and longest stay in a phase, in weeks.
_STAYS = np.array([[8, 32], [6, 10], [7, 11]])
# Long enough that the mix of phases no longer knows how it began.
_BURN_IN_WEEKS = 200
_AGE_BANDS = np.array(["19-24", "25-34", "35-44", "45-54", "55-64", "65+", c.UNKNOWN], dtype=object)
_INCOME_BANDS = np.array(["Under 15K", "35-49K", "50-74K", "100-124K", c.UNKNOWN], dtype=object)


def make_shop(customers: int = 300, items: int = 60, weeks: int = 40, seed: int = 0) -> RawTables:
    """Make a shop that is watched from 2017-01-01 on; the same arguments give the same rows.

    Args:
        customers: How many, at least 2.
        items: How many, at least 6.
        weeks: How long it is watched.
        seed: Of everything that is drawn.
    """
    draw = np.random.default_rng(seed)
    phases_BW = _phases(customers, weeks, draw)
    names = _names("customer", customers)
    return RawTables(
        source=f"synthetic shop {seed}",
        customers=_customers(names, draw),
        items=_items(items),
        interactions=_interactions(names, phases_BW, items, draw),
        messages=_messages(names, phases_BW, draw),
        consents=grant_all_but(names, REFUSING_SHARE, seed, START),
    )


def successors(items: int = 60) -> dict[str, str]:
    """The planted rule, which item follows which: one circle through all items of a shop."""
    names = _names("item", items)
    return dict(zip(names, names[_following(items)], strict=True))


def _names(kind: str, count: int) -> Names:
    return np.array([f"{kind} {number}" for number in range(count)], dtype=object)


def _following(items: int) -> Ints:
    circle = np.random.default_rng(items).permutation(items)
    following = np.empty(items, dtype=np.int64)
    following[circle] = np.roll(circle, -1)
    return following


def _phases(customers: int, weeks: int, draw: np.random.Generator) -> Ints:
    """In which phase each customer is in each week, shape [B, W]."""
    phase_B = draw.integers(0, 3, customers)
    left_B = draw.integers(1, 30, customers)
    seen = []
    for _ in range(_BURN_IN_WEEKS + weeks):
        over_B = left_B == 0
        phase_B = np.where(over_B, (phase_B + 1) % 3, phase_B)
        stay_B = draw.integers(_STAYS[phase_B, 0], _STAYS[phase_B, 1] + 1)
        left_B = np.where(over_B, stay_B, left_B) - 1
        seen.append(phase_B)
    return np.stack(seen[_BURN_IN_WEEKS:], axis=1)


def _interactions(names: Names, phases_BW: Ints, items: int, draw: np.random.Generator) -> pd.DataFrame:
    keen_B1 = draw.uniform(0.6, 0.9, (len(names), 1))
    ordered_BW = (draw.random(phases_BW.shape) < keen_B1) & (phases_BW != _AWAY)
    # Customer by customer, week by week: the order before is the row before.
    customer_N, week_N = np.nonzero(ordered_BW)
    basket_NL = _baskets(customer_N, items, draw)
    price_NL = _prices(items)[basket_NL]
    quantity_NL = draw.integers(1, 4, basket_NL.shape)
    offers_N = phases_BW[customer_N, week_N] == _LOYAL
    share_NL = offers_N[:, None] * draw.beta(3, 3 / DISCOUNT_SHARE - 3, basket_NL.shape)
    full_NL = price_NL * quantity_NL
    moment_N = _moments(week_N, draw)
    repeat = basket_NL.shape[1]
    table = pd.DataFrame(
        {
            c.CUSTOMER_ID: np.repeat(names[customer_N], repeat),
            c.ITEM_ID: _names("item", items)[basket_NL.ravel()],
            c.ORDER_ID: np.repeat(_names("order", len(customer_N)), repeat),
            c.EVENT_TIMESTAMP: np.repeat(moment_N, repeat),
            c.QUANTITY: quantity_NL.ravel().astype(np.float64),
            c.AMOUNT: (full_NL * (1 - share_NL)).ravel().round(2),
            c.DISCOUNT: (full_NL * share_NL).ravel().round(2),
        }
    )
    # An item that was drawn twice for an order is bought once.
    return table.drop_duplicates([c.ORDER_ID, c.ITEM_ID], ignore_index=True)


def _baskets(customer_N: Ints, items: int, draw: np.random.Generator) -> Ints:
    """The items of each order, shape [N, L]: successors of the order before, else popular ones."""
    following = _following(items)
    popularity = 1 / np.arange(5, items + 5)
    fresh_NL = draw.choice(items, (len(customer_N), _LINES), p=popularity / popularity.sum())
    follows_NL = draw.random(fresh_NL.shape) < FOLLOWS
    baskets_NL = fresh_NL.copy()
    for row in range(1, len(customer_N)):
        if customer_N[row] == customer_N[row - 1]:
            baskets_NL[row] = np.where(follows_NL[row], following[baskets_NL[row - 1]], fresh_NL[row])
    return baskets_NL


def _prices(items: int) -> npt.NDArray[np.float64]:
    return 1 + np.arange(items, dtype=np.float64) % 7


def _moments(week_N: Ints, draw: np.random.Generator) -> pd.DatetimeIndex:
    days = 7 * week_N + draw.integers(0, 7, len(week_N))
    seconds = draw.integers(8 * 3600, 20 * 3600, len(week_N))
    return pd.Timestamp(START).as_unit("us") + pd.to_timedelta(days * 86_400 + seconds, unit="s")


def _customers(names: Names, draw: np.random.Generator) -> pd.DataFrame:
    count = len(names)
    return pd.DataFrame(
        {
            c.CUSTOMER_ID: names,
            c.AGE_BAND: draw.choice(_AGE_BANDS, count),
            c.INCOME_BAND: draw.choice(_INCOME_BANDS, count),
        }
    )


def _items(items: int) -> pd.DataFrame:
    departments = np.array(DEPARTMENTS, dtype=object)[np.arange(items) % len(DEPARTMENTS)]
    return pd.DataFrame({c.ITEM_ID: _names("item", items), c.DEPARTMENT: departments})


def _messages(names: Names, phases_BW: Ints, draw: np.random.Generator) -> pd.DataFrame:
    """A campaign to every second customer each fourth week; the loyal respond more often."""
    parts = []
    for week in range(0, phases_BW.shape[1], 4):
        chosen = np.flatnonzero(draw.random(len(names)) < 0.5)
        chance = np.where(phases_BW[chosen, week] == _LOYAL, 0.25, 0.02)
        sent = pd.Timestamp(START).as_unit("us") + pd.Timedelta(weeks=week)
        part = pd.DataFrame({c.CUSTOMER_ID: names[chosen], c.CAMPAIGN_ID: f"campaign {week // 4}"})
        part[c.CHANNEL] = "e-mail"
        part[c.FORMAT] = "offer"
        part[c.SENT_AT] = sent
        part[c.ENDS_AT] = sent + pd.Timedelta(days=14)
        part[c.RESPONDED] = draw.random(len(chosen)) < chance
        part[c.RESPONDED_AT] = (part[c.SENT_AT] + pd.Timedelta(days=5)).where(part[c.RESPONDED])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
