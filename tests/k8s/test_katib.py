"""The search by Katib: what its own models read, and nothing that our search does not know."""

import re

import optuna
from kubeflow_katib_api import models

from attune.training.search_spaces import space_of
from attune.training.tuning import METRIC
from pipelines.tuning_cli import _settings
from tests.k8s.rendered import EVERYTHING, of_kind, rendered

DISTRIBUTIONS = {
    "int": optuna.distributions.IntDistribution,
    "double": optuna.distributions.FloatDistribution,
}


def experiment():
    (found,) = of_kind(rendered(EVERYTHING), "Experiment")
    return found


def arguments():
    (container,) = experiment()["spec"]["trialTemplate"]["trialSpec"]["spec"]["template"]["spec"][
        "containers"
    ]
    return container["args"]


def test_an_experiment_is_what_katibs_own_models_read():
    found = experiment()
    read = models.V1beta1Experiment.from_dict(found)
    assert read is not None
    assert read.spec is not None
    written = read.spec.to_dict()
    assert {name: written[name] for name in found["spec"]} == found["spec"]  # no field that they do not know


def test_every_parameter_reaches_the_trial_and_none_is_made_up():
    spec = experiment()["spec"]
    told = {each["name"]: each["reference"] for each in spec["trialTemplate"]["trialParameters"]}
    asked = re.findall(r"\$\{trialParameters\.(\w+)\}", " ".join(arguments()))
    assert sorted(asked) == sorted(told)
    assert sorted(told.values()) == sorted(each["name"] for each in spec["parameters"])
    assert spec["objective"]["objectiveMetricName"] == METRIC


def test_the_ends_of_each_setting_are_those_of_our_own_search():
    spec = experiment()["spec"]
    reference = {each["name"]: each["reference"] for each in spec["trialTemplate"]["trialParameters"]}
    feasible = {each["name"]: each for each in spec["parameters"]}
    middle = {
        each["name"]: str((float(each["feasibleSpace"]["min"]) + float(each["feasibleSpace"]["max"])) / 2)
        for each in spec["parameters"]
    }
    middle |= {each["name"]: "20" for each in spec["parameters"] if each["parameterType"] == "int"}
    sets = [each.removeprefix("--set=") for each in arguments() if each.startswith("--set=")]
    named = dict(each.split("=") for each in sets)
    values = _settings([f"{name}={middle[reference[each[18:-1]]]}" for name, each in named.items()])
    trial = optuna.trial.FixedTrial(values)
    space_of("gradient_boosting")(trial)
    assert trial.params == values
    for name, each in named.items():
        wanted, found = trial.distributions[name], feasible[reference[each[18:-1]]]
        ends = found["feasibleSpace"]
        assert isinstance(wanted, DISTRIBUTIONS[found["parameterType"]])
        assert (wanted.low, wanted.high) == (float(ends["min"]), float(ends["max"]))
        assert wanted.log == (ends.get("distribution") == "logUniform")
