"""From a verdict to what follows: the controller decides, a run is started, its end goes on record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from attune.drift.verdicts import Verdict
from attune.errors import AttuneError
from attune.governance.outcome import DECISION_FILE, Outcome
from attune.governance.requirements import read_document
from attune.registry import Registry
from attune.release import Released
from attune.retraining.benefit import measure_benefit
from attune.retraining.controller import Controller
from attune.retraining.decide import Benefit, Step
from attune.retraining.evidence import look_of
from attune.retraining.rollback import end_trial
from attune.retraining.rules import RetrainingRules
from attune.training.plan import TrainingPlan
from monitoring.metrics import write_metrics
from monitoring.webhook import tell_chat
from pipelines.cluster import Cluster
from pipelines.launch import Launch, Request

if TYPE_CHECKING:
    from pipelines.served import Served


@dataclass(frozen=True)
class Follower:
    """Follows the verdicts on the models of one workspace.

    Attributes:
        launch: Where runs start.
        at: By the clock.
        act: Whether runs are started; where not, a run that is due is only said.
        cluster: The API and the configuration of the cluster that runs them; None for this machine.
    """

    launch: Launch
    at: datetime
    act: bool
    cluster: tuple[str, Cluster, Path] | None = None

    @property
    def controller(self) -> Controller:
        """The controller; without `act` it never gives a lease, for nobody would use it."""
        rules = RetrainingRules.of(self.launch.params)
        return Controller(
            self.launch.workspace, rules if self.act else rules.model_copy(update={"benefit": True})
        )

    def follow(self, verdict: Verdict) -> Iterator[str]:
        """Take a verdict to its end, and say what happens in lines."""
        model, controller = verdict.subject.model, self.controller
        yield from self._settle(model)
        yield from self._try(model)
        served = self._served(model)
        signals = served.signals() if served else []
        yield from (f"{model}: {signal.name}: {signal.sentence}" for signal in signals)
        report = served.report() if served else None
        if report is not None:
            report.save(self.launch.workspace.reports)
            yield from (f"{model}: {check.name}: {check.sentence}" for check in report.checks)
        seen = look_of(verdict, self.at, controller.rules, signals)
        step = controller.look(model, seen)
        yield from self._tell(model, step)
        if step.action == "measure the benefit":
            if not self.act:
                yield f"{model}: a run is due; --act measures its benefit and starts it"
                return
            found = self._benefit(model, verdict.subject.now)
            step = controller.measured(model, found, self.at, seen.cause)
            yield from self._tell(model, step)
        if step.action == "retrain":
            yield from self._run(model, verdict.subject.now, step)

    def _try(self, model: str) -> Iterator[str]:
        """End the trial of a canary that surely answers worse than the champion."""
        from pipelines.trials import canary_of, why_to_end

        params, workspace = self.launch.params.get(model), self.launch.workspace
        canary = canary_of(workspace, model) if params else None
        if canary is None or params is None:
            return
        why = why_to_end(workspace, canary, TrainingPlan.parse(params), self.at)
        if why is None:
            return
        if not self.act:
            yield f"{model}: canary {canary.version} should go ({why}); --act ends its trial"
            return
        yield from self._tell(model, end_trial(workspace, canary, why, self.at))

    def _served(self, model: str) -> "Served | None":
        from pipelines.served import Served

        params = self.launch.params.get(model)
        if params is None:
            return None
        return Served.of(self.launch.workspace, model, TrainingPlan.parse(params), self.at)

    def _run(self, model: str, now: datetime, step: Step) -> Iterator[str]:
        lease = step.state.run
        assert lease is not None
        request = Request(f"{now:%Y-%m-%d}", model, cause=lease.cause)
        if self.cluster is not None:
            run_id = self._start_on_cluster(request)
            yield f"{model}: run {run_id} started; its end is settled at the next look"
            return
        try:
            outputs = self.launch.run("retraining", request)
        except AttuneError as error:
            yield from self._tell(
                model, self.controller.ended(model, lease.token, "failed", self.at, str(error))
            )
            raise
        released = Released.model_validate_json(Path(outputs["decision"]).read_bytes())
        ended = self.controller.ended(model, lease.token, released.ending, self.at, released.reason)
        yield from self._tell(model, ended)

    def _start_on_cluster(self, request: Request) -> str:
        from pipelines.runner import run_on_cluster

        assert self.cluster is not None
        host, cluster, folder = self.cluster
        arguments = self.launch.arguments("retraining", request)
        return run_on_cluster("retraining", arguments, host, folder, cluster)

    def _settle(self, model: str) -> Iterator[str]:
        """Record the end of a run that ended elsewhere: its version names the cause that started it."""
        lease = self.controller.standing(model).run
        if lease is None:
            return
        for version in reversed(Registry(self.launch.workspace).versions(model)):
            outcome = read_document(Outcome, version.folder / DECISION_FILE)
            if outcome is not None and outcome.cause == lease.cause:
                stage = Registry(self.launch.workspace).stages(model)[version.version]
                if stage == "shadow" or stage == "canary":
                    yield from self._on_trial(model, version.version, stage)
                    return
                step = self.controller.ended(model, lease.token, outcome.verdict, self.at, outcome.reason)
                yield from self._tell(model, step)
                return

    def _on_trial(self, model: str, version: int, stage: Literal["shadow", "canary"]) -> Iterator[str]:
        state = self.controller.standing(model)
        if state.run is not None and state.phase != stage:
            why = f"Version {version} is the {stage}."
            yield from self._tell(model, self.controller.staged(model, state.run.token, stage, self.at, why))

    def _benefit(self, model: str, now: datetime) -> Benefit | None:
        from attune.adapters.feast import FeastStore
        from attune.training.examples import fetch_examples

        workspace, params = self.launch.workspace, self.launch.params[model]
        registry = Registry(workspace)
        champion = registry.champion(model)
        if champion is None:
            return None
        with TemporaryDirectory() as folder:
            examples = Path(folder) / "examples"
            plan, store = TrainingPlan.parse(params), FeastStore(workspace)
            fetch_examples(store, workspace.tables, workspace.features, model, plan, now, examples)
            return measure_benefit(registry, champion, params, examples)

    def _tell(self, model: str, step: Step) -> Iterator[str]:
        controller = self.controller
        write_metrics(self.launch.workspace.reports, controller.states(), self.at, controller.rules)
        tell_chat(model, step.said)
        yield from (f"{model}: {said.event}. {said.cause}" for said in step.said)
