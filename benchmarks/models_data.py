"""Public tables of customers, as examples: features and a label, oldest first where they have an order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, LABEL
from attune.errors import DataError

FOLDER = Path(__file__).parents[2] / "shared" / "data"
_ANY_DAY = pd.Timestamp("2017-01-01", tz="UTC").as_unit("us")


@dataclass(frozen=True)
class Table:
    """One data set: its name for people and its examples."""

    name: str
    examples: pd.DataFrame


def load(name: str, folder: Path = FOLDER) -> Table:
    """Read a data set.

    Raises:
        DataError: Its file is not there.
    """
    return LOADERS[name](folder)


def telco(folder: Path) -> Table:
    """IBM Telco churn. `TotalCharges` is blank for customers in their first month: they have paid nothing."""
    rows = _read(folder / "telco_churn" / "Telco-Customer-Churn.csv.gz", ",")
    charged = pd.to_numeric(rows["TotalCharges"].str.strip(), errors="coerce").fillna(0.0)
    features = rows.drop(columns=["customerID", "Churn"]).assign(TotalCharges=charged)
    return Table("IBM Telco churn", _examples(features, rows["Churn"] == "Yes"))


def bank(folder: Path) -> Table:
    """Bank Marketing, by date. `duration` is known only after the call: it would tell the answer."""
    rows = _read(folder / "bank_marketing" / "bank-additional-full.csv.gz", ";")
    return Table(
        "Bank Marketing without duration", _examples(rows.drop(columns=["duration", "y"]), rows["y"] == "yes")
    )


LOADERS: Mapping[str, Callable[[Path], Table]] = {"telco": telco, "bank": bank}


def _read(file: Path, separator: str) -> pd.DataFrame:
    if not file.exists():
        raise DataError(f"{file.name} is not in {file.parent}; put it there, or name a folder with --data")
    return pd.read_csv(file, sep=separator)


def _examples(features: pd.DataFrame, label: pd.Series) -> pd.DataFrame:
    examples = features.copy()
    examples[CUSTOMER_ID] = [f"row-{number}" for number in range(len(features))]
    examples[EVENT_TIMESTAMP] = _ANY_DAY
    examples[LABEL] = label.astype("int8")
    return examples
