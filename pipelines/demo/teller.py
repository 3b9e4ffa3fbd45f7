"""What the chapters of the story share."""

import io
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, TypeVar

from attune.config import Workspace
from attune.drift.verdicts import Verdict
from attune.evaluation.comparison import Comparison
from attune.orphans import end_with_starter
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

Found = TypeVar("Found")


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

    def train(self, pipeline: str, requests: Iterable[Request]) -> Iterator[Training]:
        """Run a training pipeline for several models at once and remember what each decided."""
        for request, outputs in self._at_once(pipeline, requests):
            comparison = Comparison.model_validate_json(Path(outputs["evaluation"]).read_bytes())
            released = Released.model_validate_json(Path(outputs["decision"]).read_bytes())
            training = Training(request.model, request.now, comparison, released)
            self.trainings.append(training)
            yield training

    def look(self, now: str) -> Iterator[Verdict]:
        """Run the monitoring pipeline for every model at once and remember the verdicts."""
        for _, outputs in self._at_once("monitoring", [Request(now, model) for model in MODELS]):
            verdict = Verdict.load(Path(outputs["figures"]))
            self.verdicts.append((now, verdict))
            yield verdict

    def _at_once(
        self, pipeline: str, requests: Iterable[Request]
    ) -> Iterator[tuple[Request, dict[str, Any]]]:
        """Run a pipeline for several requests side by side; the outputs come in the order of the requests."""

        def run(request: Request) -> tuple[Request, dict[str, Any]]:
            def progress(line: str) -> None:
                self.screen.progress(f"{request.model:9}  {line}")

            return request, replace(self.launch, on_progress=progress).run(pipeline, request)

        asked = list(requests)
        # Its threads do not outlive an interrupted story, and the pipelines end with them.
        with ThreadPool(max(1, len(asked))) as pool:
            yield from pool.imap(run, asked)


def in_a_process_of_its_own(work: Callable[..., Found], *arguments: Any) -> Found:
    """Do something that takes a lot of memory where it is given back at the end; what it prints is lost."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=end_with_starter) as pool:
        return pool.submit(_quietly, work, *arguments).result()


def _quietly(work: Callable[..., Found], *arguments: Any) -> Found:
    with redirect_stdout(io.StringIO()):
        return work(*arguments)
