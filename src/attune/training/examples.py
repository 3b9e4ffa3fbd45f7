"""Examples: features as of a date, with the label of what happened afterwards, split by time."""

import hashlib
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import polars as pl

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, LABEL, MESSAGE_COLUMNS
from attune.config import Settings
from attune.data.consents import agreed
from attune.data.interactions import known_version
from attune.data.splits import AsOfDates, chosen_share
from attune.data.tables import read_table
from attune.errors import DataError
from attune.features.schema import features_of, schema_hash
from attune.progress import say
from attune.training.dates import example_dates
from attune.training.item_table import item_table
from attune.training.labelling import labelled_customers
from attune.training.leakage import LeakageAudit, audit_features, audit_windows
from attune.training.plan import NextItemsLabel, TrainingPlan

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PART = "part"
PARTS = (TRAIN, VALIDATION, TEST)
ITEMS = "items"  # a table of them, where a candidate learns from their features
RECORD_FILE = "examples.json"
_ROWS_TOGETHER = 4096  # a row group is the least that training reads at a time


class HistoricalFeatures(Protocol):
    """A feature store that knows what was known when."""

    def historical(self, service: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The features of a service as of each row's time, in the order of the rows.

        Args:
            service: A feature service.
            rows: customer_id and event_timestamp, N rows.

        Returns:
            customer_id, event_timestamp and the service's features, N rows.
        """


class ExamplesRecord(Settings):
    """What is written beside the examples: where they come from, and the proof that they know no future.

    Attributes:
        features: Feature -> type, as they were when the examples were made.
        as_of: Part -> its as-of dates.
        rows: Part -> its number of rows.
        customers: How many customers are in any part.
        customers_without_consent: How many were left out of all parts for want of consent.
        data_hash: Of the examples themselves: equal examples, equal hash.
        tables_version: Of the tables they were made from.
    """

    model: str
    feature_service: str
    schema_hash: str
    features: dict[str, str]
    purpose: str
    now: datetime
    as_of: dict[str, list[datetime]]
    rows: dict[str, int]
    customers: int
    customers_without_consent: int
    label: dict[str, int]
    data_hash: str
    tables_version: str
    leakage_audit: LeakageAudit


def fetch_examples(
    store: HistoricalFeatures,
    tables: Path,
    features: Path,
    model: str,
    plan: TrainingPlan,
    now: datetime,
    out: Path,
) -> int:
    """Make the examples of a model and write them: train, validation and test, and their record.

    Args:
        store: Joins the features.
        tables: Folder of the contract tables.
        features: Folder of the snapshots, against which every value of the store is checked.
        model: The served model, for the record.
        plan: Which dates, which label, which features, whose consent.
        now: The moment up to which everything is known.
        out: The folder to write; an older one is replaced.

    Returns:
        How many examples teach.

    Raises:
        DataError: The data does not reach far enough, too few customers are left, or an example knows
            something of the future.
        FeatureError: Features were not computed for a date.
    """
    tables_version = known_version(tables)
    dates = example_dates(plan, now)
    audit_windows(dates.train, dates.test, timedelta(days=plan.label.horizon_days), now)
    asked, refused = _asked(tables, plan, dates)
    say(f"examples: {model} asks {plan.feature_service} for {len(asked):,} rows")
    joined = store.historical(plan.feature_service, asked)
    audit = audit_features(joined, features, plan.feature_service)
    told = asked.select([*(name for name in MESSAGE_COLUMNS if name in asked.columns), LABEL, PART])
    parts = joined.hstack(told).partition_by(PART, as_dict=True, include_key=False)
    examples = {part: parts[part,] for part in PARTS}
    described = {ITEMS: item_table(tables, dates.train[-1])} if plan.reads_items else {}
    unfinished, data_hash = _write_unfinished(examples | described, out)
    record = ExamplesRecord(
        model=model,
        feature_service=plan.feature_service,
        schema_hash=schema_hash(plan.feature_service),
        features=dict(features_of(plan.feature_service)),
        purpose=plan.purpose,
        now=now,
        as_of={part: rows[EVENT_TIMESTAMP].unique().sort().to_list() for part, rows in examples.items()},
        rows={part: len(rows) for part, rows in examples.items()},
        customers=asked[CUSTOMER_ID].n_unique(),
        customers_without_consent=refused,
        label=plan.label.model_dump(),
        data_hash=data_hash,
        tables_version=tables_version,
        leakage_audit=audit,
    )
    _finish(unfinished, record, out)
    say(f"examples: {', '.join(f'{len(rows):,} {part}' for part, rows in examples.items())}; no leakage")
    return len(examples[TRAIN])


def _asked(tables: Path, plan: TrainingPlan, dates: AsOfDates) -> tuple[pl.DataFrame, int]:
    """The labelled customers who agreed to the purpose, by part, and how many others did not."""
    labelled = labelled_customers(tables, plan, dates)
    consenting = agreed(read_table(tables, "consents"), plan.purpose)
    asked = _with_parts(labelled.filter(pl.col(CUSTOMER_ID).is_in(list(consenting))), plan, dates)
    refused = labelled[CUSTOMER_ID].n_unique() - asked[CUSTOMER_ID].n_unique()
    _require_enough(asked, plan, refused)
    return asked, refused


def _with_parts(labelled: pl.DataFrame, plan: TrainingPlan, dates: AsOfDates) -> pl.DataFrame:
    """Say of each row which part it belongs to; validation customers never teach."""
    chosen = pl.Series(chosen_share(labelled[CUSTOMER_ID], plan.validation_share, f"validation-{plan.seed}"))
    is_test = pl.col(EVENT_TIMESTAMP) >= dates.test[0]
    # A bare array would be taken for a list of conditions that must all hold.
    is_validation = pl.Series(chosen)
    part = pl.when(is_test).then(pl.lit(TEST)).when(is_validation).then(pl.lit(VALIDATION))
    return labelled.with_columns(part.otherwise(pl.lit(TRAIN)).alias(PART))


def _require_enough(asked: pl.DataFrame, plan: TrainingPlan, refused: int) -> None:
    customers = asked[CUSTOMER_ID].n_unique()
    for part in PARTS:
        if asked.filter(pl.col(PART) == part).is_empty():
            raise DataError(
                f"no {part} examples: {customers} customers carry a label and agreed to {plan.purpose!r}, "
                f"{refused} more did not agree; import more customers, consents or time"
            )
    taught = asked.filter(pl.col(PART) == TRAIN)[LABEL]
    if not isinstance(plan.label, NextItemsLabel) and taught.n_unique() < 2:
        raise DataError(
            f"all {len(taught):,} training labels are {taught[0]}, so there is nothing to tell apart; "
            f"change {' or '.join(f'label.{name}' for name in type(plan.label).model_fields)}, "
            "or import more data"
        )


def _write_unfinished(examples: Mapping[str, pl.DataFrame], out: Path) -> tuple[Path, str]:
    """Write the parts to a folder beside, and digest what was written."""
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    digest = hashlib.sha256()
    for part, rows in examples.items():
        file = unfinished / f"{part}.parquet"
        rows.write_parquet(file, row_group_size=_ROWS_TOGETHER)
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return unfinished, digest.hexdigest()


def _finish(unfinished: Path, record: ExamplesRecord, out: Path) -> None:
    """Add the record and give the folder its name: it is there whole or not at all."""
    (unfinished / RECORD_FILE).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if out.exists():
        shutil.rmtree(out)
    unfinished.rename(out)
