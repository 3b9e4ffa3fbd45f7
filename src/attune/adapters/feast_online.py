"""The feature services of Feast's registry."""

from feast import FeatureService, FeatureStore
from feast.errors import FeastObjectNotFoundException

from attune.errors import FeatureError


def service_of(store: FeatureStore, name: str) -> FeatureService:
    """A service of the registry.

    Raises:
        FeatureError: The registry does not know it.
    """
    try:
        return store.get_feature_service(name)
    except FeastObjectNotFoundException as error:
        raise FeatureError(
            f"the feature registry does not know the service {name!r}; run the features pipeline first"
        ) from error
