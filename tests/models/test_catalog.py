"""What every model of the catalogue promises. A new one is tested the moment it is listed."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from attune.errors import ConfigError, ModelError
from attune.governance.version_folder import FORMATS
from attune.models.catalog import MODELS, build
from attune.training.record import TRAINING_FILE
from attune.training.train import train
from tests.models.examples import (
    FAST,
    ITEMS,
    churn_examples,
    examples_for,
    next_item_examples,
    write_examples,
)

SCORERS = [name for name, entry in MODELS.items() if entry.kind == "scorer"]
RECOMMENDERS = [name for name, entry in MODELS.items() if entry.kind == "recommender"]


def answers(name, model, examples):
    if MODELS[name].kind == "scorer":
        return [model.score(examples)]
    return list(model.recommend(examples, k=5))


def digests(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.name != TRAINING_FILE]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_answers_the_same_when_loaded_and_saved_again(name, trained, tmp_path):
    examples = examples_for(name, 60, seed=9)
    model = MODELS[name].load(trained(name))
    model.save(tmp_path / "again")
    assert digests(tmp_path / "again").items() <= digests(trained(name)).items()  # training adds graphs
    again = answers(name, MODELS[name].load(tmp_path / "again"), examples)
    for found, wanted in zip(again, answers(name, model, examples), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_and_examples_give_the_same_bytes(name, trained, tmp_path):
    train(name, {}, FAST, write_examples(name, tmp_path / "examples"), tmp_path / "again")
    assert digests(tmp_path / "again") == digests(trained(name))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_folder_holds_no_code(name, trained):
    assert {file.suffix for file in trained(name).iterdir()} <= FORMATS


@pytest.mark.parametrize("name", MODELS)
def test_a_misspelt_parameter_is_refused(name):
    with pytest.raises(ConfigError, match="embeding_dim"):
        build(name, {"embeding_dim": 8})


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_without_a_model_is_refused(name, tmp_path):
    with pytest.raises(ModelError, match="no readable"):
        MODELS[name].load(tmp_path)


def test_a_model_that_is_not_listed_is_refused_with_the_list():
    with pytest.raises(ConfigError, match="churn_network"):
        build("oracle", {})


# Scorers


@pytest.mark.parametrize("name", SCORERS)
def test_scores_are_probabilities_and_find_what_drives_them(name, trained):
    examples = churn_examples(300, seed=9)
    scores = MODELS[name].load(trained(name)).score(examples)
    assert scores.dtype == np.float64
    assert ((scores >= 0) & (scores <= 1)).all()
    recent = examples["recency_days"] < 40
    late = examples["recency_days"] > 50
    assert scores[late].mean() > scores[recent].mean() + 0.3


@pytest.mark.parametrize("name", SCORERS)
def test_a_score_does_not_depend_on_its_neighbours_or_on_the_order_of_columns(name, trained):
    model, examples = MODELS[name].load(trained(name)), churn_examples(20, seed=9)
    together = model.score(examples[sorted(examples.columns, reverse=True)])
    alone = np.concatenate([model.score(examples.iloc[[row]]) for row in range(20)])
    np.testing.assert_allclose(alone, together, rtol=1e-5)
    assert model.score(examples.iloc[:0]).shape == (0,)


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize(
    ("column", "value"),
    [("age_band", "90-99"), ("age_band", None), ("recency_days", np.nan), ("orders_90d", 1e300)],
)
def test_a_value_never_seen_in_training_still_gets_a_probability(name, column, value, trained):
    strange = churn_examples(20, seed=9).assign(**{column: value})
    scores = MODELS[name].load(trained(name)).score(strange)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", SCORERS)
def test_a_missing_number_counts_as_the_training_median(name, trained):
    model, examples = MODELS[name].load(trained(name)), churn_examples(20, seed=9)
    median = float(churn_examples(400, seed=0)["recency_days"].median())
    np.testing.assert_array_equal(
        model.score(examples.assign(recency_days=np.nan)), model.score(examples.assign(recency_days=median))
    )


@pytest.mark.parametrize("name", SCORERS)
def test_an_unseen_category_and_a_missing_one_count_as_unknown(name, trained):
    model, examples = MODELS[name].load(trained(name)), churn_examples(20, seed=9)
    unknown = model.score(examples.assign(age_band="unknown"))
    np.testing.assert_array_equal(model.score(examples.assign(age_band="90-99")), unknown)
    np.testing.assert_array_equal(model.score(examples.assign(age_band=None)), unknown)


@pytest.mark.parametrize("name", SCORERS)
def test_an_infinite_number_and_a_missing_feature_are_refused_by_name(name, trained):
    model, examples = MODELS[name].load(trained(name)), churn_examples(20, seed=9)
    with pytest.raises(ModelError, match="'orders_90d' is infinite in 20 of 20"):
        model.score(examples.assign(orders_90d=np.inf))
    with pytest.raises(ModelError, match=r"lack the features \['orders_90d'\]"):
        model.score(examples.drop(columns="orders_90d"))


def harmed(examples: pd.DataFrame, harm: str) -> pd.DataFrame:
    if harm == "one class":
        return examples.assign(label=0)
    if harm == "label of text":
        return examples.assign(label="left")
    if harm == "missing label":
        return examples.assign(label=[None, *examples["label"][1:]])
    if harm == "all missing":
        return examples.assign(orders_90d=np.nan)
    if harm == "infinite":
        return examples.assign(orders_90d=np.inf)
    if harm == "leak":
        return examples.assign(closed_account=np.where(examples["label"] == 1, "yes", "no"))
    if harm == "another id":
        return examples.assign(order_id=1)
    return examples.assign(nickname=examples["customer_id"])


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("one class", "0 of 400 training examples have label 1"),
        ("label of text", "labels hold .'left'."),
        ("missing label", "labels hold .'nan'."),
        ("all missing", "'orders_90d' is missing in all"),
        ("infinite", "'orders_90d' is infinite in 400 of 400"),
        ("another id", "order_id"),
        ("leak", "'closed_account' tells the label of all 400"),
        ("hidden id", "'nickname' has 400 different texts"),
    ],
)
def test_harmful_training_examples_are_refused_and_nothing_is_written(name, harm, message, tmp_path):
    folder = write_examples(name, tmp_path / "examples")
    harmed(churn_examples(400, seed=0), harm).to_parquet(folder / "train.parquet")
    with pytest.raises(ModelError, match=message):
        train(name, {}, FAST, folder, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("name", SCORERS)
def test_neither_the_label_nor_a_key_is_ever_a_feature(name, trained):
    columns = MODELS[name].load(trained(name)).table.columns
    assert columns == ["always_seven", "orders_90d", "recency_days", "age_band"]


# Recommenders


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_recommendations_are_ordered_and_unique(name, trained):
    examples = next_item_examples(40, seed=9)
    items, scores = MODELS[name].load(trained(name)).recommend(examples, k=5)
    assert items.shape == scores.shape == (40, 5)
    assert (np.diff(scores, axis=1) <= 0).all()
    for row in items:
        assert len(set(row)) == 5
        assert set(row) <= set(ITEMS)


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_only_allowed_items_are_recommended_and_the_rest_is_padded(name, trained):
    model, allowed = MODELS[name].load(trained(name)), frozenset({"item-03", "item-07", "never-sold"})
    items, scores = model.recommend(next_item_examples(10, seed=9), k=4, allowed=allowed)
    assert items.shape == (10, 4)
    for row, row_scores in zip(items, scores, strict=True):
        assert {item for item in row if item is not None} <= allowed
        assert [item is None for item in row] == [score == -np.inf for score in row_scores]


@pytest.mark.parametrize("name", RECOMMENDERS)
@pytest.mark.parametrize("history", [[], ["sold-nowhere", "nor-this"]])
def test_a_customer_without_known_history_still_gets_recommendations(name, history, trained):
    examples = next_item_examples(3, seed=9).assign(
        history_items=[history] * 3,
        history_times=[[1_490_000_000 + step for step in range(len(history))]] * 3,
    )
    items, scores = MODELS[name].load(trained(name)).recommend(examples, k=5)
    assert np.isfinite(scores).all()
    assert all(item in ITEMS for row in items for item in row)
