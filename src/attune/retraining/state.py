"""Where a model stands between a look at it and the next."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from attune.config import Settings
from attune.retraining.rules import RetrainingRules

Phase = Literal["calm", "suspect", "confirmed", "training", "shadow", "canary", "cooldown", "paused"]
RUNNING: tuple[Phase, ...] = ("training", "shadow", "canary")

WEEK = timedelta(days=7)


class Seen(Settings):
    """One window, and how its drift compares with the limit: 1 is at the limit."""

    window: datetime
    pressure: float = Field(ge=0)


class Lease(Settings):
    """The right to retrain a model: one run at a time has it.

    Attributes:
        token: Grows with each run: who comes back with an older one was given up and changes nothing.
        joined: How many later triggers this run answers as well.
    """

    token: int
    started: datetime
    until: datetime
    cause: str
    joined: int = 0


class Spent(Settings):
    """A run that has ended: how long it took."""

    ended: datetime
    minutes: float = Field(ge=0)


class State(Settings):
    """Everything that the next decision about a model rests on.

    Attributes:
        version: The champion that the windows are about.
        windows: The last ones, oldest first.
        drifting: Drift is confirmed and has not ended.
        tokens: How many leases were given so far.
        starts: Of runs, in the last seven days.
        unpromoted: Runs in a row that promoted nothing.
        rollbacks: In the last seven days.
        last_result: The last look that came to a result, by the clock.
        paused: Why a person has to decide; None where nobody has to.
    """

    model: str
    version: int = 0
    phase: Phase = "calm"
    windows: tuple[Seen, ...] = ()
    drifting: bool = False
    run: Lease | None = None
    tokens: int = 0
    rests_until: datetime | None = None
    starts: tuple[datetime, ...] = ()
    spent: tuple[Spent, ...] = ()
    unpromoted: int = 0
    rollbacks: tuple[datetime, ...] = ()
    last_result: datetime | None = None
    paused: str | None = None

    def silent(self, now: datetime, rules: RetrainingRules) -> bool:
        """Whether monitoring came to no result in two periods: the condition of the model is unknown."""
        return self.last_result is not None and now - self.last_result > 2 * timedelta(
            hours=rules.period_hours
        )

    def forget(self, now: datetime) -> "State":
        """The state without what is older than a week."""
        return self.model_copy(
            update={
                "starts": tuple(at for at in self.starts if now - at < WEEK),
                "spent": tuple(spent for spent in self.spent if now - spent.ended < WEEK),
                "rollbacks": tuple(at for at in self.rollbacks if now - at < WEEK),
            }
        )
