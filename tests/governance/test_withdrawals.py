from datetime import UTC, datetime

import pandas as pd

from attune import columns as c
from attune.governance.withdrawals import withdrawn_since

LEARNT = datetime(2017, 6, 1, tzinfo=UTC)


def consents(*rows: str) -> pd.DataFrame:
    """Rows such as 'ann yes 05-01' for the purpose churn."""
    parts = [row.split() for row in rows]
    return pd.DataFrame(
        {
            c.CUSTOMER_ID: [who for who, _, _ in parts],
            c.PURPOSE: "churn",
            c.GRANTED: [word == "yes" for _, word, _ in parts],
            c.EVENT_TIMESTAMP: [pd.Timestamp(f"2017-{day}", tz="UTC") for _, _, day in parts],
        }
    )


def test_who_agreed_then_and_refuses_now_has_withdrawn():
    table = consents("ann yes 05-01", "ann no 06-03", "bob yes 05-01", "bob no 06-02", "eve yes 05-01")
    assert [moment.day for moment in withdrawn_since(table, "churn", LEARNT)] == [2, 3]


def test_who_refused_before_or_agrees_again_or_never_agreed_has_not():
    again = ("bob yes 05-01", "bob no 06-02", "bob yes 06-03")
    table = consents("ann yes 05-01", "ann no 05-02", *again, "eve no 06-04")
    assert withdrawn_since(table, "churn", LEARNT) == []
