"""Files of a user's own, read as they are: CSV, Parquet, and JSON with one object a line."""

import gzip
import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from attune.errors import DataError

JSON_LINES = frozenset({".jsonl", ".ndjson", ".jsonlines"})
SPREADSHEETS = frozenset({".xlsx", ".xls", ".xlsm", ".ods"})
_OTHER_SEPARATORS = ";\t|,"
# A folder, no right to read, bytes that do not unpack, an encoding that nobody knows.
_UNREADABLE = (OSError, EOFError, LookupError, ImportError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def read_parquet(path: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """Read the columns of a Parquet file that are wanted and there."""
    try:
        there: list[str] = pq.read_schema(path).names
        table = pq.read_table(path, columns=[column for column in there if column in wanted])
        # Whole numbers with gaps stay whole: as floats, long ids of two customers would become one.
        frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
        return frame
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read as Parquet ({error}); export it again") from error


def read_csv(path: Path, separator: str, encoding: str) -> pd.DataFrame:
    """Read a CSV file as text, so that a word in a column of numbers can be shown with its row.

    Raises:
        DataError: The file is missing, empty, no CSV, or has another separator or encoding.
    """
    if path.suffix.lower() in SPREADSHEETS:
        raise DataError(f"{path} is a spreadsheet; save it as CSV and name that file")
    try:
        frame = pd.read_csv(
            path, sep=separator, encoding=encoding, dtype=str, keep_default_na=False, na_values=[""]
        )
    except FileNotFoundError as error:
        raise _missing(path) from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path} is empty; name a file with a header and rows") from error
    except (ValueError, *_UNREADABLE) as error:
        raise DataError(
            f"{path} cannot be read as {path.suffix or 'CSV'} ({str(error).strip()}); "
            "check the file, and its separator and encoding in the mapping"
        ) from error
    _require_columns(path, frame, separator)
    return frame


def _require_columns(path: Path, frame: pd.DataFrame, separator: str) -> None:
    """A header that stays whole, and holds what others separate by, was written with another separator."""
    if len(frame.columns) > 1:
        return
    there = [other for other in _OTHER_SEPARATORS if other != separator and other in str(frame.columns[0])]
    if there:
        raise DataError(
            f"{path} has one column only where it is separated by {separator!r}, and its header holds "
            f"{there[0]!r}; set the separator in the mapping"
        )


def is_json_lines(path: Path) -> bool:
    """Whether a file holds one JSON object a line, by its name; it may be compressed by gzip."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix in JSON_LINES


def read_json_lines(path: Path, wanted: Sequence[str], each: str | None, encoding: str) -> pd.DataFrame:
    """Read events, one JSON object a line.

    Args:
        path: The file; blank lines are skipped.
        wanted: Paths within an object, "user.id"; what is not there is left empty. A path that no object
            has is left out.
        each: A path to a list within an object; then each of its elements makes a row, and paths below
            `each` are looked up in the element.
        encoding: Of the text.

    Raises:
        DataError: The file is missing or empty, or a line is no JSON object.
    """
    rows = [row for record in _records(path, encoding) for row in _rows(record, wanted, each)]
    present = [name for name in wanted if any(name in row for row in rows)]
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in present})


def _records(path: Path, encoding: str) -> Iterator[Mapping[str, Any]]:
    number = 0
    try:
        with (
            gzip.open(path, "rt", encoding=encoding)
            if path.suffix == ".gz"
            else path.open(encoding=encoding) as lines
        ):
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    record = _parsed(line)
                    if not isinstance(record, dict):
                        raise DataError(f"{path}, line {number}: is no object; write one object a line")
                    yield record
    except FileNotFoundError as error:
        raise _missing(path) from error
    except _UNREADABLE as error:
        raise DataError(
            f"{path} cannot be read ({error}); check the file, and its encoding in the mapping"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}, line {number + isinstance(error, UnicodeDecodeError)}: is no JSON ({error}); "
            "write one object a line"
        ) from error
    if not number:
        raise DataError(f"{path} is empty; name a file with one JSON object a line")


def _parsed(line: str) -> Any:
    value = json.loads(line)
    if "\\ud" in line.lower():  # half a character is no text: encoding it raises
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _rows(record: Mapping[str, Any], wanted: Sequence[str], each: str | None) -> Iterator[dict[str, Any]]:
    if each is None:
        yield _picked(record, wanted, {})
        return
    elements = _at(record, each)
    for element in elements if isinstance(elements, list) else []:
        yield _picked(record, wanted, {each: element})


def _picked(record: Mapping[str, Any], wanted: Sequence[str], within: Mapping[str, Any]) -> dict[str, Any]:
    row = {}
    for name in wanted:
        above = next((path for path in within if name.startswith(f"{path}.")), None)
        value = _at(within[above], name[len(above) + 1 :]) if above else _at(record, name)
        if value is not _ABSENT:
            row[name] = value
    return row


_ABSENT = object()


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return _ABSENT
        value = value[step]
    return value


def _missing(path: Path) -> DataError:
    return DataError(f"no file {path}; files are looked for beside the mapping file")
