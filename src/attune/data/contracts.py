"""The contracts of the tables: what each column holds, and which ids must exist elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from attune import columns as c
from attune.data.consents import PURPOSES
from attune.errors import DataError

EXAMPLES = 3
# Clocks of other systems may run a little ahead.
CLOCK_TOLERANCE = timedelta(minutes=5)
LARGEST = 10**12  # of a quantity or an amount: one such line would drown the sums of every other

TIME_COLUMNS = {"interactions": c.EVENT_TIMESTAMP, "messages": c.SENT_AT, "consents": c.EVENT_TIMESTAMP}
NUMBERS = frozenset({c.QUANTITY, c.AMOUNT, c.DISCOUNT})
TIMES = frozenset({c.EVENT_TIMESTAMP, c.CREATED_TIMESTAMP, c.SENT_AT, c.ENDS_AT, c.RESPONDED_AT})
FLAGS = frozenset({c.RESPONDED, c.GRANTED})


@dataclass(frozen=True)
class Violation:
    """One rule that some rows of a column break.

    Attributes:
        examples: First offending values; always empty for customer ids.
        rows: First offending rows, counted from 1 in the order of the source.
        index: All offending rows, counted from 0; empty where the rule is not about rows.
    """

    table: str
    column: str
    rule: str
    count: int
    examples: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    index: tuple[int, ...] = field(default=(), repr=False, compare=False)

    def __str__(self) -> str:
        """One line for a person."""
        where = f"{self.table}.{self.column}" if self.column else self.table
        rows = f" (row {', '.join(map(str, self.rows))})" if self.rows else ""
        found = f", for example {', '.join(self.examples)}" if self.examples else ""
        number = f"{self.count:,} {'row' if self.count == 1 else 'rows'}: " if self.count else ""
        return f"{where}: {number}{self.rule}{rows}{found}"


def _is_possible(numbers: pd.Series) -> pd.Series:
    return (numbers < LARGEST) | (numbers == float("inf"))


def _ends_in_the_past(times: pd.Series) -> pd.Series:
    return times <= datetime.now(UTC) + CLOCK_TOLERANCE


def _is_text(values: pd.Series) -> pd.Series | bool:
    # pandera's own type check calls Python for each value: 1 s a million rows, this takes 10 ms.
    looked_at = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values
    if pd.api.types.infer_dtype(looked_at, skipna=True) in ("string", "empty"):
        return True
    return values.map(lambda value: isinstance(value, str))


def _text(*checks: pa.Check, unique: bool = False) -> pa.Column:
    text = pa.Check(_is_text, error="is not text")
    filled = pa.Check.ne("", error="is empty")
    return pa.Column(None, [text, filled, *checks], unique=unique)


def _number(check: pa.Check) -> pa.Column:
    # NaN never reaches a check: not_nullable finds it.
    finite = pa.Check.lt(float("inf"), error="is not finite")
    possible = pa.Check(_is_possible, error=f"is not below {LARGEST:,}, so it cannot be true")
    return pa.Column(float, [check, finite, possible])


def _time(*checks: pa.Check, nullable: bool = False) -> pa.Column:
    return pa.Column(pd.DatetimeTZDtype("us", "UTC"), list(checks), nullable=nullable)


def _past() -> pa.Check:
    return pa.Check(_ends_in_the_past, error="is in the future")


def _contract(name: str, columns: dict[str, pa.Column]) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, name=name, strict=True)


TABLES: dict[str, pa.DataFrameSchema] = {
    "customers": _contract(
        "customers", {c.CUSTOMER_ID: _text(unique=True), **{name: _text() for name in c.DEMOGRAPHICS}}
    ),
    "items": _contract(
        "items",
        {c.ITEM_ID: _text(unique=True), c.DEPARTMENT: _text(), c.CATEGORY: _text(), c.BRAND: _text()},
    ),
    "interactions": _contract(
        "interactions",
        {
            c.INTERACTION_ID: _text(unique=True),
            c.CUSTOMER_ID: _text(),
            c.ITEM_ID: _text(),
            c.ORDER_ID: _text(),
            c.EVENT: _text(pa.Check.isin([c.PURCHASE, c.RETURN], error="is neither purchase nor return")),
            c.EVENT_TIMESTAMP: _time(_past()),
            c.CREATED_TIMESTAMP: _time(_past()),
            c.QUANTITY: _number(pa.Check.gt(0, error="is not above 0")),
            c.AMOUNT: _number(pa.Check.ge(0, error="is below 0")),
            c.DISCOUNT: _number(pa.Check.ge(0, error="is below 0")),
        },
    ),
    "messages": _contract(
        "messages",
        {
            c.MESSAGE_ID: _text(unique=True),
            c.CUSTOMER_ID: _text(),
            c.CAMPAIGN_ID: _text(),
            c.CHANNEL: _text(),
            c.FORMAT: _text(),
            c.SENT_AT: _time(_past()),
            c.ENDS_AT: _time(),
            c.RESPONDED: pa.Column(bool),
            c.RESPONDED_AT: _time(_past(), nullable=True),
        },
    ),
    "consents": _contract(
        "consents",
        {
            c.CUSTOMER_ID: _text(),
            c.PURPOSE: _text(pa.Check.isin(PURPOSES, error=f"is none of {', '.join(PURPOSES)}")),
            c.GRANTED: pa.Column(bool),
            c.EVENT_TIMESTAMP: _time(_past()),
        },
    ),
}

REFERENCES = (
    ("interactions", c.CUSTOMER_ID, "customers"),
    ("interactions", c.ITEM_ID, "items"),
    ("messages", c.CUSTOMER_ID, "customers"),
    ("consents", c.CUSTOMER_ID, "customers"),
)


def check_table(name: str, frame: pd.DataFrame) -> list[Violation]:
    """Hold a table against its contract; no violation, an empty list.

    Args:
        name: One of TABLES.
        frame: Its index numbers the rows of the source from 0.
    """
    try:
        TABLES[name].validate(frame, lazy=True)
    except SchemaErrors as error:
        return _violations(name, error.failure_cases)
    return []


def check_references(tables: Mapping[str, pd.DataFrame]) -> list[Violation]:
    """Find ids that the table they point to does not have; only tables that are given are looked at."""
    found = []
    for name, column, target in REFERENCES:
        if name in tables and target in tables:
            ids = tables[name][column]
            missing = ids[ids.notna() & ~ids.isin(tables[target][column])]
            if len(missing):
                found.append(violation(name, column, f"is not in the table {target}", missing))
    return found


def refuse(what: str, violations: Iterable[Violation]) -> None:
    """Raise one error that lists all violations, if there are any.

    Raises:
        DataError: Something violates a contract.
    """
    found = list(violations)
    if found:
        raise DataError(refusal(what, found))


def refusal(what: str, violations: Sequence[Violation]) -> str:
    """One message that lists all violations."""
    number = "1 violation" if len(violations) == 1 else f"{len(violations)} violations"
    return f"{number} in {what}; nothing was written:\n  " + "\n  ".join(map(str, violations))


def violation(table: str, column: str, rule: str, values: pd.Series) -> Violation:
    """Describe offending values, in a way that shows no customer id."""
    # repr, so that a person sees a blank, a quote or a control character in a value.
    shown = (
        () if column == c.CUSTOMER_ID else _first(repr(_plain(value)) for value in values.unique()[:EXAMPLES])
    )
    rows = tuple(int(row) + 1 for row in values.index[:EXAMPLES])
    index = tuple(int(row) for row in values.index)
    return Violation(table, column, rule, len(values), shown, rows, index)


def _violations(name: str, failures: pd.DataFrame) -> list[Violation]:
    found = []
    for (column, check), cases in failures.groupby(["column", "check"], dropna=False, sort=False):
        if cases["index"].isna().all():
            # A whole column is missing, too many or of another type: there are no rows to show.
            found += _about_columns(name, str(column), str(check), cases["failure_case"])
        else:
            values = pd.Series(cases["failure_case"].to_numpy(), index=cases["index"].to_numpy())
            found.append(violation(name, str(column), _RULES.get(str(check), str(check)), values))
    return found


def _about_columns(name: str, column: str, check: str, failures: pd.Series) -> list[Violation]:
    if check == "column_in_dataframe":
        return [Violation(name, str(missing), MISSING_COLUMN, 0) for missing in failures]
    if check == "column_in_schema":
        return [
            Violation(name, str(extra), "this column is not in the contract; drop it", 0)
            for extra in failures
        ]
    return [Violation(name, column, f"has the type {failures.iloc[0]}, wanted is {check}", 0)]


MISSING_COLUMN = "this column is missing"
_RULES = {"not_nullable": "is missing", "field_uniqueness": "is there more than once"}


def _first(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value if len(value) <= 40 else value[:37] + "..." for value in values)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, datetime) else getattr(value, "item", lambda: value)()
