"""Stages of a version, and what a log of decisions says about who stands where. Pure functions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

from attune.config import Settings
from attune.errors import RegistryError
from attune.governance.events import Event

Stage = Literal["candidate", "shadow", "canary", "champion", "retired"]
STAGES: tuple[Stage, ...] = get_args(Stage)
AT_WORK: tuple[Stage, ...] = ("shadow", "canary", "champion")

# Where a version may go from where it is. Nobody leaves the champion's place but by another's promotion.
MOVES: Mapping[Stage, frozenset[Stage]] = {
    "candidate": frozenset({"shadow", "canary", "champion", "retired"}),
    "shadow": frozenset({"candidate", "canary", "champion", "retired"}),
    "canary": frozenset({"candidate", "shadow", "champion", "retired"}),
    "champion": frozenset(),
    "retired": frozenset({"candidate", "shadow", "champion"}),
}
CHANGES = ("promoted", "rolled back")


class Promotion(Settings):
    """One change of champion.

    Attributes:
        sequence: From 1 for each model: who promotes says which one was the last that he saw.
        previous: The champion before; None for none.
        reason: Why, in words.
        cause: What started it: a person, a schedule, a verdict of drift.
        approval: The digest of the person's approval that it rests on; None for the gate's word.
        kind: Whether it went forwards or back.
    """

    name: str
    sequence: int
    version: int
    previous: int | None
    reason: str
    cause: str
    approval: str | None
    kind: Literal["promoted", "rolled back"]
    promoted_at: datetime

    @classmethod
    def read(cls, event: Event) -> "Promotion":
        """The change that an event of the log is about."""
        return cls.model_validate(
            event.found
            | {"name": event.name, "version": event.version, "kind": event.kind, "promoted_at": event.at}
        )


def check_move(name: str, version: int, before: Stage, after: Stage) -> None:
    """Refuse a move that no version makes.

    Raises:
        RegistryError: It is there already, or cannot go there from where it is.
    """
    if before == after:
        raise RegistryError(f"version {version} of {name} is the {after} already; nothing to do")
    if after not in MOVES[before]:
        raise RegistryError(
            f"version {version} of {name} is {before} and cannot become {after}; from there it may become "
            f"{', '.join(sorted(MOVES[before])) or 'nothing: promote another version in its place'}"
        )


def line_of_champions(promotions: Sequence[Promotion]) -> list[int]:
    """Who served, in order, without those that were taken back: the last serves, the one before is next.

    >>> def event(kind, version):
    ...     return Promotion(name="churn", sequence=1, version=version, previous=None, reason="", cause="",
    ...                      approval=None, kind=kind, promoted_at="2017-06-04T00:00:00Z")
    >>> line_of_champions([event("promoted", 1), event("promoted", 2), event("promoted", 3)])
    [1, 2, 3]
    >>> line_of_champions([event("promoted", 1), event("promoted", 2), event("rolled back", 1)])
    [1]
    """
    line: list[int] = []
    for promotion in promotions:
        if promotion.kind == "rolled back":
            while line and line[-1] != promotion.version:
                line.pop()
        if not line or line[-1] != promotion.version:
            line.append(promotion.version)
    return line


def stages(events: Sequence[Event]) -> dict[tuple[str, int], Stage]:
    """Where every version stands after a log of events, by model and number."""
    standing: dict[tuple[str, int], Stage] = {}
    for event in events:
        place = event.name, event.version
        if event.kind == "registered":
            standing[place] = "candidate"
        elif event.kind == "staged":
            standing[place] = event.found["stage"]
        elif event.kind == "collected":
            standing[place] = "retired"
        elif event.kind in CHANGES:
            for other, stage in standing.items():
                if other[0] == event.name and stage == "champion":
                    standing[other] = "retired"
            standing[place] = "champion"
    return standing
