"""The profile of what a version learnt on, kept beside it: to watch the version takes no rows of that."""

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError

from attune.columns import SCORE
from attune.drift.profile import Floats, Grid, Profile, grid_of, is_number, profile
from attune.drift.verdicts import replace_file
from attune.errors import DataError
from attune.evaluation.reference import REFERENCE_FILE

PROFILE_FILE = "reference_profile.json"


class ReferenceProfile(Profile):
    """A window, the grids that it defines, and what each of its features counts for.

    Attributes:
        weights: Feature -> how closely the score follows it, from 0 to 1; empty where there is no score.
    """

    grids: dict[str, Grid]
    weights: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Self:
        """The profile of reference rows."""
        grids = {str(name): grid_of(rows[name]) for name in rows.columns}
        counted = profile(rows, grids)
        return cls(rows=counted.rows, columns=counted.columns, grids=grids, weights=_weights(rows))

    def save(self, folder: Path) -> None:
        """Write the profile into the folder of a version."""
        replace_file(folder / PROFILE_FILE, self.model_dump_json() + "\n")

    @classmethod
    def load(cls, version: Path) -> Self:
        """The profile that a version keeps, or the one of the reference rows that an older version keeps.

        Raises:
            DataError: The version keeps neither, or the file is none.
        """
        file, rows = version / PROFILE_FILE, version / REFERENCE_FILE
        if not file.exists():
            if not rows.exists():
                raise DataError(
                    f"{version} keeps no {REFERENCE_FILE} to compare with; register the model again"
                )
            return cls.of(pd.read_parquet(rows))
        try:
            return cls.model_validate_json(file.read_bytes())
        except ValidationError as error:
            raise DataError(f"{file} is no profile ({error}); restore the version's folder") from error


def _weights(rows: pd.DataFrame) -> dict[str, float]:
    """How closely the score follows each feature: the size of their correlation by ranks."""
    if SCORE not in rows or len(rows) < 2:
        return {}
    score: Floats = np.array(rows[SCORE].rank(), dtype=np.float64)
    return {str(name): _followed(rows[name], score) for name in rows.columns if name != SCORE}


def _followed(values: pd.Series, score: Floats) -> float:
    if is_number(values):
        ranks = values.rank().to_numpy(dtype=np.float64)
    else:
        ranks = pd.Series(score).groupby(values.astype("string").to_numpy()).transform("mean").to_numpy()
    known = np.isfinite(ranks)
    if known.sum() < 2 or not np.ptp(ranks[known]) or not np.ptp(score[known]):
        return 0.0
    return float(abs(np.corrcoef(ranks[known], score[known])[0, 1]))
