"""Which version answers whom: the champion, or for a share of the customers the canary beside it."""

import hashlib
import logging
from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from attune.errors import AttuneError
from attune.governance.stages import Stage
from attune.models.base import fulfils
from attune.registry import Registry
from serving import metrics
from serving.champions import SERVED, Champion, Champions, admit
from serving.problems import AGAIN, Problem
from serving.schemas import ModelStatus, TrialStatus
from serving.settings import ServingSettings

log = logging.getLogger("bentoml.attune")

ON_TRIAL: tuple[Stage, ...] = ("shadow", "canary")
PARTS = 10_000


class Lineup:
    """The versions at work; readers see one line-up or the next, never a mixture."""

    def __init__(self, registry: Registry, settings: ServingSettings) -> None:
        self._registry = registry
        self._settings = settings
        self._champions = Champions(registry)
        self._trials: dict[tuple[str, Stage], Champion] = {}
        self._refused: set[tuple[str, int]] = set()

    @property
    def ready(self) -> bool:
        """Whether there is a champion, and each has made a prediction here."""
        return self._champions.ready

    def refresh(self) -> None:
        """Follow the registry: new champions first, then who is on trial."""
        self._champions.refresh()
        for name in SERVED:
            try:
                self._refresh_trials(name)
            except (SQLAlchemyError, AttuneError, OSError) as error:
                log.warning("the registry cannot be asked who is on trial for %s: %s", name, error)

    def answering(self, name: str, customer: str | None) -> Champion:
        """The version that answers one customer; the same one each time while the line-up stays.

        Args:
            name: The served model.
            customer: By pseudonym; None for nobody in particular, whom champions answer.

        Raises:
            Problem: There is none (503).
        """
        canary = self._trials.get((name, "canary"))
        if canary and customer and part_of(name, customer) < self._settings.canary_share:
            return canary
        champion = self._champions.of(name)
        if champion:
            return champion
        if self._champions.refusal(name):
            raise Problem(
                503, "champion-refused", f"the champion of {name} was refused; see /v1/models", AGAIN
            )
        raise Problem(503, "no-champion", f"no champion yet for {name}", AGAIN)

    def answers_as(self, protocol: type, name: str) -> bool:
        """Whether every version that may answer for a model fulfils a protocol."""
        at_work = (self._champions.of(name), self._trials.get((name, "canary")))
        return all(fulfils(each.model.__class__, protocol) for each in at_work if each)

    def shadow(self, name: str) -> Champion | None:
        """The version that is asked the same, and whose answers nobody sees."""
        return self._trials.get((name, "shadow"))

    def numbered(self, name: str, number: int) -> Champion | None:
        """A version that is loaded here, by its number."""
        champion = self._champions.of(name)
        at_work = [champion, *(self._trials.get((name, stage)) for stage in ON_TRIAL)]
        return next((each for each in at_work if each and each.number == number), None)

    def status(self) -> list[ModelStatus]:
        """What each served model is doing."""
        return self._champions.status()

    def trials(self) -> list[TrialStatus]:
        """Who is on trial."""
        return list(self._trial_statuses())

    def _trial_statuses(self) -> Iterator[TrialStatus]:
        shares = {"canary": self._settings.canary_share, "shadow": self._settings.shadow_share}
        for (name, stage), version in sorted(self._trials.items()):
            if stage == "canary" or stage == "shadow":
                yield TrialStatus(name=name, stage=stage, version=version.number, share=shares[stage])

    def _refresh_trials(self, name: str) -> None:
        stages = self._registry.stages(name)
        for stage in ON_TRIAL:
            numbers = [number for number, standing in stages.items() if standing == stage]
            # The newest where there are several.
            self._follow(name, stage, max(numbers, default=None))

    def _follow(self, name: str, stage: Stage, number: int | None) -> None:
        if number is None:
            self._trials.pop((name, stage), None)
            return
        present = self._trials.get((name, stage))
        if (present and present.number == number) or (name, number) in self._refused:
            return
        try:
            self._trials[name, stage] = admit(self._registry, self._registry.get(name, number))
        except Exception as error:  # noqa: BLE001 - whatever a version raises, it is not tried
            self._trials.pop((name, stage), None)
            self._refused.add((name, number))
            metrics.REFUSED_VERSIONS.labels(name).inc()
            log.error("version %d of %s was refused as %s: %s", number, name, stage, error)
            return
        log.info("version %d of %s is the %s", number, name, stage)


def part_of(name: str, customer: str) -> float:
    """Where a customer stands in [0, 1): by a hash, so that it is the same in every process.

    >>> part_of("churn", "c_0") == part_of("churn", "c_0") != part_of("recommend", "c_0")
    True
    """
    digest = hashlib.blake2b(f"{name}:{customer}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % PARTS / PARTS
