"""customer_activity: how recently, how often and how much each customer has bought."""

from datetime import datetime, timedelta

import polars as pl

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
    EVENT_TIMESTAMP,
    ITEM_ID,
    ORDER_ID,
    ORDERS_7D,
    ORDERS_30D,
    ORDERS_90D,
    OTHER_DEPARTMENT,
    RECENCY_DAYS,
    SPEND_7D,
    SPEND_30D,
    SPEND_90D,
    TENURE_DAYS,
)
from attune.features.purchases import purchases_before
from attune.features.schema import CUSTOMER_ACTIVITY

WINDOW_DAYS = 90
ORDERS = {7: ORDERS_7D, 30: ORDERS_30D, 90: ORDERS_90D}
SPENDS = {7: SPEND_7D, 30: SPEND_30D, 90: SPEND_90D}
LINES = "lines"
MICROSECONDS_A_DAY = timedelta(days=1) / timedelta(microseconds=1)
# Money is added up in whole ten-thousandths: sums of floats depend on the order of threads, these do not.
PARTS = 10_000


def compute(interactions: pl.LazyFrame, items: pl.LazyFrame, as_of: datetime) -> pl.DataFrame:
    """Compute the activity of every customer who bought before a date.

    Args:
        interactions: The contract table; rows that were not known at `as_of` are left out.
        items: The contract table; a department without a feature of its own counts as other.
        as_of: In UTC.

    Returns:
        One row a customer, sorted, with the features of the view and without nulls.
    """
    lifetimes = _lifetimes(purchases_before(interactions, as_of), as_of)
    recent = purchases_before(interactions, as_of, WINDOW_DAYS).with_columns(
        (pl.col(AMOUNT, DISCOUNT) * PARTS).round().cast(pl.Int64)
    )
    features = (
        lifetimes.join(_orders(recent, as_of), on=CUSTOMER_ID, how="left")
        .join(_departments(recent, items), on=CUSTOMER_ID, how="left")
        .with_columns(pl.col(DAYS_BETWEEN_ORDERS_90D).fill_null(float(WINDOW_DAYS)))
        .fill_null(0)
        .sort(CUSTOMER_ID)
    )
    return features.select(CUSTOMER_ID, *CUSTOMER_ACTIVITY.feature_names).collect()


def _lifetimes(purchases: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    time = pl.col(EVENT_TIMESTAMP)
    return purchases.group_by(CUSTOMER_ID).agg(
        _days(pl.lit(as_of) - time.max()).alias(RECENCY_DAYS),
        _days(pl.lit(as_of) - time.min()).alias(TENURE_DAYS),
    )


def _orders(purchases: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Counts, money and rhythm of the orders of the window; an order is dated by its first line."""
    orders = purchases.group_by(CUSTOMER_ID, ORDER_ID).agg(
        pl.col(EVENT_TIMESTAMP).min(), pl.col(AMOUNT).sum(), pl.col(DISCOUNT).sum(), pl.len().alias(LINES)
    )
    time, amount, discount = pl.col(EVENT_TIMESTAMP), pl.col(AMOUNT), pl.col(DISCOUNT)
    within = {days: time >= as_of - timedelta(days=days) for days in ORDERS}
    saved = discount.sum() / (amount.sum() + discount.sum())
    gap = _days(time.max() - time.min()) / (pl.len() - 1)
    return orders.group_by(CUSTOMER_ID).agg(
        *(within[days].sum().cast(pl.Int64).alias(name) for days, name in ORDERS.items()),
        *((amount.filter(within[days]).sum() / PARTS).alias(name) for days, name in SPENDS.items()),
        pl.col(LINES).mean().alias(BASKET_SIZE_90D),
        pl.when(amount.sum() + discount.sum() > 0).then(saved).alias(DISCOUNT_SHARE_90D),
        pl.when(pl.len() > 1).then(gap).alias(DAYS_BETWEEN_ORDERS_90D),
    )


def _departments(purchases: pl.LazyFrame, items: pl.LazyFrame) -> pl.LazyFrame:
    named = items.select(ITEM_ID, _department(pl.col(DEPARTMENT)).alias(DEPARTMENT))
    amount, department = pl.col(AMOUNT), pl.col(DEPARTMENT).fill_null(OTHER_DEPARTMENT)
    return (
        purchases.join(named, on=ITEM_ID, how="left")
        .group_by(CUSTOMER_ID)
        .agg(
            pl.when(amount.sum() > 0)
            .then(amount.filter(department == name).sum() / amount.sum())
            .alias(share)
            for share, name in zip(DEPARTMENT_SHARES, (*DEPARTMENTS, OTHER_DEPARTMENT), strict=True)
        )
    )


def _department(name: pl.Expr) -> pl.Expr:
    """The department as it appears in feature names: "DRUG GM" -> "drug_gm"; all others -> "other"."""
    plain = name.str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_").str.strip_chars("_")
    return pl.when(plain.is_in(DEPARTMENTS)).then(plain).otherwise(pl.lit(OTHER_DEPARTMENT))


def _days(duration: pl.Expr) -> pl.Expr:
    return duration.dt.total_microseconds() / MICROSECONDS_A_DAY
