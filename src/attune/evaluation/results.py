"""What was measured, as written to evaluation.json; "not computed" is a third state, with its reason."""

from typing import Self

from pydantic import Field, FiniteFloat, model_validator

from attune.config import Settings


class Metric(Settings):
    """A measured value with its interval, or the reason why there is none."""

    value: FiniteFloat | None = None
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _value_or_reason(self) -> Self:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a metric has either a value or the reason why it was not computed")
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has both ends or none")
        return self

    @classmethod
    def not_computed(cls, reason: str) -> Self:
        """A metric that could not be computed, and why."""
        return cls(reason=reason)

    @property
    def computed(self) -> bool:
        """Whether there is a value."""
        return self.value is not None


class SliceResult(Metric):
    """One metric of one group of customers, age_band 25-34 for example."""

    slice: str
    group: str
    rows: int = Field(ge=0)
    metric: str


class CalibrationBin(Settings):
    """What was said and what happened, among examples with similar scores."""

    rows: int = Field(ge=1)
    low: FiniteFloat
    high: FiniteFloat
    mean_score: FiniteFloat
    observed: FiniteFloat = Field(description="share of them with label 1")


class Evaluation(Settings):
    """Everything measured about one model on one set of test examples."""

    metrics: dict[str, Metric]
    slices: list[SliceResult] = Field(default_factory=list)
    calibration: list[CalibrationBin] = Field(default_factory=list, description="of scorers")
    seconds: float = Field(default=0.0, ge=0, description="how long it took to answer all test examples")


class Difference(Settings):
    """How much more `a` reaches than `b` on the same rows and the same draws, or why that is not known."""

    a: str
    b: str
    metric: str
    mean: FiniteFloat | None = None
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    level: float = Field(gt=0, lt=1, description="confidence of the interval")
    reason: str | None = None

    @property
    def computed(self) -> bool:
        """Whether the two could be compared."""
        return self.mean is not None and self.low is not None
