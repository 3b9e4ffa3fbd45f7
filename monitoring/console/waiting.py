"""Decisions that wait for a person: versions that the gate would promote and nobody has promoted yet."""

from datetime import datetime

from attune.config import Settings
from attune.errors import IntegrityError
from attune.governance.approvals import check_approval
from attune.registry import Version
from monitoring.console.evidence import Evidence

OPEN = ("candidate", "shadow", "canary")


class Waiting(Settings):
    """A version that waits.

    Attributes:
        author: Who asked for it, and cannot approve it.
        approved_by: Whose approvals hold.
        champion: What serves now.
        compared_with: The champion that it was compared with; another one serves where the two differ.
    """

    model: str
    version: int
    reason: str
    author: str
    since: datetime
    approved_by: tuple[str, ...]
    champion: int | None
    compared_with: int | None

    @property
    def overtaken(self) -> bool:
        """Whether another version became champion since it was compared."""
        return self.champion != self.compared_with


def waiting(evidence: Evidence, model: str, champion: Version | None) -> list[Waiting]:
    """The versions of a model that wait for somebody, newest first."""
    stages = evidence.registry.stages(model)
    found = []
    for version in reversed(evidence.registry.versions(model)):
        outcome = evidence.outcome(version)
        if stages[version.version] not in OPEN or outcome is None or outcome.verdict != "promoted":
            continue
        found.append(
            Waiting(
                model=model,
                version=version.version,
                reason=outcome.reason,
                author=version.manifest.author,
                since=version.manifest.created_at,
                approved_by=tuple(approvers(evidence, version)),
                champion=champion.version if champion else None,
                compared_with=outcome.compared_with,
            )
        )
    return found


def approvers(evidence: Evidence, version: Version) -> list[str]:
    """Whose approvals of a version hold at this moment."""
    names = []
    for approval in evidence.registry.approvals(version):
        try:
            check_approval(evidence.workspace.keys, approval, version.manifest, evidence.clock())
        except IntegrityError:
            continue
        names.append(approval.statement.approver)
    return names
