"""The page of one use case: one word and its sentence, five lamps, and everything that they rest on."""

from datetime import datetime

from attune.config import Settings
from attune.drift.served import ServedReport
from attune.errors import IntegrityError
from attune.governance.approvals import Approval
from attune.governance.changes import Change, changes
from attune.governance.fairness import FairnessRow, FairnessTable
from attune.governance.lamps import (
    Lamp,
    LampRules,
    Said,
    Word,
    all_unknown,
    answers_lamp,
    drift_lamp,
    fairness_lamp,
    integrity_lamp,
    quality_lamp,
    rights_lamp,
    word_of,
    worse_of,
)
from attune.governance.stages import Promotion, Stage
from attune.registry import Version
from monitoring.console.evidence import Evidence
from monitoring.console.timeline import Moment, Service, moments, services
from monitoring.console.waiting import Waiting, waiting

RULES = LampRules()


class Serving(Settings):
    """The version that serves, and by whose word.

    Attributes:
        decided_by: What started the change: a person, a schedule, a verdict of drift.
        approved_by: The person whose approval it rests on; None where the gate's word was enough.
    """

    version: int
    algorithm: str
    purpose: str
    feature_service: str
    author: str
    since: datetime
    reason: str
    decided_by: str
    approved_by: str | None


class ShownLamp(Settings):
    """A lamp, and the page of the record behind it."""

    lamp: Lamp
    evidence: str


class FairnessPair(Settings):
    """One group now, and the same group in the version before."""

    now: FairnessRow
    before: FairnessRow | None


class FairnessView(Settings):
    """The fairness table of a version beside that of the one before."""

    metric: str
    min_rows: int
    max_gap: float
    telling: float | None
    version: int
    before: int | None
    rows: tuple[FairnessPair, ...]


class Changed(Settings):
    """What is different since the last version that a person, or else the gate, agreed to."""

    before: int
    after: int
    by: str
    changes: tuple[Change, ...]


class VersionLine(Settings):
    """One version in the list of all."""

    version: int
    stage: Stage
    algorithm: str
    made: datetime
    verdict: str | None


class UseCase(Settings):
    """Everything that the page says."""

    model: str
    word: Word
    sentence: Said
    because: str
    serving: Serving | None
    lamps: tuple[ShownLamp, ...]
    waiting: tuple[Waiting, ...]
    moments: tuple[Moment, ...]
    services: tuple[Service, ...]
    served: ServedReport | None
    fairness: FairnessView | None
    changed: Changed | None
    versions: tuple[VersionLine, ...]


class Summary(Settings):
    """One use case in the list of all."""

    model: str
    word: Word
    sentence: Said
    because: str
    serving: Serving | None
    lamps: tuple[ShownLamp, ...]
    waiting: int


def use_case(evidence: Evidence, model: str) -> UseCase:
    """Gather the page of a model; a record that does not hold is said, and nothing of it is shown as true."""
    try:
        champion = evidence.registry.champion(model)
        promotions = evidence.registry.events(model)
        found = _lamps(evidence, model, champion)
    except IntegrityError as error:
        return _broken(evidence, model, error)
    word, worst = word_of(shown.lamp for shown in found)
    history = moments(evidence, model)
    line = [promotion.version for promotion in promotions]
    before = next((number for number in reversed(line) if champion and number != champion.version), None)
    previous = evidence.registry.get(model, before) if before else None
    return UseCase(
        model=model,
        word=word,
        sentence=worst.said,
        because=worst.name,
        serving=_serving(evidence, champion, promotions[-1]) if champion else None,
        lamps=tuple(found),
        waiting=tuple(waiting(evidence, model, champion)),
        moments=tuple(history),
        services=tuple(services(promotions)),
        served=evidence.served(champion) if champion else None,
        fairness=fairness_view(evidence, champion, previous) if champion else None,
        changed=_changed(evidence, champion, previous) if champion and previous else None,
        versions=tuple(_versions(evidence, model)),
    )


def summary(found: UseCase) -> Summary:
    """What the list of all use cases says of one."""
    kept = {"model", "word", "sentence", "because", "serving", "lamps"}
    return Summary(**{name: getattr(found, name) for name in kept}, waiting=len(found.waiting))


def fairness_view(evidence: Evidence, version: Version, previous: Version | None) -> FairnessView | None:
    """The fairness table of a version, each group beside itself in the version before."""
    table = evidence.fairness(version)
    if table is None:
        return None
    older = evidence.fairness(previous) if previous else None
    known = {(row.attribute, row.group): row for row in _comparable(table, older)}
    return FairnessView(
        metric=table.metric,
        min_rows=table.min_rows,
        max_gap=table.max_gap,
        telling=table.telling,
        version=version.version,
        before=previous.version if previous else None,
        rows=tuple(FairnessPair(now=row, before=known.get((row.attribute, row.group))) for row in table.rows),
    )


