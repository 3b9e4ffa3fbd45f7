"""Who does something: the person at the keyboard, or the one that a cluster says."""

import getpass
import os
import re

from attune.errors import RegistryError

PERSON_VARIABLE = "ATTUNE_PERSON"
_PERSON = re.compile(r"[a-z0-9][a-z0-9@+_-]{0,40}(\.[a-z0-9@+_-]{1,40}){0,4}")


def this_person() -> str:
    """Who runs this process, in small letters.

    Raises:
        RegistryError: The name is one that a path could misread.
    """
    person = (os.environ.get(PERSON_VARIABLE) or _login()).lower()
    check_person(person)
    return person


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A pod's user often has a number and no name.
        return f"uid-{os.getuid()}"


def check_person(person: str) -> None:
    """Refuse a name that a path or a page could misread.

    Raises:
        RegistryError: It is not small letters, digits and single marks.
    """
    if not _PERSON.fullmatch(person):
        raise RegistryError(
            f"{person[:80]!r} is no name of a person; wanted small letters, digits and . @ + _ -, such as "
            f"'ann@example.com': set {PERSON_VARIABLE}"
        )
