"""Whether rows of a public table have drifted from those before them: our verdict on features of any name."""

import pandas as pd

from attune.columns import LABEL
from attune.drift.decide import Measured, decide, judge
from attune.drift.histograms import category_histogram, number_histogram
from attune.drift.monitor import DriftRules, Watched
from attune.drift.profile import Categories, CategoryGrid, NumberGrid, Numbers, Profile, profile
from attune.drift.reference import ReferenceProfile
from attune.drift.verdicts import DRIFTED, Word
from attune.models.tabular import NOT_FEATURES


def drift_of(before: pd.DataFrame, after: pd.DataFrame) -> tuple[Word, str, int]:
    """Compare the features of two windows, by the limits that monitors have where nothing else is said.

    Returns:
        The verdict, the sentence that explains it, and how many features moved beyond their limits.
    """
    names = [name for name in before.columns if name not in NOT_FEATURES and name != LABEL]
    reference = ReferenceProfile.of(before[names])
    current = profile(after[names], reference.grids)
    rules = DriftRules()
    features = []
    for name in names:
        kind = reference.grids[name].kind
        watched = Watched(name=name, kind=kind, description=name)
        features.append(judge(watched, _measured(name, reference, current), rules, len(names)))
    features.sort(key=lambda feature: -feature.ratio)
    word, sentence = decide([], features)
    return word, sentence, sum(feature.word == DRIFTED for feature in features)


def _measured(name: str, reference: ReferenceProfile, current: Profile) -> Measured | None:
    grid, before, after = reference.grids[name], reference.columns[name], current.columns[name]
    if isinstance(grid, NumberGrid) and isinstance(before, Numbers) and isinstance(after, Numbers):
        return Measured(number_histogram(grid, before, after))
    if isinstance(grid, CategoryGrid) and isinstance(before, Categories) and isinstance(after, Categories):
        return Measured(category_histogram(grid, before, after))
    return None
