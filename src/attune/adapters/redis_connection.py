"""A connection to Redis whose every answer has a deadline by the wall clock.

The usual client bounds each wait for the next bytes, so that a server which drips them holds a request for
ever, and it tries again behind one's back. This one sends commands, waits until the deadline, and says so.
"""

import select
import socket
import ssl
import time
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import hiredis

from attune.errors import ConfigError, FeatureError

Argument = str | bytes | int
Reply = bytes | int | None | list["Reply"] | hiredis.ReplyError
PORT = 6379
BUFFER = 1 << 16


class RedisAddress:
    """What a Redis URL says: `redis://user:password@host:6379/0`, `rediss://` with TLS, `unix:///a/socket`."""

    def __init__(self, url: str) -> None:
        """Read the URL.

        Raises:
            ConfigError: It is no such URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ConfigError(
                f"{parts.scheme or 'no'} scheme in the Redis URL; redis, rediss or unix is wanted"
            )
        self.unix = parts.path if parts.scheme == "unix" else None
        self.tls = parts.scheme == "rediss"
        self.host, self.port = parts.hostname or "localhost", parts.port or PORT
        number = "" if self.unix else parts.path.strip("/")
        if number and not number.isdigit():
            raise ConfigError(f"the Redis URL ends in {number!r}; the number of a database is wanted")
        words = [unquote(word) for word in (parts.username, parts.password) if word]
        self.greeting: list[tuple[Argument, ...]] = [("AUTH", *words)] if parts.password else []
        self.greeting += [("SELECT", number)] if number else []
        # For messages: a password never appears in one.
        self.name = self.unix or f"{self.host}:{self.port}"

    def open(self, seconds: float) -> socket.socket:
        """A connected socket."""
        if self.unix:
            plain = socket.socket(socket.AF_UNIX)
            plain.settimeout(seconds)
            plain.connect(self.unix)
            return plain
        plain = socket.create_connection((self.host, self.port), seconds)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.tls:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


class RedisConnection:
    """One connection, for one thread; it opens itself, and again after a failure."""

    _socket: socket.socket | None = None

    def __init__(self, address: RedisAddress, seconds: float) -> None:
        """Nothing is opened yet.

        Args:
            address: Where Redis is.
            seconds: How long one call may take from its start to its last byte, connecting included.
        """
        self._address = address
        self._seconds = seconds
        self._reader = hiredis.Reader()

    def __del__(self) -> None:
        """Close with the thread whose own it is; at the interpreter's end little else is left."""
        if self._socket is not None:
            self._socket.close()

    def call(self, *command: Argument) -> Reply:
        """Send one command and give its reply; see `call_all`."""
        return self.call_all([command])[0]

    def call_all(self, commands: Sequence[tuple[Argument, ...]]) -> list[Reply]:
        """Send commands at once and give their replies; see `call_packed`."""
        return self.call_packed(_packed(commands), len(commands))

    def call_packed(self, packed: bytes, count: int) -> list[Reply]:
        """Send commands that are bytes already, and give their replies.

        Args:
            packed: As Redis takes them, see `pack_mget`.
            count: How many commands they are.

        Raises:
            FeatureError: Redis cannot be reached, refuses a command, or is not done within the deadline.
        """
        deadline = time.monotonic() + self._seconds
        try:
            if self._socket is None or _is_over(self._socket):
                self._open(deadline)
            replies = self._exchange(packed, count, deadline)
        except TimeoutError as error:
            self.close()
            raise FeatureError(
                f"Redis at {self._address.name} did not answer within {self._seconds * 1000:.0f} ms; "
                "look at its load and the network"
            ) from error
        except (OSError, hiredis.ProtocolError) as error:
            self.close()
            raise FeatureError(
                f"Redis at {self._address.name} cannot be reached ({error}); is it running?"
            ) from error
        refused = next((reply for reply in replies if isinstance(reply, hiredis.ReplyError)), None)
        if refused is not None:
            self.close()  # a transaction may be open
            raise FeatureError(f"Redis at {self._address.name} refuses: {refused}")
        return replies

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._reader = hiredis.Reader()

    def _open(self, deadline: float) -> None:
        self.close()
        self._socket = self._address.open(_left(deadline))
        greeting = self._address.greeting
        greeted = self._exchange(_packed(greeting), len(greeting), deadline)
        refused = next((reply for reply in greeted if isinstance(reply, hiredis.ReplyError)), None)
        if refused is not None:
            raise ConnectionRefusedError(str(refused))

    def _exchange(self, packed: bytes, count: int, deadline: float) -> list[Reply]:
        if self._socket is None:
            raise ConnectionError("not connected")
        self._socket.settimeout(_left(deadline))
        self._socket.sendall(packed)
        replies: list[Reply] = []
        while len(replies) < count:
            reply = self._reader.gets()
            if reply is not False:
                replies.append(reply)
                continue
            self._socket.settimeout(_left(deadline))
            received = self._socket.recv(BUFFER)
            if not received:
                raise ConnectionResetError("it closed the connection")
            self._reader.feed(received)
        return replies


def pack_mget(key: str, beginnings: Sequence[str], endings: Sequence[str]) -> bytes:
    r"""The command that reads a key, then for each beginning the keys that continue it with each ending.

    Hundreds of keys take longer to pack one by one than to be answered. Endings of one length, as pseudonyms
    are, are therefore joined.

    >>> pack_mget("now", ["a:"], ["1", "2"])
    b'*4\r\n$4\r\nMGET\r\n$3\r\nnow\r\n$3\r\na:1\r\n$3\r\na:2\r\n'
    """
    sizes = set(map(len, endings))
    if len(sizes) == 1:
        (size,) = sizes
        parts = [f"*{2 + len(beginnings) * len(endings)}\r\n$4\r\nMGET\r\n${len(key)}\r\n{key}"]
        parts += [f"\r\n${len(each) + size}\r\n{each}".join(("", *endings)) for each in beginnings]
        text = "".join((*parts, "\r\n"))
        if text.isascii():  # otherwise a length in letters is none in bytes
            return text.encode()
    return _packed([("MGET", key, *(before + after for before in beginnings for after in endings))])


def _packed(commands: Sequence[tuple[Argument, ...]]) -> bytes:
    # The stub of what packs says a tuple of one.
    return b"".join(hiredis.pack_command(command) for command in commands)  # type: ignore[arg-type]


def _is_over(connected: socket.socket) -> bool:
    """Whether something came unasked on an idle connection: its end, for Redis says nothing by itself."""
    waiting = select.poll()
    waiting.register(connected, select.POLLIN)
    return bool(waiting.poll(0))


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
