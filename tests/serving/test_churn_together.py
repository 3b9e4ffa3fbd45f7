import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.errors import ModelError
from attune.features.online import OnlineRow
from attune.features.read_plan import OnlineReader
from serving.prediction_log import read_predictions
from serving.problems import Problem
from serving.schemas import ChurnAnswer, ChurnRequest
from tests.serving.answering import Answering, answering
from tests.serving.conftest import Shop


class Spoilt:
    """The shop's own store, counted; one customer's values are infinite."""

    def __init__(self, shop: Shop, customer: str) -> None:
        self._reader = OnlineReader(open_rows(shop.workspace.feast / ONLINE_FILE))
        self._customer = customer
        self.reads: list[int] = []

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        self.reads.append(len(keys))
        return [self._spoilt(row) for row in self._reader.online(service, keys, now)]

    def _spoilt(self, row: OnlineRow) -> OnlineRow:
        if row.key != self._customer:
            return row
        return replace(row, values={**row.values, "tenure_days": float("inf")})


def question(customer: str, explain: bool = False) -> ChurnRequest:
    return ChurnRequest(customer_id=customer, explain=explain)


def alone(answers: Answering, asked: ChurnRequest) -> float | str:
    try:
        return what(answers.scores.churn(asked))
    except Problem as problem:
        return what(problem)


def what(found: ChurnAnswer | Exception) -> float | str:
    if isinstance(found, ChurnAnswer):
        return round(found.probability, 12)
    assert isinstance(found, Problem)
    return found.name


def test_everybody_is_told_what_they_would_be_told_alone(shop, tmp_path):
    asked = [
        question(shop.loyal),
        question("nobody"),
        question(shop.refusing_churn),
        question(shop.second, explain=True),
        question(shop.second),
        question(shop.loyal),
    ]
    with answering(shop, tmp_path / "log") as answers:
        together = answers.scores.churn_all(asked)
        each = [alone(answers, one) for one in asked]
        logged = list(read_predictions(tmp_path / "log"))
    told = [what(found) for found in together]
    assert told == each
    assert told[1:3] == ["unknown-customer", "no-consent"]
    assert [bool(found.explanation) for found in together if isinstance(found, ChurnAnswer)] == [
        False,
        True,
        False,
        False,
    ]
    answered = [found for found in together if isinstance(found, ChurnAnswer)]
    assert [(record.prediction_id, record.probability) for record in logged[:4]] == [
        (found.prediction_id, found.probability) for found in answered
    ]


def test_the_store_is_read_once_and_values_that_break_the_model_break_nobody_elses_answer(shop, tmp_path):
    spoilt = Spoilt(shop, shop.pseudonym(shop.second))
    asked = [question(shop.loyal), question(shop.second), question(shop.loyal)]
    with answering(shop, tmp_path / "log", features=spoilt) as answers:
        first, broken, last = answers.scores.churn_all(asked)
    assert spoilt.reads == [3]
    assert isinstance(broken, ModelError)
    assert what(first) == what(last)


def test_of_nobody_nothing_is_asked(shop, tmp_path):
    with answering(shop, tmp_path / "log") as answers:
        assert answers.scores.churn_all([]) == []
        assert [what(found) for found in answers.scores.churn_all([question("nobody")])] == [
            "unknown-customer"
        ]
        assert list(read_predictions(tmp_path / "log")) == []


def test_a_row_that_cannot_be_read_is_nobody_elses_and_not_the_stores(shop, tmp_path):
    mine = shop.elsewhere(tmp_path / "workspace")
    with closing(sqlite3.connect(mine.workspace.feast / "online.db")) as database, database:
        (generation,) = database.execute("SELECT generation FROM state").fetchone()
        table = f'"{generation}:customer_activity"'
        cut = f"UPDATE {table} SET row = substr(row, 1, length(row) - 5) WHERE entity = ?"
        assert database.execute(cut, [shop.pseudonym(shop.second)]).rowcount == 1
    asked = [question(shop.loyal), question(shop.second), question(shop.loyal)]
    with answering(mine, tmp_path / "log") as answers:
        for _ in range(4):
            told = [what(found) for found in answers.scores.churn_all(asked)]
            assert told == [told[0], "no-features", told[0]]
            assert isinstance(told[0], float)


def test_one_run_of_the_model_and_one_write_of_the_log_answer_all(shop, tmp_path, monkeypatch):
    runs: list[int] = []
    lines: list[int] = []
    with answering(shop, tmp_path / "log") as answers:
        model = answers.lineup.answering("churn", None).model
        score, write = model.score, os.write

        def counted(examples: pd.DataFrame) -> np.ndarray:
            runs.append(len(examples))
            return score(examples)

        def written(file: int, data: bytes) -> int:
            lines.append(data.count(b"\n"))
            return write(file, data)

        monkeypatch.setattr(model, "score", counted)
        monkeypatch.setattr(os, "write", written)
        answers.scores.churn_all([question(shop.loyal), question(shop.second), question(shop.loyal)])
    assert (runs, lines) == ([3], [3])
