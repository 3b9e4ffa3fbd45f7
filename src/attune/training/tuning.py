"""Search the settings of one model: Optuna proposes, folds of customers judge, bad trials end early.

A search is kept in a database. Whoever runs it again goes on where it stopped, and several processes may work
at the same one at once. The test examples are not read.
"""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState
from pydantic import ValidationError

from attune.columns import CUSTOMER_ID, LABEL
from attune.errors import ConfigError, ModelError
from attune.locks import in_turn
from attune.models import catalog
from attune.progress import say
from attune.training.cross_validation import customer_folds, fitted
from attune.training.examples import RECORD_FILE, TRAIN, VALIDATION, ExamplesRecord
from attune.training.plan import TrainingPlan
from attune.training.search_record import SearchRecord, Trial, search_file
from attune.training.search_spaces import Chosen, space_of

STORAGE_VARIABLE = "ATTUNE_SEARCH_STORAGE"
DATABASE_FILE = "searches.db"
METRIC = "log_loss"
FOLDS = 3
_ENDED = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
_SUREST = 1e-7


@dataclass(frozen=True)
class Search:
    """What is searched, and on what.

    Attributes:
        model: The served model.
        candidate: The catalogue name whose settings are searched.
        plan: Says with which settings the search begins, and the seed.
        examples: Folder of the examples; train and validation are dealt into folds, test is not read.
    """

    model: str
    candidate: str
    plan: TrainingPlan
    examples: Path


def tune_candidate(
    model: str,
    candidate: str,
    params: Mapping[str, Any],
    trials: int,
    examples: Path,
    searches: Path,
    out: Path,
) -> float:
    """Go on with the search of one candidate of a served model.

    Args:
        model: The served model.
        candidate: The catalogue name.
        params: The served model's section of the parameter file.
        trials: How many in all.
        examples: Folder of the examples.
        searches: Folder of the workspace.
        out: The record is written here too.

    Returns:
        The loss of the trial that was chosen.
    """
    record = tune(Search(model, candidate, TrainingPlan.parse(params), examples), trials, searches)
    _write(record, out)
    return float(record.best.value or 0.0)


def tune(search: Search, trials: int, searches: Path) -> SearchRecord:
    """Go on with a search until so many trials have ended, and write its record.

    The first trial is what the plan has now, so that what is chosen is never worse on these folds.

    Args:
        search: What is searched.
        trials: How many in all, over everybody who works at this search.
        searches: Folder of the workspace. The database lies there too, unless the environment variable
            ATTUNE_SEARCH_STORAGE names one that several machines reach.

    Raises:
        ConfigError: The model is no scorer of the plan, or has no search space.
        ModelError: The examples cannot be read, or no trial could be measured.
    """
    space = space_of(search.candidate)
    configured = search.plan.settings_of(search.candidate)
    rows, data_hash = _examples(search.examples)
    study = _study(search, data_hash, searches)
    study.enqueue_trial(_in_use(search, configured), skip_if_exists=True)

    def objective(trial: optuna.Trial) -> float:
        return _judge(search, {**configured}, space(trial), rows, trial)

    while (ended := len(study.get_trials(deepcopy=False, states=tuple(_ENDED)))) < trials:
        study.optimize(objective, n_trials=1, catch=(ModelError,))
        _say(search.candidate, study.get_trials(deepcopy=False, states=tuple(_ENDED)), ended + 1, trials)
    record = _record(search, study, data_hash)
    _write(record, search_file(searches, search.model, search.candidate))
    return record


def try_settings(search: Search, settings: Mapping[str, Any], searches: Path) -> float:
    """Measure settings that somebody else proposed, and keep them as a trial of the same search.

    Args:
        search: What is searched.
        settings: Name in the search space -> value: `model.width`, `loop.learning_rate`; all of them.
        searches: As in `tune`.

    Returns:
        The loss, as a trial of `tune` has it.

    Raises:
        ConfigError: The settings are not those of the search space, or lie outside of it.
        ModelError: The examples cannot be read, or cannot teach this model.
    """
    space, configured = space_of(search.candidate), search.plan.settings_of(search.candidate)
    fixed = optuna.trial.FixedTrial(dict(settings))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a value outside of the space is but a warning
        try:
            chosen = space(fixed)
        except (ValueError, UserWarning) as error:
            raise ConfigError(f"these settings do not fit {search.candidate}: {error}") from error
    if unknown := sorted(settings.keys() - fixed.params.keys()):
        raise ConfigError(f"{search.candidate} has no {unknown}, but {sorted(fixed.params)}; name these")
    rows, data_hash = _examples(search.examples)
    value = _judge(search, {**configured}, chosen, rows, fixed)
    study = _study(search, data_hash, searches)
    study.add_trial(
        optuna.trial.create_trial(params=fixed.params, distributions=fixed.distributions, value=value)
    )
    _write(_record(search, study, data_hash), search_file(searches, search.model, search.candidate))
    return value


