"""Serving the console from this process."""

from collections.abc import Sequence
from pathlib import Path

import uvicorn

from attune.config import Workspace
from attune.errors import ConfigError
from monitoring.console.access import PEOPLE_FILE, Access
from monitoring.console.app import application
from monitoring.console.desk import Desk
from monitoring.console.evidence import Evidence

LOOPBACK = ("127.0.0.1", "localhost")


def serve(workspace: Workspace, host: str, port: int, names: Sequence[str], people: Path | None) -> None:
    """Serve the console until the process is told to end.

    Args:
        workspace: What is shown.
        host: The address to listen on.
        port: The port.
        names: The names under which browsers may ask for it, besides this machine's own.
        people: The file of people; None for the workspace's own.

    Raises:
        ConfigError: Others could reach it and nobody has a token.
    """
    access = access_of(workspace, people)
    private = host in LOOPBACK and not names
    if not private and not access.members():
        raise ConfigError(
            f"on {host} others can reach the console and nobody has a token; give one first: "
            "attune console grant ann@example.com viewer"
        )
    if not private and not names:
        raise ConfigError(f"name the host that browsers ask for, besides listening on {host}: --name")
    desk = Desk(Evidence(workspace), access, guests=private, secure=not private)
    uvicorn.run(
        application(desk, [*LOOPBACK, *names]),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )


def access_of(workspace: Workspace, people: Path | None) -> Access:
    """The people of a workspace, or those of another file."""
    return Access(people or workspace.keys / PEOPLE_FILE)
