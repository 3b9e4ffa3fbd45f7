"""Explaining an answer that was given: found in the log again, and only from what it rested on then."""

from pathlib import Path

from attune import columns as c
from attune.features.online import OnlineRow
from attune.features.value_digest import digests_of
from serving.champions import Champion
from serving.explanations import explain_items, explained_scores
from serving.ground import Ground
from serving.lines import SUFFIX
from serving.prediction_log import PredictionRecord, parse
from serving.problems import AGAIN, Problem
from serving.reads import Reading
from serving.schemas import ExplanationAnswer, RecommendedItem

# Newer answers are asked about more often; a log of months is looked through by `attune trace`.
MOST_BYTES = 256 * 1024 * 1024


class PastAnswers:
    """Explains answers of the prediction log; the caller gives it a thread of its own."""

    def __init__(self, ground: Ground, predictions: Path) -> None:
        self._ground = ground
        self._predictions = predictions

    def explain(self, prediction_id: str) -> ExplanationAnswer:
        """Say why an answer was what it was.

        Raises:
            Problem: No such answer, or it was about nobody (404); consent was withdrawn (403); the version or
                the features it rested on are not here any more (410); the store does not answer (503).
        """
        record = find(self._predictions, prediction_id)
        if record is None:
            raise Problem(404, "unknown-prediction", "the log of this server has no such answer")
        if record.customer is None or record.features is None:
            raise Problem(404, "about-nobody", "the answer rested on nobody's features; what is popular does")
        version = self._ground.lineup.numbered(record.model, record.model_version)
        if version is None:
            raise Problem(410, "version-gone", "the version that answered does not serve any more")
        reading = self._same(version, record, record.customer)
        if record.items is None:
            return self._score(version, record, reading)
        return self._items(version, record, reading)

    def _same(self, version: Champion, record: PredictionRecord, customer: str) -> Reading:
        """The features of the time, if they are still the same.

        Raises:
            Problem: They are not, or may not be read any more.
        """
        reading = self._ground.reader.read(version, customer, self._ground.now())
        if not reading.consent:
            raise Problem(403, "no-consent", "the customer does not agree to this purpose any more")
        if reading.state == "unreachable":
            raise Problem(503, "no-features", "the feature store does not answer", AGAIN)
        if reading.values is None or not _rested_on(record, version, reading.row):
            raise Problem(
                410, "features-changed", "the features changed since; the answer cannot be explained"
            )
        return reading

    def _score(self, version: Champion, record: PredictionRecord, reading: Reading) -> ExplanationAnswer:
        moment = reading.as_of or record.at
        return ExplanationAnswer(
            prediction_id=record.prediction_id,
            model=record.model,
            model_version=record.model_version,
            contributions=explained_scores(version, [reading.values or {}], moment)[0][1],
        )

    def _items(self, version: Champion, record: PredictionRecord, reading: Reading) -> ExplanationAnswer:
        values, moment = reading.values or {}, reading.as_of or record.at
        history = {name: list(values[name]) for name in (c.HISTORY_ITEMS, c.HISTORY_TIMES)}
        items, scores = record.items or [], record.scores or []
        because = explain_items(version, history, items, moment) if items else {}
        departments = self._ground.facts.now.department_of
        explained = [
            RecommendedItem(
                item_id=item,
                score=score,
                department=departments.get(item, c.UNKNOWN),
                because=because.get(item),
            )
            for item, score in zip(items, scores, strict=True)
        ]
        return ExplanationAnswer(
            prediction_id=record.prediction_id,
            model=record.model,
            model_version=record.model_version,
            contributions=[],
            items=explained,
        )


def find(predictions: Path, prediction_id: str) -> PredictionRecord | None:
    """A record of the log by its id, looked for from the newest file back, not for ever."""
    looked_at = 0
    wanted = prediction_id.encode()
    for file in sorted(predictions.glob(f"*{SUFFIX}"), reverse=True):
        with file.open("rb") as lines:
            for line in lines:
                if wanted in line and (record := parse(line)) and record.prediction_id == prediction_id:
                    return record
            looked_at += lines.tell()
        if looked_at > MOST_BYTES:
            break
    return None


def _rested_on(record: PredictionRecord, version: Champion, row: OnlineRow | None) -> bool:
    if row is None:
        return False
    now = {view: said["digest"] for view, said in digests_of(version.service, row).items()}
    return now == {view: used.digest for view, used in (record.features or {}).items()}
