"""What each feature contributed to a score: additive, in the feature's own words.

Contributions are worked out in log odds, where each kind of model has an exact way: integrated gradients of a
network (Sundararajan, Taly and Yan, 2017, arXiv 1703.01365) by Captum, Shapley values of trees (Lundberg and
others, 2018, arXiv 1802.03888) by LightGBM, the terms of a linear model. They are then scaled to what they
sum to in probability, calibrated as the model is. All are against a customer of training medians about
whom no category is known.

N examples, F numeric features, C categorical ones, I inputs of a network.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from attune.columns import CHANNEL, FORMAT, HISTORY_TIMES, MESSAGE_TIMES, OFFER_DAYS, SENT_HOUR, SENT_WEEKDAY
from attune.config import Settings
from attune.errors import ModelError
from attune.features.schema import VIEWS
from attune.models.base import Floats
from attune.models.blend import Blend
from attune.models.churn_network import ChurnNetwork
from attune.models.gradient_boosting import GradientBoosting
from attune.models.logistic_regression import LogisticRegression
from attune.models.tabular import FeatureTable

LARGEST_GAP = 1e-3  # between the sum of the contributions and the difference of the scores
# The gradient of a network with ReLUs jumps along the way, so the sum nears its end only with many steps.
_STEPS = (64, 512, 4096)
_NEAR = 1e-9
_MESSAGE_WORDS = {
    CHANNEL: "How the message is sent.",
    FORMAT: "What kind of message it is.",
    SENT_HOUR: "The hour at which it is sent, UTC.",
    SENT_WEEKDAY: "The weekday on which it is sent, Monday is 0.",
    OFFER_DAYS: "For how many days the offer holds.",
    HISTORY_TIMES: "When the last orders were, and how large.",
    MESSAGE_TIMES: "What was sent lately, and what was answered.",
}
WORDS = _MESSAGE_WORDS | {
    feature.name: feature.description
    for view in VIEWS.values()
    for feature in view.features
    if feature.name not in _MESSAGE_WORDS
}

Terms = tuple[list[str], Floats]  # feature names, and their log odds, shape [N, names]


class Contribution(Settings):
    """How much one feature moved a score, as a difference of probabilities."""

    feature: str
    words: str
    value: str
    contribution: float


class Explanation(Settings):
    """A score taken apart.

    Attributes:
        score: What the model says.
        baseline: What it says about a customer of training medians.
        contributions: By size, largest first; they sum to score - baseline within 0.001.
    """

    score: float
    baseline: float
    contributions: list[Contribution]


def explain(model: Any, examples: pd.DataFrame) -> list[Explanation]:
    """Take the scores of N examples apart.

    Args:
        model: A trained scorer of the catalogue.
        examples: With the features of the model.

    Raises:
        ModelError: The model cannot be explained, or the contributions do not add up.
    """
    if examples.empty:
        return []
    table: FeatureTable = model.table
    usual = _usual(table, examples)
    scores, baselines = model.score(examples), model.score(usual)
    slope_N = _slope(scores, baselines, model.log_odds(examples) - model.log_odds(usual))
    names, terms_NF = _terms(model, examples, usual, LARGEST_GAP / max(float(slope_N.max()), _NEAR))
    parts_NF = terms_NF * slope_N[:, None]
    gap = float(np.abs(parts_NF.sum(axis=1) - (scores - baselines)).max())
    if not gap <= LARGEST_GAP:
        raise ModelError(
            f"contributions miss the difference of the scores by {gap:.4f}, more than {LARGEST_GAP:g}; "
            "look for extreme values in the example"
        )
    return [
        _explanation(names, examples.iloc[row], parts_NF[row], scores[row], baselines[row])
        for row in range(len(examples))
    ]


def _usual(table: FeatureTable, examples: pd.DataFrame) -> pd.DataFrame:
    """The same rows, but at training medians, with no category known and no orders."""
    told: dict[str, Any] = dict(zip(table.numeric, table.defaults, strict=True))
    told |= dict.fromkeys(table.categories)
    usual = examples.assign(**told)
    for name in table.sequences:
        usual[name] = pd.Series([[]] * len(examples), index=examples.index, dtype=object)
    return usual


def _slope(scores: Floats, baselines: Floats, apart_N: Floats) -> Floats:
    """How much probability a unit of log odds is worth between the two, shape [N]."""
    at_a_point = baselines * (1 - baselines)
    return np.divide(scores - baselines, apart_N, out=at_a_point, where=np.abs(apart_N) > _NEAR)


def _terms(model: Any, examples: pd.DataFrame, usual: pd.DataFrame, gap: float) -> Terms:
    """What each feature adds to the log odds against the usual customer; the sum may miss by a gap."""
    for kind, terms in _WAYS:
        if isinstance(model, kind):
            return terms(model, examples, usual, gap)
    raise ModelError(f"{type(model).__name__} cannot be explained; there is a way for scorers alone")


def _of_trees(model: GradientBoosting, examples: pd.DataFrame, usual: pd.DataFrame, _gap: float) -> Terms:
    """Shapley values, less those of the usual customer."""
    shares = [model.shapley_values(rows) for rows in (examples, usual)]
    return model.table.columns, shares[0] - shares[1]


def _of_line(model: LogisticRegression, examples: pd.DataFrame, usual: pd.DataFrame, _gap: float) -> Terms:
    terms = [model.terms(rows) for rows in (examples, usual)]
    return model.table.columns, terms[0] - terms[1]


def _of_blend(model: Blend, examples: pd.DataFrame, usual: pd.DataFrame, gap: float) -> Terms:
    names, network_NF = _of_network(model, examples, usual, gap)
    share = model.config.trees_share
    blended_NF = (1 - share) * network_NF
    of_trees_NF = _of_trees(model.grown, examples, usual, gap)[1]
    blended_NF[:, : of_trees_NF.shape[1]] += share * of_trees_NF
    return names, blended_NF


def _of_network(model: ChurnNetwork, examples: pd.DataFrame, usual: pd.DataFrame, gap: float) -> Terms:
    # Captum takes a second to import, and most processes explain nothing.
    from attune.explain.integrated_gradients import network_terms

    wanted = ChurnNetwork.log_odds(model, examples) - ChurnNetwork.log_odds(model, usual)
    for steps in _STEPS:
        names, terms_NF = network_terms(model, examples, usual, steps)
        if np.abs(terms_NF.sum(axis=1) - wanted).max() <= gap:
            break
    return names, terms_NF


_WAYS: tuple[tuple[type[Any], Callable[..., Terms]], ...] = (
    (Blend, _of_blend),
    (ChurnNetwork, _of_network),
    (GradientBoosting, _of_trees),
    (LogisticRegression, _of_line),
)


def _explanation(
    names: list[str], example: pd.Series, parts_F: Floats, score: float, baseline: float
) -> Explanation:
    order = np.argsort(-np.abs(parts_F), kind="stable")
    return Explanation(
        score=float(score),
        baseline=float(baseline),
        contributions=[
            Contribution(
                feature=names[number],
                words=WORDS.get(names[number], names[number]),
                value=_shown(example[names[number]]),
                contribution=float(parts_F[number]),
            )
            for number in order
        ],
    )


def _shown(value: Any) -> str:
    if isinstance(value, list | np.ndarray):
        return f"{len(value)} lines"
    if value is None or pd.isna(value):
        return "not known"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
