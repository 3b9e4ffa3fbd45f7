"""Append-only files of lines: what they promise of a line that was taken.

A line is handed to the system by one write, so it survives the end of this process, by SIGTERM or by kill -9.
Lines reach the disk within `SYNC_SECONDS`; a power cut or a crash of the kernel may lose that much.
"""

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

SYNC_SECONDS = 0.2
SEGMENT_BYTES = 64 * 1024 * 1024
SUFFIX = ".jsonl"


class Lines:
    """Appends lines to a file of this process's own, and starts a new file when one has grown large."""

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._file = self._new_segment()
        self._size = 0
        self._torn = False
        self._written = False
        self._closing = threading.Event()
        self._syncing = threading.Thread(target=self._sync_often, name=folder.name, daemon=True)
        self._syncing.start()

    def write(self, *lines: bytes) -> bool:
        """Append lines by one write, and say whether the system took them whole; a full disk does not."""
        with self._lock:
            try:
                if self._size >= self._segment_bytes:
                    self._next_segment()
                # What a full disk cut off must not swallow the next line.
                whole = b"\n".join([*([b""] if self._torn else []), *lines, b""])
                count = os.write(self._file, whole)
            except OSError:
                return False
            self._size += count
            self._torn = count < len(whole)
            self._written = True
            return not self._torn

    def close(self) -> None:
        """Bring everything to the disk; what is written afterwards is not taken."""
        self._closing.set()
        self._syncing.join()
        with self._lock:
            file, self._file = self._file, -1
        os.fdatasync(file)
        os.close(file)

    def _sync_often(self) -> None:
        while not self._closing.wait(SYNC_SECONDS):
            with self._lock:
                if not self._written:
                    continue
                self._written = False
                file = os.dup(self._file)
            # Outside the lock: a slow disk must not hold an answer back.
            try:
                os.fdatasync(file)
            except OSError:
                self._written = True
            finally:
                os.close(file)

    def _next_segment(self) -> None:
        full, self._file, self._size, self._torn = self._file, self._new_segment(), 0, False
        os.fdatasync(full)
        os.close(full)

    def _new_segment(self) -> int:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}-{time.monotonic_ns()}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        return os.open(self._folder / name, flags, 0o600)
