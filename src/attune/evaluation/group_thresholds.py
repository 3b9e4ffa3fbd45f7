"""A threshold for each group, so that all groups are treated alike by one rate; and what that costs.

Chosen on held-out rows (Hardt, Price and Srebro, 2016, arXiv 1610.02413, without their randomisation). Using
a group to decide may itself be forbidden: the cost is said before anybody has to choose.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, FiniteFloat

from attune.config import Settings
from attune.errors import DataError
from attune.evaluation.bootstrap import Floats
from attune.evaluation.decisions import best_threshold
from attune.evaluation.fairness import FEWEST_BELOW

Alike = Literal["selection_rate", "true_positive_rate"]
Names = npt.NDArray[np.object_]


class GroupThresholds(Settings):
    """The thresholds, and what they cost on the rows that they were chosen by.

    Attributes:
        alike: The rate that is equal in all groups.
        threshold: For everybody, and for groups too small to have one of their own.
        of_group: Group -> its own threshold.
        f1_before: With one threshold for everybody.
        f1_after: With one for each group.
        apart_before: The largest rate of a group less the smallest, with one threshold.
        apart_after: The same with one for each group.
    """

    alike: Alike
    threshold: float = Field(ge=0, le=1)
    of_group: dict[str, float]
    f1_before: FiniteFloat
    f1_after: FiniteFloat
    apart_before: FiniteFloat
    apart_after: FiniteFloat

    def decide(self, scores: Floats, by: Names) -> npt.NDArray[np.bool_]:
        """Who gets a yes, shape [N]; groups that are not known are treated like everybody."""
        at = np.array([self.of_group.get(str(name), self.threshold) for name in by])
        return np.asarray(scores >= at, dtype=np.bool_)

    def sentence(self) -> str:
        """What it changes and what it costs, for a person who decides."""
        return (
            f"one threshold for each of {len(self.of_group)} groups brings the distance of their "
            f"{self.alike.replace('_', ' ')} from {self.apart_before:.3f} to {self.apart_after:.3f} and "
            f"F1 from {self.f1_before:.3f} to {self.f1_after:.3f}, on the rows they were chosen by"
        )


def choose_group_thresholds(
    scores: Floats, labels: Floats, by: Names, alike: Alike = "true_positive_rate"
) -> GroupThresholds:
    """Choose a threshold for each group at which its rate equals that of everybody at the best threshold.

    Args:
        scores: Probabilities of held-out rows, shape [N].
        labels: What happened, 0 or 1, shape [N].
        by: The group of each row, shape [N].
        alike: Which rate shall be alike.

    Raises:
        DataError: Nobody has label 1, or no group has rows enough.
    """
    common = best_threshold(scores, labels)
    counted_N = labels == 1 if alike == "true_positive_rate" else np.ones(len(labels), dtype=np.bool_)
    wanted = float((scores[counted_N] >= common.at).mean())
    names = [str(name) for name in np.unique(by.astype(str))]
    large = [name for name in names if (counted_N & (by == name)).sum() >= FEWEST_BELOW]
    if not large:
        raise DataError(f"none of {len(names)} groups has {FEWEST_BELOW} rows to choose by; take more rows")
    of_group = {
        name: float(np.clip(np.quantile(scores[counted_N & (by == name)], 1 - wanted), 0, 1))
        for name in large
    }
    single = np.asarray(scores >= common.at)
    own = scores >= np.array([of_group.get(str(name), common.at) for name in by])
    return GroupThresholds(
        alike=alike,
        threshold=common.at,
        of_group=of_group,
        f1_before=common.value,
        f1_after=_f1(own, labels),
        apart_before=_apart(single, counted_N, by, large),
        apart_after=_apart(own, counted_N, by, large),
    )


def _f1(yes: npt.NDArray[np.bool_], labels: Floats) -> float:
    return float(2 * labels[yes].sum() / max(1.0, yes.sum() + labels.sum()))


def _apart(yes: npt.NDArray[np.bool_], counted: npt.NDArray[np.bool_], by: Names, groups: list[str]) -> float:
    return float(np.ptp([yes[counted & (by == name)].mean() for name in groups]))