def _comparable(table: FairnessTable, older: FairnessTable | None) -> list[FairnessRow]:
    """The rows of another version, if they are of the same metric."""
    return older.rows if older is not None and older.metric == table.metric else []


def _lamps(evidence: Evidence, model: str, champion: Version | None) -> list[ShownLamp]:
    now = evidence.clock()
    whole = ShownLamp(lamp=integrity_lamp(evidence.integrity()), evidence="/audit")
    if champion is None:
        lamps = all_unknown(Said.of("No version serves."))
        return [*(ShownLamp(lamp=lamp, evidence=f"/use-cases/{model}#versions") for lamp in lamps[:4]), whole]
    home, made = f"/use-cases/{model}/versions/{champion.version}", champion.manifest.created_at
    drift, served = evidence.drift(model), evidence.served(champion)
    quality = quality_lamp(evidence.quality(champion), now, RULES)
    fairness = fairness_lamp(evidence.fairness(champion), made, now, RULES)
    shown_by = {"quality": f"{home}#measured", "fairness": f"/use-cases/{model}#fairness"}
    if served is not None:
        tested = quality, fairness
        quality = answers_lamp(quality, served.beyond if served.fairness is None else (), served.at)
        fairness = worse_of(fairness, fairness_lamp(served.fairness, served.at, now, RULES))
        changed = {lamp.name for lamp in (quality, fairness) if lamp not in tested}
        shown_by |= dict.fromkeys(changed, f"/use-cases/{model}#answers")
    return [
        ShownLamp(lamp=quality, evidence=shown_by["quality"]),
        ShownLamp(lamp=drift_lamp(drift, champion.version, now, RULES), evidence=f"/use-cases/{model}/drift"),
        ShownLamp(lamp=fairness, evidence=shown_by["fairness"]),
        ShownLamp(lamp=rights_lamp(evidence.rights(champion), now, RULES), evidence="/rights"),
        whole,
    ]


def _broken(evidence: Evidence, model: str, error: IntegrityError) -> UseCase:
    """The page of a model whose record does not hold."""
    said = Said.of("{problem}", problem=str(error))
    unknown = [lamp for lamp in all_unknown(Said.of("The record does not hold.")) if lamp.name != "integrity"]
    broken = integrity_lamp(evidence.integrity())
    stop = broken.model_copy(update={"state": "stop", "said": said})
    return UseCase(
        model=model,
        word="STOP",
        sentence=said,
        because="integrity",
        serving=None,
        lamps=tuple(ShownLamp(lamp=lamp, evidence="/audit") for lamp in [*unknown, stop]),
        waiting=(),
        moments=(),
        services=(),
        served=None,
        fairness=None,
        changed=None,
        versions=(),
    )


def _serving(evidence: Evidence, champion: Version, promotion: Promotion) -> Serving:
    manifest = champion.manifest
    return Serving(
        version=champion.version,
        algorithm=manifest.algorithm,
        purpose=manifest.purpose,
        feature_service=manifest.feature_service,
        author=manifest.author,
        since=promotion.promoted_at,
        reason=promotion.reason,
        decided_by=promotion.cause,
        approved_by=_approver(evidence.registry.approvals(champion), promotion.approval),
    )


def _approver(approvals: list[Approval], digest: str | None) -> str | None:
    return next((found.statement.approver for found in approvals if found.digest == digest), None)


def _changed(evidence: Evidence, champion: Version, previous: Version) -> Changed:
    """Since the last version that a person approved, or else since the champion before."""
    registry, by = evidence.registry, "the gate"
    for version in reversed(registry.versions(champion.name)):
        approvals = registry.approvals(version)
        if version.version < champion.version and approvals:
            previous, by = version, approvals[-1].statement.approver
            break
    return Changed(
        before=previous.version,
        after=champion.version,
        by=by,
        changes=tuple(changes(previous.manifest, champion.manifest)),
    )


def _versions(evidence: Evidence, model: str) -> list[VersionLine]:
    stages = evidence.registry.stages(model)
    return [
        VersionLine(
            version=version.version,
            stage=stages[version.version],
            algorithm=version.manifest.algorithm,
            made=version.manifest.created_at,
            verdict=outcome.verdict if (outcome := evidence.outcome(version)) else None,
        )
        for version in reversed(evidence.registry.versions(model))
    ]
