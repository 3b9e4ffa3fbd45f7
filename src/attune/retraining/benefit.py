"""Is there anything to gain? A quick model that knows the recent window, against the champion.

Drift need not hurt. Before a run is paid for, the champion's own algorithm where it learns in one call, or
else a simple model of the plan, learns from recent examples; on the newest labels its gain has to be more
than chance can make.
"""

from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pandas as pd

from attune.evaluation.evaluate import JUDGES, Test
from attune.evaluation.gate import GateRules
from attune.evaluation.results import Difference
from attune.models import catalog
from attune.models.base import Fittable
from attune.registry import Registry, Version
from attune.retraining.decide import Benefit
from attune.training.examples import TEST, TRAIN, VALIDATION
from attune.training.plan import TrainingPlan

_POWER = 0.8
_LEVEL = 0.95


def measure_benefit(
    registry: Registry, champion: Version, params: Mapping[str, Any], examples: Path
) -> Benefit | None:
    """Compare a quick model with the champion on examples of now.

    Args:
        registry: Loads the champion.
        champion: The version that serves.
        params: The model's section of the parameter file.
        examples: The folder of fresh examples: the newest labels are its test part.

    Returns:
        What a quick model gains; None where no model that learns in one call answers the same question.

    Raises:
        ModelError: The examples cannot be read.
        IntegrityError: The champion's folder was changed.
    """
    plan = TrainingPlan.parse(params)
    quick = _quick_model(plan, champion.manifest.algorithm)
    if quick is None:
        return None
    learn, held_out, newest = (
        pd.read_parquet(examples / f"{part}.parquet") for part in (TRAIN, VALIDATION, TEST)
    )
    quick.fit(learn, held_out)
    judge = JUDGES[plan.kind](Test(newest, as_of=[], seed=plan.seed, level=_LEVEL))
    metric = GateRules.parse(plan.gate).metric
    found = judge.compare(
        ("quick model", judge.ask(quick)), ("champion", judge.ask(registry.load(champion))), metric
    )
    return benefit_of(found, len(newest))


def benefit_of(found: Difference, rows: int) -> Benefit | None:
    """The gain, and the smallest that such a comparison finds in four of five cases, one-sided at 5 %.

    >>> difference = Difference(a="a", b="b", metric="m", mean=0.03, low=0.01, high=0.05, level=0.95)
    >>> round(benefit_of(difference, 2000).detectable, 4)
    0.0254
    """
    if found.mean is None or found.low is None or found.high is None or found.high <= found.low:
        return None
    normal = NormalDist()
    error = (found.high - found.low) / (2 * normal.inv_cdf((1 + found.level) / 2))
    detectable = error * (normal.inv_cdf(_LEVEL) + normal.inv_cdf(_POWER))
    return Benefit(gain=found.mean, detectable=detectable, rows=rows)


def _quick_model(plan: TrainingPlan, algorithm: str) -> Any | None:
    """The champion's algorithm, untrained, or for a scorer the last simple model of the plan."""
    names = [algorithm, *(reversed(plan.simple) if plan.kind == "scorer" else ())]
    for name in names:
        model = catalog.build(name, plan.candidates.get(name, {}))
        if isinstance(model, Fittable):
            return model
    return None
