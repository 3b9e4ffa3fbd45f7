"""One look at a model: are the data sane, how far has each feature moved, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import pandas as pd

from attune.drift.checks import check_age, check_window
from attune.drift.decide import decide, judge, method_of
from attune.drift.histograms import Histogram, category_histogram, number_histogram
from attune.drift.monitor import Monitor, Watched
from attune.drift.verdicts import Check, Method, Subject, Verdict, Window
from attune.errors import DataError


@dataclass(frozen=True)
class Rows:
    """The rows of one window, and the first and last as-of date of their features."""

    frame: pd.DataFrame
    first: datetime
    last: datetime

    def window(self) -> Window:
        """The window without its rows."""
        return Window(rows=len(self.frame), first=self.first, last=self.last)


class DriftEngine(Protocol):
    """Whatever measures how far apart two windows are."""

    def distances(
        self, histograms: Mapping[str, Histogram], methods: Mapping[str, Method]
    ) -> Mapping[str, float]:
        """Measure the distance between the two windows of each feature.

        Args:
            histograms: Feature -> the bin of each row in both windows.
            methods: Feature -> which distance.

        Returns:
            Feature -> a finite distance; what could not be measured is left out.

        Raises:
            DataError: The engine failed; nothing was measured.
        """


def watch(subject: Subject, reference: Rows, current: Rows, monitor: Monitor, engine: DriftEngine) -> Verdict:
    """Look at a model once: first whether the data are sane, then whether they have drifted."""
    watched = monitor.watched()
    checks = [
        check_age(current.last, subject.now, monitor.rules.max_age_days),
        *check_window("reference", reference.frame, watched, monitor.rules),
        *check_window("current", current.frame, watched, monitor.rules),
    ]
    histograms = {
        feature.name: _histogram(feature, reference.frame, current.frame)
        for feature in _sane(watched, checks)
    }
    methods = {feature.name: method_of(feature) for feature in watched if feature.name in histograms}
    try:
        distances = engine.distances(histograms, methods) if histograms else {}
    except DataError as error:
        distances = {}
        checks.append(Check(name="distances", found=str(error), wanted="one a feature", passed=False))
    features = [
        judge(feature, distances.get(feature.name), histograms.get(feature.name), monitor.rules, len(watched))
        for feature in watched
    ]
    features.sort(key=lambda feature: -feature.ratio)
    word, sentence = decide(checks, features)
    return Verdict(
        subject=subject,
        word=word,
        sentence=sentence,
        reference=reference.window(),
        current=current.window(),
        checks=tuple(checks),
        features=tuple(features),
        not_watched=monitor.not_watched,
    )


def _sane(watched: Sequence[Watched], checks: Sequence[Check]) -> list[Watched]:
    """The features that can be compared; none where a whole window is not fit."""
    if any(not check.passed and not check.features for check in checks):
        return []
    broken = {name for check in checks for name in check.features}
    return [feature for feature in watched if feature.name not in broken]


def _histogram(feature: Watched, reference: pd.DataFrame, current: pd.DataFrame) -> Histogram:
    sort = number_histogram if feature.kind == "number" else category_histogram
    return sort(reference[feature.name], current[feature.name])
