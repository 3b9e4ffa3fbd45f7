from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune.data.splits import as_of_dates, chosen_share, on_grid, weekly_grid
from attune.errors import DataError

NOW = datetime(2017, 9, 3, tzinfo=UTC)


def days(dates):
    return [f"{each:%m-%d}" for each in dates]


def test_the_grid_is_of_sundays():
    assert days([on_grid(NOW), on_grid(NOW - timedelta(seconds=1))]) == ["09-03", "08-27"]
    assert days(weekly_grid(date(2017, 1, 2), datetime(2017, 1, 22, tzinfo=UTC))) == [
        "01-08",
        "01-15",
        "01-22",
    ]


def test_churn_tests_on_the_last_date_whose_silence_is_known():
    dates = as_of_dates(NOW, first=date(2017, 6, 1), label_days=28)
    assert days(dates.test) == ["08-06"]
    assert days(dates.train) == ["06-04", "06-11", "06-18", "06-25", "07-02", "07-09"]


def test_recommendation_tests_on_several_weeks():
    dates = as_of_dates(NOW, first=date(2017, 7, 1), label_days=7, test=4, train_every_days=14)
    assert days(dates.test) == ["08-06", "08-13", "08-20", "08-27"]
    assert days(dates.train) == ["07-02", "07-16", "07-30"]


def test_only_the_last_training_dates_are_taken_if_asked():
    dates = as_of_dates(NOW, first=date(2017, 1, 1), label_days=28, train_last=2)
    assert days(dates.train) == ["07-02", "07-09"]


def test_too_little_data_says_what_to_do():
    with pytest.raises(DataError, match="no training date between 2017-08-01 and 2017-07-09"):
        as_of_dates(NOW, first=date(2017, 8, 1), label_days=28)


@settings(deadline=None, derandomize=True)
@given(
    weeks=st.integers(30, 200),
    hours=st.integers(0, 167),
    label_days=st.integers(1, 60),
    test=st.integers(1, 5),
    every=st.sampled_from([7, 14, 28]),
)
def test_no_label_reaches_past_now_and_no_training_label_into_the_test(weeks, hours, label_days, test, every):
    now = datetime(2017, 1, 1, tzinfo=UTC) + timedelta(weeks=weeks + 8 * test, hours=hours)
    dates = as_of_dates(
        now,
        first=date(2017, 1, 1),
        label_days=label_days,
        test=test,
        test_every_days=7,
        train_every_days=every,
    )
    label = timedelta(days=label_days)
    assert len(dates.test) == test
    assert dates.test[-1] + label <= now < dates.test[-1] + label + timedelta(days=7)
    assert dates.train[-1] + label <= dates.test[0]
    assert all(each == on_grid(each) for each in dates.train + dates.test)
    assert list(dates.train) == sorted(set(dates.train))


def test_a_customer_is_always_chosen_or_never():
    ids = [f"c{number}" for number in range(2000)]
    chosen = chosen_share(ids * 2, 0.1, "validation")
    assert (chosen[:2000] == chosen[2000:]).all()
    assert 150 < chosen[:2000].sum() < 250
    assert (chosen_share(ids, 0.1, "another") != chosen[:2000]).any()
    assert not chosen_share(ids, 0.0, "validation").any()
    assert chosen_share(pd.Series(ids), 1.0, "validation").all()
    assert chosen_share([], 0.5, "validation").tolist() == []
