"""The prediction log: what was answered, to whom, by which version, and from how old features.

What is promised: a record is handed to the system by one write before its answer leaves, so every answer
that a caller has received survives the end of the server, by SIGTERM or by kill -9. Records reach the disk
within `SYNC_SECONDS`; a power cut or a crash of the kernel may lose that much. A record may exist whose
answer never arrived. A record names a customer only where that customer agreed to the purpose.
"""

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

SYNC_SECONDS = 0.2
SEGMENT_BYTES = 64 * 1024 * 1024
SUFFIX = ".jsonl"


class ServedFeatures(BaseModel):
    """What an answer rested on, of one feature view: as of when, and a digest of the values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: datetime
    digest: str


class PredictionRecord(BaseModel):
    """One line of the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prediction_id: str
    at: datetime
    model: str
    model_version: int
    feature_service: str
    as_of: datetime | None = None
    degraded: list[str]
    customer: str | None = None
    probability: FiniteFloat | None = None
    items: list[str] | None = None
    scores: list[FiniteFloat] | None = None
    features: dict[str, ServedFeatures] | None = None


class PredictionLog:
    """Appends records to a file of this process's own, and starts a new file when one has grown large."""

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
        self._syncing = threading.Thread(target=self._sync_often, name="prediction-log", daemon=True)
        self._syncing.start()

    def write(self, record: PredictionRecord) -> bool:
        """Append a record, and say whether the system took it whole; a full disk does not."""
        line = record.model_dump_json(exclude_none=True).encode() + b"\n"
        with self._lock:
            try:
                if self._size >= self._segment_bytes:
                    self._next_segment()
                # What a full disk cut off must not swallow the next record.
                line = b"\n" + line if self._torn else line
                count = os.write(self._file, line)
            except OSError:
                return False
            self._size += count
            self._torn = count < len(line)
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


def read_predictions(folder: Path) -> Iterator[PredictionRecord]:
    """Read every whole record of a log, file by file; a line that was cut off is passed over."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as file:
            for line in file:
                try:
                    yield PredictionRecord.model_validate_json(line)
                except ValidationError:
                    continue
