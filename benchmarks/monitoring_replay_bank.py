"""Two and a half years of calls of a bank, block by block through the controller: triggers, cost and gain.

The calls are those of Bank Marketing (Moro, Cortez and Rita, 2014; CC BY 4.0), in order of time and without
the length of the call; the model is logistic regression. A block stands for a week, and the labels of one are
known when the next one arrives.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from attune import columns as c
from attune.drift.verdicts import DRIFTED, NOT_COMPUTED, Word
from attune.evaluation.classification import compare_scorers
from attune.evaluation.results import Difference
from attune.retraining.benefit import benefit_of
from attune.retraining.decide import Look, Step, ended, look, measured
from attune.retraining.rules import RetrainingRules
from attune.retraining.state import State
from benchmarks.models_data import FOLDER, load
from benchmarks.models_drift import drift_of
from benchmarks.monitoring_replay import fitted, shown, tell

START, WEEK = datetime(2008, 5, 1, tzinfo=UTC), timedelta(days=7)
FIRST, BLOCK, TAUGHT = 12_000, 2_000, 6_000
COLUMNS = (
    "block",
    "calls answered yes",
    "verdict",
    "what followed",
    "gain in ROC-AUC",
    "ROC-AUC, never retrained",
)


@dataclass
class BankReplay:
    """The calls and the model that serves.

    Attributes:
        calls: All of them, oldest first.
        never: The first version, for comparison.
    """

    calls: pd.DataFrame
    rules: RetrainingRules
    state: State = field(default_factory=lambda: State(model="response"))
    version: int = 0
    served: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    model: Any = None
    never: Any = None
    reference: pd.DataFrame = field(default_factory=pd.DataFrame)

    def run(self) -> Iterator[list[str]]:
        """Train the first version, then look at every block; a row of the table a look."""
        self._promote(FIRST)
        self.never = self.model
        for number, start in enumerate(range(FIRST, len(self.calls) - BLOCK + 1, BLOCK), start=1):
            yield self._look(number, start)

    def _look(self, number: int, start: int) -> list[str]:
        block, now = self.calls.iloc[start : start + BLOCK], START + number * WEEK
        self.served.append(_auc(self.model, block))
        self.kept.append(_auc(self.never, block))
        word, sentence, moved = drift_of(self.reference, block)
        seen = Look(
            at=now,
            version=self.version,
            window=now,
            pressure=self._pressure(word, moved, block),
            cause=sentence,
        )
        step, gain = look(self.state, seen, 0, self.rules), ""
        if step.action == "measure the benefit":
            found = self._compared(start)
            step = measured(step.state, benefit_of(found, BLOCK), now, sentence, 0, self.rules)
            gain = shown(found)
            if step.action == "retrain":
                step = self._end(start, now, found, step)
        self.state = step.state
        said = f"{word}, {moved} features" if word == DRIFTED else word
        return [
            f"{number}",
            f"{block[c.LABEL].mean():.0%}",
            said,
            step.said[-1].event,
            gain,
            f"{self.served[-1]:.3f}, {self.kept[-1]:.3f}",
        ]

    def _pressure(self, word: Word, moved: int, block: pd.DataFrame) -> float | None:
        """The share of the features that drifted, as a multiple of the one that is drift of the model."""
        if word == NOT_COMPUTED:
            return None
        return moved / len(_features(block)) / self.rules.drifted_share

    def _compared(self, start: int) -> Difference:
        """A model that knows the calls before the newest labels, against the one that serves."""
        newest = self.calls.iloc[start - BLOCK : start]
        quick = fitted(self.calls.iloc[max(0, start - BLOCK - TAUGHT) : start - BLOCK])
        pairs = ("challenger", quick.score(newest)), ("champion", self.model.score(newest))
        return compare_scorers(*pairs, newest, "roc_auc")

    def _end(self, start: int, now: datetime, found: Difference, step: Step) -> Step:
        better = found.low is not None and found.low > 0
        assert step.state.run is not None
        token = step.state.run.token
        if better:
            self._promote(start)
        return ended(step.state, token, "promoted" if better else "kept", now, "The gate.", self.rules)

    def _promote(self, end: int) -> None:
        rows = self.calls.iloc[max(0, end - TAUGHT) : end] if self.version else self.calls.iloc[:end]
        self.model, self.version, self.reference = fitted(rows), self.version + 1, rows


def _features(calls: pd.DataFrame) -> list[str]:
    return [name for name in calls.columns if name not in (c.CUSTOMER_ID, c.EVENT_TIMESTAMP, c.LABEL)]


def _auc(model: Any, block: pd.DataFrame) -> float:
    scores, labels = pd.Series(model.score(block)), block[c.LABEL].to_numpy()
    ranks, positive = scores.rank().to_numpy(), int(labels.sum())
    above = ranks[labels == 1].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(labels) - positive)))


def main(
    folder: Annotated[Path, typer.Option(help="Of the public data sets.")] = FOLDER,
    windows: Annotated[int, typer.Option(help="Of the last three, so many have to be beyond the limit.")] = 2,
    page: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("replay.html"),
) -> None:
    """Replay the calls, print the table and write the page."""
    replay = BankReplay(load("bank", folder).examples, RetrainingRules(windows_on=windows))
    rows = list(replay.run())
    served, kept = np.mean(replay.served), np.mean(replay.kept)
    runs = sum(row[3] in {"promoted", "rejected"} for row in rows)
    sentence = (
        f"{len(rows)} looks led to {runs} runs; version {replay.version} serves at the end. Over all blocks "
        f"the ROC-AUC of what served is {served:.3f}, of a version that is never retrained {kept:.3f}."
    )
    tell("Calls of a bank", sentence, COLUMNS, rows, __doc__ or "", page)


if __name__ == "__main__":
    typer.run(main)
