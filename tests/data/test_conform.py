import pandas as pd
import pytest

from attune.data.conform import conform


def converted(raw, column):
    tables, found = conform(raw)
    assert found == []
    return list(tables["interactions"][column])


@pytest.mark.parametrize(
    ("zone", "text", "utc"),
    [
        ("UTC", "2017-01-01 10:00", "2017-01-01 10:00"),
        ("Europe/London", "2017-07-01T10:00", "2017-07-01 09:00"),
        ("Europe/London", "2017-07-01T10:00+05:00", "2017-07-01 05:00"),
        ("Europe/London", "2017-07-01T10:00Z", "2017-07-01 10:00"),
        ("Europe/London", "2017-07-01", "2017-06-30 23:00"),
        ("Europe/London", "2017-07-01 10:00:00+05", "2017-07-01 05:00"),
        ("Europe/London", "2017-07-01 10:00:00.5-05", "2017-07-01 15:00:00.5"),
        ("Europe/London", "2017-07-01T10Z", "2017-07-01 10:00"),
        ("Europe/London", "20170701T100000+0500", "2017-07-01 05:00"),
        # 01:30 comes twice on this day; the first is British summer time.
        ("Europe/London", "2017-10-29 01:30", "2017-10-29 00:30"),
        # 01:30 does not exist on this day.
        ("Europe/London", "2017-03-26 01:30", "2017-03-26 01:00"),
    ],
)
def test_times_become_utc(raw, zone, text, utc):
    times = converted(raw({"event_timestamp": text}, time_zone=zone), "event_timestamp")
    assert times == [pd.Timestamp(utc, tz="UTC")] * 3


def test_times_of_parquet_are_local_too(raw):
    naive = raw({"event_timestamp": pd.Timestamp("2017-07-01 10:00")}, time_zone="Europe/London")
    assert converted(naive, "event_timestamp")[0] == pd.Timestamp("2017-07-01 09:00", tz="UTC")


def test_a_time_format_of_ones_own_is_read(raw):
    american = raw({"event_timestamp": "7/4/2017 8:26"}, time_format="%m/%d/%Y %H:%M")
    assert converted(american, "event_timestamp")[0] == pd.Timestamp("2017-07-04 08:26", tz="UTC")


def test_times_with_and_without_an_offset_stand_in_one_column(raw):
    texts = ["2017-07-01 10:00", "2017-07-01 10:00:00+05", "2017-07-01"]
    times = converted(raw({"event_timestamp": texts}, time_zone="Europe/London"), "event_timestamp")
    assert [f"{time:%d %H:%M}" for time in times] == ["01 09:00", "01 05:00", "30 23:00"]


def test_a_time_format_that_reads_an_offset_asks_no_zone(raw):
    named = raw(
        {"event_timestamp": "1.7.2017 10:00 UTC"}, time_zone="Europe/London", time_format="%d.%m.%Y %H:%M %Z"
    )
    assert converted(named, "event_timestamp")[0] == pd.Timestamp("2017-07-01 10:00", tz="UTC")


@pytest.mark.parametrize(
    "quantity",
    [pd.Timestamp("2017-07-01"), pd.Timedelta(days=1), pd.Series([1, 10**400, 1], dtype=object)],
)
def test_what_pandas_would_count_or_choke_on_is_not_a_number(raw, quantity):
    _, found = conform(raw({"quantity": quantity}))
    assert [each.rule for each in found] == ["is not a number"]


@pytest.mark.parametrize("ids", [[17, 18, 17], [17.0, 18.0, 17.0], ["17", " 18 ", "17"]])
def test_an_id_reads_the_same_as_number_and_as_text(raw, ids):
    assert converted(raw({"order_id": ids}), "order_id") == ["17", "18", "17"]


def test_what_is_not_said_is_filled(raw):
    tables, _ = conform(raw())
    assert set(tables["customers"]["age_band"]) == {"unknown"}
    assert set(tables["items"]["brand"]) == {"unknown"}
    assert set(tables["interactions"]["event"]) == {"purchase"}
    shopped = tables["interactions"]
    assert (shopped["created_timestamp"] == shopped["event_timestamp"]).all()


def test_a_unit_price_becomes_an_amount(raw):
    given = raw({"unit_price": [2.0, 3.0, 4.0]})
    lines = given.interactions.drop(columns="amount")
    assert converted(raw(interactions=lines), "amount") == [2.0, 6.0, 12.0]


def test_flags_are_read_from_words_and_a_missing_one_is_named(raw):
    consents = pd.DataFrame(
        {
            "customer_id": "ann",
            "purpose": "churn",
            "granted": ["yes", "No", "TRUE", 0, None],
            "event_timestamp": "2017-01-01",
        }
    )
    tables, found = conform(raw(consents=consents))
    assert list(tables["consents"]["granted"]) == [True, False, True, False]
    assert [(each.column, each.rule, each.rows) for each in found] == [
        ("granted", "is neither yes nor no", (5,))
    ]
