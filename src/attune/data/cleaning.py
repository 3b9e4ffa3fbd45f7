"""The written rules of cleaning: which rows are left out or changed, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from attune import columns as c

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Rule:
    """One reason to leave out (or change) interactions.

    Attributes:
        name: What the report calls it.
        reason: Why, for a person.
        finds: Says for each interaction, given the tables, whether the rule applies.
    """

    name: str
    reason: str
    finds: Callable[[pd.DataFrame, Tables], pd.Series]


@dataclass(frozen=True)
class Cleaned:
    """How many rows of a table one rule left out or changed."""

    rule: str
    reason: str
    rows: int


_SAME_ROW = [
    *(c.CUSTOMER_ID, c.ITEM_ID, c.ORDER_ID, c.EVENT, c.EVENT_TIMESTAMP),
    *(c.QUANTITY, c.AMOUNT, c.DISCOUNT),
]


def _without_customer(rows: pd.DataFrame, _: Tables) -> pd.Series:
    return rows[c.CUSTOMER_ID].isna()


def _missing_product(rows: pd.DataFrame, tables: Tables) -> pd.Series:
    return rows[c.ITEM_ID].notna() & ~rows[c.ITEM_ID].isin(tables["items"][c.ITEM_ID])


def _zero_quantity(rows: pd.DataFrame, _: Tables) -> pd.Series:
    return rows[c.QUANTITY] == 0


def _zero_price(rows: pd.DataFrame, _: Tables) -> pd.Series:
    return (rows[c.AMOUNT] == 0) & (rows[c.DISCOUNT] == 0)


def _exact_duplicate(rows: pd.DataFrame, _: Tables) -> pd.Series:
    # An id of the source's own tells two equal lines apart; without one they are the same line twice.
    key = [c.INTERACTION_ID, *_SAME_ROW] if c.INTERACTION_ID in rows else _SAME_ROW
    return rows.duplicated(key)


WITHOUT_CUSTOMER = Rule(
    "without_customer", "nobody can be served by a purchase that belongs to nobody", _without_customer
)
RULES = (
    Rule("missing_product", "its item is not among the items: it has no department", _missing_product),
    Rule("zero_quantity", "nothing was bought: coupon scans and corrections", _zero_quantity),
    Rule("zero_price", "nothing paid and nothing saved: a line without a price", _zero_price),
    Rule("exact_duplicate", "every value equals that of an earlier row", _exact_duplicate),
)
RETURNS = ("return", "a negative quantity is goods that came back: kept as event 'return', not as a purchase")


def clean(
    tables: Tables, not_goods: Mapping[str, frozenset[str]], *, drop_without_customer: bool
) -> tuple[dict[str, pd.DataFrame], dict[str, tuple[Cleaned, ...]]]:
    """Apply the rules, in their order, to tables in contract types.

    Args:
        tables: With items and interactions.
        not_goods: Item ids that are no goods, by the reason why.
        drop_without_customer: Leave out interactions without a customer.

    Returns:
        The tables that remain, and by table what each rule did.
    """
    marked = [_no_goods(reason, ids) for reason, ids in not_goods.items()]
    first = [WITHOUT_CUSTOMER] if drop_without_customer else []
    rows, done = _apply([*first, *marked, *RULES], tables["interactions"], tables)
    rows, returned = _returns(rows)
    items, left_out = _apply(marked, tables["items"], tables)
    cleaned = {**tables, "interactions": rows, "items": items}
    return cleaned, {"interactions": (*done, returned), "items": tuple(left_out)}


def _no_goods(reason: str, ids: frozenset[str]) -> Rule:
    return Rule("not_goods", reason, lambda rows, _: rows[c.ITEM_ID].isin(ids))


def _apply(rules: list[Rule], rows: pd.DataFrame, tables: Tables) -> tuple[pd.DataFrame, list[Cleaned]]:
    done = []
    for rule in rules:
        found = rule.finds(rows, tables)
        done.append(Cleaned(rule.name, rule.reason, int(found.sum())))
        rows = rows[~found]
    return rows, done


def _returns(rows: pd.DataFrame) -> tuple[pd.DataFrame, Cleaned]:
    back = rows[c.QUANTITY] < 0
    if back.any():
        rows = rows.copy()
        rows.loc[back, c.EVENT] = c.RETURN
        for column in (c.QUANTITY, c.AMOUNT):
            rows.loc[back, column] = rows.loc[back, column].abs()
    return rows, Cleaned(*RETURNS, int(back.sum()))
