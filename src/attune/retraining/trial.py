"""A version on trial beside the champion: is it surely worse? Asked as often as one likes.

Customers are split by a hash of their pseudonym, so both versions answer people of the same kind, and what
their answers cost can be compared. Intervals hold at all looks at once.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from pydantic import Field

from attune.config import Settings
from attune.retraining.sequential import always_valid_interval

Floats = npt.NDArray[np.float64]


class TrialRules(Settings):
    """When a trial is ended without a person.

    Attributes:
        min_answers: Of either version; on fewer nothing is said.
        level: How sure to be that the version on trial is worse, over all looks together.
        margin: By how much worse, at least.
    """

    min_answers: int = Field(default=200, ge=2)
    level: float = Field(default=0.95, gt=0, lt=1)
    margin: float = Field(default=0.0, ge=0)


class Cost(Settings, arbitrary_types_allowed=True):
    """What each answer of two versions cost; less is better.

    Attributes:
        name: For people: "degraded answers", "squared error".
        trial: Of the version on trial, from 0 to 1, shape [N].
        champion: Of the champion, shape [M].
    """

    name: str
    trial: Floats
    champion: Floats


def worse(costs: Iterable[Cost], rules: TrialRules) -> str | None:
    """Why a trial has to end, or None where nothing is surely worse.

    Each mean has an interval of half the agreed error; the version on trial is worse where its interval lies
    above the champion's by more than the margin.
    """
    for cost in costs:
        if min(len(cost.trial), len(cost.champion)) < rules.min_answers:
            continue
        level = 1 - (1 - rules.level) / 2
        trial, champion = (always_valid_interval(side, level) for side in (cost.trial, cost.champion))
        if trial is not None and champion is not None and trial[0] - champion[1] > rules.margin:
            return (
                f"{cost.name}: {cost.trial.mean():.3f} (surely above {trial[0]:.3f}) on {len(cost.trial):,} "
                f"answers against {cost.champion.mean():.3f} (surely under {champion[1]:.3f}) on "
                f"{len(cost.champion):,}"
            )
    return None
