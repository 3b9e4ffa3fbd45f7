"""Load on a server: connections that ask again and again, and what they and the server's processes spent."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil


@dataclass
class Burst:
    """What came of some seconds of load.

    Attributes:
        seconds: How long it took.
        taken: Seconds of each answer, in the order they came.
        statuses: Status of each answer.
        cpu: Seconds of the processor that the server's processes used.
        flagged: Answers that were good and held the word that was looked for.
    """

    seconds: float = 0.0
    taken: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    cpu: float = 0.0
    flagged: int = 0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.statuses.count(200) / self.seconds

    @property
    def good_share(self) -> float:
        """Good answers of all."""
        return self.statuses.count(200) / max(1, len(self.statuses))

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of the processor an answer."""
        return self.cpu * 1000 / max(1, len(self.statuses))

    def percentile(self, share: float) -> float:
        """Seconds within which a share of the answers came."""
        return float(np.percentile(self.taken, share)) if self.taken else float("nan")


def request(port: int, path: str, body: bytes, key: str = "") -> bytes:
    """One HTTP request, ready to be sent."""
    head = [
        f"POST {path} HTTP/1.1",
        f"host: 127.0.0.1:{port}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *([f"x-api-key: {key}"] if key else []),
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def load(port: int, pid: int, requests: Sequence[bytes], concurrency: int, seconds: float) -> Burst:
    """Ask for some seconds over some connections.

    Args:
        port: Of the server on this machine.
        pid: Its process; what its children spend counts too.
        requests: Sent in turn.
        concurrency: How many connections, each with one request under way.
        seconds: How long.
    """
    burst = Burst()
    before = _cpu(pid)
    started = time.perf_counter()
    asyncio.run(_all(port, requests, concurrency, started + seconds, burst))
    burst.seconds = time.perf_counter() - started
    burst.cpu = _cpu(pid) - before
    return burst


def ask(port: int, requests: Sequence[bytes], flag: bytes = b"") -> Burst:
    """Send each request once, one after the other, and count the good answers that hold a word."""
    burst = Burst()
    started = time.perf_counter()

    async def each() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for wanted in requests:
            reader, writer = await _one(port, reader, writer, wanted, burst, flag)
        writer.close()

    asyncio.run(each())
    burst.seconds = time.perf_counter() - started
    return burst


async def _all(port: int, requests: Sequence[bytes], concurrency: int, until: float, burst: Burst) -> None:
    async def connection(place: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            place = (place + 1) % len(requests)
            reader, writer = await _one(port, reader, writer, requests[place], burst)
        writer.close()

    await asyncio.gather(*(connection(place) for place in range(concurrency)))


async def _one(
    port: int,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    wanted: bytes,
    burst: Burst,
    flag: bytes = b"",
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    started = time.perf_counter()
    try:
        writer.write(wanted)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
        body = await reader.readexactly(length)
        status, ends = int(head[9:12]), b"connection: close" in lines
        burst.flagged += status == 200 and flag in body
    except (OSError, asyncio.IncompleteReadError):
        status, ends = 0, True
    burst.taken.append(time.perf_counter() - started)
    burst.statuses.append(status)
    if ends:
        writer.close()
        return await asyncio.open_connection("127.0.0.1", port)
    return reader, writer


def _cpu(pid: int) -> float:
    server = psutil.Process(pid)
    times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
    return sum(each.user + each.system for each in times)
