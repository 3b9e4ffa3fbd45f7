"""Rules about a whole list: variety, departments, boosts, places of campaigns. Pure functions."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attune.columns import UNKNOWN
from attune.recommend import Recommendations
from serving.facts import Facts
from serving.schemas import Slot

# A rule can only choose among what it is given.
POOL_FACTOR, POOL_LEAST = 5, 50


def pool_size(k: int) -> int:
    """How many of the best a rule chooses k from."""
    return POOL_FACTOR * k + POOL_LEAST


def chosen(
    pool: Recommendations,
    facts: Facts,
    k: int,
    diversity: float,
    most_per_department: int | None,
    boosts: Mapping[str, float],
) -> list[int]:
    """Choose k items one after the other; fewer where the rules leave fewer.

    The next item is the one with the largest sum of its score, from 0 for the worst of the pool to 1 for the
    best, plus boosts, weighed by 1 - diversity, and of the freshness of its category, 1 / (1 + items of it
    that were chosen already), weighed by diversity. (Maximal marginal relevance, Carbonell and Goldstein
    1998, with categories as similarity.)

    Args:
        pool: The best items, best first.
        facts: Which category and department an item is of.
        k: How many.
        diversity: Within [0, 1].
        most_per_department: How many of one department; None for any number.
        boosts: Department or category -> what is added to the scaled score of its items.

    Returns:
        Places in the pool, in the order chosen.
    """
    if not pool.items:
        return []
    departments = [facts.department_of.get(item, UNKNOWN) for item in pool.items]
    categories = [facts.category_of.get(item, UNKNOWN) for item in pool.items]
    # A shop that has no categories has departments.
    kinds = [
        department if category == UNKNOWN else category
        for category, department in zip(categories, departments, strict=True)
    ]
    relevance = [
        score + sum(boosts.get(name, 0.0) for name in {department, category})
        for score, department, category in zip(_scaled(pool.scores), departments, categories, strict=True)
    ]
    left, kept = list(range(len(pool.items))), list[int]()
    seen, used = Counter[str](), Counter[str]()
    while left and len(kept) < k:
        best = max(
            left,
            key=lambda place: (
                (1 - diversity) * relevance[place] + diversity / (1 + seen[kinds[place]]),
                -place,
            ),
        )
        left.remove(best)
        if most_per_department is not None and used[departments[best]] >= most_per_department:
            continue
        kept.append(best)
        seen[kinds[best]] += 1
        used[departments[best]] += 1
    return kept


def with_slots(
    found: Recommendations, slots: Sequence[Slot], may_be_shown: Callable[[str], bool], k: int
) -> Recommendations:
    """Put the items of campaigns where these want them; the others move down, and the last ones out.

    Args:
        found: Items, best first.
        slots: Places, counted from 1, each with items of which the first that may be shown goes there. An
            item without a score of its own gets that of the item it moved down.
        may_be_shown: Whether the filters allow an item.
        k: How many items at most.
    """
    placed: dict[str, int] = {}
    for slot in sorted(slots, key=lambda slot: slot.position):
        item = next((item for item in slot.items if item not in placed and may_be_shown(item)), None)
        if item is not None and slot.position <= k:
            placed[item] = slot.position - 1
    score_of = dict(zip(found.items, found.scores, strict=True))
    items = [item for item in found.items if item not in placed]
    for item, place in placed.items():
        below = items[place : place + 1] or items[-1:]
        score_of.setdefault(item, score_of[below[0]] if below else 0.0)
        items.insert(place, item)
    return Recommendations(
        items=tuple(items[:k]), scores=tuple(score_of[item] for item in items[:k]), degraded=found.degraded
    )


def _scaled(scores: tuple[float, ...]) -> list[float]:
    low, high = min(scores), max(scores)
    width = high - low or 1.0
    return [(score - low) / width for score in scores]
