"""A real PostgreSQL on a loopback port of its own, for tests that need one."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sql
from sqlalchemy.exc import OperationalError

SECONDS_TO_START = 30
# The server refuses to run as root; Debian's package brings this user.
USER = "postgres"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server without a password, and stop it by its process id; the address of its first database."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="attune-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        _run([str(binaries / "initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "trust", "--no-sync"])
        port = _free_port()
        quick = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=40"]
        command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(_as_user([*command, *quick]), stdout=log, stderr=log, cwd=folder)
        url = f"postgresql+psycopg://{USER}@127.0.0.1:{port}/{USER}"
        try:
            _wait(url, server, folder / "log")
            yield url
        finally:
            server.terminate()
            server.wait(timeout=SECONDS_TO_START)
    finally:
        shutil.rmtree(folder)


def new_database(url: str, name: str) -> str:
    """Make an empty database in a server; its address."""
    engine = sql.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return f"{url.rsplit('/', 1)[0]}/{name}"


def _binaries() -> Path:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found := shutil.which("initdb"):
        folders.append(Path(found).parent)
    if not folders:
        why = "no PostgreSQL server here; Debian's package postgresql has one"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return folders[-1]


def _as_user(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    # setpriv, unlike su, becomes the command: the process id is the server's own.
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", *command]


def _run(command: list[str]) -> None:
    subprocess.run(_as_user(command), check=True, capture_output=True, cwd="/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    engine = sql.create_engine(url, connect_args={"connect_timeout": 2})
    end = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < end:
        try:
            engine.connect().close()
        except OperationalError:
            time.sleep(0.1)
            continue
        engine.dispose()
        return
    pytest.fail(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
