from datetime import UTC, datetime

import pandas as pd
import pytest

from attune.data.consents import PURPOSES, agreed, grant_all_but
from attune.errors import DataError

NEW_YEAR = datetime(2017, 1, 1, tzinfo=UTC)


def consents(*rows):
    """Rows "customer purpose yes|no day"."""
    parts = [row.split() for row in rows]
    return pd.DataFrame(
        {
            "customer_id": [part[0] for part in parts],
            "purpose": [part[1] for part in parts],
            "granted": [part[2] == "yes" for part in parts],
            "event_timestamp": pd.to_datetime([f"2017-01-{part[3]}" for part in parts], utc=True),
        }
    )


def test_the_latest_word_counts_for_each_purpose():
    table = consents(
        "ann churn no 03", "ann churn yes 01", "bob churn no 01", "bob churn yes 02", "eve segment yes 01"
    )
    assert agreed(table, "churn") == {"bob"}
    assert agreed(table, "segment") == {"eve"}


def test_no_row_is_no_consent():
    assert agreed(consents("ann churn yes 01"), "recommend") == frozenset()
    assert agreed(consents("ann churn yes 01")[:0], "churn") == frozenset()


def test_of_yes_and_no_at_one_moment_the_no_counts():
    assert agreed(consents("ann churn no 01", "ann churn yes 01"), "churn") == frozenset()
    assert agreed(consents("ann churn yes 01", "ann churn no 01"), "churn") == frozenset()


def test_an_unknown_purpose_is_refused():
    with pytest.raises(DataError, match="no purpose named 'spam'"):
        agreed(consents("ann churn yes 01"), "spam")


def test_all_but_a_share_agree_to_each_purpose_whatever_the_order_of_the_ids():
    ids = [f"customer {number}" for number in range(100)]
    table = grant_all_but(ids, 0.02, seed=3, at=NEW_YEAR)
    refused = {purpose: set(ids) - agreed(table, purpose) for purpose in PURPOSES}
    assert {len(who) for who in refused.values()} == {2}
    assert len({frozenset(who) for who in refused.values()}) > 1
    pd.testing.assert_frame_equal(grant_all_but(reversed(ids), 0.02, seed=3, at=NEW_YEAR), table)
    assert not grant_all_but(ids, 0.02, seed=4, at=NEW_YEAR).equals(table)


@pytest.mark.parametrize(("share", "refusing"), [(0.0, 0), (0.001, 1), (1.0, 10)])
def test_the_share_is_kept_and_never_rounded_to_nobody(share, refusing):
    table = grant_all_but([str(number) for number in range(10)], share, seed=0, at=NEW_YEAR)
    assert 10 - len(agreed(table, "churn")) == refusing
