"""What monitoring found, as one figure that the controller understands: drift as a multiple of the limit."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from attune.config import Settings
from attune.drift.verdicts import Verdict
from attune.retraining.decide import Look
from attune.retraining.rules import RetrainingRules


class Signal(Settings):
    """One further thing that is watched: scores, or quality on labels that have arrived.

    Attributes:
        pressure: How far it is, as a multiple of its limit; None where it could not be computed.
    """

    name: str
    pressure: float | None = Field(ge=0)
    sentence: str


def look_of(verdict: Verdict, at: datetime, rules: RetrainingRules, signals: Iterable[Signal] = ()) -> Look:
    """What the controller is told of a verdict.

    Features count by their weight: the share of them that drifted, over the share that is drift of the model.
    Where another signal is further beyond its limit, it speaks. Data that are not sane are an incident,
    whatever else was measured.

    Args:
        verdict: The look at the features.
        at: By the clock of whoever looks.
        rules: How strict to be.
        signals: Scores and quality.
    """
    subject = verdict.subject
    share = verdict.drifted_share
    cause = f"Drift as of {subject.now:%Y-%m-%d} against version {subject.version}: {verdict.sentence}"
    pressure = None if share is None else share / rules.drifted_share
    if share is None:
        cause = verdict.sentence
    elif share:
        cause += f" By weight they are {share:.0%} of the features, limit {rules.drifted_share:.0%}."
    for signal in signals:
        if pressure is not None and signal.pressure is not None and signal.pressure > pressure:
            pressure = signal.pressure
            cause = (
                f"{signal.name} as of {subject.now:%Y-%m-%d} of version {subject.version}: {signal.sentence}"
            )
    return Look(at=at, version=subject.version, window=verdict.current.last, pressure=pressure, cause=cause)
