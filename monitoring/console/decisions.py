"""What a person decides on a page, done by the registry: approve, reject, promote, roll back."""

import hmac

from attune.config import Workspace
from attune.errors import ConfigError, RegistryError
from attune.governance.documents import markdown
from attune.governance.manifest import digest_bytes
from attune.registry import Registry, Version
from attune.retraining import rollback
from monitoring.console.access import Act, Member

Fields = dict[str, str]


class NotAllowedError(RegistryError):
    """The person's role does not allow this."""


def require(member: Member, act: Act) -> None:
    """Refuse what a role does not allow.

    Raises:
        NotAllowedError: It does not.
    """
    if not member.may(act):
        raise NotAllowedError(f"a {member.role} cannot {act}; ask somebody who can")


def approve(registry: Registry, version: Version, member: Member, reason: str, shown: str) -> None:
    """Sign that a person was shown the card of a version and approves it.

    Args:
        registry: Of the workspace.
        version: The version.
        member: Who approves; its author cannot.
        reason: Why, in words.
        shown: The digest of the text that the page showed.

    Raises:
        RegistryError: The person may not, or the card is not the one that was shown.
    """
    require(member, "approve")
    text = markdown(registry.card(version))
    if not hmac.compare_digest(digest_bytes(text.encode()), shown):
        raise RegistryError("the card is not the one that the page showed; read it again, then decide")
    registry.approve(version, text, member.person, reason)


def reject(registry: Registry, version: Version, member: Member, reason: str) -> None:
    """Retire a version that waits.

    Raises:
        RegistryError: The person may not, or the version does not wait.
    """
    require(member, "reject")
    registry.move(version.name, version.version, "retired", reason, _asked_by(member))


def promote(
    registry: Registry, version: Version, member: Member, reason: str, seen: tuple[int | None, int]
) -> None:
    """Make a version the champion, if what the page said still stands.

    Args:
        registry: Of the workspace.
        version: The version.
        member: Who decides.
        reason: Why, in words.
        seen: The champion and the last change that the page showed.

    Raises:
        RegistryError: The person may not, somebody was faster, or the version lacks what it needs.
    """
    require(member, "promote")
    champion, sequence = seen
    registry.promote(
        version.name, version.version, champion, reason, _asked_by(member), sequence=sequence or None
    )


def roll_back(workspace: Workspace, model: str, member: Member, reason: str, seen: int | None) -> None:
    """Make the champion before this one champion again; two in a week pause retraining.

    Raises:
        RegistryError: The person may not, there is none before, or another version serves by now.
    """
    require(member, "roll back")
    present = Registry(workspace).champion(model)
    if present is None or present.version != seen:
        raise RegistryError("another version serves than the page showed; read it again, then decide")
    rollback.roll_back(workspace, model, reason, _asked_by(member))


def number(fields: Fields, name: str) -> int | None:
    """A number of a form; None where it is left out.

    Raises:
        ConfigError: It is none.
    """
    text = fields.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ConfigError(f"the form has no number for {name}; go back and send it again")
    return int(text)


def _asked_by(member: Member) -> str:
    return f"asked for by {member.person}"