def _study(search: Search, data_hash: str, searches: Path) -> optuna.Study:
    """The search in its database; other examples are another search."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    searches.mkdir(parents=True, exist_ok=True)
    storage = os.environ.get(STORAGE_VARIABLE) or f"sqlite:///{searches / DATABASE_FILE}"
    with in_turn(searches / f".{DATABASE_FILE}.lock"):  # two who make the same tables at once both fail
        return optuna.create_study(
            storage=storage,
            study_name=f"{search.model}-{search.candidate}-{data_hash[:12]}",
            load_if_exists=True,
            # Without a seed: one who goes on with a search must not propose again what was tried.
            sampler=optuna.samplers.TPESampler(),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        )


def _in_use(search: Search, configured: dict[str, Any]) -> dict[str, Any]:
    """The settings that the plan has now, by the names of the search space."""
    model = catalog.build(search.candidate, configured)
    used = {"model": model.config.model_dump(), "loop": search.plan.loop.model_dump()}
    return {f"{part}.{name}": value for part, values in used.items() for name, value in values.items()}


def _judge(
    search: Search,
    configured: dict[str, Any],
    chosen: Chosen,
    rows: pd.DataFrame,
    trial: optuna.trial.BaseTrial,
) -> float:
    """The mean loss over folds of customers; one that is worse than most by the first folds ends early."""
    params = {**configured, **chosen["model"]}
    loop = search.plan.loop.model_copy(update={**chosen.get("loop", {}), "seed": search.plan.seed})
    losses: list[float] = []
    for number, fold in enumerate(customer_folds(rows[CUSTOMER_ID], FOLDS, search.plan.seed)):
        model = fitted(search.candidate, params, loop, rows, fold)
        asked = rows.iloc[fold.test]
        losses.append(_log_loss(model.score(asked), asked[LABEL].to_numpy(dtype=np.float64)))
        trial.report(float(np.mean(losses)), number)
        if trial.should_prune():
            raise optuna.TrialPruned
    return float(np.mean(losses))


def _log_loss(scores: np.ndarray, labels: np.ndarray) -> float:
    said = np.clip(np.where(labels == 1, scores, 1 - scores), _SUREST, 1)
    return float(-np.log(said).mean())


def _examples(folder: Path) -> tuple[pd.DataFrame, str]:
    try:
        record = ExamplesRecord.model_validate_json((folder / RECORD_FILE).read_bytes())
        parts = [pd.read_parquet(folder / f"{part}.parquet") for part in (TRAIN, VALIDATION)]
    except (OSError, ValidationError) as error:
        raise ModelError(f"{folder} holds no examples ({error}); fetch them again") from error
    return pd.concat(parts, ignore_index=True), record.data_hash


def _record(search: Search, study: optuna.Study, data_hash: str) -> SearchRecord:
    ended = study.get_trials(deepcopy=False, states=tuple(_ENDED))
    complete = [trial for trial in ended if trial.state == TrialState.COMPLETE]
    if not complete:
        raise ModelError(
            f"none of {len(ended)} trials of {search.candidate} could be measured; look for extreme values "
            "in the examples, or try the settings of the parameter file by themselves"
        )
    best = min(complete, key=lambda trial: trial.value if trial.value is not None else np.inf)
    return SearchRecord(
        candidate=search.candidate,
        method=f"Optuna {optuna.__version__}, tree-structured Parzen estimator, median pruning, "
        f"{FOLDS} folds of customers",
        metric=METRIC,
        data_hash=data_hash,
        seed=search.plan.seed,
        trials=[_trial(trial) for trial in ended],
        chosen=best.number,
    )


def _trial(trial: FrozenTrial) -> Trial:
    settings: dict[str, dict[str, Any]] = {}
    for name, value in trial.params.items():
        part, _, setting = name.partition(".")
        settings.setdefault(part, {})[setting] = value
    state: Any = _ENDED[trial.state]
    return Trial(number=trial.number, settings=settings, value=trial.value, state=state)


def _say(candidate: str, ended: list[FrozenTrial], number: int, trials: int) -> None:
    values = [
        trial.value for trial in ended if trial.state == TrialState.COMPLETE and trial.value is not None
    ]
    best = f"best {METRIC} {min(values):.4f}" if values else "none measured yet"
    say(f"{candidate}: trial {number} of {trials} {_ENDED[ended[-1].state]}, {best}")


def _write(record: SearchRecord, file: Path) -> None:
    """Whole or not at all; of several who end at once each has seen at least its own trials."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    unfinished.replace(file)
