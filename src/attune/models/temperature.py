"""One number that makes probabilities honest (temperature scaling, Guo et al. 2017, arXiv 1706.04599)."""

import numpy as np

from attune.models.base import Floats

COLDEST, HOTTEST = 0.05, 20.0


def sigmoid(logits: Floats) -> Floats:
    """The logistic function, without overflow.

    >>> sigmoid(np.array([-1000.0, 0.0])).tolist()
    [0.0, 0.5]
    """
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)


def best_temperature(logits: Floats, labels: Floats) -> float:
    """Find the temperature that divides logits to the smallest log loss on held-out examples.

    Args:
        logits: What a model said about N examples, shape [N].
        labels: What happened, 0 or 1, shape [N].

    Returns:
        A temperature between 0.05 and 20; 1, which changes nothing, where only one class happened.
    """
    if labels.min(initial=1) == labels.max(initial=0) or not len(labels):
        return 1.0
    coldest, hottest = 1 / HOTTEST, 1 / COLDEST  # of the inverse, in which the loss is convex
    for _ in range(60):
        inverse = (coldest + hottest) / 2
        slope = np.mean((sigmoid(inverse * logits) - labels) * logits)
        coldest, hottest = (inverse, hottest) if slope < 0 else (coldest, inverse)
    return float(2 / (coldest + hottest))
