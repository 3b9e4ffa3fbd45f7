"""What a model's answers are like: lists beside what customers bought, decisions by group of people.

Lists are held against purchases and not against fixed numbers: how varied the sales of a shop are is its own
affair. What rests on too few answers is not computed, and never green.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import FiniteFloat, ValidationError

from attune.columns import CUSTOMER_ID, ITEM_ID
from attune.config import Settings
from attune.drift.monitor import DecisionRules, ListRules
from attune.drift.verdicts import replace_file
from attune.evaluation.accuracy import Recommended
from attune.evaluation.bootstrap import LEVEL
from attune.evaluation.fairness import TRUE_POSITIVE_RATE, rates_by_group
from attune.evaluation.results import Evaluation
from attune.evaluation.variety import GroupExposure, ItemFacts, exposure, novelty
from attune.governance.fairness import ATTRIBUTES, FairnessTable, fairness_table

PROBABILITY = "probability"

FOLDER, FILE = "served", "served.json"

ServedWord = Literal["ok", "beyond", "not computed"]


class ServedCheck(Settings):
    """One figure of the answers, and what it is held against."""

    name: str
    value: FiniteFloat | None = None
    limit: FiniteFloat | None = None
    word: ServedWord
    sentence: str


class ServedReport(Settings):
    """What the answers of a version were like.

    Attributes:
        at: When it was looked at.
        first: The oldest answer that counts.
        exposure: How much each group of items was shown and bought; of lists.
        fairness: True positive rates by group of people; of scores whose labels have arrived.
    """

    model: str
    version: int
    at: datetime
    first: datetime
    answers: int
    checks: tuple[ServedCheck, ...]
    exposure: tuple[GroupExposure, ...] = ()
    fairness: FairnessTable | None = None

    @property
    def beyond(self) -> list[str]:
        """The names of what is beyond its limit."""
        return [check.name for check in self.checks if check.word == "beyond"]

    def save(self, reports: Path) -> None:
        """Write the report where the pages look for it, by model and day; a reader sees the whole of it."""
        replace_file(
            reports / FOLDER / self.model / f"{self.at:%Y-%m-%d}" / FILE,
            self.model_dump_json(indent=1) + "\n",
        )


def newest_report(reports: Path, model: str, version: int) -> ServedReport | None:
    """What the answers of a version were like when somebody last looked; None where nobody has."""
    for file in sorted((reports / FOLDER / model).glob(f"*/{FILE}"), reverse=True):
        try:
            report = ServedReport.model_validate_json(file.read_bytes())
        except ValidationError:
            continue
        if report.version == version:
            return report
    return None


def check_lists(
    lists: Sequence[Sequence[str]],
    bought: pd.DataFrame,
    group: pd.Series,
    reached: float | None,
    rules: ListRules,
) -> tuple[list[ServedCheck], list[GroupExposure]]:
    """Hold recommended lists against purchases.

    Args:
        lists: Items that were shown, best first.
        bought: customer_id and item_id of the purchases of as many days.
        group: The group of each item, by its id.
        reached: The coverage of the version on its test; None where it was not measured.
        rules: The limits.

    Returns:
        The checks, and how much each group of items was shown, bought and there.
    """
    names = ("Coverage", "Novelty", "Popularity share", "Exposure by item group")
    if len(lists) < rules.min_lists or bought.empty:
        why = f"{len(lists):,} lists and {len(bought):,} purchases, wanted at least {rules.min_lists:,} lists"
        return [_not_computed(name, why) for name in names], []
    pairs = bought[[CUSTOMER_ID, ITEM_ID]].astype(str).drop_duplicates()
    buyers = pairs[ITEM_ID].value_counts()
    facts = ItemFacts(buyers, pairs[CUSTOMER_ID].nunique(), pd.Series(dtype=object))
    recommended, sold = _matrix(lists), pairs[[ITEM_ID]].to_numpy(dtype=object)
    by_group = exposure(recommended, [pairs[ITEM_ID].tolist()], group)
    checks = [
        _coverage(names[0], recommended, buyers, reached, rules),
        _novelty(names[1], recommended, sold, facts, rules),
        _popularity(names[2], recommended, sold, buyers, rules),
        _exposure(names[3], by_group, rules),
    ]
    return checks, by_group


def decision_fairness(labelled: pd.DataFrame, people: pd.DataFrame, rules: DecisionRules) -> FairnessTable:
    """How decisions fell upon groups of people, by what happened since: true positive rates by group.

    Args:
        labelled: customer_id, probability and label of answers whose time is over.
        people: The contract table of customers.
        rules: What counts as a yes, and how far groups may be apart.
    """
    once = labelled.drop_duplicates(CUSTOMER_ID, keep="last").merge(people, on=CUSTOMER_ID, how="left")
    scores = once[PROBABILITY].to_numpy(dtype=np.float64)
    slices = list(rates_by_group(scores, once, ATTRIBUTES, rules.share))
    return fairness_table(Evaluation(metrics={}, slices=slices), TRUE_POSITIVE_RATE, LEVEL, rules.max_gap)


def check_decisions(table: FairnessTable) -> ServedCheck:
    """The figure of a table of true positive rates."""
    name = "Group fairness of decisions"
    if not table.compared:
        return _not_computed(name, f"none of {len(table.rows)} groups has enough labels to be compared")
    worst = max(table.compared, key=lambda row: row.gap or 0.0)
    below = f"{sum(row.verdict == 'gap' for row in table.compared)} of {len(table.compared)} groups"
    return ServedCheck(
        name=name,
        value=worst.gap,
        limit=table.max_gap,
        word="beyond" if any(row.verdict == "gap" for row in table.compared) else "ok",
        sentence=f"of those who left, the largest gap in who was found is {worst.gap:.3f} ({worst.attribute} "
        f"{worst.group}); {below} surely lie below, by more than {table.max_gap:g}.",
    )


def _coverage(
    name: str, recommended: Recommended, buyers: pd.Series, reached: float | None, rules: ListRules
) -> ServedCheck:
    if reached is None:
        return _not_computed(name, "the version does not know its coverage on its test")
    shown = {item for item in recommended.ravel() if item is not None}
    value, limit = len(shown & set(buyers.index)) / len(buyers), rules.coverage * reached
    return _at_least(name, value, limit, f"{value:.1%} of the items that sell were shown to somebody")


def _novelty(
    name: str, recommended: Recommended, sold: Recommended, facts: ItemFacts, rules: ListRules
) -> ServedCheck:
    value, bought = (float(np.nanmean(novelty(side, facts))) for side in (recommended, sold))
    said = f"what is shown tells {value:.1f} bits, what is bought {bought:.1f}"
    return _at_least(name, value, rules.novelty * bought, said)


def _popularity(
    name: str, recommended: Recommended, sold: Recommended, buyers: pd.Series, rules: ListRules
) -> ServedCheck:
    popular = set(buyers.index[: max(1, len(buyers) // 10)])
    places = [[item for item in side.ravel() if item is not None] for side in (recommended, sold)]
    value, bought = (sum(item in popular for item in side) / max(1, len(side)) for side in places)
    limit = 1 - rules.tail * (1 - bought)
    return ServedCheck(
        name=name,
        value=value,
        limit=limit,
        word="beyond" if value > limit else "ok",
        sentence=f"the most bought tenth of the items has {value:.1%} of the places and {bought:.1%} of the "
        f"purchases; at most {limit:.1%}.",
    )


def _exposure(name: str, shown: Sequence[GroupExposure], rules: ListRules) -> ServedCheck:
    counted = [group for group in shown if group.bought >= rules.group_share]
    if not counted:
        return _not_computed(name, "no group of items has enough of the purchases")
    least = min(counted, key=lambda group: group.exposure / group.bought)
    said = (
        f"{least.group} has {least.exposure:.1%} of the attention and {least.bought:.1%} of the purchases, "
        f"the least of {len(counted)} groups"
    )
    return _at_least(name, least.exposure / least.bought, rules.exposure, said)


def _at_least(name: str, value: float, limit: float, said: str) -> ServedCheck:
    word: ServedWord = "beyond" if value < limit else "ok"
    return ServedCheck(
        name=name, value=value, limit=limit, word=word, sentence=f"{said}; at least {limit:.3g}."
    )


def _not_computed(name: str, why: str) -> ServedCheck:
    return ServedCheck(name=name, word="not computed", sentence=f"not computed: {why}.")


def _matrix(lists: Sequence[Sequence[str]]) -> Recommended:
    """Lists side by side, the shorter ones filled up with None, shape [N, longest]."""
    filled = np.full((len(lists), max(map(len, lists), default=0)), None, dtype=object)
    for row, items in zip(filled, lists, strict=True):
        row[: len(items)] = items
    return filled
