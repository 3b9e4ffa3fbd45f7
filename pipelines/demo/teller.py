"""What the chapters of the story share."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from attune.config import Workspace
from attune.drift.verdicts import Verdict
from attune.evaluation.comparison import Comparison
from attune.registry import Registry
from attune.release import Released
from pipelines.demo.screen import Screen
from pipelines.launch import Launch, Request

SOURCE = "complete_journey"
MODELS = ("churn", "recommend")

# The days of the story, all Sundays. Labels look up to 28 days ahead, so each run leaves itself a future.
FIRST_TRAINING = "2017-09-03"
NEXT_MONTH = "2017-10-01"
SHIFT_BEGINS = datetime(2017, 10, 1, tzinfo=UTC)
YEAR_END = "2017-12-31"


@dataclass(frozen=True)
class Training:
    """One training run: what it was about, what was measured and what was decided."""

    model: str
    now: str
    comparison: Comparison
    released: Released


@dataclass
class Teller:
    """The screen, the means, and what has happened so far."""

    screen: Screen
    launch: Launch
    features_version: str = ""
    trainings: list[Training] = field(default_factory=list)
    verdicts: list[tuple[str, Verdict]] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Workspace:
        """Where everything is kept."""
        return self.launch.workspace

    @property
    def registry(self) -> Registry:
        """The versions so far."""
        return Registry(self.workspace)

    def train(self, pipeline: str, request: Request) -> Training:
        """Run a training pipeline and remember what it decided."""
        outputs = self.launch.run(pipeline, request)
        comparison = Comparison.model_validate_json(Path(outputs["evaluation"]).read_bytes())
        released = Released.model_validate_json(Path(outputs["decision"]).read_bytes())
        training = Training(request.model, request.now, comparison, released)
        self.trainings.append(training)
        return training

    def look(self, model: str, now: str) -> Verdict:
        """Run the monitoring pipeline and remember its verdict."""
        figures = self.launch.run("monitoring", Request(now, model))["figures"]
        verdict = Verdict.load(Path(figures))
        self.verdicts.append((now, verdict))
        return verdict
