"""What distances mean: pure functions from figures and rules to words.

Limits are sizes of effect: a p-value flags everything once there are rows enough. On few rows a limit rises
to what chance alone can do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from attune.drift.distances import jensen_shannon, stability_index
from attune.drift.histograms import Histogram
from attune.drift.monitor import DriftRules, Watched
from attune.drift.verdicts import (
    DISTANCE,
    DRIFTED,
    INDEX,
    NOT_COMPUTED,
    STABLE,
    Check,
    FeatureVerdict,
    Method,
    Word,
)

_SHOWN = 5


@dataclass(frozen=True)
class Measured:
    """What was found of one feature that could be compared.

    Attributes:
        histogram: Both windows over the same bins.
        shift: Of a number, how far the values moved, in deviations of the reference.
    """

    histogram: Histogram
    shift: float | None = None


def judge(
    feature: Watched, found: Measured | None, rules: DriftRules, features: int, weight: float = 1.0
) -> FeatureVerdict:
    """Say whether one feature has moved beyond its limit.

    Args:
        feature: Which one.
        found: Both of its windows; None where the data are not fit to be compared.
        rules: The limits.
        features: How many features are judged together.
        weight: What the feature counts for among them.
    """
    method = method_of(feature)
    limit = limit_of(feature, method, rules)
    distance = None
    if found is not None:
        distance = (stability_index if method == INDEX else jensen_shannon)(found.histogram)
        limit = max(limit, chance_limit(found.histogram, method, rules, features))
    return FeatureVerdict(
        feature=feature.name,
        description=feature.description,
        kind=feature.kind,
        method=method,
        distance=distance,
        limit=limit,
        word=word_of(distance, limit),
        bars=None if found is None else found.histogram.bars(),
        shift=None if found is None else found.shift,
        weight=weight,
    )


def word_of(distance: float | None, limit: float) -> Word:
    """The word for one feature.

    >>> word_of(0.31, limit=0.1), word_of(0.1, limit=0.1), word_of(None, limit=0.1)
    ('drifted', 'stable', 'not computed')
    """
    if distance is None:
        return NOT_COMPUTED
    return DRIFTED if distance > limit else STABLE


def limit_of(feature: Watched, method: Method, rules: DriftRules) -> float:
    """The size of change that matters: the feature's own limit, or the one of its kind."""
    if feature.limit is not None:
        return feature.limit
    return rules.index_limit if method == INDEX else rules.distance_limit


def chance_limit(histogram: Histogram, method: Method, rules: DriftRules, features: int) -> float:
    """What a feature without any drift stays under, but for the agreed chance of a false alarm.

    Without drift the index of B bins is about (1/n + 1/m) times a chi-square of B - 1 degrees (Yurdakul and
    Naranjo, 2020). The agreed chance is for all features together (Bonferroni), and the smaller window counts
    for both: the rows of the larger one often repeat the same customers.
    """
    rows = min(int(histogram.reference.sum()), int(histogram.current.sum()))
    degrees = len(histogram.labels) - 1
    if degrees == 0:
        return 0.0
    index = 2 / rows * _chi_square(1 - rules.false_alarm / features, degrees)
    return index if method == INDEX else sqrt(index / 8)


def decide(checks: Sequence[Check], features: Sequence[FeatureVerdict]) -> tuple[Word, str]:
    """The verdict and the sentence that explains it; what could not be computed is never green.

    Args:
        checks: What was asked of the data before.
        features: The features, the one that moved most first.
    """
    failed = [f"{check.name}: {check.found}, wanted {check.wanted}" for check in checks if not check.passed]
    unknown = [feature.feature for feature in features if feature.word == NOT_COMPUTED]
    if failed or unknown or not features:
        why = "; ".join(failed) or f"no distance for {', '.join(unknown) or 'any feature'}"
        return (
            NOT_COMPUTED,
            f"Drift was not computed. {why}. Mend the data first: nothing is retrained on them.",
        )
    drifted = [feature for feature in features if feature.word == DRIFTED]
    if drifted:
        shown = ", ".join(_figure(feature) for feature in drifted[:_SHOWN])
        more = f" and {len(drifted) - _SHOWN} more" if len(drifted) > _SHOWN else ""
        return DRIFTED, f"{len(drifted)} of {len(features)} features moved beyond their limit: {shown}{more}."
    return (
        STABLE,
        f"None of {len(features)} features moved beyond its limit; the nearest is {_figure(features[0])}.",
    )


def _figure(feature: FeatureVerdict) -> str:
    return f"{feature.feature} ({feature.distance:.2f}, limit {feature.limit:.2f})"


def method_of(feature: Watched) -> Method:
    """The distance that fits a feature."""
    return INDEX if feature.kind == "number" else DISTANCE


def _chi_square(probability: float, degrees: int) -> float:
    """A quantile of the chi-square distribution, after Wilson and Hilferty (1931): a little too high."""
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + NormalDist().inv_cdf(probability) * sqrt(spread)) ** 3
