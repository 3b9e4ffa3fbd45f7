"""What is watched of a feature service and of the answers that rest on it, and how strictly."""

from typing import Self

from pydantic import Field, model_validator

from attune.config import Settings
from attune.drift.verdicts import Kind
from attune.features.schema import VIEWS, Feature, views_of


class Watched(Settings):
    """A feature to watch, and what its values have to be."""

    name: str
    kind: Kind
    description: str
    limit: float | None = None
    minimum: float | None = None
    maximum: float | None = None


class DriftRules(Settings):
    """When a feature counts as drifted, and which data may be asked at all.

    Attributes:
        index_limit: Of a number, on its population stability index. By custom 0.1 is a moderate change and
            0.25 a major one.
        distance_limit: Of a category, on its Jensen-Shannon distance. The distance is about the square root
            of an eighth of the index, so 0.11 is as much change as an index of 0.1.
        false_alarm: The chance that a comparison without any drift alarms on one of its features. On few rows
            the limits rise to keep it.
        min_rows: Below 1,000 rows an index over ten bins moves by chance alone.
        max_age_days: How old the newest features may be; they have a weekly grid.
    """

    index_limit: float = Field(default=0.1, gt=0)
    distance_limit: float = Field(default=0.11, gt=0, lt=1)
    false_alarm: float = Field(default=0.001, gt=0, lt=1)
    min_rows: int = Field(default=1000, ge=2)
    max_null_share: float = Field(default=0.05, ge=0, lt=1)
    max_age_days: int = Field(default=7, ge=0)


class ListRules(Settings):
    """When recommended lists are no longer healthy; each limit is a part of what purchases show.

    Attributes:
        days: Answers and purchases of so many days are looked at.
        min_lists: On fewer lists nothing is said.
        coverage: Of the coverage that the version reached on its test.
        novelty: Of the mean self-information of what was bought, in bits.
        tail: Of the share that the less popular nine tenths of the items have in purchases.
        exposure: Of the share that a group of items has in purchases, for the group that is shown least.
        group_share: Groups with less of the purchases do not count.
    """

    days: int = Field(default=28, ge=1)
    min_lists: int = Field(default=500, ge=1)
    coverage: float = Field(default=0.25, ge=0, le=1)
    novelty: float = Field(default=0.5, ge=0, le=1)
    tail: float = Field(default=0.1, ge=0, le=1)
    exposure: float = Field(default=0.2, ge=0, le=1)
    group_share: float = Field(default=0.02, ge=0, le=1)


class DecisionRules(Settings):
    """When decisions that rest on a score treat a group of people worse.

    Attributes:
        share: So many of the answers, those with the highest scores, count as a yes.
        max_gap: How far below the largest group's the true positive rate of a group may lie.
    """

    share: float = Field(default=0.2, gt=0, lt=1)
    max_gap: float = Field(default=0.1, gt=0, lt=1)


class Monitor(Settings):
    """One feature service under watch: each of its features, but for those excused with a reason.

    Attributes:
        active_days: Customers who bought within so many days before are compared, as in the examples.
        next_days: Where the examples are of customers who bought within so many days after, so is the window.
        sent_days: Where the examples are of messages sent within so many days after, so is the window.
        sent_windows: Of how many such spans in a row; campaigns are not sent every week.
        not_watched: Feature -> why nobody compares it.
        limits: Feature -> a limit of its own, where the common one does not fit.
    """

    feature_service: str
    active_days: int = Field(default=90, ge=1)
    next_days: int | None = Field(default=None, ge=1)
    sent_days: int | None = Field(default=None, ge=1)
    sent_windows: int = Field(default=1, ge=1)
    not_watched: dict[str, str] = Field(default_factory=dict)
    limits: dict[str, float] = Field(default_factory=dict)
    rules: DriftRules = DriftRules()

    @model_validator(mode="after")
    def _names_are_features_of_the_service(self) -> Self:
        served = [feature.name for feature in _features(self.feature_service)]
        for name in (*self.not_watched, *self.limits):
            if name not in served:
                raise ValueError(f"{self.feature_service} serves no feature {name!r}, but {served}")
        for feature in _features(self.feature_service):
            if feature.type.startswith("list") and feature.name not in self.not_watched:
                raise ValueError(
                    f"{feature.name} holds lists, which have no distance: list it in not_watched"
                )
        return self

    def watched(self) -> list[Watched]:
        """The features to compare, in the order of the service."""
        return [
            Watched(
                name=feature.name,
                kind="category" if feature.type == "string" else "number",
                description=feature.description,
                limit=self.limits.get(feature.name),
                minimum=feature.minimum,
                maximum=feature.maximum,
            )
            for feature in _features(self.feature_service)
            if feature.name not in self.not_watched
        ]


def _features(service: str) -> list[Feature]:
    return [
        feature
        for view, names in views_of(service).items()
        for feature in VIEWS[view].features
        if feature.name in names
    ]
