"""customer_activity: how recently, how often and how much each customer has bought."""

from datetime import datetime

import ibis

from attune.columns import (
    AMOUNT,
    BASKET_SIZE_90D,
    CUSTOMER_ID,
    DAYS_BETWEEN_ORDERS_90D,
    DEPARTMENT,
    DEPARTMENT_SHARES,
    DEPARTMENTS,
    DISCOUNT,
    DISCOUNT_SHARE_90D,
    EVENT,
    EVENT_TIMESTAMP,
    ITEM_ID,
    ORDER_ID,
    ORDERS_7D,
    ORDERS_30D,
    ORDERS_90D,
    OTHER_DEPARTMENT,
    RECENCY_DAYS,
    RETURN,
    SPEND_7D,
    SPEND_30D,
    SPEND_90D,
    TENURE_DAYS,
)
from attune.features.moments import in_days, microseconds
from attune.features.purchases import KNOWLEDGE, known_at, only_purchases, since
from attune.features.schema import CUSTOMER_ACTIVITY

WINDOW_DAYS = 90
ORDERS = {7: ORDERS_7D, 30: ORDERS_30D, 90: ORDERS_90D}
SPENDS = {7: SPEND_7D, 30: SPEND_30D, 90: SPEND_90D}
SHARES = dict(zip((*DEPARTMENTS, OTHER_DEPARTMENT), DEPARTMENT_SHARES, strict=True))
LINES = "lines"
# Money is added up in whole ten-thousandths: sums of other floats depend on the order of threads.
PARTS = 10_000
# A factor instead of a divisor: that is how the released features were rounded.
A_PART = 1 / PARTS


def prepare(interactions: ibis.Table, items: ibis.Table) -> ibis.Table:
    """Sum up the lines of each order that became known together; it is the same for every date.

    Args:
        interactions: The contract table, with versions.
        items: The contract table; a department without a feature of its own counts as other.

    Returns:
        One row a customer, order, event and moment, with lines and with money in ten-thousandths.
    """
    named = items.select(ITEM_ID, department=_department(items[DEPARTMENT]))
    lines = interactions.left_join(named, ITEM_ID)
    lines = lines.mutate(
        **{column: _ten_thousandths(lines[column]) for column in (AMOUNT, DISCOUNT)},
        department=lines.department.fill_null(OTHER_DEPARTMENT),
    )
    paid = {
        share: lines[AMOUNT].sum(where=lines.department == name).fill_null(0.0)
        for name, share in SHARES.items()
    }
    return lines.group_by(CUSTOMER_ID, ORDER_ID, EVENT, *KNOWLEDGE).agg(
        **{LINES: lines.count()},
        **{column: lines[column].sum() for column in (AMOUNT, DISCOUNT)},
        **paid,
    )


def compute(prepared: ibis.Table, as_of: datetime) -> ibis.Table:
    """Compute the activity of every customer who bought before a date.

    Orders, baskets, discounts and departments are those of purchases. Spend is what was paid less what
    was given back for returns in the same window, by the time of the return, and never below nothing.

    Args:
        prepared: What `prepare` made; rows that were not known at `as_of` are left out.
        as_of: In UTC.

    Returns:
        One row a customer, sorted, with the features of the view and without nulls.
    """
    known = prepared.filter(known_at(prepared, as_of))
    bought = only_purchases(known)
    recent = bought.filter(since(bought, as_of, WINDOW_DAYS))
    returned = known.filter((known[EVENT] == RETURN) & since(known, as_of, WINDOW_DAYS))
    features = (
        _lifetimes(bought, as_of)
        .left_join(_orders(recent, as_of), CUSTOMER_ID)
        .drop(f"{CUSTOMER_ID}_right")
        .left_join(_returns(returned, as_of), CUSTOMER_ID)
    )
    spends = {
        name: ibis.greatest(features[name].fill_null(0.0) - features[_back(name)].fill_null(0.0), 0.0)
        * ibis.literal(A_PART, "float64")
        for name in SPENDS.values()
    }
    names = CUSTOMER_ACTIVITY.feature_names
    empty = dict.fromkeys(names, 0) | {DAYS_BETWEEN_ORDERS_90D: WINDOW_DAYS}
    return features.mutate(**spends).select(CUSTOMER_ID, *names).fill_null(empty).order_by(CUSTOMER_ID)


def _lifetimes(purchases: ibis.Table, as_of: datetime) -> ibis.Table:
    time = purchases[EVENT_TIMESTAMP]
    return purchases.group_by(CUSTOMER_ID).agg(
        **{
            RECENCY_DAYS: in_days(microseconds(as_of) - time.max()),
            TENURE_DAYS: in_days(microseconds(as_of) - time.min()),
        }
    )


def _orders(purchases: ibis.Table, as_of: datetime) -> ibis.Table:
    """What the orders of the window come to; an order is dated by its first line."""
    sums = (LINES, AMOUNT, DISCOUNT, *DEPARTMENT_SHARES)
    orders = purchases.group_by(CUSTOMER_ID, ORDER_ID).agg(
        **{EVENT_TIMESTAMP: purchases[EVENT_TIMESTAMP].min()},
        **{name: purchases[name].sum() for name in sums},
    )
    count, time = orders.count(), orders[EVENT_TIMESTAMP]
    amount, discount = orders[AMOUNT].sum(), orders[DISCOUNT].sum()
    within = {days: since(orders, as_of, days) for days in ORDERS}
    gap = in_days(time.max() - time.min()) / (count - 1).nullif(0)
    return orders.group_by(CUSTOMER_ID).agg(
        **{name: orders.count(where=within[days]) for days, name in ORDERS.items()},
        **{name: orders[AMOUNT].sum(where=within[days]) for days, name in SPENDS.items()},
        **{name: orders[name].sum() / amount.nullif(0) for name in DEPARTMENT_SHARES},
        **{
            BASKET_SIZE_90D: orders[LINES].sum() / count,
            DISCOUNT_SHARE_90D: discount / (amount + discount).nullif(0),
            DAYS_BETWEEN_ORDERS_90D: gap,
        },
    )


def _returns(returned: ibis.Table, as_of: datetime) -> ibis.Table:
    return returned.group_by(CUSTOMER_ID).agg(
        **{
            _back(name): returned[AMOUNT].sum(where=since(returned, as_of, days))
            for days, name in SPENDS.items()
        }
    )


def _back(spend: str) -> str:
    return f"{spend}_back"


def _ten_thousandths(money: ibis.Value) -> ibis.Value:
    """Money in whole ten-thousandths, halves to the even one: engines disagree on how to round them."""
    parts = money * PARTS
    floor = parts.floor().cast("float64")
    beyond = parts - floor
    return floor + ((beyond > 0.5) | ((beyond == 0.5) & (floor % 2 == 1))).cast("float64")


def _department(name: ibis.Value) -> ibis.Value:
    """The department as it appears in feature names: "DRUG GM" -> "drug_gm"; all others -> "other"."""
    plain = name.lower().re_replace(r"[^a-z0-9]+", "_").re_replace(r"^_+|_+$", "")
    return plain.isin(DEPARTMENTS).ifelse(plain, OTHER_DEPARTMENT)
