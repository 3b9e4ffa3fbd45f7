"""Which of the interactions that arrive break the contract, row by row: the others go on."""

from collections.abc import Iterable

import pandas as pd

from attune.columns import CUSTOMER_ID, INTERACTION_ID, ITEM_ID
from attune.data.contracts import Violation, check_references, check_table, refuse, violation
from attune.data.pseudonyms import DIGITS, PREFIX
from attune.data.quarantine import reject

TABLE = "interactions"
PSEUDONYM = f"{PREFIX}[0-9a-f]{{{DIGITS}}}"


class ArrivalChecks:
    """The contract of interactions, and the customers and items that there are."""

    def __init__(self, customers: pd.DataFrame, items: pd.DataFrame) -> None:
        """Take the two tables that interactions point to; their key columns are enough."""
        self._linked = {"customers": customers[[CUSTOMER_ID]], "items": items[[ITEM_ID]]}

    def refusals(self, rows: pd.DataFrame) -> dict[int, str]:
        """Row -> why it breaks the contract; a row that holds is not in it.

        Args:
            rows: Numbered by their index; an id may be there several times, as versions of one interaction.

        Raises:
            DataError: The columns are not those of the contract.
        """
        found = [*self._contract(rows), *check_references({TABLE: rows, **self._linked}), *_raw_ids(rows)]
        refuse("the interactions", [each for each in found if not each.index])
        return dict(sorted(reject(found).get(TABLE, {}).items()))

    def _contract(self, rows: pd.DataFrame) -> Iterable[Violation]:
        # In the table an id is there once; here its versions are looked at one after the other.
        version = rows.groupby(INTERACTION_ID, dropna=False).cumcount()
        for _, part in rows.groupby(version):
            yield from check_table(TABLE, part)


def _raw_ids(rows: pd.DataFrame) -> list[Violation]:
    ids = rows[CUSTOMER_ID]
    raw = ids[~ids.astype("string").str.fullmatch(PSEUDONYM).fillna(value=False).to_numpy(dtype=bool)]
    return [violation(TABLE, CUSTOMER_ID, "is no pseudonym", raw)] if len(raw) else []
