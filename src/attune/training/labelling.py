"""Who carries which label as of which date."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa

from attune.columns import CUSTOMER_ID, EVENT, EVENT_TIMESTAMP, ITEM_ID, LABEL, MESSAGE_COLUMNS
from attune.data.interactions import read_interactions
from attune.data.labels import churn_labels, next_items, response_labels
from attune.data.splits import AsOfDates
from attune.data.tables import read_table
from attune.errors import DataError
from attune.features.snapshots import TIME
from attune.training.plan import ChurnLabel, NextItemsLabel, ResponseLabel, TrainingPlan

# Labels are complete if nothing is missing at their end but a pause that the shop makes at other times too.
SHORTEST_PAUSE = timedelta(days=1)


def labelled_customers(tables: Path, plan: TrainingPlan, dates: AsOfDates) -> pl.DataFrame:
    """Label every customer who can be labelled, as of every date of a plan.

    Args:
        tables: Folder of the contract tables.
        plan: Says what the label is.
        dates: Of the examples.

    Returns:
        customer_id, event_timestamp and label, by date and customer; of messages also what was sent.

    Raises:
        DataError: The interactions end before the last label is known.
    """
    label, horizon = plan.label, timedelta(days=plan.label.horizon_days)
    if isinstance(label, ResponseLabel):
        return _messages(tables, label, [*dates.train, *dates.test], horizon)
    as_of_dates = [*dates.train, *dates.test]
    looks_back = timedelta(days=label.active_days) if isinstance(label, ChurnLabel) else timedelta(0)
    columns = [CUSTOMER_ID, EVENT, EVENT_TIMESTAMP] + ([] if looks_back else [ITEM_ID])
    interactions = read_interactions(
        tables, columns, before=as_of_dates[-1] + horizon, since=as_of_dates[0] - looks_back
    )
    _require_coverage(interactions, as_of_dates[-1], horizon)
    if isinstance(label, ChurnLabel):
        # Many overlapping windows are compared by customer and event: codes are cheaper than strings.
        interactions = interactions.astype({CUSTOMER_ID: "category", EVENT: "category"})
    times = interactions[EVENT_TIMESTAMP]  # ascending: a window is a slice
    parts = []
    for as_of in as_of_dates:
        window = slice(times.searchsorted(as_of - looks_back), times.searchsorted(as_of + horizon))
        parts.append(_labels(interactions.iloc[window], label, as_of))
    return pl.concat(parts)


def _labels(
    interactions: pd.DataFrame, label: ChurnLabel | NextItemsLabel, as_of: pd.Timestamp
) -> pl.DataFrame:
    if isinstance(label, ChurnLabel):
        labels = churn_labels(interactions, as_of, label.active_days, label.quiet_days)
        kind = pa.int8()
    else:
        labels = next_items(interactions, as_of, label.next_days)
        kind = pa.list_(pa.string())
    table = {CUSTOMER_ID: pa.array(labels.index, pa.string()), LABEL: pa.array(labels, kind)}
    time = pl.lit(as_of.to_pydatetime()).cast(TIME).alias(EVENT_TIMESTAMP)
    return pl.DataFrame(pl.from_arrow(pa.table(table))).select(CUSTOMER_ID, time, LABEL)


def _messages(
    tables: Path, label: ResponseLabel, as_of_dates: list[pd.Timestamp], horizon: timedelta
) -> pl.DataFrame:
    """One row a message: a customer who was sent two in a week is there twice."""
    known = read_interactions(tables, [EVENT_TIMESTAMP], before=as_of_dates[-1] + horizon)
    _require_coverage(known, as_of_dates[-1], horizon)
    messages = read_table(tables, "messages")
    parts = [
        pl.from_pandas(response_labels(messages, as_of, label.send_days, label.answer_days)).with_columns(
            pl.lit(as_of.to_pydatetime()).cast(TIME).alias(EVENT_TIMESTAMP)
        )
        for as_of in as_of_dates
    ]
    return pl.concat(parts).select(CUSTOMER_ID, EVENT_TIMESTAMP, *MESSAGE_COLUMNS, LABEL)


def _require_coverage(interactions: pd.DataFrame, as_of: pd.Timestamp, horizon: timedelta) -> None:
    times = interactions[EVENT_TIMESTAMP]
    last = times.max()
    longest_pause = max(SHORTEST_PAUSE, times.diff().max())
    if pd.isna(last) or last < as_of or as_of + horizon - last > longest_pause:
        ended = "are not there at all" if pd.isna(last) else f"end on {last:%Y-%m-%d}"
        raise DataError(
            f"interactions {ended}, but labels as of {as_of:%Y-%m-%d} look until {as_of + horizon:%Y-%m-%d}; "
            "import later data, or ask for an earlier date"
        )
