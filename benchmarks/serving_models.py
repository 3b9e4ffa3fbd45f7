"""What peers answer from: the same models, features and consents as ours, and nothing else.

Features are read as ours are, or by Feast's SDK where ATTUNE_PEER_FEAST is set: what a team has that writes
its own server around a Feast repository.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from attune import columns as c
from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.config import Workspace
from attune.data.pseudonyms import load_or_make_key, pseudonym
from attune.features.read_plan import OnlineReader
from attune.registry import Registry
from serving.champions import admit
from serving.facts import LatestFacts
from serving.settings import ServingSettings

if TYPE_CHECKING:
    from feast import FeatureStore

BY_FEAST = "ATTUNE_PEER_FEAST"


class Models:
    """The first version of each model, asked by customer; as of the moment in ATTUNE_SERVING."""

    def __init__(self) -> None:
        """Load what ATTUNE_HOME names."""
        workspace, registry = Workspace.here(), Registry(Workspace.here())
        self._models = {name: admit(registry, registry.get(name, 1)).model for name in ("churn", "recommend")}
        self._reader = OnlineReader(open_rows(workspace.feast / ONLINE_FILE))
        self._facts = LatestFacts(workspace.tables)
        self._key = load_or_make_key(workspace.pseudonym_key)
        self._now = ServingSettings.here().now
        self._feast = _feast(workspace) if os.environ.get(BY_FEAST) else None

    def features(self, service: str, purpose: str, customer_id: str) -> dict[str, Any]:
        """The features of a customer who agreed.

        Raises:
            LookupError: They did not.
        """
        customer = pseudonym(self._key, customer_id)
        if not self._facts.now.have_agreement(customer, purpose) or self._now is None:
            raise LookupError
        if self._feast:
            wanted, rows = self._feast.get_feature_service(service), [{c.CUSTOMER_ID: customer}]
            found = self._feast.get_online_features(features=wanted, entity_rows=rows).to_dict()
            return {name: value for name, (value,) in found.items()}
        (row,) = self._reader.online(service, [customer], self._now)
        return dict(row.values)

    def churn(self, customer_id: str) -> float:
        """The probability that a customer stays away.

        Raises:
            LookupError: They did not agree.
        """
        values = self.features("churn_v1", "churn", customer_id)
        (score,) = self._models["churn"].score_rows([values], self._now)
        if not np.isfinite(score):
            raise ValueError
        return float(score)

    def recommend(self, customer_id: str, k: int) -> list[tuple[str, float]]:
        """Items and their scores, best first.

        Raises:
            LookupError: They did not agree.
        """
        return self.ranked(self.features("recommend_v1", "recommend", customer_id), k)

    def ranked(self, values: Mapping[str, Any], k: int) -> list[tuple[str, float]]:
        """Items and their scores by the features of a customer: the model and nothing else."""
        history = values[c.HISTORY_ITEMS], values[c.HISTORY_TIMES]
        items, scores = self._models["recommend"].recommend_one(*history, self._now, k)
        return list(zip(items, scores, strict=True))


def _feast(workspace: Workspace) -> "FeatureStore":
    from feast import FeatureStore

    from attune.adapters.feast import FEATURE_REPO
    from attune.adapters.feast_definitions import load_config

    files = workspace.feast / "registry.pb", workspace.feast / ONLINE_FILE
    return FeatureStore(config=load_config(FEATURE_REPO, workspace, *files))
