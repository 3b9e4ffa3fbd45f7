"""The year of a shop, week by week through the controller: what triggered, what it cost, what it gained.

The shop is Online Retail (Chen, Sain and Guo, 2012; CC BY 4.0), the model logistic regression for churn, on
six of the features of `churn_v1`. Every two weeks monitoring looks; the rest is up to the controller.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import polars as pl
import typer

from attune import columns as c
from attune.data.labels import churn_labels
from attune.drift.monitor import Monitor
from attune.drift.profile import profile
from attune.drift.reference import ReferenceProfile
from attune.drift.verdicts import DRIFTED, STABLE, Subject, replace_file
from attune.drift.watch import Side, watch
from attune.evaluation.classification import compare_scorers
from attune.evaluation.results import Difference
from attune.features.schema import features_of
from attune.models import catalog
from attune.models.base import Fittable
from attune.retraining.benefit import benefit_of
from attune.retraining.decide import Step, ended, look, measured
from attune.retraining.evidence import look_of
from attune.retraining.rules import RetrainingRules
from attune.retraining.state import State
from monitoring.pages import Table, summary_page

SHARED = Path(__file__).parents[2] / "shared" / "data"
FEATURES = (c.RECENCY_DAYS, c.ORDERS_30D, c.ORDERS_90D, c.SPEND_30D, c.SPEND_90D, c.BASKET_SIZE_90D)
MONITOR = Monitor(
    feature_service="churn_v1",
    not_watched={
        name: "the replay leaves it out" for name in features_of("churn_v1") if name not in FEATURES
    },
)
FIRST = datetime(2011, 5, 1, tzinfo=UTC)
LOOKS = [FIRST + timedelta(days=14 * number) for number in range(1, 15)]
WEEK, ACTIVE, QUIET = timedelta(days=7), 90, 28
TAUGHT_WEEKS = 5
COLUMNS = ("as of", "verdict", "drift, of its limit", "what followed", "gain in ROC-AUC")


@dataclass
class Replay:
    """The shop and the model that serves."""

    lines: pd.DataFrame
    rules: RetrainingRules
    state: State = field(default_factory=lambda: State(model="churn"))
    version: int = 0
    model: Any = None
    reference: Side[ReferenceProfile] | None = None

    def run(self) -> Iterator[list[str]]:
        """Train the first version, then look every two weeks; a row of the table a look."""
        self._promote(FIRST)
        for now in LOOKS:
            yield self._look(now)

    def examples(self, as_of: datetime, label: bool = True) -> pd.DataFrame:
        """Customers who were active before a date: features, and the label where it is known."""
        rows = features_at(self.lines, as_of)
        if not label:
            return rows
        labels = churn_labels(self.lines, as_of, ACTIVE, QUIET)
        return rows.assign(**{c.LABEL: labels.reindex(rows[c.CUSTOMER_ID]).to_numpy()})

    def taught(self, now: datetime) -> pd.DataFrame:
        """What a model can learn from before the newest labels."""
        last = now - timedelta(days=2 * QUIET)
        dates = [last - number * WEEK for number in range(TAUGHT_WEEKS)]
        return pd.concat([self.examples(date) for date in dates], ignore_index=True)

    def _look(self, now: datetime) -> list[str]:
        assert self.reference is not None
        current = profile(self.examples(now, label=False), self.reference.profile.grids)
        subject = Subject(model="churn", version=self.version, feature_service="churn_v1", now=now)
        verdict = watch(subject, self.reference, Side(current, now, now), MONITOR)
        seen = look_of(verdict, now, self.rules)
        step = look(self.state, seen, 0, self.rules)
        gain = ""
        if step.action == "measure the benefit":
            found, rows = self._compared(now)
            step = measured(step.state, benefit_of(found, rows), now, seen.cause, 0, self.rules)
            gain = shown(found)
            if step.action == "retrain":
                step = self._end(now, found, step)
        self.state = step.state
        pressure = "none" if seen.pressure is None else f"{seen.pressure:.1f}"
        return [f"{now:%Y-%m-%d}", verdict.word, pressure, step.said[-1].event, gain]

    def _compared(self, now: datetime) -> tuple[Difference, int]:
        """A model that knows the recent weeks against the champion, on the newest labels."""
        newest = self.examples(now - timedelta(days=QUIET))
        quick = fitted(self.taught(now))
        pairs = [("challenger", quick.score(newest)), ("champion", self.model.score(newest))]
        return compare_scorers(pairs[0], pairs[1], newest, "roc_auc"), len(newest)

    def _end(self, now: datetime, found: Difference, step: Step) -> Step:
        better = found.low is not None and found.low > 0
        assert step.state.run is not None
        done = ended(
            step.state, step.state.run.token, "promoted" if better else "kept", now, "The gate.", self.rules
        )
        if better:
            self._promote(now)
        return done

    def _promote(self, now: datetime) -> None:
        rows = self.taught(now)
        self.model, self.version = fitted(rows), self.version + 1
        kept = rows[list(FEATURES)].assign(**{c.SCORE: self.model.score(rows)})
        self.reference = Side(ReferenceProfile.of(kept), now, now)


def fitted(rows: pd.DataFrame) -> Any:
    """Logistic regression, taught."""
    model = catalog.build("logistic_regression", {})
    assert isinstance(model, Fittable)
    model.fit(rows, rows)
    return model


def features_at(lines: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Six features of the customers who bought in the ninety days before a date."""
    since = timedelta(days=ACTIVE)
    times = pl.col(c.EVENT_TIMESTAMP)
    recent = pl.from_pandas(lines).filter(times < as_of, times >= as_of - since)
    month = times >= as_of - timedelta(days=30)
    orders = pl.col(c.ORDER_ID)
    rows = (
        recent.group_by(c.CUSTOMER_ID)
        .agg(
            ((as_of - times.max()) / timedelta(days=1)).alias(c.RECENCY_DAYS),
            orders.filter(month).n_unique().alias(c.ORDERS_30D),
            orders.n_unique().alias(c.ORDERS_90D),
            pl.col(c.AMOUNT).filter(month).sum().alias(c.SPEND_30D),
            pl.col(c.AMOUNT).sum().alias(c.SPEND_90D),
            (pl.len() / orders.n_unique()).alias(c.BASKET_SIZE_90D),
        )
        .sort(c.CUSTOMER_ID)
        .with_columns(pl.lit(as_of).alias(c.EVENT_TIMESTAMP))
    )
    return rows.to_pandas()


