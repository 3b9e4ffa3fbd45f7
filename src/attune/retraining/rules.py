"""How strict the controller of retraining is: the section `retraining` of the parameter file."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from attune.config import Settings

SECTION = "retraining"


class RetrainingRules(Settings):
    """When drift is confirmed, and how much retraining there may be.

    Attributes:
        drifted_share: Features beyond their limits, by what they count for, that are drift of the model.
        low: A window is calm below this part of the limit; between the two it is neither.
        windows_on: So many of the last windows above the limit confirm drift.
        windows_seen: How many windows those are.
        windows_off: So many calm windows in a row end it.
        benefit: Whether a quick model has to show first that there is something to gain.
        running_at_once: Of all models together; of one model it is one.
        cooldown_hours: Between the end of a run and the next start.
        runs_per_week: Of one model, in any seven days.
        minutes_per_week: Of runs of one model, in any seven days.
        lease_hours: A run that has not ended by then is given up.
        unpromoted_in_a_row: So many runs without a promotion, and a person is asked.
        rollbacks_per_week: So many rollbacks in seven days, and a person is asked.
        period_hours: How often there has to be a result of monitoring; without one in two periods the model's
            condition is unknown.
    """

    drifted_share: float = Field(default=0.1, gt=0, le=1)
    low: float = Field(default=0.6, gt=0, lt=1)
    windows_on: int = Field(default=2, ge=1)
    windows_seen: int = Field(default=3, ge=1)
    windows_off: int = Field(default=3, ge=1)
    benefit: bool = True
    running_at_once: int = Field(default=2, ge=1)
    cooldown_hours: float = Field(default=24, ge=0)
    runs_per_week: int = Field(default=4, ge=1)
    minutes_per_week: float = Field(default=4320, gt=0)
    lease_hours: float = Field(default=12, gt=0)
    unpromoted_in_a_row: int = Field(default=3, ge=1)
    rollbacks_per_week: int = Field(default=2, ge=1)
    period_hours: float = Field(default=168, gt=0)

    @model_validator(mode="after")
    def _enough_windows_are_seen(self) -> Self:
        if self.windows_on > self.windows_seen:
            raise ValueError(
                f"drift needs {self.windows_on} windows, but only {self.windows_seen} are looked at"
            )
        return self

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """The rules in the parameter file.

        Raises:
            ConfigError: They do not parse.
        """
        return cls.parse(params.get(SECTION) or {})
