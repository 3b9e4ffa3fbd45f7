"""What was tried before a model's settings were chosen: kept with every version, so that luck can be seen."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, FiniteFloat, ValidationError, model_validator

from attune.config import Settings
from attune.errors import ModelError

SEARCH_FILE = "search.json"
DEFAULTS = "none: the settings of the parameter file, as they are"


class Trial(Settings):
    """One set of settings that was tried.

    Attributes:
        settings: "model" and "loop": what was varied, by name.
        value: What it reached, less is better; None where it was not measured.
    """

    number: int = Field(ge=0)
    settings: dict[str, dict[str, Any]]
    value: FiniteFloat | None
    state: Literal["complete", "pruned", "failed", "taken as it is"]


class SearchRecord(Settings):
    """The whole of search.json: every trial of a search, and the one that was chosen."""

    candidate: str
    method: str
    metric: str | None = Field(
        description="what was measured, less is better; None where nothing was searched"
    )
    data_hash: str | None = Field(description="of the examples that were searched on")
    seed: int
    trials: list[Trial] = Field(min_length=1)
    chosen: int = Field(ge=0, description="the number of the trial")

    @model_validator(mode="after")
    def _chosen_is_a_trial(self) -> Self:
        if self.chosen not in {trial.number for trial in self.trials}:
            raise ValueError(
                f"trial {self.chosen} was chosen, but is not among the {len(self.trials)} trials"
            )
        return self

    @classmethod
    def of_defaults(cls, candidate: str, settings: dict[str, dict[str, Any]], seed: int) -> Self:
        """The record of a model whose settings nobody searched: one trial, and that one is said."""
        only = Trial(number=0, settings=settings, value=None, state="taken as it is")
        return cls(
            candidate=candidate,
            method=DEFAULTS,
            metric=None,
            data_hash=None,
            seed=seed,
            trials=[only],
            chosen=0,
        )

    @property
    def best(self) -> Trial:
        """The trial that was chosen."""
        return next(trial for trial in self.trials if trial.number == self.chosen)

    def describes(self, settings: dict[str, dict[str, Any]]) -> bool:
        """Whether a model with these settings is what the search chose."""
        return all(
            settings.get(part, {}).get(name) == value
            for part, chosen in self.best.settings.items()
            for name, value in chosen.items()
        )


def search_file(searches: Path, model: str, candidate: str) -> Path:
    """Where the record of a search lies.

    Args:
        searches: The folder of a workspace.
        model: The served model.
        candidate: Its name in the catalogue.
    """
    return searches / model / f"{candidate}.json"


def search_behind(
    searches: Path, model: str, candidate: str, settings: dict[str, dict[str, Any]], seed: int
) -> SearchRecord:
    """The search that chose these settings; where there was none, a record that says so.

    Args:
        searches: The folder of a workspace.
        model: The served model.
        candidate: Its name in the catalogue.
        settings: What the model was trained with: "model", and "loop" of a network.
        seed: Of the run.

    Raises:
        ModelError: There is a record that cannot be read.
    """
    file = search_file(searches, model, candidate)
    if not file.exists():
        return SearchRecord.of_defaults(candidate, settings, seed)
    try:
        record = SearchRecord.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(f"{file} holds no record of a search ({error}); run the search again") from error
    return record if record.describes(settings) else SearchRecord.of_defaults(candidate, settings, seed)
