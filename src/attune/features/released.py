"""Released feature services: what a model was trained on stays as it was, digest for digest."""

import json
from pathlib import Path

from attune.errors import FeatureError
from attune.features.schema import SERVICES, schema_hash

RELEASED_FILE = "released.json"


def audit_released(repo: Path) -> list[str]:
    """Compare every released service with what is declared now; nothing differs, an empty list.

    Args:
        repo: The feature repository; its `released.json` reads service: schema hash.

    Returns:
        One sentence for each service that is gone or was edited.

    Raises:
        FeatureError: There is no such file, or it is not JSON.
    """
    recorded = released(repo)
    return [
        f"{service} is released but {found}; restore it and add the change as a new version"
        for service, digest in recorded.items()
        if (found := _difference(service, digest))
    ]


def require_released_unchanged(repo: Path) -> None:
    """Refuse to go on with a released service that was edited.

    Raises:
        FeatureError: A service differs from its release; the message names each.
    """
    differing = audit_released(repo)
    if differing:
        raise FeatureError("; ".join(differing))


def released(repo: Path) -> dict[str, str]:
    """The released services and their schema hashes."""
    file = repo / RELEASED_FILE
    try:
        recorded: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise FeatureError(
            f"{file} cannot be read ({error}); restore it: it says which services never change"
        ) from error
    return recorded


def _difference(service: str, digest: str) -> str:
    if service not in SERVICES:
        return "no longer declared"
    return "" if schema_hash(service) == digest else "its features are others now"
