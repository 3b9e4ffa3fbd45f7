"""The one list of models. A model's module is imported when it is asked for, not before."""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from attune.errors import ConfigError
from attune.models.base import Recommender, Scorer

Kind = Literal["scorer", "recommender"]
AnyModel = Scorer | Recommender


@dataclass(frozen=True)
class Entry:
    """One model of the catalogue."""

    kind: Kind
    where: str

    @property
    def model(self) -> Any:
        """The class, a `Scorer` or a `Recommender` by its kind."""
        return pkgutil.resolve_name(self.where)

    def load(self, folder: Path) -> Any:
        """Read a trained model of this class from a folder."""
        return self.model.load(folder)


# A process that only serves one of them needs neither the libraries nor the memory of the others.
MODELS: Mapping[str, Entry] = {
    "churn_network": Entry("scorer", "attune.models.churn_network:ChurnNetwork"),
    "response_network": Entry("scorer", "attune.models.response_network:ResponseNetwork"),
    "blend": Entry("scorer", "attune.models.blend:Blend"),
    "logistic_regression": Entry("scorer", "attune.models.logistic_regression:LogisticRegression"),
    "gradient_boosting": Entry("scorer", "attune.models.gradient_boosting:GradientBoosting"),
    "random_forest": Entry("scorer", "attune.models.random_forest:RandomForest"),
    "sequential": Entry("recommender", "attune.models.sequential:Sequential"),
    "transformer": Entry("recommender", "attune.models.transformer:Transformer"),
    "gru4rec": Entry("recommender", "attune.models.gru4rec:Gru4Rec"),
    "popularity": Entry("recommender", "attune.models.popularity:Popularity"),
    "item_to_item": Entry("recommender", "attune.models.item_to_item:ItemToItem"),
    "personal_frequency": Entry("recommender", "attune.models.personal_frequency:PersonalFrequency"),
    "markov_chain": Entry("recommender", "attune.models.markov_chain:MarkovChain"),
    "ease": Entry("recommender", "attune.models.ease:Ease"),
    "als": Entry("recommender", "attune.models.als:Als"),
    "two_stage": Entry("recommender", "attune.models.two_stage:TwoStage"),
    "next_basket": Entry("recommender", "attune.models.next_basket:NextBasket"),
}


def entry(name: str) -> Entry:
    """Find a model in the catalogue.

    Raises:
        ConfigError: There is no such model; the message lists those there are.
    """
    if name not in MODELS:
        raise ConfigError(f"no model named {name!r}; the catalogue has {sorted(MODELS)}")
    return MODELS[name]


def build(name: str, params: Mapping[str, Any]) -> AnyModel:
    """Make an untrained model of the catalogue.

    Args:
        name: Its name in the catalogue.
        params: Its `Config`, as plain values.

    Raises:
        ConfigError: There is no such model, or a parameter is unknown or does not fit.
    """
    model = entry(name).model
    untrained: AnyModel = model(model.Config.parse(params))
    return untrained
