"""What monitoring found, as written to verdict.json: a word, a sentence that explains it, and the figures."""

import os
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, FiniteFloat, NonNegativeFloat, ValidationError

from attune.config import Settings
from attune.errors import DataError

Word = Literal["stable", "drifted", "not computed"]
Kind = Literal["number", "category"]
Method = Literal["population stability index", "Jensen-Shannon distance"]

STABLE: Word = "stable"
DRIFTED: Word = "drifted"
NOT_COMPUTED: Word = "not computed"

INDEX: Method = "population stability index"
DISTANCE: Method = "Jensen-Shannon distance"


class Subject(Settings):
    """Which model is looked at, and as of when."""

    model: str
    version: int = Field(ge=1)
    feature_service: str
    now: datetime


class Window(Settings):
    """The rows of one side of a comparison: the as-of dates of its features, both inclusive."""

    rows: int = Field(ge=0)
    first: datetime
    last: datetime


class Check(Settings):
    """One question to the data that is asked before drift is."""

    name: str
    found: str
    wanted: str
    passed: bool
    features: tuple[str, ...] = Field(default=(), description="which features failed it")


class Bars(Settings):
    """The share of each window's rows in each bin of a feature; both sum to one."""

    labels: tuple[str, ...]
    reference: tuple[NonNegativeFloat, ...]
    current: tuple[NonNegativeFloat, ...]


class FeatureVerdict(Settings):
    """How far one feature has moved from the reference.

    Attributes:
        distance: None where it could not be computed.
        shift: Of a number, by how many of the reference's deviations the values moved in the mean; it
            does not decide.
        weight: What the feature counts for, of all that are watched together.
    """

    feature: str
    description: str
    kind: Kind
    method: Method
    distance: FiniteFloat | None
    limit: NonNegativeFloat
    word: Word
    bars: Bars | None = None
    shift: FiniteFloat | None = None
    weight: NonNegativeFloat = 1.0

    @property
    def ratio(self) -> float:
        """The distance as a multiple of its limit: above 1 is drifted; infinite where not computed."""
        if self.distance is None:
            return float("inf")
        return self.distance / self.limit if self.limit else float("inf")


class Verdict(Settings):
    """The outcome of one look at a model."""

    subject: Subject
    word: Word
    sentence: str
    reference: Window
    current: Window
    checks: tuple[Check, ...]
    features: tuple[FeatureVerdict, ...] = Field(description="the one that moved most comes first")
    not_watched: dict[str, str] = Field(description="feature: why nobody compares it")

    @property
    def drifted(self) -> tuple[str, ...]:
        """The features that moved beyond their limits, most drifted first."""
        return tuple(feature.feature for feature in self.features if feature.word == DRIFTED)

    @property
    def drifted_share(self) -> float | None:
        """What the drifted features count for, as a share of all; None where drift was not computed."""
        whole = sum(feature.weight for feature in self.features)
        if self.word == NOT_COMPUTED or not whole:
            return None
        return sum(feature.weight for feature in self.features if feature.word == DRIFTED) / whole

    def save(self, path: Path) -> None:
        """Write the verdict; a reader sees the whole of it or nothing."""
        replace_file(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a verdict back.

        Raises:
            DataError: The file is missing or is not a verdict.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise DataError(
                f"{path} holds no readable verdict ({error}); run the monitoring pipeline again"
            ) from error


def replace_file(path: Path, text: str) -> None:
    """Write a text file under another name first, so that a reader never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
