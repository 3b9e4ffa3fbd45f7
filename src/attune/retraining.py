"""When a verdict becomes a training run: a pure decision; starting the run is done elsewhere."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from attune.config import Settings
from attune.drift.verdicts import NOT_COMPUTED, STABLE, Verdict

Action = Literal["retrain", "wait", "nothing", "incident"]


class RetrainingRules(Settings):
    """How often a model may be retrained."""

    cooldown_hours: float = Field(default=24, ge=0, description="between the end of a run and the next start")


class Calm(Settings):
    """What is known about the model's retraining runs so far."""

    running: bool = False
    last_ended: datetime | None = None


class Decision(Settings):
    """What a verdict leads to, and why, in a sentence that stays with the version.

    Attributes:
        action: "retrain" starts the pipeline; "wait" would, but not now; "incident" asks a person to mend the
            data; "nothing" is all there is to do.
    """

    model: str
    action: Action
    cause: str


def decide_retraining(verdict: Verdict, calm: Calm, rules: RetrainingRules) -> Decision:
    """Say whether a verdict starts a retraining run.

    Broken data never do: a model would learn the fault. A run under way answers a further cause as well,
    and a model that has just been retrained is left alone, or every report of one storm would start a run.
    """
    subject = verdict.subject
    if verdict.word == NOT_COMPUTED:
        return Decision(model=subject.model, action="incident", cause=verdict.sentence)
    if verdict.word == STABLE:
        return Decision(model=subject.model, action="nothing", cause=verdict.sentence)
    cause = f"Drift as of {subject.now:%Y-%m-%d} against version {subject.version}: {verdict.sentence}"
    if calm.running:
        return _wait(verdict, f"{cause} A retraining run is already under way.")
    free_from = _end_of_cooldown(calm, rules)
    if free_from is not None and subject.now < free_from:
        return _wait(
            verdict, f"{cause} The model rests after its last retraining until {free_from:%Y-%m-%d %H:%M}."
        )
    return Decision(model=subject.model, action="retrain", cause=cause)


def _wait(verdict: Verdict, cause: str) -> Decision:
    return Decision(model=verdict.subject.model, action="wait", cause=cause)


def _end_of_cooldown(calm: Calm, rules: RetrainingRules) -> datetime | None:
    return None if calm.last_ended is None else calm.last_ended + timedelta(hours=rules.cooldown_hours)