def online_retail(folder: Path) -> pd.DataFrame:
    """Purchases of known customers, in the columns of the contract."""
    file = folder / "online_retail" / "online_retail.parquet"
    lines = pl.scan_parquet(file).filter(
        pl.col("CustomerID").is_not_null(), pl.col("Quantity") > 0, pl.col("UnitPrice") > 0
    )
    return (
        lines.select(
            pl.col("CustomerID").cast(pl.Int64).cast(pl.String).alias(c.CUSTOMER_ID),
            pl.col("InvoiceNo").alias(c.ORDER_ID),
            pl.col("InvoiceDate").dt.replace_time_zone("UTC").alias(c.EVENT_TIMESTAMP),
            (pl.col("Quantity") * pl.col("UnitPrice")).alias(c.AMOUNT),
            pl.lit(c.PURCHASE).alias(c.EVENT),
        )
        .collect()
        .to_pandas()
    )


def main(
    folder: Annotated[Path, typer.Option(help="Of the public data sets.")] = SHARED,
    windows: Annotated[int, typer.Option(help="Of the last three, so many have to be beyond the limit.")] = 2,
    page: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("replay.html"),
) -> None:
    """Replay the year, print the table and write the page."""
    replay = Replay(online_retail(folder), RetrainingRules(windows_on=windows))
    rows = list(replay.run())
    runs = sum(row[3] in {"promoted", "rejected"} for row in rows)
    sentence = f"{len(rows)} looks led to {runs} runs; version {replay.version} serves at the end."
    tell("A year of Online Retail", sentence, COLUMNS, rows, __doc__ or "", page)


def tell(
    title: str, sentence: str, columns: Sequence[str], rows: Sequence[list[str]], source: str, page: Path
) -> None:
    """Print the table of a replay and write its page."""
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))
    print(sentence)
    word = DRIFTED if any("drifted" in cell for row in rows for cell in row) else STABLE
    table = Table("Every look, and what followed", columns, rows)
    replace_file(page, summary_page(title, word, sentence, [table], source))


def shown(found: Difference) -> str:
    """A gain with its interval."""
    if found.mean is None:
        return f"not computed: {found.reason}"
    return f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


if __name__ == "__main__":
    typer.run(main)
