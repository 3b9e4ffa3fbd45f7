"""Which dates a plan takes its examples as of, and which features that needs."""

from collections.abc import Iterable
from datetime import datetime

from attune.data.splits import AsOfDates, as_of_dates, on_grid
from attune.features.schema import SERVICES
from attune.training.plan import TrainingPlan


def example_dates(plan: TrainingPlan, now: datetime) -> AsOfDates:
    """The as-of dates of a plan's examples.

    Args:
        plan: Says the first date, the distances and how far labels look.
        now: The moment up to which everything is known.

    Raises:
        DataError: There is not a single training date.
    """
    return as_of_dates(
        now,
        first=plan.as_of.first,
        label_days=plan.label.horizon_days,
        test=plan.as_of.test,
        test_every_days=plan.as_of.test_every_days,
        train_every_days=plan.as_of.train_every_days,
        train_last=plan.as_of.train_last,
    )


def needed_dates(plans: Iterable[TrainingPlan], now: datetime) -> dict[str, list[datetime]]:
    """The dates as of which each feature service is needed: for examples, and as of now for serving.

    Args:
        plans: Of the served models.
        now: The moment up to which everything is known.

    Returns:
        Feature service -> dates of the weekly grid, ascending.
    """
    latest = on_grid(now)
    needed = {service: {latest} for service in SERVICES}
    for plan in plans:
        dates = example_dates(plan, now)
        needed.setdefault(plan.feature_service, {latest}).update(dates.train, dates.test)
    return {service: [date.to_pydatetime() for date in sorted(dates)] for service, dates in needed.items()}
