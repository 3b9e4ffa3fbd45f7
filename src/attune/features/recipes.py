"""How each view is made: from which tables, what is prepared once, and what is computed for each date."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType

import ibis

from attune.features import (
    customer_activity,
    customer_history,
    customer_profile,
    item_popularity,
    item_profile,
    message_context,
    message_history,
    moments,
    purchases,
    snapshots,
)
from attune.features.inputs import CUSTOMERS, INTERACTIONS, ITEMS, MESSAGES
from attune.features.settings import FeatureSettings


@dataclass(frozen=True)
class Recipe:
    """One view's way from tables to rows.

    Attributes:
        module: Holds the definition.
        tables: Names of the tables it reads.
        prepare: Makes of these tables, in their order, what is the same for every date.
        compute: Makes of that the rows as of a date.
    """

    module: ModuleType
    tables: tuple[str, ...]
    prepare: Callable[..., ibis.Table]
    compute: Callable[[ibis.Table, datetime, FeatureSettings], ibis.Table]

    @property
    def code(self) -> str:
        """A digest of the sources that values depend on: features of other code are other features."""
        sources = [self.module, moments, purchases, snapshots]
        digest = hashlib.sha256()
        for source in [*(module.__file__ for module in sources), __file__]:
            digest.update(Path(str(source)).read_bytes())
        return digest.hexdigest()


def _as_it_is(table: ibis.Table) -> ibis.Table:
    return table


RECIPES: Mapping[str, Recipe] = {
    "customer_profile": Recipe(
        module=customer_profile,
        tables=(CUSTOMERS,),
        prepare=_as_it_is,
        compute=lambda customers, _as_of, _settings: customer_profile.compute(customers),
    ),
    "customer_activity": Recipe(
        module=customer_activity,
        tables=(INTERACTIONS, ITEMS),
        prepare=customer_activity.prepare,
        compute=lambda prepared, as_of, _settings: customer_activity.compute(prepared, as_of),
    ),
    "customer_history": Recipe(
        module=customer_history,
        tables=(INTERACTIONS,),
        prepare=customer_history.prepare,
        compute=lambda prepared, as_of, settings: customer_history.compute(
            prepared, as_of, settings.history_length
        ),
    ),
    "message_context": Recipe(
        module=message_context,
        tables=(MESSAGES,),
        prepare=message_context.prepare,
        compute=lambda prepared, as_of, _settings: message_context.compute(prepared, as_of),
    ),
    "message_history": Recipe(
        module=message_history,
        tables=(MESSAGES,),
        prepare=message_history.prepare,
        compute=lambda prepared, as_of, _settings: message_history.compute(prepared, as_of),
    ),
    "item_profile": Recipe(
        module=item_profile,
        tables=(ITEMS,),
        prepare=_as_it_is,
        compute=lambda items, _as_of, _settings: item_profile.compute(items),
    ),
    "item_popularity": Recipe(
        module=item_popularity,
        tables=(INTERACTIONS,),
        prepare=item_popularity.prepare,
        compute=lambda prepared, as_of, _settings: item_popularity.compute(prepared, as_of),
    ),
}
