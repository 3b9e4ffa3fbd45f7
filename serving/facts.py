"""What the tables say that every answer depends on: who is known, who agreed to what, what is sold where."""

import logging
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from attune import columns as c
from attune.data.commit import marked_files
from attune.data.consents import PURPOSES, agreed
from attune.data.tables import read_table
from attune.errors import DataError
from attune.features.schema import Purpose
from serving.assortment import Assortment, read_assortment

log = logging.getLogger("bentoml.attune")

TABLES = ("customers", "consents", "items")


@dataclass(frozen=True)
class Facts:
    """The tables at one moment.

    Attributes:
        customers: Pseudonyms of everyone in the customers table.
        agreed: Purpose -> pseudonyms of those whose consent to it stands.
        departments: Department -> its items.
        categories: Category -> its items.
        department_of: Item -> its department.
        category_of: Item -> its category.
        assortment: Prices and stock; None where the shop has given none.
    """

    customers: frozenset[str]
    agreed: Mapping[str, frozenset[str]]
    departments: Mapping[str, frozenset[str]]
    categories: Mapping[str, frozenset[str]]
    department_of: Mapping[str, str]
    category_of: Mapping[str, str]
    assortment: Assortment | None = None

    def have_agreement(self, customer: str, purpose: str) -> bool:
        """Whether a customer's consent to a purpose stands."""
        return customer in self.agreed.get(purpose, frozenset())


class LatestFacts:
    """Facts that follow the tables: a consent that is withdrawn counts as soon as the tables are written."""

    def __init__(self, tables: Path) -> None:
        """Read the tables.

        Raises:
            DataError: They are missing or damaged.
        """
        self._tables = tables
        self._version = self._current_version()
        self._facts = _read(tables)

    @property
    def now(self) -> Facts:
        """The facts that count for this request."""
        return self._facts

    def agreed_to(self, purpose: Purpose) -> AbstractSet[str]:
        """The pseudonyms of the customers whose consent to a purpose stands; see `Consents`."""
        return self._facts.agreed[purpose]

    def refresh(self) -> None:
        """Read the tables again where they changed; where that fails, what was read before still counts."""
        try:
            version = self._current_version()
            if version != self._version:
                self._facts, self._version = _read(self._tables), version
                log.info("customers, consents and items were read again")
        except DataError as error:
            log.error("the tables cannot be read again: %s", error)

    def _current_version(self) -> list[str | int | None]:
        files = marked_files(self._tables)
        return [
            Assortment.version(self._tables),
            *(files.get(f"{name}.parquet", {}).get("sha256") for name in TABLES),
        ]


def _read(tables: Path) -> Facts:
    customers = read_table(tables, "customers", columns=[c.CUSTOMER_ID])[c.CUSTOMER_ID]
    consents = read_table(tables, "consents")
    items = read_table(tables, "items", columns=[c.ITEM_ID, c.DEPARTMENT, c.CATEGORY])
    return Facts(
        customers=frozenset(customers),
        agreed={purpose: agreed(consents, purpose) for purpose in PURPOSES},
        departments=_items_by(items, c.DEPARTMENT),
        categories=_items_by(items, c.CATEGORY),
        department_of=dict(zip(items[c.ITEM_ID], items[c.DEPARTMENT], strict=True)),
        category_of=dict(zip(items[c.ITEM_ID], items[c.CATEGORY], strict=True)),
        assortment=read_assortment(tables),
    )


def _items_by(items: pd.DataFrame, column: str) -> dict[str, frozenset[str]]:
    return {str(value): frozenset(ids) for value, ids in items.groupby(column, observed=True)[c.ITEM_ID]}
