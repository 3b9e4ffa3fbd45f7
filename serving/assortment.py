"""Prices and stock of the shop: a CSV file beside the tables that the shop writes as often as it likes.

`assortment.csv` in the workspace has the columns item_id, price and in_stock (1 or 0). Write it to another
name and rename it: it is read again when it changed, and a file that cannot be read changes nothing.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from attune.errors import DataError

FILE = "assortment.csv"
COLUMNS = ("item_id", "price", "in_stock")


@dataclass(frozen=True)
class Assortment:
    """What is sold now.

    Attributes:
        prices: Item -> price, in the shop's currency.
        in_stock: The items that can be had.
    """

    prices: Mapping[str, float]
    in_stock: frozenset[str]

    @staticmethod
    def version(tables: Path) -> int | None:
        """Another one when the file changed; None where there is none."""
        try:
            return tables.with_name(FILE).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def priced(self, low: float | None, high: float | None) -> frozenset[str]:
        """The items whose price lies within bounds, both included."""
        least, most = low or 0, math.inf if high is None else high
        return frozenset(item for item, price in self.prices.items() if least <= price <= most)


def read_assortment(tables: Path) -> Assortment | None:
    """Read prices and stock; None where the shop gives none.

    Raises:
        DataError: The file is not what is wanted; the message says where.
    """
    file = tables.with_name(FILE)
    if not file.exists():
        return None
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            if missing := set(COLUMNS) - set(rows.fieldnames or ()):
                raise DataError(f"{file} has no column {', '.join(sorted(missing))}; write it again")
            read = [_row(file, number, row) for number, row in enumerate(rows, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read ({error}); write it again") from error
    return Assortment(
        prices={item: price for item, price, _ in read},
        in_stock=frozenset(item for item, _, there in read if there),
    )


def _row(file: Path, number: int, row: Mapping[str, str]) -> tuple[str, float, bool]:
    try:
        price = float(row["price"])
        there = {"1": True, "0": False}[row["in_stock"]]
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(f"{file}, line {number}: price is a number, in_stock 1 or 0; correct it") from error
    if not 0 <= price < math.inf:
        raise DataError(f"{file}, line {number}: the price is {price}; at least 0 is wanted")
    return row["item_id"], price, there
