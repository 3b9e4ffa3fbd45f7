"""What was known of the interactions at a time: late, corrected and repeated ones in their right place."""

from datetime import datetime

import ibis

from attune.columns import CREATED_TIMESTAMP, EVENT, EVENT_TIMESTAMP, INTERACTION_ID, PURCHASE
from attune.features.engine import Engine
from attune.features.moments import days_before, microseconds

# From when on a row is known, and from when on a later version of it takes its place.
KNOWN_FROM = "known_from"
SUPERSEDED = "superseded"
NEVER = 2**63 - 1
KNOWLEDGE = (EVENT_TIMESTAMP, KNOWN_FROM, SUPERSEDED)


def with_versions(interactions: ibis.Table, engine: Engine) -> ibis.Table:
    """Say of each interaction from when to when it was the latest version that was known.

    A source that delivers a line again, unchanged or corrected, uses its id again. The version that was
    recorded last counts, and until it was recorded the one before; only ids that are there more than once
    pay for this.

    Args:
        interactions: The contract table, possibly with ids that are there more than once.
        engine: Keeps the versions of those ids.
    """
    known = _known(interactions)
    ids = interactions.group_by(INTERACTION_ID).agg(versions=interactions.count())
    repeated = engine.keep(ids.filter(ids.versions > 1).select(INTERACTION_ID), "repeated")
    once = _only_versions(known)
    if not any(batch.num_rows for batch in engine.batches(repeated.limit(1))):
        return once
    versions = engine.keep(_versions(known.semi_join(repeated, INTERACTION_ID)), "versions")
    return once.anti_join(repeated, INTERACTION_ID).union(versions.select(once.columns))


def with_few_versions(interactions: ibis.Table, repeated: bool) -> ibis.Table:
    """The same for few rows, in one expression that needs no engine.

    Args:
        interactions: The contract table.
        repeated: Whether any id may be there more than once; then each is looked at as if it were.
    """
    return _versions(_known(interactions)) if repeated else _only_versions(_known(interactions))


def known_at(rows: ibis.Table, as_of: datetime) -> ibis.Value:
    """Whether a row was known at a time: it had happened, was recorded, and no later version was.

    Args:
        rows: With the columns KNOWLEDGE.
        as_of: In UTC; what happened at this very moment is not known yet.
    """
    moment = microseconds(as_of)
    return (rows[KNOWN_FROM] <= moment) & (rows[SUPERSEDED] > moment)


def since(rows: ibis.Table, as_of: datetime, days: int) -> ibis.Value:
    """Whether a row lies in the window of so many days before a time; the window has its first moment."""
    return rows[EVENT_TIMESTAMP] >= days_before(as_of, days)


def only_purchases(rows: ibis.Table) -> ibis.Table:
    """The purchases among interactions."""
    return rows.filter(rows[EVENT] == PURCHASE)


def _known(interactions: ibis.Table) -> ibis.Table:
    # What is dated ahead of its recording is known only once it has happened: a moment after its own.
    moment = ibis.greatest(interactions[CREATED_TIMESTAMP], interactions[EVENT_TIMESTAMP] + 1)
    return interactions.mutate(**{KNOWN_FROM: moment})


def _only_versions(rows: ibis.Table) -> ibis.Table:
    return rows.mutate(**{SUPERSEDED: ibis.literal(NEVER, "int64")})


def _versions(rows: ibis.Table) -> ibis.Table:
    # Equal times are told apart by all other columns, so that every engine takes the same version for last.
    others = sorted(set(rows.columns) - {INTERACTION_ID, KNOWN_FROM, CREATED_TIMESTAMP})
    order = [rows[name] for name in (KNOWN_FROM, CREATED_TIMESTAMP, *others)]
    following = rows[KNOWN_FROM].lead().over(group_by=rows[INTERACTION_ID], order_by=order)
    return rows.mutate(**{SUPERSEDED: following.fill_null(NEVER)})
