"""One look at a model: are the data sane, how far has each feature moved, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from attune.drift.checks import check_age, check_window
from attune.drift.decide import Measured, decide, judge
from attune.drift.distances import wasserstein
from attune.drift.histograms import category_histogram, number_histogram
from attune.drift.monitor import Monitor, Watched
from attune.drift.profile import Categories, CategoryGrid, NumberGrid, Numbers, Profile
from attune.drift.reference import ReferenceProfile
from attune.drift.verdicts import Check, Subject, Verdict, Window

Profiled = TypeVar("Profiled", bound=Profile)


@dataclass(frozen=True)
class Side(Generic[Profiled]):
    """The profile of one window, and the first and last as-of date of its features."""

    profile: Profiled
    first: datetime
    last: datetime

    def window(self) -> Window:
        """The window without its profile."""
        return Window(rows=self.profile.rows, first=self.first, last=self.last)


def watch(
    subject: Subject,
    reference: Side[ReferenceProfile],
    current: Side[Profile],
    monitor: Monitor,
    asked: Sequence[Check] = (),
) -> Verdict:
    """Look at a model once: first whether the data are sane, then whether they have drifted.

    Args:
        subject: Which version, and as of when.
        reference: What it learnt on.
        current: What it is asked now, counted on the grids of the reference.
        monitor: Which features are watched, and how strictly.
        asked: What was asked of the data already.
    """
    watched = monitor.watched()
    checks = [
        check_age(current.last, subject.now, monitor.rules.max_age_days),
        *check_window("reference", reference.profile, watched, monitor.rules),
        *check_window("current", current.profile, watched, monitor.rules),
        *asked,
    ]
    sane = {feature.name for feature in _sane(watched, checks)}
    weights = reference.profile.weights
    features = [
        judge(
            feature,
            _measure(feature.name, reference.profile, current.profile) if feature.name in sane else None,
            monitor.rules,
            len(watched),
            weights.get(feature.name, 1.0),
        )
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


def _measure(name: str, reference: ReferenceProfile, current: Profile) -> Measured | None:
    grid, before, after = reference.grids[name], reference.columns[name], current.columns[name]
    if isinstance(grid, NumberGrid) and isinstance(before, Numbers) and isinstance(after, Numbers):
        return Measured(number_histogram(grid, before, after), wasserstein(grid, before, after))
    if isinstance(grid, CategoryGrid) and isinstance(before, Categories) and isinstance(after, Categories):
        return Measured(category_histogram(grid, before, after))
    return None
