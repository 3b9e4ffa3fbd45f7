"""The search spaces: for each model of the catalogue, which settings are tried, and between which ends.

A name reads `model.width` or `loop.learning_rate`: whose setting it is, and what it is called there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attune.errors import ConfigError

if TYPE_CHECKING:
    from optuna.trial import BaseTrial as Trial

Chosen = dict[str, dict[str, Any]]


def _network(trial: Trial) -> Chosen:
    return {
        "model": {
            "width": trial.suggest_int("model.width", 16, 128, step=16),
            "blocks": trial.suggest_int("model.blocks", 1, 3),
            "bins": trial.suggest_int("model.bins", 8, 48, step=8),
            "dropout": trial.suggest_float("model.dropout", 0.0, 0.6),
        },
        "loop": {
            "learning_rate": trial.suggest_float("loop.learning_rate", 3e-4, 1e-2, log=True),
            "weight_decay": trial.suggest_float("loop.weight_decay", 1e-3, 1.0, log=True),
        },
    }


def _sequence_network(trial: Trial) -> Chosen:
    chosen = _network(trial)
    chosen["model"]["sequence"] = trial.suggest_categorical("model.sequence", ["none", "gru", "transformer"])
    return chosen


def _blend(trial: Trial) -> Chosen:
    chosen = _network(trial)
    chosen["model"]["trees_share"] = trial.suggest_float("model.trees_share", 0.2, 0.8)
    return chosen


def _logistic_regression(trial: Trial) -> Chosen:
    return {"model": {"c": trial.suggest_float("model.c", 1e-3, 1e2, log=True)}}


def _gradient_boosting(trial: Trial) -> Chosen:
    return {
        "model": {
            "leaves": trial.suggest_int("model.leaves", 4, 31),
            "learning_rate": trial.suggest_float("model.learning_rate", 0.01, 0.2, log=True),
            "rows_per_leaf": trial.suggest_int("model.rows_per_leaf", 10, 200, log=True),
            "feature_share": trial.suggest_float("model.feature_share", 0.2, 1.0),
            "row_share": trial.suggest_float("model.row_share", 0.3, 1.0),
            "penalty": trial.suggest_float("model.penalty", 0.1, 100.0, log=True),
        }
    }


def _random_forest(trial: Trial) -> Chosen:
    return {
        "model": {
            "leaves": trial.suggest_int("model.leaves", 15, 255, log=True),
            "rows_per_leaf": trial.suggest_int("model.rows_per_leaf", 2, 100, log=True),
            "feature_share": trial.suggest_float("model.feature_share", 0.1, 1.0),
        }
    }


SPACES: Mapping[str, Callable[[Trial], Chosen]] = {
    "churn_network": _network,
    "response_network": _sequence_network,
    "blend": _blend,
    "logistic_regression": _logistic_regression,
    "gradient_boosting": _gradient_boosting,
    "random_forest": _random_forest,
}


def space_of(candidate: str) -> Callable[[Trial], Chosen]:
    """The search space of a model of the catalogue.

    Raises:
        ConfigError: Nobody wrote one for it.
    """
    if candidate not in SPACES:
        raise ConfigError(f"no search space for {candidate!r}, but for {sorted(SPACES)}; write one for it")
    return SPACES[candidate]
