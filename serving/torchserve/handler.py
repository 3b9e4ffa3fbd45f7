"""What TorchServe runs for a version: JSON in, JSON out, the same graph as everywhere; nothing is unpickled.

One request is one customer. To a scorer: {"features": {...}, "as_of": "2017-09-03T00:00:00+00:00"}; to a
recommender: {"history_items": [...], "history_times": [...], "as_of": "...", "k": 10}.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from attune.errors import AttuneError
from attune.inference.files import CONTRACT_FILE
from attune.inference.graphs import open_model

_MOST_ITEMS = 1000
_MOST_HISTORY = 10_000


class AttuneHandler:
    """One version in one worker of TorchServe."""

    def initialize(self, context: Any) -> None:
        """Open the version that lies unpacked in the model's folder, and check its graph on its samples.

        Raises:
            ModelError: The graph does not answer as the trained network did.
        """
        folder = Path(context.system_properties["model_dir"])
        contract = json.loads((folder / CONTRACT_FILE).read_text(encoding="utf-8"))
        self._about = {name: contract[name] for name in ("model", "version", "feature_service")}
        self._model = open_model(contract["algorithm"], folder)

    def handle(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[dict[str, Any]]:
        """Answer each request of a batch; a wrong one with 400, the others all the same."""
        answers = []
        for place, request in enumerate(data):
            try:
                answers.append(self._about | self._answer(_question(request)))
            except (AttuneError, KeyError, TypeError, ValueError) as error:
                context.set_response_status(400, "Bad Request", idx=place)
                answers.append({"error": str(error)[:200]})
        return answers

    def _answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        as_of = datetime.fromisoformat(question["as_of"])
        if as_of.tzinfo is None:
            raise ValueError("as_of has no time zone; write 2017-09-03T00:00:00+00:00")
        if "features" in question:
            (score,) = self._model.score_rows([question["features"]], as_of)
            return {"score": float(score)}
        k, items, times = int(question["k"]), question["history_items"], question["history_times"]
        if not 1 <= k <= _MOST_ITEMS or len(items) > _MOST_HISTORY:
            raise ValueError(f"wanted k from 1 to {_MOST_ITEMS} and at most {_MOST_HISTORY} purchases")
        found, scores = self._model.recommend_one(items, times, as_of, k)
        return {"items": found, "scores": scores}


def _question(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON object of a request, which TorchServe has parsed where its content type says JSON."""
    body = request.get("body") or request.get("data")
    question = json.loads(body) if isinstance(body, bytes | bytearray | str) else body
    if not isinstance(question, dict):
        raise ValueError("the request is no JSON object")
    return question
