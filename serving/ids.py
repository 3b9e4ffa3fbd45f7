"""Ids that nobody can guess, drawn from the system many at a time.

Each draw is a call of the system that gives the interpreter away, to whichever thread waits for it.
"""

import os
from collections import deque

_BYTES = 16
_AT_ONCE = 256

_drawn: deque[str] = deque()


def new_id() -> str:
    """128 random bits as 32 hexadecimal digits; any thread may ask."""
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            random = os.urandom(_BYTES * _AT_ONCE).hex()
            _drawn.extend(random[start : start + 2 * _BYTES] for start in range(0, len(random), 2 * _BYTES))


# A process that is a copy of this one must not give the same ids.
os.register_at_fork(after_in_child=_drawn.clear)
