"""The prediction log: what was answered, to whom, by which version, and from how old features.

What is promised: a record is handed to the system by one write before its answer leaves, so every answer
that a caller has received survives the end of the server, by SIGTERM or by kill -9. Records reach the disk
within 200 ms; a power cut or a crash of the kernel may lose that much. A record may exist whose
answer never arrived. A record names a customer only where that customer agreed to the purpose.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from serving.lines import SEGMENT_BYTES, SUFFIX, Lines
from serving.stream import PredictionStream


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
    """Appends records to a file of this process's own, and to whoever else wants a copy."""

    def __init__(
        self, folder: Path, segment_bytes: int = SEGMENT_BYTES, stream: PredictionStream | None = None
    ) -> None:
        self._lines = Lines(folder, segment_bytes)
        self._stream = stream

    def write(self, *records: Mapping[str, Any]) -> bool:
        """Append records, and say whether the system took them whole; a full disk does not.

        Args:
            records: Each the fields of a `PredictionRecord`, of sound values: they come from an answer that
                was checked, and to check them again costs more than all else here.
        """
        lines = [orjson.dumps(record, option=orjson.OPT_UTC_Z) for record in records]
        if self._stream:
            for line in lines:
                self._stream.add(line)
        return self._lines.write(*lines)

    def close(self) -> None:
        """Bring everything to the disk; what is written afterwards is not taken."""
        if self._stream:
            self._stream.close()
        self._lines.close()


def read_predictions(folder: Path) -> Iterator[PredictionRecord]:
    """Read every whole record of a log, file by file; a line that was cut off is passed over."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as file:
            yield from filter(None, map(parse, file))


def parse(line: bytes) -> PredictionRecord | None:
    """One line as a record; None for one that was cut off."""
    try:
        return PredictionRecord.model_validate_json(line)
    except ValidationError:
        return None
