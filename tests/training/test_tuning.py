import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attune.errors import ConfigError, ModelError
from attune.models.catalog import MODELS, build
from attune.training.plan import TrainingPlan
from attune.training.search_record import SearchRecord, search_behind, search_file
from attune.training.search_spaces import SPACES, space_of
from attune.training.tuning import Search, try_settings, tune
from tests.models.examples import write_examples
from tests.plans import churn_plan

PLAN = TrainingPlan.parse(churn_plan("churn_network", "logistic_regression", "gradient_boosting"))
RECORD = {
    "model": "churn", "feature_service": "churn_v1", "schema_hash": "0", "features": {}, "purpose": "churn",
    "now": "2017-06-04T00:00:00Z", "as_of": {}, "rows": {}, "customers": 1, "customers_without_consent": 0,
    "label": {}, "data_hash": "0123456789abcdef", "tables_version": "0",
    "leakage_audit": {"checked_rows": 0, "ages": {}},
}  # fmt: skip


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> Path:
    folder = write_examples("churn_network", tmp_path_factory.mktemp("searched") / "examples")
    (folder / "examples.json").write_text(json.dumps(RECORD))
    return folder


class Middle:
    """Proposes the lower end of everything."""

    def suggest_int(self, name, low, high, **_):
        return low

    def suggest_float(self, name, low, high, **_):
        return low

    def suggest_categorical(self, name, choices):
        return choices[0]


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if entry.kind == "scorer"])
def test_every_scorer_has_a_search_space_of_settings_that_it_knows(name):
    chosen = space_of(name)(Middle())
    build(name, chosen["model"])
    PLAN.loop.parse(PLAN.loop.model_dump() | chosen.get("loop", {}))


def test_a_model_without_a_space_is_refused():
    with pytest.raises(ConfigError, match="no search space for 'popularity'"):
        space_of("popularity")
    assert set(SPACES) <= set(MODELS)


def test_a_search_begins_with_what_is_in_use_and_goes_on_where_it_stopped(examples, tmp_path):
    search = Search("churn", "logistic_regression", PLAN, examples)
    first = tune(search, 2, tmp_path)
    assert len(first.trials) == 2
    assert first.trials[0].settings == {"model": {"c": 0.1}}
    again = tune(search, 5, tmp_path)
    assert again.trials[:2] == first.trials
    assert len(again.trials) == 5
    # What was pruned has the value of its first folds alone.
    complete = [trial for trial in again.trials if trial.state == "complete"]
    assert again.best.value == min(trial.value for trial in complete)
    assert (
        SearchRecord.model_validate_json(search_file(tmp_path, "churn", search.candidate).read_bytes())
        == again
    )


def test_a_killed_search_keeps_its_trials(examples, tmp_path):
    code = (
        "import sys; from pathlib import Path; from attune.training.tuning import Search, tune;"
        "from tests.training.test_tuning import PLAN;"
        "tune(Search('churn', 'logistic_regression', PLAN, Path(sys.argv[1])), 10_000, Path(sys.argv[2]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(examples), str(tmp_path)],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:  # fmt: skip
        next(line for line in process.stdout if "trial 3 of" in line)
        process.send_signal(signal.SIGKILL)
    started = time.monotonic()
    record = tune(Search("churn", "logistic_regression", PLAN, examples), 3, tmp_path)
    assert len(record.trials) >= 3
    assert time.monotonic() - started < 30


def test_the_record_of_a_search_belongs_to_the_settings_that_it_chose(examples, tmp_path):
    record = tune(Search("churn", "gradient_boosting", PLAN, examples), 3, tmp_path)
    chosen = {"model": build("gradient_boosting", record.best.settings["model"]).config.model_dump()}
    assert search_behind(tmp_path, "churn", "gradient_boosting", chosen, seed=0) == record
    other = search_behind(tmp_path, "churn", "gradient_boosting", {"model": {"leaves": 3}}, seed=0)
    assert (len(other.trials), other.best.state, other.metric) == (1, "taken as it is", None)
    assert search_behind(tmp_path, "churn", "blend", chosen, seed=0).best.settings == chosen


def test_settings_of_another_searcher_are_measured_and_kept_with_the_search(examples, tmp_path):
    search = Search("churn", "logistic_regression", PLAN, examples)
    first = tune(search, 1, tmp_path)
    value = try_settings(search, {"model.c": 0.1}, tmp_path)
    assert value == first.best.value  # the same settings, folds and seed
    try_settings(search, {"model.c": 2.0}, tmp_path)
    kept = SearchRecord.model_validate_json(search_file(tmp_path, "churn", search.candidate).read_bytes())
    assert [trial.settings["model"]["c"] for trial in kept.trials] == [0.1, 0.1, 2.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "model.c"),
        ({"model.c": 1e6}, "do not fit logistic_regression"),
        ({"model.c": 0.1, "model.trees": 3}, r"has no \['model.trees'\]"),
    ],
)
def test_settings_that_the_space_does_not_have_are_refused(settings, message, examples, tmp_path):
    with pytest.raises(ConfigError, match=message):
        try_settings(Search("churn", "logistic_regression", PLAN, examples), settings, tmp_path)


def test_a_damaged_record_is_refused(tmp_path):
    search_file(tmp_path, "churn", "blend").parent.mkdir()
    search_file(tmp_path, "churn", "blend").write_text("{")
    with pytest.raises(ModelError, match="no record of a search"):
        search_behind(tmp_path, "churn", "blend", {}, seed=0)


def test_examples_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(ModelError, match="holds no examples"):
        tune(Search("churn", "gradient_boosting", PLAN, tmp_path), 1, tmp_path / "searches")
