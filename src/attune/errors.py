"""What can go wrong. Every message says what was found, what was wanted, and what to do."""


class AttuneError(Exception):
    """Anything that Attune refuses with a sentence a person can act on."""


class DataError(AttuneError):
    """A table, a column or a row is not what its contract says."""


class ConfigError(AttuneError):
    """A parameter, a mapping or a file of settings is wrong."""


class FeatureError(AttuneError):
    """A feature, a feature service or the store behind it is missing or disagrees."""


class UnreadableRowError(FeatureError):
    """The store answered, with a row that is not of the declared layout."""


class ModelError(AttuneError):
    """A model cannot be trained, saved, loaded or asked."""


class RegistryError(AttuneError):
    """A model version is missing, damaged, or cannot be promoted."""


class IntegrityError(RegistryError):
    """A digest or a signature does not match: somebody or something changed the bytes."""


class PromotionConflictError(RegistryError):
    """Somebody else promoted first."""


class ConsentError(AttuneError):
    """The customer has not agreed to this purpose."""
