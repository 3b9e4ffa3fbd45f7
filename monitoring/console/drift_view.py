"""The drift explorer: each feature's two windows over each other, its distance over time, what followed."""

from datetime import datetime

from attune.config import Settings
from attune.drift.verdicts import FeatureVerdict, Verdict
from monitoring.console.evidence import Evidence


class Distance(Settings):
    """How far a feature lay from the reference at one look; None where that was not computed."""

    as_of: datetime
    version: int
    value: float | None


class FeatureCourse(Settings):
    """One feature at the chosen look, and its distance at every look."""

    feature: FeatureVerdict
    course: tuple[Distance, ...]

    @property
    def measured(self) -> list[tuple[datetime, float | None]]:
        """The distances by date."""
        return [(found.as_of, found.value) for found in self.course]


class LookLine(Settings):
    """One look in the list of all.

    Attributes:
        followed: What the system did because of it, as the controller's log and later versions have it.
    """

    as_of: datetime
    at: datetime
    version: int
    word: str
    sentence: str
    followed: tuple[str, ...]


class DriftView(Settings):
    """Everything that the drift explorer says."""

    model: str
    chosen: Verdict | None
    features: tuple[FeatureCourse, ...]
    looks: tuple[LookLine, ...]
    unreadable: tuple[str, ...]


def drift_view(evidence: Evidence, model: str, as_of: str) -> DriftView:
    """Gather the explorer of a model.

    Args:
        evidence: Of the workspace.
        model: The served model.
        as_of: The day of the look to show; the newest where there is none of that day.
    """
    found = evidence.looks(model)
    verdicts = [look.verdict for look in found.looks]
    asked = [verdict for verdict in verdicts if f"{verdict.subject.now:%Y-%m-%d}" == as_of]
    newest = verdicts[-1] if verdicts else None
    chosen = asked[-1] if asked else newest
    followed = [*_done(evidence, model), *_trained(evidence, model)]
    lines = [
        LookLine(
            as_of=look.verdict.subject.now,
            at=look.at,
            version=look.verdict.subject.version,
            word=look.verdict.word,
            sentence=look.verdict.sentence,
            followed=tuple(said for cause, said in followed if look.verdict.sentence in cause),
        )
        for look in reversed(found.looks)
    ]
    return DriftView(
        model=model,
        chosen=chosen,
        features=tuple(_course(feature, verdicts) for feature in chosen.features) if chosen else (),
        looks=tuple(lines),
        unreadable=found.unreadable,
    )


def _course(feature: FeatureVerdict, verdicts: list[Verdict]) -> FeatureCourse:
    distances = [
        Distance(as_of=verdict.subject.now, version=verdict.subject.version, value=found.distance)
        for verdict in verdicts
        for found in verdict.features
        if found.feature == feature.feature
    ]
    return FeatureCourse(feature=feature, course=tuple(distances))


def _done(evidence: Evidence, model: str) -> list[tuple[str, str]]:
    """What the controller of retraining did, beyond looking: for which cause, and what."""
    return [
        (entry.cause, f"{entry.recorded[:16].replace('T', ' ')} {entry.event}, then {entry.phase}")
        for entry in evidence.history(model)
        if entry.event != "looked"
    ]


def _trained(evidence: Evidence, model: str) -> list[tuple[str, str]]:
    """What each version says caused it, and what became of it."""
    outcomes = [(version.version, evidence.outcome(version)) for version in evidence.registry.versions(model)]
    return [
        (outcome.cause, f"version {number} was trained: {outcome.reason}")
        for number, outcome in outcomes
        if outcome is not None
    ]
