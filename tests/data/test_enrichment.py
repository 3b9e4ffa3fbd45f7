from datetime import date

import pandas as pd
import pytest

from attune.data.enrichment import (
    Enrichment,
    calendar,
    holidays_of,
    read_holidays,
    with_calendar,
    with_geography,
)
from attune.errors import ConfigError, DataError

BY_POSTCODE = Enrichment.parse(
    {"file": "postcodes.csv", "key": "postcode", "columns": {"income_band": "income"}}
)
PEOPLE = pd.DataFrame({"customer_id": ["ann", "bob", "cid"]})
SOURCE = pd.DataFrame({"postcode": ["10115", "00000", None]})


def test_a_place_describes_its_customers_and_an_unknown_place_nobody(tmp_path):
    (tmp_path / "postcodes.csv").write_text("postcode,income\n10115,50-74K\n")
    table = with_geography(PEOPLE, SOURCE, BY_POSTCODE, tmp_path)
    assert table["income_band"].fillna("").tolist() == ["50-74K", "", ""]


@pytest.mark.parametrize(
    ("places", "error", "message"),
    [
        ("postcode,income\n1,a\n1,b\n", DataError, "describes '1' more than once"),
        ("plz,income\n1,a\n", ConfigError, r"postcodes\.csv lacks postcode"),
        (None, DataError, "no file"),
    ],
)
def test_a_table_of_places_that_cannot_be_used_is_named(tmp_path, places, error, message):
    if places is not None:
        (tmp_path / "postcodes.csv").write_text(places)
    with pytest.raises(error, match=message):
        with_geography(PEOPLE, SOURCE, BY_POSTCODE, tmp_path)


def test_a_day_is_the_day_of_the_shop(interactions):
    rows = interactions("ann bread 12-24", "bob milk 12-26").assign(
        event_timestamp=pd.to_datetime(["2017-12-24T23:30Z", "2017-12-26T12:00Z"], utc=True)
    )
    days = calendar(date(2017, 12, 20), date(2017, 12, 25), [date(2017, 12, 25)])
    joined = with_calendar(rows, days, "Europe/Berlin")
    assert joined["weekday"].tolist() == [0, pd.NA]
    assert joined["holiday"].tolist() == [True, pd.NA]


def test_the_holidays_of_a_country_and_of_a_file(tmp_path):
    first, last = date(2017, 12, 1), date(2018, 1, 2)
    assert holidays_of("DE", first, last) == [date(2017, 12, 25), date(2017, 12, 26), date(2018, 1, 1)]
    (tmp_path / "days.csv").write_text("day\n2017-12-25\n")
    assert read_holidays(tmp_path / "days.csv") == [date(2017, 12, 25)]


def test_an_unknown_country_and_a_day_that_is_none_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no holidays known for 'XX'"):
        holidays_of("XX", date(2017, 1, 1), date(2017, 1, 2))
    (tmp_path / "days.csv").write_text("day\nChristmas\n")
    with pytest.raises(DataError, match=r"write a column day with days like 2017-12-25"):
        read_holidays(tmp_path / "days.csv")
