"""Times inside expressions: whole microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

import ibis

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1) // MICROSECOND
DAY = timedelta(days=1) // MICROSECOND


def microseconds(moment: datetime | ibis.Value) -> int | ibis.Value:
    """A time as it appears in expressions; one that is an expression already stays as it is.

    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    if not isinstance(moment, datetime):
        return moment
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


def days_before(as_of: datetime | ibis.Value, days: int) -> int | ibis.Value:
    """The first moment of the window of so many days before a time."""
    return microseconds(as_of) - days * DAY


def in_days(duration: ibis.Value) -> ibis.Value:
    """Microseconds as days."""
    # A factor instead of a divisor: that is how the released features were rounded.
    return duration * ibis.literal(1 / DAY, "float64")
