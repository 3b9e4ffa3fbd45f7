"""Load on a server, and what came of it: by callers who wait for their answers, or by callers who do not.

Made to cost little beside what is measured: requests are bytes that were made before, and an answer is looked
at no further than its status, its length and one word.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import psutil
import uvloop

LOST, CUT = 0, 1  # the statuses of requests whose connection ended without an answer, or within it
AGAIN_SECONDS = 0.05
PATIENCE_SECONDS = 10.0
HOST = "127.0.0.1"


@dataclass
class Burst:
    """What came of some seconds of load; four lists, an entry an answer, in the order they came.

    Attributes:
        seconds: How long it took.
        taken: Seconds from when the request was due until its answer.
        statuses: Status of each answer.
        ended: When it came, by the performance counter.
        flags: Whether the answer was good and held the word that was looked for.
        again: How often a request was sent again.
        cpu: Seconds of the processor that the server's processes used.
    """

    seconds: float = 0.0
    taken: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    flags: list[bool] = field(default_factory=list)
    again: int = 0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.statuses.count(200) / self.seconds

    def rate_within(self, seconds: float) -> float:
        """Good answers a second while requests still came; what is answered later is no throughput."""
        begun = min(end - taken for end, taken in zip(self.ended, self.taken, strict=True))
        pairs = zip(self.ended, self.statuses, strict=True)
        return sum(status == 200 and end - begun <= seconds for end, status in pairs) / seconds

    @property
    def flagged(self) -> int:
        """Good answers that held the word that was looked for."""
        return sum(self.flags)

    @property
    def good_share(self) -> float:
        """Good answers of all."""
        return self.statuses.count(200) / max(1, len(self.statuses))

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of the processor an answer."""
        return self.cpu * 1000 / max(1, len(self.statuses))

    def percentile(self, share: float, statuses: frozenset[int] | None = None) -> float:
        """Seconds within which a share of the answers came, of all or of those with some statuses."""
        pairs = zip(self.taken, self.statuses, strict=True)
        taken = [seconds for seconds, status in pairs if statuses is None or status in statuses]
        return float(np.percentile(taken, share)) if taken else float("nan")


def request(port: int, path: str, body: bytes, key: str = "", extra: str = "") -> bytes:
    """One HTTP request, ready to be sent."""
    head = [
        f"POST {path} HTTP/1.1",
        f"host: {HOST}:{port}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *([f"x-api-key: {key}"] if key else []),
        *([extra] if extra else []),
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def load(port: int, pid: int, requests: Sequence[bytes], concurrency: int, seconds: float) -> Burst:
    """Callers who wait: each connection has one request under way, for some seconds.

    Args:
        port: Of the server on this machine.
        pid: Its process; what its children spend counts too.
        requests: Sent in turn.
        concurrency: How many connections.
        seconds: How long.
    """
    until = time.perf_counter() + seconds
    wanted = itertools.takewhile(lambda _: time.perf_counter() < until, itertools.cycle(requests))
    return _measured(pid, lambda burst: _waiting(_Caller(port, burst), wanted, concurrency))


def ask(port: int, requests: Sequence[bytes], flag: bytes = b"") -> Burst:
    """Send each request once, one after the other, and look for a word in the good answers."""
    return _measured(None, lambda burst: _waiting(_Caller(port, burst, flag), iter(requests), 1))


def pour(
    port: int,
    pid: int | None,
    requests: Sequence[bytes],
    rate: float,
    seconds: float,
    flag: bytes = b"",
    tries: int = 1,
) -> Burst:
    """Callers who do not wait for each other: so many requests a second, whatever becomes of them.

    Args:
        port: Of the server on this machine.
        pid: Its process; what its children spend counts too. None: nobody's is counted.
        requests: Sent in turn.
        rate: Requests a second.
        seconds: How long.
        flag: A word to look for in good answers.
        tries: How often a request is sent whose connection was lost.
    """
    return _measured(pid, lambda burst: _pouring(_Caller(port, burst, flag, tries), requests, rate, seconds))


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, heard: "Callable[[_Connection, int, bytes], None]") -> None:
        self._heard, self._received, self._waits = heard, b"", False
        self.is_open = False
        self.wanted, self.due, self.tries = b"", 0.0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_open = cast(asyncio.Transport, transport), True

    def ask(self, wanted: bytes, due: float, tries: int) -> None:
        self.wanted, self.due, self.tries, self._waits = wanted, due, tries, True
        self._transport.write(wanted)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        head = self._received[:end].lower()
        length = int(head[head.index(b"content-length:") + 15 :].split(b"\r", 1)[0])
        if len(self._received) < end + length:
            return
        body, self._received, self._waits = self._received[end:], b"", False
        if b"\r\nconnection: close" in head:
            self.is_open = False
            self._transport.close()
        self._heard(self, int(head[9:12]), body)

    def connection_lost(self, _: Exception | None) -> None:
        self.is_open = False
        if self._waits:
            self._waits = False
            self._heard(self, CUT if self._received else LOST, b"")

    def close(self) -> None:
        self._waits = False
        self._transport.close()


