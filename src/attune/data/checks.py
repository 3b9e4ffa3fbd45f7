"""The checks of tables as a whole: against what was imported before, and of each month against the others."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import pandas as pd
from pydantic import ValidationError

from attune.data.cleaning import Cleaned
from attune.data.comparisons import OTHER_MONTHS, SAME_MONTHS, Limits, differences
from attune.data.contracts import EXAMPLES, TIME_COLUMNS, Violation, check_references, check_table
from attune.data.plausibility import check_plausible
from attune.data.profiles import WHOLE, Numbers, Period, Periods, Profile

INTERACTIONS = "interactions"
ENOUGH_MONTHS = 3
# Of the rows that were read, what a cleaning rule may leave out before something is wrong with the source.
MOST_LEFT_OUT = {"missing_product": 0.1, "zero_quantity": 0.25, "zero_price": 0.25, "exact_duplicate": 0.25}
FEWEST_ROWS = 100


def check_rows(tables: Mapping[str, pd.DataFrame]) -> list[Violation]:
    """Hold every row against its contract, against what can be true, and against the tables it points to."""
    found = [each for name, table in tables.items() for each in check_table(name, table)]
    if any(not each.index for each in found):
        return found  # a column is missing or of another type: the rows cannot be judged
    plausible = [each for name, table in tables.items() for each in check_plausible(name, table)]
    return [*found, *plausible, *check_references(tables)]


def check_cleaning(read: int, cleaned: Sequence[Cleaned]) -> list[Violation]:
    """Say which cleaning rule left out so much that the source must be wrong."""
    return [
        Violation(
            INTERACTIONS, "", f"{done.rows / read:.0%} of all rows: {done.rule}, {done.reason}", done.rows
        )
        for done in cleaned
        if read >= FEWEST_ROWS and done.rows > MOST_LEFT_OUT.get(done.rule, 1) * read
    ]


def check_profile(
    current: Profile, reference: Profile | None, until: datetime | None = None
) -> tuple[list[Violation], list[str]]:
    """Compare tables with what the same source said before, and each month with the others.

    Args:
        current: What is to be written.
        reference: What was written last; None where nothing was.
        until: Where the current tables were cut off on purpose.

    Returns:
        What differs too much, and what could not be compared and why.
    """
    found, not_computed = _check_months(current.tables.get(INTERACTIONS, {}))
    if reference is None or reference.source != current.source:
        why = "nothing was imported before" if reference is None else f"before came {reference.source!r}"
        return found, [*not_computed, f"the comparison with the last import: {why}"]
    for name, periods in reference.tables.items():
        found += _check_again(name, periods, current.tables.get(name, {}), until)
    return found, not_computed


def read_profile(file: Path) -> Profile | None:
    """The profile of the last import; None where there is none, or one of another version."""
    try:
        return Profile.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_profile(file: Path, profile: Profile) -> None:
    """Keep the profile of an import for the next."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.write_text(profile.model_dump_json() + "\n", encoding="utf-8")
    unfinished.replace(file)


def _check_again(name: str, reference: Periods, current: Periods, until: datetime | None) -> list[Violation]:
    """The months that both must know whole: from the first of the current ones, without the last that was.

    Months may fall out in front, where a source keeps a year; in the middle and at the end they may not.
    """
    if name not in TIME_COLUMNS:
        months = [WHOLE] if WHOLE in reference and WHOLE in current else []
        return _gathered(name, {month: (reference[month], current[month]) for month in months}, SAME_MONTHS)
    end = min(max(reference, default=""), f"{until:%Y-%m}" if until else "~")
    start = min(current, default="")
    known = {month: period for month, period in reference.items() if start <= month < end}
    gone = [
        month for month, period in known.items() if month not in current and period.rows >= SAME_MONTHS.rows
    ]
    pairs = {month: (period, current[month]) for month, period in known.items() if month in current}
    found = _gathered(name, pairs, SAME_MONTHS)
    return [*_missing_months(name, gone), *found]


def _check_months(periods: Periods) -> tuple[list[Violation], list[str]]:
    """Each month against what is typical of the others, and whether one is missing."""
    if len(periods) <= ENOUGH_MONTHS:
        return [], [f"the comparison of the months with each other: there are {len(periods)}"]
    months = pd.period_range(min(periods), max(periods), freq="M").astype(str)
    usual = median(period.rows for period in periods.values())
    gone = [month for month in months if month not in periods and usual >= OTHER_MONTHS.rows]
    pairs = {
        month: (_typical([other for name, other in periods.items() if name != month]), period)
        for month, period in periods.items()
    }
    return [*_missing_months(INTERACTIONS, gone), *_gathered(INTERACTIONS, pairs, OTHER_MONTHS)], []


def _missing_months(name: str, months: Sequence[str]) -> list[Violation]:
    if not months:
        return []
    rule = f"volume: no rows in {_listed(months)}, but before and after"
    return [Violation(name, TIME_COLUMNS[name], rule, 0)]


def _gathered(name: str, pairs: Mapping[str, tuple[Period, Period]], limits: Limits) -> list[Violation]:
    """One violation a column and kind of rule, with the months it holds for."""
    by_kind: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for month, (reference, current) in pairs.items():
        for column, rule in differences(reference, current, limits):
            by_kind.setdefault((column, rule.partition(":")[0]), []).append((month, rule))
    return [
        Violation(name, column, _in_months(cases[0][1], [month for month, _ in cases]), 0)
        for (column, _), cases in by_kind.items()
    ]


def _in_months(rule: str, months: Sequence[str]) -> str:
    return rule if months == [WHOLE] else f"{rule} (in {_listed(months)})"


def _listed(months: Sequence[str]) -> str:
    more = f" and {len(months) - EXAMPLES} more" if len(months) > EXAMPLES else ""
    return ", ".join(months[:EXAMPLES]) + more


def _typical(periods: Sequence[Period]) -> Period:
    """The median of several months, number by number."""
    first = periods[0]
    values = {
        column: {
            value: median(period.shares[column].get(value, 0.0) for period in periods)
            for value in sorted({value for period in periods for value in period.shares[column]})
        }
        for column in first.shares
    }
    return Period(
        rows=int(median(period.rows for period in periods)),
        days=int(median(period.days for period in periods)),
        hours=tuple(median(hour) for hour in zip(*(period.hours for period in periods), strict=True)),
        distinct={
            column: int(median(period.distinct[column] for period in periods)) for column in first.distinct
        },
        numbers={
            column: _typical_numbers([period.numbers[column] for period in periods])
            for column in first.numbers
        },
        shares=values,
    )


def _typical_numbers(each: Sequence[Numbers]) -> Numbers:
    return Numbers(
        median=median(numbers.median for numbers in each),
        zeros=median(numbers.zeros for numbers in each),
        whole=median(numbers.whole for numbers in each),
        distinct=int(median(numbers.distinct for numbers in each)),
    )
