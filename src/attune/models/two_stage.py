"""Two stages: simple models name candidates, boosted trees put them in order.

What the trees learn from is split by time, or a candidate's score would already know the label: stage one
learns from what was bought before a moment, and the trees from what was bought after it.
"""

# N examples, P pairs of an example and a candidate, C features of a customer

from pathlib import Path
from typing import Any, Self

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, field_validator

from attune.columns import LABEL
from attune.config import Settings
from attune.errors import ModelError
from attune.models.base import Floats, read_model, write_model
from attune.models.candidates import RETRIEVERS, CandidateRetrieval, Candidates
from attune.models.history import Histories, read_histories
from attune.models.hits import TEN, list_gain
from attune.models.items import Items
from attune.models.tabular import NOT_FEATURES, FeatureTable
from attune.models.trees import best_of, read_trees, write_trees
from attune.models.two_stage_examples import asked_since, past_and_asked, seconds_of

_ROWS_AT_ONCE = 64  # of them all items are scored


class TwoStage:
    """Order the candidates of simple models by what they, the history and the customer's features say.

    Where the trees answer the validation examples no better than the best of the simple models (NDCG@10),
    that one answers alone.
    """

    class Config(Settings):
        """How many candidates there are, and how the trees are held back."""

        exclude_seen: bool = Field(default=False, description="never recommend what was bought before")
        each: int = Field(default=50, ge=1, description="candidates of each simple model")
        taught: int = Field(default=4000, ge=1, description="so many latest examples teach the trees")
        trees: int = Field(default=200, ge=1)
        leaves: int = Field(default=15, ge=2)
        learning_rate: float = Field(default=0.05, gt=0, le=1)
        rows_per_leaf: int = Field(default=50, ge=1)
        patience: int = Field(default=20, ge=1, description="trees without gain before stopping")
        seed: int = 0
        retrievers: dict[str, dict[str, Any]] = Field(default={}, description="settings of the simple models")

        @field_validator("retrievers")
        @classmethod
        def _are_known(cls, settings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
            if unknown := set(settings) - set(RETRIEVERS):
                raise ValueError(f"no simple model is named {sorted(unknown)}; there are {list(RETRIEVERS)}")
            return settings

    config: Config
    retrieval: CandidateRetrieval
    table: FeatureTable | None
    trees: lightgbm.Booster | None
    alone: int

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def items(self) -> Items:
        """The catalogue."""
        return self.retrieval.items

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Teach both stages; see `Fittable`.

        Raises:
            ModelError: The examples know of no purchase, or a column cannot be a feature.
        """
        self.table, self.trees, self.alone = _table(train), None, 0
        past, asked, cut = past_and_asked(train, self.config.taught)
        seconds = seconds_of(validation)
        early, late = seconds <= cut, seconds >= cut
        chosen, settings = validation[early] if early.any() else validation, self.config.retrievers
        self.retrieval = CandidateRetrieval.learn(past, chosen, settings)
        self._order(asked, asked_since(validation, cut, self.config.taught) if late.any() else validation)
        self.retrieval = CandidateRetrieval.learn(train, validation, settings)

    def _order(self, asked: pd.DataFrame, held_out: pd.DataFrame) -> None:
        """Grow trees on what candidates were bought, and see whether they help."""
        taught, told = self._grouped(asked), self._grouped(held_out)
        if taught is None or told is None:
            return
        self.trees = self._grown(taught, told)
        ordered = list_gain(self.recommend(held_out, TEN)[0], held_out[LABEL])
        trees, self.trees = self.trees, None
        alone = [self._gain_alone(member, held_out) for member in range(len(RETRIEVERS))]
        self.alone = int(np.argmax(alone))
        if ordered > max(alone):
            self.trees = trees

    def _gain_alone(self, member: int, held_out: pd.DataFrame) -> float:
        """NDCG@10 of one of the simple models by itself."""
        self.alone = member
        return list_gain(self.recommend(held_out, TEN)[0], held_out[LABEL])

    def _grouped(self, examples: pd.DataFrame) -> lightgbm.Dataset | None:
        """Candidates by example, with a label each; of examples of whose candidates one was bought."""
        histories = read_histories(examples, self.items.codes)
        features: list[Floats] = []
        labels: list[npt.NDArray[np.bool_]] = []
        sizes: list[int] = []
        for start in range(0, len(examples), _ROWS_AT_ONCE):
            rows = examples.iloc[start : start + _ROWS_AT_ONCE]
            found = self._candidates(histories.rows(start, start + len(rows)), self.config.each, None)
            bought = _bought(rows, found, self.items)
            count_N = np.bincount(found.row, minlength=len(rows))
            hit_N = np.bincount(found.row, bought, len(rows)) > 0
            features.append(self._inputs(rows, found)[hit_N[found.row]])
            labels.append(bought[hit_N[found.row]])
            sizes.extend(count_N[hit_N])
        if not sizes:
            return None
        return lightgbm.Dataset(np.concatenate(features), np.concatenate(labels), group=sizes)

    def _grown(self, taught: lightgbm.Dataset, told: lightgbm.Dataset) -> lightgbm.Booster:
        config = self.config
        settings = {
            "objective": "lambdarank",
            "metric": "ndcg",
            "eval_at": [TEN],
            "num_leaves": config.leaves,
            "learning_rate": config.learning_rate,
            "min_data_in_leaf": config.rows_per_leaf,
            "seed": config.seed,
            "num_threads": 1,  # sums depend on their order
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        stop = lightgbm.early_stopping(config.patience, verbose=False)
        told.set_reference(taught)
        grown = lightgbm.train(settings, taught, config.trees, valid_sets=[told], callbacks=[stop])
        return best_of(grown)

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend the k best of the candidates; see `Recommender`.

        Features that the examples lack count as missing.
        """
        if k < 1:
            raise ModelError(f"{k} recommendations were asked for, at least 1 is wanted")
        histories = read_histories(examples, self.items.codes)
        found_NK = np.full((len(examples), k), None, dtype=object)
        scores_NK = np.full((len(examples), k), -np.inf)
        for start in range(0, len(examples), _ROWS_AT_ONCE):
            rows = examples.iloc[start : start + _ROWS_AT_ONCE]
            part = histories.rows(start, start + len(rows))
            found = self._candidates(part, max(k, self.config.each), allowed)
            score_P = self._scores(rows, found)
            order = np.lexsort((found.code, -score_P, found.row))
            row, code = found.row[order], found.code[order]
            place = np.arange(len(row)) - np.searchsorted(row, row)
            kept = place < k
            found_NK[start + row[kept], place[kept]] = self.items.ids[code[kept]]
            scores_NK[start + row[kept], place[kept]] = score_P[order][kept]
        return found_NK, scores_NK

    def _candidates(self, histories: Histories, each: int, allowed: frozenset[str] | None) -> Candidates:
        forbidden = np.zeros((len(histories), len(self.items)), dtype=bool)
        if allowed is not None:
            forbidden[:] = ~self.items.mask(allowed)
        if self.config.exclude_seen:
            forbidden[histories.row, histories.code] = True
        return self.retrieval.candidates(histories, each, forbidden)

    def _scores(self, examples: pd.DataFrame, found: Candidates) -> Floats:
        if self.trees is None or not len(found.row):
            return found.scores(self.alone).astype(np.float64)
        return np.asarray(self.trees.predict(self._inputs(examples, found)), dtype=np.float64)

    def _inputs(self, examples: pd.DataFrame, found: Candidates) -> Floats:
        """What the trees read of each pair, shape [P, F + C]."""
        if self.table is None:
            return found.features.astype(np.float64)
        told = examples.reindex(columns=self.table.columns)
        customer_NC = np.hstack([self.table.numbers(told), self.table.codes(told)])
        return np.hstack([found.features, customer_NC[found.row]])

    def save(self, folder: Path) -> None:
        """Write settings, both stages, and the trees as LightGBM's own text."""
        learnt, tensors = self.retrieval.learned()
        state = {
            "items": list(self.items.ids),
            "alone": self.alone,
            "ranked": self.trees is not None,
            "retrieval": learnt,
            "table": self.table and self.table.model_dump(mode="json"),
        }
        write_model(folder, self.config, state, tensors)
        if self.trees is not None:
            write_trees(folder, self.trees)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained model back.

        Raises:
            ModelError: A file is missing or unreadable.
        """
        config, state, tensors = read_model(folder)
        model = cls(cls.Config.parse(config))
        model.retrieval = CandidateRetrieval.restore(
            Items(state["items"]), state["retrieval"], tensors, model.config.retrievers
        )
        model.alone = state["alone"]
        model.table = FeatureTable.parse(state["table"]) if state["table"] else None
        model.trees = read_trees(folder) if state["ranked"] else None
        return model


def _table(train: pd.DataFrame) -> FeatureTable | None:
    """The features of customers, where the examples have any."""
    told = train.drop(columns=LABEL).dropna(axis="columns", how="all")
    return FeatureTable.learn(told) if set(told.columns) - NOT_FEATURES else None


def _bought(examples: pd.DataFrame, found: Candidates, items: Items) -> npt.NDArray[np.bool_]:
    """Which candidates their example's label holds, shape [P]."""
    codes = [items.codes(label) for label in examples[LABEL]]
    row = np.repeat(np.arange(len(codes)), [len(each) for each in codes])
    bought = row * len(items) + np.concatenate([np.empty(0, dtype=np.int64), *codes])
    return np.isin(found.row * len(items) + found.code, bought[bought >= row * len(items)])
