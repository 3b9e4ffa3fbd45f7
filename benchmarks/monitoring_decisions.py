"""Simulated windows through profiles, verdicts and the controller, as monitoring runs them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import DEMOGRAPHICS, SCORE
from attune.config import Workspace
from attune.drift.monitor import Monitor
from attune.drift.profile import profile
from attune.drift.reference import ReferenceProfile
from attune.drift.verdicts import NOT_COMPUTED, Subject, Verdict
from attune.drift.watch import Side, watch
from attune.retraining.controller import Controller
from attune.retraining.decide import Ending, Look, Step, ask, ended, look, pause, resume
from attune.retraining.evidence import Signal, look_of
from attune.retraining.rules import RetrainingRules
from attune.retraining.sequential import always_valid_interval
from attune.retraining.signals import QualityRules, quality_signal
from attune.retraining.state import State

START = datetime(2017, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
MONITOR = Monitor(feature_service="churn_v1", not_watched=dict.fromkeys(DEMOGRAPHICS, "numbers only"))
FEATURES = [feature.name for feature in MONITOR.watched()]
RULES = RetrainingRules(benefit=False)
REFERENCE_ROWS, ROWS, LABELS = 5_000, 2_000, 20_000
AUC_GAP, WORSE_GAP = 1.19, 0.95  # between the scores of both labels: ROC-AUC of 0.80 and of 0.75
AUC = 0.80

Floats = npt.NDArray[np.float64]


class Shop:
    """Windows of twenty features, of which the first few drive the score.

    Args:
        seed: The same seed draws the same windows.
    """

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        rows = self.window(REFERENCE_ROWS)
        drivers = rows[FEATURES[:3]].to_numpy() @ np.array([3.0, 2.0, 1.0])
        noise = self._draw.normal(0, 0.2, len(rows))
        self.reference = ReferenceProfile.of(rows.assign(**{SCORE: drivers + noise}))

    def window(self, rows: int = ROWS) -> pd.DataFrame:
        """Rows without any drift."""
        values = self._draw.normal(0.5, 0.1, size=(rows, len(FEATURES))).clip(0, 1)
        return pd.DataFrame(values, columns=FEATURES)

    def quality(self, gap: float) -> Signal:
        """Quality on labels that have arrived, for scores that tell them apart so well."""
        labels: Floats = (self._draw.random(LABELS) < 0.2).astype(np.float64)
        return quality_signal(self._draw.normal(size=LABELS) + gap * labels, labels, AUC, QualityRules())

    def look(self, rows: pd.DataFrame, week: int) -> Verdict:
        """What monitoring says of a window."""
        now = START + week * WEEK
        subject = Subject(model="churn", version=1, feature_service="churn_v1", now=now)
        current = Side(profile(rows, self.reference.grids), now, now)
        return watch(subject, Side(self.reference, START, START), current, MONITOR)


def false_retrains(windows: int) -> int:
    """Retrains in a row of windows without drift of features or loss of quality."""
    shop, state, retrains = Shop(0), State(model="churn"), 0
    for week in range(1, windows + 1):
        verdict = shop.look(shop.window(), week)
        seen = look_of(verdict, verdict.subject.now, RULES, [shop.quality(AUC_GAP)])
        step = look(state, seen, 0, RULES)
        state, retrains = step.state, retrains + (step.action == "retrain")
    return retrains


def detected_share(runs: int) -> float:
    """The share of real losses, of both kinds in turn, that start a run within two windows."""
    return float(np.mean([_detected(run) for run in range(runs)]))


def null_incident_share(runs: int) -> float:
    """The share of windows with an empty column that are an incident and start nothing."""
    shop = Shop(1)
    found = []
    for week in range(1, runs + 1):
        verdict = shop.look(shop.window().assign(**{FEATURES[week % len(FEATURES)]: np.nan}), week)
        step = look(State(model="churn"), look_of(verdict, verdict.subject.now, RULES), 0, RULES)
        found.append(verdict.word == NOT_COMPUTED and step.said[-1].event == "incident")
    return float(np.mean(found))


def storm_retrains(folder: Path, reports: int) -> int:
    """Runs that start when many reports of drift arrive within ten minutes, in several threads."""
    workspace = Workspace(root=folder)

    def report(number: int) -> bool:
        at = START + timedelta(minutes=10 * number / reports)
        seen = Look(at=at, version=1, window=at, pressure=3.0, cause="Drift.")
        return Controller(workspace, RULES).look("churn", seen).action == "retrain"

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(report, range(reports)))


def budget_exceeded(orders: int, events: int = 60) -> int:
    """How many random orders of events exceed the budget of runs in any way."""
    return sum(_exceeds(Random(order), events) for order in range(orders))  # noqa: S311 - a simulation


def _exceeds(draw: Random, events: int) -> bool:
    """Let three models see, ask, end and pause at random; each run that starts is held against the budget."""
    states = {name: State(model=name) for name in "abc"}
    starts: dict[str, list[datetime]] = {name: [] for name in states}
    now = START
    for _ in range(events):
        now += timedelta(hours=draw.uniform(0, draw.choice((1, 24, 72))))
        name = draw.choice("abc")
        before = states[name]
        live = sum(
            state.run is not None and now < state.run.until
            for other, state in states.items()
            if other != name
        )
        step = _event(draw, before, now, live)
        states[name] = step.state
        if step.action == "retrain":
            held = before.run is not None and now < before.run.until
            starts[name] = [at for at in starts[name] if now - at < WEEK] + [now]
            if (
                held
                or before.paused
                or live >= RULES.running_at_once
                or len(starts[name]) > RULES.runs_per_week
            ):
                return True
    return False


def _event(draw: Random, state: State, now: datetime, live: int) -> Step:
    kind = draw.choice(
        ("look", "look", "look", "ask", "promoted", "kept", "failed", "old token", "pause", "resume")
    )
    if kind == "look":
        pressure = draw.choice((0.0, 1.0, 2.0, None))
        return look(
            state, Look(at=now, version=1, window=now, pressure=pressure, cause="Drift."), live, RULES
        )
    if kind == "ask":
        return ask(state, now, "Asked for.", live, RULES)
    if kind == "pause":
        return pause(state, "A person.")
    if kind == "resume":
        return resume(state, "A person.")
    ending: Ending = "promoted" if kind == "promoted" else "failed" if kind == "failed" else "kept"
    return ended(state, state.tokens - (kind == "old token"), ending, now, "End.", RULES)


def equals_told_apart(runs: int, looks: int = 20, rows: int = 20_000) -> float:
    """The share of comparisons of equals in which some look declares the challenger better."""
    draw = np.random.default_rng(2)
    found = [any(_looks(draw.normal(size=rows), looks)) for _ in range(runs)]
    return float(np.mean(found))


def _looks(differences: Floats, looks: int) -> Iterator[bool]:
    for rows in np.linspace(len(differences) / looks, len(differences), looks).astype(int):
        interval = always_valid_interval(differences[:rows], tightest_at=len(differences))
        yield interval is not None and interval[0] > 0


def _detected(run: int) -> bool:
    shop, state = Shop(100 + run), State(model="churn")
    for week in (1, 2):
        rows = shop.window()
        gap = AUC_GAP
        if run % 2:
            gap = WORSE_GAP
        else:
            rows[FEATURES[run // 2 % 3]] += 0.1  # a standard deviation of one of the three that matter
        verdict = shop.look(rows.clip(0, 1), week)
        seen = look_of(verdict, verdict.subject.now, RULES, [shop.quality(gap)])
        step = look(state, seen, 0, RULES)
        state = step.state
        if step.action == "retrain":
            return True
    return False
