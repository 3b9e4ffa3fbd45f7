import numpy as np
import pytest

from attune.errors import DataError
from attune.training.cross_validation import cross_validate, forward_blocks, nested_scores, stratified_folds
from attune.training.loop_settings import LoopSettings
from tests.models.examples import churn_examples

LABELS = np.array([0, 0, 0, 1] * 10, dtype=np.float64)
LOOP = LoopSettings()


def test_each_row_is_asked_once_and_by_nobody_who_has_seen_it():
    folds = stratified_folds(LABELS, folds=5, seed=0)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(40))
    for fold in folds:
        everybody = np.concatenate([fold.train, fold.validation, fold.test])
        assert sorted(everybody) == list(range(40))
        assert LABELS[fold.test].mean() == 0.25
        assert set(LABELS[fold.validation]) == {0, 1}


def test_another_seed_deals_otherwise_and_the_same_one_alike():
    def dealt(seed: int) -> list[list[int]]:
        return [fold.test.tolist() for fold in stratified_folds(LABELS, folds=5, seed=seed)]

    assert dealt(0) == dealt(0) != dealt(1)


def test_blocks_of_time_are_asked_after_what_came_before_them():
    folds = forward_blocks(LABELS, blocks=3)
    assert [fold.test.tolist() for fold in folds] == [
        list(range(10, 20)), list(range(20, 30)), list(range(30, 40)),
    ]  # fmt: skip
    for fold in folds:
        assert max(fold.train.max(), fold.validation.max()) < fold.test.min()
        assert len(fold.train) + len(fold.validation) == fold.test.min()


def test_a_window_forgets_what_is_older():
    last = forward_blocks(LABELS, blocks=3, window=12)[-1]
    assert sorted([*last.train, *last.validation]) == list(range(18, 30))


@pytest.mark.parametrize("deal", [stratified_folds, forward_blocks])
def test_fewer_rows_of_a_label_than_parts_are_refused(deal):
    with pytest.raises(DataError, match="2 with label 1 cannot be dealt into"):
        deal(np.array([0.0] * 20 + [1.0] * 2), 5, 0)


def test_one_class_is_refused():
    with pytest.raises(DataError, match="0 with label 1"):
        stratified_folds(np.zeros(20), 2, 0)


def test_every_row_gets_a_score_and_the_seconds_of_each_fold_are_known():
    examples = churn_examples(200, seed=0)
    labels = examples["label"].to_numpy(dtype=np.float64)
    answers = cross_validate("logistic_regression", {}, LOOP, examples, stratified_folds(labels, 4, 0))
    assert np.isfinite(answers.scores).all()
    assert len(answers.seconds) == 4
    assert answers.scores[labels == 1].mean() > answers.scores[labels == 0].mean() + 0.3


def test_what_is_chosen_inside_a_fold_never_sees_its_test_rows():
    examples = churn_examples(200, seed=0)
    fold = stratified_folds(examples["label"].to_numpy(dtype=np.float64), 4, 0)[0]
    asked = np.concatenate(
        [rows for rows, _ in nested_scores("logistic_regression", {}, LOOP, examples, fold, folds=3)]
    )
    assert sorted(asked) == sorted([*fold.train, *fold.validation])
