"""From what a person asks for to what a pipeline is told: parameters, dates and versions."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.config import Workspace, load_params
from attune.data.latest import latest_moment
from attune.errors import ConfigError
from attune.evaluation.comparison import Comparison
from attune.governance.provenance import code_version
from pipelines.catalog import require_pipeline
from pipelines.runner import run_local

PARAMS_FILE = Path("params.yaml")
ASKED_FOR = "asked for by a person"
TRIALS = 20


@dataclass(frozen=True)
class Request:
    """What a person asks of a pipeline; each pipeline needs some of it.

    Attributes:
        now: The date up to which everything is known.
        model: The served model.
        source: What to import.
        cause: Why it runs, in words.
        features_version: Of the features that examples are made from.
    """

    now: str
    model: str = ""
    source: str = ""
    cause: str = ASKED_FOR
    features_version: str = ""


@dataclass(frozen=True)
class Launch:
    """Where pipelines run and what they are told.

    Attributes:
        workspace: Tables, features and models.
        params: All of the parameter file.
        on_progress: Told each line of progress.
    """

    workspace: Workspace
    params: Mapping[str, Any]
    on_progress: Callable[[str], None]

    @classmethod
    def here(
        cls, workspace: Workspace, on_progress: Callable[[str], None], file: Path = PARAMS_FILE
    ) -> "Launch":
        """A launch with a parameter file, by default the one of the current folder.

        Raises:
            ConfigError: The file cannot be used, or a section of it holds no parameters.
        """
        params = load_params(file)
        for name, section in params.items():
            if not isinstance(section, dict | None):
                raise ConfigError(
                    f"{file}: the section {name} holds a {type(section).__name__}, not parameters; mend it"
                )
        return cls(workspace, params, on_progress)

    def latest(self) -> str:
        """The last as-of date of the tables: a Sunday at midnight with data up to it."""
        return latest_moment(self.workspace.tables).date().isoformat()

    def arguments(self, pipeline: str, request: Request) -> dict[str, Any]:
        """The parameters of a pipeline.

        Raises:
            ConfigError: There is no such pipeline, or something that it needs was not asked for.
        """
        require_pipeline(pipeline)
        everything = dict(self.params)
        if pipeline == "ingestion":
            source = _given(request.source, pipeline, "--source")
            return {"source": source, "until": request.now, "params": everything}
        if pipeline == "features":
            return {"now": request.now, "params": self._needed(request.model)}
        model = _given(request.model, pipeline, "--model")
        if pipeline == "monitoring":
            return {"model": model, "now": request.now}
        if pipeline == "tune":
            asked = {"model": model, "now": request.now, "features_version": request.features_version}
            return {**asked, **self._plan(model), "trials": TRIALS}
        arguments = {"model": model, "now": request.now, "cause": request.cause, **self._plan(model)}
        if pipeline == "retraining":
            return {**arguments, "all_params": self._needed(model)}
        return {**arguments, "features_version": request.features_version}

    def run(self, pipeline: str, request: Request) -> dict[str, Any]:
        """Run a pipeline on this machine and return its outputs."""
        arguments = self.arguments(pipeline, request)
        return run_local(pipeline, arguments, self.workspace, code_version(), self.on_progress)

    def features(self, now: str, model: str = "") -> str:
        """Bring features up to date, of an optional model only where it is named; return their version."""
        return str(self.run("features", Request(now, model))["Output"])

    def _needed(self, model: str) -> dict[str, Any]:
        """All parameters but those of optional models that nobody asks for now."""
        return {
            name: section
            for name, section in self.params.items()
            if name == model or not (section or {}).get("optional")
        }

    def _plan(self, model: str) -> dict[str, Any]:
        section = self.params.get(model)
        if not isinstance(section, dict):
            raise ConfigError(f"no model {model!r} in the parameters; there are: {', '.join(self.params)}")
        return {"params": section, "candidates": list(section.get("candidates", {}))}


def keep_metrics(workspace: Workspace, model: str, evaluation: str) -> Path:
    """Keep the metrics of a model's last run where DVC looks for them: plain numbers by candidate."""
    comparison = Comparison.model_validate(read_json(evaluation))
    metrics = {
        name: {metric: found.value for metric, found in measured.metrics.items() if found.computed}
        for name, measured in comparison.candidates.items()
    }
    file = workspace.reports / f"{model}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return file


def read_json(path: str | Path) -> dict[str, Any]:
    """A JSON artifact that a pipeline left."""
    document: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return document


def _given(value: str, pipeline: str, option: str) -> str:
    if not value:
        raise ConfigError(f"pipeline {pipeline} needs {option}; see attune run --help")
    return value
