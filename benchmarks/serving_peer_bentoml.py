"""The peer: BentoML as its tutorial has it, over the same models, features and consents, with its defaults.

It has no keys, limits or log of answers. `bentoml serve benchmarks.serving_peer_bentoml:Plain` serves the
workspace that ATTUNE_HOME names, as of the moment in ATTUNE_SERVING.
"""

from typing import Any

import bentoml

from benchmarks.serving_models import Models


@bentoml.service(workers=1)
class Plain:
    """Churn probabilities and recommendations."""

    def __init__(self) -> None:
        self._models = Models()

    @bentoml.api(route="/v1/churn")  # type: ignore[untyped-decorator]
    def churn(self, customer_id: str) -> dict[str, float]:
        """Score one customer."""
        return {"probability": self._models.churn(customer_id)}

    @bentoml.api(route="/v1/recommend")  # type: ignore[untyped-decorator]
    def recommend(self, customer_id: str, k: int = 10) -> dict[str, Any]:
        """Recommend to one customer."""
        pairs = self._models.recommend(customer_id, k)
        return {"items": [{"item_id": item, "score": score} for item, score in pairs]}
