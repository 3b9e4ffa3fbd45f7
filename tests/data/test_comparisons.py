from typing import Any

from attune.data.comparisons import OTHER_MONTHS, SAME_MONTHS, Limits, differences
from attune.data.profiles import Numbers, Period

DAY = (0.0,) * 8 + (0.1,) * 10 + (0.0,) * 6
AMOUNT = Numbers(median=8, zeros=0, whole=0.1, distinct=500)


def month(**changes: Any) -> Period:
    usual: dict[str, Any] = {
        "rows": 3000,
        "days": 30,
        "hours": DAY,
        "distinct": {"customer_id": 200},
        "numbers": {"amount": AMOUNT},
        "shares": {"event": {"purchase": 0.97, "return": 0.03}},
    }
    return Period(**usual | changes)


def found(limits: Limits = SAME_MONTHS, **changes: Any) -> list[str]:
    return [f"{column} {rule}".strip() for column, rule in differences(month(), month(**changes), limits)]


def test_the_same_month_again_is_no_difference():
    assert found() == []
    assert found(rows=3300, distinct={"customer_id": 210}) == []


def test_each_rule_says_what_moved():
    assert found(rows=1500) == ["volume: 50 rows a day, where 100 were usual"]
    assert found(distinct={"customer_id": 100}) == [
        "customer_id volume: 100 different values, where 200 were usual"
    ]
    cents = {"amount": AMOUNT.model_copy(update={"median": 800})}
    assert found(numbers=cents) == ["amount scale: the median is 800, where 8 was usual; check the unit"]
    returned = {"event": {"return": 1.0}}
    assert found(shares=returned) == ["event share: 97% of rows have other values than usual"]
    assert found(hours=DAY[3:] + DAY[:3]) == [
        "event_timestamp time zone: the hours of the day moved by -3; check the time zone"
    ]
    assert found(hours=(1.0,) + (0.0,) * 23) == [
        "event_timestamp time of day: all rows lie in hour 0; the time was cut off"
    ]


def test_the_clock_of_summer_is_no_other_time_zone():
    assert found(hours=DAY[1:] + DAY[:1]) == []


def test_months_may_differ_by_season_but_not_by_unit():
    assert found(OTHER_MONTHS, rows=9000, distinct={"customer_id": 90}) == []
    assert found(OTHER_MONTHS, rows=15000) == ["volume: 500 rows a day, where 100 were usual"]


def test_a_month_that_has_just_begun_says_nothing_about_volume():
    assert found(OTHER_MONTHS, rows=10, days=3, distinct={"customer_id": 1}) == []


def test_too_few_rows_are_not_compared():
    assert differences(month(rows=50), month(rows=1), SAME_MONTHS) == []
