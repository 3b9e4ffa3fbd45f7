"""The plan of one served model: its section of the parameter file, parsed once."""

from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from attune.config import Settings
from attune.errors import ConfigError
from attune.models.catalog import MODELS
from attune.training.loop_settings import LoopSettings


class ChurnLabel(Settings):
    """Silent for a while after having been active."""

    active_days: int = Field(default=90, ge=1, description="who bought within so many days before is asked")
    quiet_days: int = Field(default=28, ge=1, description="who buys nothing for so many days after has left")

    @property
    def horizon_days(self) -> int:
        """How long after the as-of date the label is known."""
        return self.quiet_days


class NextItemsLabel(Settings):
    """What is bought soon after."""

    next_days: int = Field(default=7, ge=1)

    @property
    def horizon_days(self) -> int:
        """How long after the as-of date the label is known."""
        return self.next_days


class ResponseLabel(Settings):
    """A message that was sent soon after, and answered in time."""

    send_days: int = Field(default=7, ge=1, description="messages of so many days after the date are asked")
    answer_days: int = Field(default=28, ge=1, description="a later response counts as none")

    @property
    def horizon_days(self) -> int:
        """How long after the as-of date the label is known."""
        return self.send_days + self.answer_days


class AsOfSettings(Settings):
    """Which dates examples are taken as of; all lie on the weekly grid of the features."""

    first: date = Field(description="the earliest as-of date of a training example")
    test: int = Field(default=1, ge=1, description="how many test dates")
    test_every_days: int = Field(default=7, ge=7, multiple_of=7)
    train_every_days: int = Field(default=7, ge=7, multiple_of=7)
    train_last: int | None = Field(default=None, ge=1, description="only so many latest training dates")


class CardTexts(Settings):
    """What only people can say about a model; its model card repeats it."""

    intended_use: str = Field(default="", description="what it is for, and for whom")
    out_of_scope: str = Field(default="", description="what it must not be used for")
    ethical_considerations: str = Field(default="", description="who could be harmed, and what prevents it")
    caveats: str = Field(default="", description="what it does not know, and when to doubt it")


class TrainingPlan(Settings):
    """How examples are made, which models learn from them, and what the gate asks."""

    feature_service: str = Field(pattern=r"^[a-z][a-z_]*_v[0-9]+$")
    purpose: str = Field(description="the consent without which a customer is left out")
    kind: Literal["scorer", "recommender"]
    label: ChurnLabel | NextItemsLabel | ResponseLabel
    as_of: AsOfSettings
    validation_share: float = Field(default=0.1, gt=0, lt=0.5, description="share of the customers")
    network: str = Field(description="the candidate that has to beat the simple ones")
    candidates: dict[str, dict[str, Any]] = Field(min_length=1, description="catalogue name: its Config")
    loop: LoopSettings = LoopSettings()
    gate: dict[str, Any] = Field(default_factory=dict)
    approval: Literal["person", "gate"] = Field(default="gate", description="who lets a version serve")
    card: CardTexts = CardTexts()
    optional: bool = Field(default=False, description="features for it are made only where it is asked for")
    seed: int = 0

    @model_validator(mode="after")
    def _candidates_are_in_the_catalogue(self) -> Self:
        for name in self.candidates:
            if name not in MODELS:
                raise ValueError(f"no model named {name!r}; the catalogue has {sorted(MODELS)}")
            if MODELS[name].kind != self.kind:
                raise ValueError(f"{name!r} is a {MODELS[name].kind}, the plan asks for a {self.kind}")
        if self.network not in self.candidates:
            raise ValueError(
                f"network {self.network!r} is not among the candidates {sorted(self.candidates)}"
            )
        return self

    @property
    def simple(self) -> list[str]:
        """The candidates that are not the network, in their order in the file."""
        return [name for name in self.candidates if name != self.network]

    @property
    def reads_items(self) -> bool:
        """Whether a candidate learns from features of items."""
        return any(values.get("side") for values in self.candidates.values())

    def settings_of(self, candidate: str) -> dict[str, Any]:
        """The `Config` of a candidate, as plain values.

        Raises:
            ConfigError: The plan does not list it.
        """
        if candidate not in self.candidates:
            raise ConfigError(
                f"{candidate!r} is not among the candidates {sorted(self.candidates)}; add its parameters"
            )
        return self.candidates[candidate]
