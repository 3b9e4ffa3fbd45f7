"""Which items a question wants, from its filters and the tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from serving.facts import Facts
from serving.problems import Problem
from serving.schemas import Fault, ItemFilters


@dataclass(frozen=True)
class Wanted:
    """What may be recommended.

    Attributes:
        allowed: Only these; None allows the whole catalogue.
        excluded: Never these; few.
    """

    allowed: frozenset[str] | None
    excluded: frozenset[str] = frozenset()

    def without(self, items: Iterable[str]) -> "Wanted":
        """The same less some items."""
        return Wanted(self.allowed, self.excluded.union(items))


def wanted_items(facts: Facts, filters: ItemFilters) -> Wanted:
    """Turn filters into items.

    Raises:
        Problem: They name a department or category that there is not, or prices or stock where the shop
            has given none (422).
    """
    parts = [
        _union(facts.departments, filters.departments, "departments"),
        _union(facts.categories, filters.categories, "categories"),
        _priced(facts, filters),
    ]
    given = [part for part in parts if part is not None]
    allowed = frozenset.intersection(*given) if given else None
    return Wanted(allowed, frozenset(filters.exclude_items))


def require_boosted(facts: Facts, boosts: Mapping[str, float]) -> None:
    """Refuse a boost of what there is not.

    Raises:
        Problem: It names neither a department nor a category (422).
    """
    wrong = [name for name in boosts if name not in facts.departments and name not in facts.categories]
    if wrong:
        message = "there is no department and no category by this name; /v1/models lists what there is"
        faults = [Fault(location=["boosts", name], message=message) for name in wrong]
        raise Problem(422, "invalid-request", "the request boosts what there is not", errors=faults)


def require_item(facts: Facts, item: str) -> None:
    """Refuse an item that there is not.

    Raises:
        Problem: There is no such item (404).
    """
    if item not in facts.department_of:
        raise Problem(404, "unknown-item", "no item has this id")


def _union(
    groups: Mapping[str, frozenset[str]], names: list[str] | None, field: str
) -> frozenset[str] | None:
    if names is None:
        return None
    wrong = [index for index, name in enumerate(names) if name not in groups]
    if wrong:
        message = f"there is none of the {field} by this name; /v1/models lists what there is"
        faults = [Fault(location=[field, index], message=message) for index in wrong]
        raise Problem(422, "invalid-request", f"the request names {field} that there are not", errors=faults)
    return frozenset().union(*(groups[name] for name in names))


def _priced(facts: Facts, filters: ItemFilters) -> frozenset[str] | None:
    by_price = filters.min_price is not None or filters.max_price is not None
    if not (by_price or filters.in_stock):
        return None
    if facts.assortment is None:
        detail = "this shop has given no prices and no stock; leave min_price, max_price and in_stock out"
        raise Problem(422, "no-assortment", detail)
    found = facts.assortment.in_stock if filters.in_stock else None
    if not by_price:
        return found
    priced = facts.assortment.priced(filters.min_price, filters.max_price)
    return priced if found is None else priced & found
