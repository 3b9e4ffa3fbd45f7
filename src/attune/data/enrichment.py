"""What others know about a place or a day, joined to customers and interactions."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import Field

from attune import columns as c
from attune.config import Settings
from attune.data.sources.files import read_csv
from attune.errors import ConfigError, DataError

DAY = "day"
WEEKDAY = "weekday"
HOLIDAY = "holiday"


class Enrichment(Settings):
    """A table about places (postcodes, regions), joined by one column.

    Attributes:
        file: CSV with one row a place, beside the mapping.
        key: What the place is called, in this file and in the table that is enriched.
        columns: Contract column: column of this file.
        separator: Of the CSV file.
    """

    file: Path
    key: str = Field(min_length=1)
    columns: dict[str, str] = Field(min_length=1)
    separator: str = Field(default=",", min_length=1, max_length=1)


def with_geography(
    table: pd.DataFrame, source: pd.DataFrame, enrichment: Enrichment, folder: Path
) -> pd.DataFrame:
    """Add what is known of each row's place; a place that nobody described leaves the columns empty.

    Args:
        table: Contract columns, N rows.
        source: The same N rows as the file gave them, with the column that names the place.
        enrichment: Which table, by which column.
        folder: Where the table lies.

    Raises:
        ConfigError: A column is missing.
        DataError: The table is missing, or describes a place twice.
    """
    path = folder / enrichment.file
    places = read_csv(path, enrichment.separator, "utf-8")
    wanted = [enrichment.key, *enrichment.columns.values()]
    missing = [name for name in wanted if name not in places]
    if missing or enrichment.key not in source:
        lacking = (
            f"{path.name} lacks {', '.join(missing)}" if missing else f"the table lacks {enrichment.key}"
        )
        raise ConfigError(f"enrich: {lacking}; name columns that are there")
    repeated = places.loc[places[enrichment.key].duplicated(), enrichment.key]
    if len(repeated):
        raise DataError(f"{path} describes {repeated.iloc[0]!r} more than once; keep one row a place")
    known = places.set_index(enrichment.key)
    names = source[enrichment.key].astype("string")
    added = {column: names.map(known[there]).astype(object) for column, there in enrichment.columns.items()}
    return table.assign(**added)


def calendar(first: date, last: date, holidays: Iterable[date]) -> pd.DataFrame:
    """The days of a span with their weekday and whether they are holidays.

    Args:
        first: The first day.
        last: The last day.
        holidays: From `holidays_of` or `read_holidays`.

    Returns:
        One row a day: day, weekday (Monday is 0), holiday.
    """
    days = pd.date_range(first, last, freq="D")
    free = {pd.Timestamp(day) for day in holidays}
    return pd.DataFrame({DAY: days, WEEKDAY: days.weekday, HOLIDAY: days.isin(list(free))})


def holidays_of(country: str, first: date, last: date) -> list[date]:
    """The public holidays of a country, by its two letters.

    Raises:
        ConfigError: The country is unknown, or the package is not installed.
    """
    try:
        import holidays
    except ModuleNotFoundError as error:
        raise ConfigError(
            "holidays of countries need attune[calendar]; or give a file of your own"
        ) from error
    try:
        known = holidays.country_holidays(country, years=range(first.year, last.year + 1))
    except NotImplementedError as error:
        raise ConfigError(f"no holidays known for {country!r}; write two letters such as DE") from error
    return sorted(day for day in known if first <= day <= last)


def read_holidays(path: Path) -> list[date]:
    """The holidays of a CSV file with a column `day`, as 2017-12-25.

    Raises:
        DataError: The file is missing, has no such column, or holds what is no day.
    """
    try:
        days = pd.read_csv(path, dtype=str)[DAY]
        return sorted(date.fromisoformat(day) for day in days)
    except FileNotFoundError as error:
        raise DataError(f"no file {path}; write a CSV file with a column {DAY}") from error
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}; write a column {DAY} with days like 2017-12-25") from error


def with_calendar(interactions: pd.DataFrame, days: pd.DataFrame, time_zone: str) -> pd.DataFrame:
    """Add weekday and holiday of the local day to each interaction.

    Args:
        interactions: Contract table, N rows.
        days: From `calendar`; a day outside it leaves both empty.
        time_zone: Of the shop: late in the evening it is tomorrow already elsewhere.

    Returns:
        N rows in their order, with two columns more.
    """
    local = interactions[c.EVENT_TIMESTAMP].dt.tz_convert(ZoneInfo(time_zone))
    day = local.dt.tz_localize(None).dt.normalize().astype("datetime64[ns]")
    known = days.astype({DAY: "datetime64[ns]"}).set_index(DAY)
    return interactions.assign(
        **{
            WEEKDAY: day.map(known[WEEKDAY]).astype("Int64"),
            HOLIDAY: day.map(known[HOLIDAY]).astype("boolean"),
        }
    )
