"""Rules about a whole list: variety, and how many items one department may have. Pure functions."""

from collections import Counter

from attune.columns import UNKNOWN
from attune.recommend import Recommendations
from serving.facts import Facts

# A rule can only choose among what it is given.
POOL_FACTOR, POOL_LEAST = 5, 50


def pool_size(k: int) -> int:
    """How many of the best a rule chooses k from."""
    return POOL_FACTOR * k + POOL_LEAST


def chosen(
    pool: Recommendations, facts: Facts, k: int, diversity: float, most_per_department: int | None
) -> list[int]:
    """Choose k items one after the other; fewer where the rules leave fewer.

    The next item is the one with the largest sum of its score, from 0 for the worst of the pool to 1 for the
    best, weighed by 1 - diversity, and of the freshness of its category, 1 / (1 + items of it that were
    chosen already), weighed by diversity. (Maximal marginal relevance, Carbonell and Goldstein 1998, with
    categories as similarity.)

    Args:
        pool: The best items, best first.
        facts: Which category and department an item is of.
        k: How many.
        diversity: Within [0, 1].
        most_per_department: How many of one department; None for any number.

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
    relevance = _scaled(pool.scores)
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


def _scaled(scores: tuple[float, ...]) -> list[float]:
    low, high = min(scores), max(scores)
    width = high - low or 1.0
    return [(score - low) / width for score in scores]