class _Caller:
    """Sends requests over connections that are free, opens others where none is, and notes the answers."""

    def __init__(self, port: int, burst: Burst, flag: bytes = b"", tries: int = 1) -> None:
        self._port, self._burst, self._flag, self._tries = port, burst, flag, tries
        self._idle: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.under_way = 0
        self.answered: Callable[[], None] = lambda: None

    def send(self, wanted: bytes, due: float) -> None:
        self.under_way += 1
        self._send(wanted, due, self._tries)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()

    def _send(self, wanted: bytes, due: float, tries: int) -> None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                connection.ask(wanted, due, tries)
                return
        task = asyncio.get_running_loop().create_task(self._open(wanted, due, tries))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, wanted: bytes, due: float, tries: int) -> None:
        connection = _Connection(self._heard)
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, HOST, self._port)
        except OSError:
            connection.wanted, connection.due, connection.tries = wanted, due, tries
            self._heard(connection, LOST, b"")
        else:
            connection.ask(wanted, due, tries)

    def _heard(self, connection: _Connection, status: int, body: bytes) -> None:
        if status in (LOST, CUT) and connection.tries > 1:
            self._burst.again += 1
            again = connection.wanted, connection.due, connection.tries - 1
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._send, *again)
            return
        now, burst = time.perf_counter(), self._burst
        burst.taken.append(now - connection.due)
        burst.statuses.append(status)
        burst.ended.append(now)
        burst.flags.append(status == 200 and self._flag in body)
        if connection.is_open:
            self._idle.append(connection)
        self.under_way -= 1
        self.answered()


async def _waiting(caller: _Caller, wanted: Iterator[bytes], concurrency: int) -> None:
    """Each answer lets the next request go."""
    done = asyncio.Event()

    def go_on() -> None:
        following = next(wanted, None)
        if following is not None:
            caller.send(following, time.perf_counter())
        elif not caller.under_way:
            done.set()

    caller.answered = go_on
    for _ in range(concurrency):
        go_on()
    await done.wait()
    caller.close()


async def _pouring(caller: _Caller, requests: Sequence[bytes], rate: float, seconds: float) -> None:
    """Requests go when they are due; whoever is not answered long after the last counts as lost."""
    started = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = started + number / rate
        while (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        caller.send(requests[number % len(requests)], due)
    latest = time.perf_counter() + PATIENCE_SECONDS
    while caller.under_way and time.perf_counter() < latest:
        await asyncio.sleep(0.01)
    caller.close()


def _measured(pid: int | None, begin: Callable[[Burst], Coroutine[Any, Any, None]]) -> Burst:
    burst = Burst()
    before, started = _cpu(pid), time.perf_counter()
    uvloop.run(begin(burst))
    burst.seconds, burst.cpu = time.perf_counter() - started, _cpu(pid) - before
    return burst


def _cpu(pid: int | None) -> float:
    """Seconds of a process and its children; of children that ended meanwhile nothing is known."""
    if pid is None:
        return 0.0
    server = psutil.Process(pid)
    times = []
    for process in (server, *server.children(recursive=True)):
        try:
            times.append(process.cpu_times())
        except psutil.NoSuchProcess:
            continue
    return sum(each.user + each.system for each in times)
