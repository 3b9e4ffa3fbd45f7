"""Who is signed in: a random name in a cookie, its meaning in memory, and proof that a form is ours."""

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.console.evidence import Clock

SESSION_COOKIE = "attune_session"
VISITOR_COOKIE = "attune_visitor"
LASTS = timedelta(hours=8)
IDLE = timedelta(minutes=30)
MOST = 1000


@dataclass
class _Session:
    person: str
    began: datetime
    seen: datetime


class Sessions:
    """The sessions of one server; they end with it."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def begin(self, person: str) -> str:
        """Start a session and give the name for the cookie; of too many the oldest ends."""
        name, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            while len(self._sessions) >= MOST:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(name)] = _Session(person, now, now)
        return name

    def person(self, name: str) -> str | None:
        """Who is signed in under a name, unless it ended, was idle too long or never was."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_digest(name))
            if session is None:
                return None
            if now - session.began > LASTS or now - session.seen > IDLE:
                del self._sessions[_digest(name)]
                return None
            session.seen = now
            return session.person

    def end(self, name: str) -> None:
        """Sign out."""
        with self._lock:
            self._sessions.pop(_digest(name), None)

    def proof(self, cookie: str) -> str:
        """What a form of ours carries: only who holds the cookie and our secret can say it."""
        return hmac.new(self._secret, cookie.encode(), hashlib.sha256).hexdigest()

    def proves(self, cookie: str, proof: str) -> bool:
        """Whether a form came from a page of ours, shown to whoever holds the cookie."""
        return bool(cookie) and hmac.compare_digest(self.proof(cookie).encode(), proof.encode())


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
