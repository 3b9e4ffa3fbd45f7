"""Answers in this process, over a shop: no HTTP."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.data.pseudonyms import load_or_make_key
from attune.features.online import FeatureStatus, OnlineFeatures, OnlineRow
from attune.features.read_plan import OnlineReader
from attune.registry import Registry
from serving.breaker import Breaker
from serving.facts import LatestFacts
from serving.ground import Ground
from serving.lineup import Lineup
from serving.past import PastAnswers
from serving.prediction_log import PredictionLog
from serving.reads import GuardedStore, Reader
from serving.recommendations import RecommendationAnswers
from serving.records import Records
from serving.scores import Scores
from serving.settings import ServingSettings
from serving.shadows import Shadows
from tests.serving.conftest import NOW, Shop


class Forgetful:
    """A store that knows nothing about anybody."""

    def online(self, service: str, keys: list[str], now: datetime) -> list[OnlineRow]:
        missing = {"tenure_days": FeatureStatus.MISSING}
        return [OnlineRow(key, {"tenure_days": None}, {"tenure_days": None}, missing) for key in keys]


@dataclass(frozen=True)
class Answering:
    """Everything that answers."""

    lineup: Lineup
    scores: Scores
    recommendations: RecommendationAnswers
    past: PastAnswers


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something holds, not for ever."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def answering(
    shop: Shop, log: Path, features: OnlineFeatures | None = None, **settings: Any
) -> Iterator[Answering]:
    """Answers over a shop, that are logged in a folder."""
    chosen = ServingSettings.parse({"now": NOW} | settings)
    lineup = Lineup(Registry(shop.workspace), chosen)
    lineup.refresh()
    facts = LatestFacts(shop.workspace.tables)
    store = features or OnlineReader(open_rows(shop.workspace.feast / ONLINE_FILE))
    reader = Reader(GuardedStore(store, Breaker()), facts)
    records, shadows = PredictionLog(log), Shadows(reader, log, chosen)
    key = load_or_make_key(shop.workspace.pseudonym_key)
    ground = Ground(lineup, reader, facts, Records(records), shadows, key, chosen)
    yield Answering(lineup, Scores(ground), RecommendationAnswers(ground), PastAnswers(ground, log))
    shadows.close()
    records.close()
