import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from attune.errors import DataError, FeatureError
from attune.features.schema import SERVICES
from pipelines.cli import app

MAPPING = """
source: my shop
interactions:
  file: sales.csv
  columns:
    {customer_id: who, item_id: what, order_id: bill, event_timestamp: when, quantity: qty, amount: paid}
  constants: {discount: 0}
"""


def invoked(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments], catch_exceptions=False, env={"COLUMNS": "300"})
    assert done.exit_code == 0, done.output
    return done.output


def test_every_service_is_listed_with_what_it_may_be_used_for():
    shown = invoked("features", "list")
    assert all(service in shown for service in SERVICES)


def test_a_view_shows_what_each_feature_means():
    shown = invoked("features", "show", "message_context")
    for text in ("response_share_90d", "0 to 1", "customer-insight", "Messages sent in the last 7 days."):
        assert text in shown


def test_an_unknown_name_is_refused_in_words():
    with pytest.raises(FeatureError, match="no feature view or service named 'shoes'"):
        invoked("features", "show", "shoes")


def test_the_audit_says_what_was_released():
    assert "churn_v1" in invoked("features", "audit")


def test_a_refused_import_leaves_a_page_and_quarantine_takes_the_other_rows(tmp_path):
    rows = [
        f"c{number % 3},bread,o{number},2017-07-01,{'two' if number == 4 else 2},1.5" for number in range(9)
    ]
    (tmp_path / "sales.csv").write_text("\n".join(["who,what,bill,when,qty,paid", *rows]) + "\n")
    (tmp_path / "my.yaml").write_text(MAPPING)
    home = tmp_path / "home"
    command = ["data", "import", "--mapping", str(tmp_path / "my.yaml"), "--home", str(home)]
    with pytest.raises(DataError, match=r"'qty in sales\.csv' is not a number"):
        invoked(*command)
    assert "✕ Refused" in (home / "reports/data_checks.html").read_text()
    assert not (home / "tables").exists()
    assert "1 quarantined" in invoked(*command, "--quarantine")
    (aside,) = (home / "quarantine").rglob("*.parquet")
    assert list(pd.read_parquet(aside)["row"]) == [5]
    assert json.loads((home / "reports/data_checks.json").read_text())["accepted"]
