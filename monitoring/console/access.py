"""Who may see the console, and who may decide: people, their roles, and the digests of their tokens."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError

from attune.config import Settings
from attune.errors import ConfigError
from attune.governance.people import check_person

PEOPLE_FILE = "console.json"

Role = Literal["viewer", "approver", "admin"]
Act = Literal["approve", "reject", "roll back", "promote", "see people"]
ROLES: tuple[Role, ...] = get_args(Role)

_MAY: dict[Role, frozenset[Act]] = {
    "viewer": frozenset(),
    "approver": frozenset({"approve", "reject", "roll back"}),
    "admin": frozenset({"approve", "reject", "roll back", "promote", "see people"}),
}


class Member(Settings):
    """Somebody who may use the console.

    Attributes:
        token: SHA-256 of the token; the token itself is nowhere.
    """

    person: str
    role: Role
    token: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")

    def may(self, act: Act) -> bool:
        """Whether the role allows it; that nobody approves their own version is for the registry to say."""
        return act in _MAY[self.role]


GUEST = Member(person="guest", role="viewer")


class People(Settings):
    """The whole of console.json."""

    members: tuple[Member, ...] = ()


class Access:
    """The file of people; it is read anew for each request, so that who is taken out is out."""

    def __init__(self, file: Path):
        self._file = file

    def members(self) -> tuple[Member, ...]:
        """Everybody who has a token.

        Raises:
            ConfigError: The file cannot be read; nobody is let in by mistake.
        """
        try:
            return People.model_validate_json(self._file.read_bytes()).members
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            raise ConfigError(
                f"{self._file} is no file of people ({type(error).__name__}); restore it, or remove it and "
                "grant access again"
            ) from error

    def named(self, person: str) -> Member | None:
        """Somebody by name, as of now."""
        return next((member for member in self.members() if member.person == person), None)

    def who_has(self, token: str) -> Member | None:
        """Whose token this is. Every digest is compared, so the time says nothing about which came close."""
        digest = _digest(token)
        found = [member for member in self.members() if hmac.compare_digest(member.token, digest)]
        return found[0] if found else None

    def grant(self, person: str, role: str) -> str:
        """Give somebody a role and a new token; an older token of theirs is void.

        Returns:
            The token. It is shown once and kept nowhere.

        Raises:
            ConfigError: There is no such role.
            RegistryError: That is no name of a person.
        """
        check_person(person)
        wanted = next((known for known in ROLES if known == role), None)
        if wanted is None:
            raise ConfigError(f"no role {role!r}; there are {', '.join(ROLES)}")
        token = secrets.token_urlsafe(32)
        others = tuple(member for member in self.members() if member.person != person)
        self._write((*others, Member(person=person, role=wanted, token=_digest(token))))
        return token

    def revoke(self, person: str) -> None:
        """Take somebody's access away, at once.

        Raises:
            ConfigError: They have none.
        """
        members = self.members()
        left = tuple(member for member in members if member.person != person)
        if len(left) == len(members):
            known = ", ".join(member.person for member in members) or "nobody"
            raise ConfigError(f"{person!r} has no access to take away; {known} has")
        self._write(left)

    def _write(self, members: tuple[Member, ...]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._file.with_name(f".{self._file.name}.{secrets.token_hex(8)}.partial")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(People(members=members).model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
