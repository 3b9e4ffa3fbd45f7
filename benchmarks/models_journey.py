"""Figures of the default data: what the training pipeline measured of every candidate, on the same rows."""

from pathlib import Path

from attune.config import Workspace
from attune.errors import DataError
from attune.evaluation.comparison import Comparison
from attune.governance.requirements import EVALUATION_FILE
from attune.registry import Registry
from benchmarks.models_figures import Figure

TREES = "gradient_boosting"
METRIC = "roc_auc"


def journey(home: Path, model: str) -> list[Figure]:
    """Read the newest version's comparison.

    Args:
        home: A workspace in which `attune run training --model MODEL` was run on the default data.
        model: "churn" or "response".

    Raises:
        DataError: No version of it was trained there.
    """
    versions = Registry(Workspace(root=home.absolute())).versions(model)
    if not versions:
        raise DataError(f"no version of {model!r} in {home}; run: attune run training --model {model}")
    results = Comparison.model_validate_json((versions[-1].folder / EVALUATION_FILE).read_bytes())
    prefix = f"journey_{model}"
    figures = []
    for name in results.candidates:
        suffix = "" if name == results.network else f"_{name}"
        value = results.candidates[name].metrics[METRIC].value
        if value is not None:
            figures.append(Figure(f"{prefix}_auc{suffix}", value, "auc", name))
    apart = results.difference(results.network, TREES)
    ends = {"mean": apart.mean, "low": apart.low, "high": apart.high}
    return figures + [
        Figure(f"{prefix}_net_minus_lightgbm_auc_{end}", value, "auc", results.network)
        for end, value in ends.items()
        if value is not None
    ]
