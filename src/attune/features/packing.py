"""One feature row as bytes: packed a table at a time, read back a row or a table at a time.

A row is, in little-endian order: the layout's digest (8 bytes), event and creation time (microseconds since
1970), a bit a feature that says whether it is null, 8 bytes a number, the ends of the texts, the texts.
Whoever reads with another layout (a feature more, another type) finds another digest and is told so.
"""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP
from attune.errors import FeatureError, UnreadableRowError
from attune.features.schema import FeatureType, View

FORMAT = "attune row 1"
NUMBERS: Mapping[FeatureType, tuple[str, str, pl.DataType]] = {
    "int64": ("q", "<i8", pl.Int64()),
    "float64": ("d", "<f8", pl.Float64()),
}
# How many stretches of bytes a text takes: a list of strings has its lengths and its letters.
TEXTS: Mapping[FeatureType, tuple[int, pl.DataType]] = {
    "string": (1, pl.String()),
    "list[string]": (2, pl.List(pl.String)),
    "list[int64]": (1, pl.List(pl.Int64)),
}
NOTHING = pa.scalar(b"", pa.large_binary())
_TIMES = struct.Struct("<8xqq")


def times_of(row: bytes) -> tuple[int, int]:
    """Event and creation time of a packed row, in microseconds since 1970."""
    event, created = _TIMES.unpack_from(row)
    return event, created


class Layout:
    """How the rows of one feature view are packed; two layouts with the same digest are the same."""

    def __init__(self, view: str, features: Mapping[str, FeatureType]) -> None:
        """Lay the features out: numbers first, each kind by name, so that their order in a file is all one.

        Args:
            view: The feature view's name.
            features: Feature -> type.
        """
        self.view = view
        self.types = dict(sorted(features.items()))
        self.numbers = [name for name, kind in self.types.items() if kind in NUMBERS]
        self.texts = [name for name, kind in self.types.items() if kind in TEXTS]
        self.names = [*self.numbers, *self.texts]
        document = json.dumps([FORMAT, view, [(name, self.types[name]) for name in self.names]])
        self.digest = int.from_bytes(hashlib.sha256(document.encode()).digest()[:8], "little")
        bits = (len(self.names) + 7) // 8
        kinds = [NUMBERS[self.types[name]] for name in self.numbers]
        segments = sum(TEXTS[self.types[name]][0] for name in self.texts)
        self.struct = struct.Struct(f"<Qqq{bits}s{''.join(kind[0] for kind in kinds)}{segments}I")
        fields: list[tuple[Any, ...]] = [("digest", "<u8"), ("event", "<i8"), ("created", "<i8")]
        fields += [("nulls", "u1", (bits,)), *((f"n{i}", kind[1]) for i, kind in enumerate(kinds))]
        self.dtype = np.dtype([*fields, ("ends", "<u4", (segments,))])
        # A row in which everything is null: stands where a table has none.
        self.blank = struct.pack("<Qqq", self.digest, 0, 0) + b"\xff" * bits
        self.blank = self.blank.ljust(self.struct.size, b"\0")

    @classmethod
    def of(cls, view: View) -> "Layout":
        """The layout of a view of the catalogue."""
        return cls(view.name, {feature.name: feature.type for feature in view.features})

    def pack(self, frame: pl.DataFrame) -> list[bytes]:
        """Pack the rows of a table, in its order.

        Args:
            frame: N rows with every feature, event_timestamp and created_timestamp (event where null).

        Returns:
            N packed rows.

        Raises:
            FeatureError: A feature is missing, of another type, or a list that holds a null.
        """
        frame = self._conformed(frame)
        heads = np.zeros(frame.height, self.dtype)
        heads["digest"] = self.digest
        heads["event"] = frame[EVENT_TIMESTAMP].to_physical().to_numpy()
        heads["created"] = frame[CREATED_TIMESTAMP].to_physical().to_numpy()
        if self.names:
            empty = np.column_stack([frame[name].is_null().to_numpy() for name in self.names])
            heads["nulls"] = np.packbits(empty, axis=1, bitorder="little")
        for number, name in enumerate(self.numbers):
            heads[f"n{number}"] = frame[name].fill_null(0).to_numpy()
        if not self.texts:
            rows: list[bytes] = heads.view(f"V{self.dtype.itemsize}").tolist()
            return rows
        return self._with_texts(frame, heads)

    def reader(self, names: Sequence[str]) -> "RowReader":
        """What reads some features of rows of this layout."""
        unknown = [name for name in names if name not in self.types]
        if unknown:
            raise FeatureError(f"view {self.view!r} has no feature {unknown[0]!r}; it has {self.names}")
        return RowReader(self, names)

    def refuse(self) -> UnreadableRowError:
        """The error for a row of another layout."""
        return UnreadableRowError(
            f"a row of view {self.view!r} online was written with other features or types than are declared "
            "now; bring the view online again with a rebuild"
        )

    def _conformed(self, frame: pl.DataFrame) -> pl.DataFrame:
        missing = [name for name in (*self.names, EVENT_TIMESTAMP) if name not in frame.columns]
        if missing:
            raise FeatureError(
                f"rows of view {self.view!r} lack {', '.join(missing)}; they have {', '.join(frame.columns)}"
            )
        wanted = {name: NUMBERS[self.types[name]][2] for name in self.numbers}
        wanted |= {name: TEXTS[self.types[name]][1] for name in self.texts}
        for name, dtype in wanted.items():
            if frame.schema[name] not in (dtype, pl.Null):
                raise FeatureError(
                    f"feature {name!r} of view {self.view!r} is {frame.schema[name]}, declared is {dtype}"
                )
        event = pl.col(EVENT_TIMESTAMP).cast(pl.Datetime("us", "UTC"))
        known = pl.col(CREATED_TIMESTAMP) if CREATED_TIMESTAMP in frame.columns else pl.lit(None)
        created = known.cast(pl.Datetime("us", "UTC")).fill_null(event).alias(CREATED_TIMESTAMP)
        return frame.select(event, created, *(pl.col(name).cast(dtype) for name, dtype in wanted.items()))

    def _with_texts(self, frame: pl.DataFrame, heads: NDArray[Any]) -> list[bytes]:
        segments = [part for name in self.texts for part in _segments(name, frame[name])]
        sizes = np.column_stack([pc.binary_length(part).to_numpy(zero_copy_only=False) for part in segments])
        heads["ends"] = np.cumsum(sizes, axis=1)
        fixed = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(self.dtype.itemsize), len(heads), [None, pa.py_buffer(heads)]
        )
        joined = pc.binary_join_element_wise(fixed.cast(pa.large_binary()), *segments, NOTHING)
        rows: list[bytes] = joined.to_pylist()
        return rows


@dataclass(frozen=True)
class PackedColumns:
    """Some features of many rows, N rows.

    Attributes:
        events: Event times in microseconds since 1970, int64[N].
        values: Feature -> array[N] for numbers (0 where null), a list of N for texts.
        nulls: Feature -> bool[N]; a feature without any null is left out.
    """

    events: NDArray[np.int64]
    values: Mapping[str, NDArray[Any] | list[Any]]
    nulls: Mapping[str, NDArray[np.bool_]]


class RowReader:
    """Reads some features of packed rows."""

    def __init__(self, layout: Layout, names: Sequence[str]) -> None:
        """Find out once where each feature lies."""
        self.names = tuple(names)
        self._layout = layout
        self._head = layout.struct
        self._places = [layout.names.index(name) for name in names]
        self._bits = [1 << place for place in self._places]
        self._numbers = [4 + layout.numbers.index(name) if name in layout.numbers else None for name in names]
        first = 4 + len(layout.numbers)
        segments = [layout.types[name] for name in layout.texts for _ in range(TEXTS[layout.types[name]][0])]
        self._last = first + len(segments) - 1 if segments else None
        self._first = first
        starts, position = {}, first
        for name in layout.texts:
            starts[name] = position
            position += TEXTS[layout.types[name]][0]
        self._texts = [starts.get(name) for name in names]
        self._kinds = [layout.types[name] for name in names]

    def one(self, row: bytes) -> tuple[int, list[Any]]:
        """Event time (microseconds since 1970) and the values of one row, None where null.

        Raises:
            FeatureError: The row has another layout.
        """
        size = self._head.size
        if len(row) < size:
            raise self._layout.refuse()
        head = self._head.unpack_from(row)
        end = size + (head[self._last] if self._last is not None else 0)
        if head[0] != self._layout.digest or end != len(row):
            raise self._layout.refuse()
        values = [
            head[number] if number is not None else self._text(row, head, place)
            for place, number in enumerate(self._numbers)
        ]
        nulls = int.from_bytes(head[3], "little")
        if nulls:
            values = [None if nulls & bit else value for value, bit in zip(values, self._bits, strict=True)]
        return head[1], values

    def many(self, rows: Sequence[bytes]) -> PackedColumns:
        """The values of many rows as columns.

        Raises:
            FeatureError: A row has another layout.
        """
        layout, size = self._layout, self._head.size
        heads = [row[:size] for row in rows] if layout.texts else rows
        if set(map(len, heads)) - {size}:
            raise layout.refuse()
        table = np.frombuffer(b"".join(heads), layout.dtype)
        if (table["digest"] != layout.digest).any():
            raise layout.refuse()
        bits = np.unpackbits(table["nulls"], axis=1, bitorder="little").astype(bool)
        empty = set(np.flatnonzero(bits.any(axis=0)).tolist())
        found = zip(self.names, self._places, strict=True)
        nulls = {name: bits[:, place] for name, place in found if place in empty}
        values: dict[str, NDArray[Any] | list[Any]] = {
            name: table[f"n{layout.numbers.index(name)}"] for name in self.names if name in layout.numbers
        }
        texts = [name for name in self.names if name in layout.texts]
        if texts:
            reader = layout.reader(texts)
            whole = [reader.one(row)[1] for row in rows]
            values |= {name: [found[place] for found in whole] for place, name in enumerate(texts)}
        return PackedColumns(table["event"], {name: values[name] for name in self.names}, nulls)

    def _text(self, row: bytes, head: tuple[Any, ...], place: int) -> Any:
        segment = self._texts[place]
        if segment is None:
            raise self._layout.refuse()
        size = self._head.size
        start = size + (head[segment - 1] if segment > self._first else 0)
        end = size + head[segment]
        kind = self._kinds[place]
        if kind == "string":
            return row[start:end].decode()
        if kind == "list[int64]":
            return np.frombuffer(row, "<i8", (end - start) // 8, start).tolist()
        ends = np.cumsum(np.frombuffer(row, "<u4", (end - start) // 4, start)).tolist()
        letters = row[end : size + head[segment + 1]]
        return [letters[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=True)] if ends else []


def _segments(name: str, column: pl.Series) -> list[Any]:
    """The bytes of a text feature, N binary values a segment."""
    if column.dtype == pl.String:
        return [column.fill_null("").to_arrow().cast(pa.large_binary())]
    inner = column.dtype.inner if isinstance(column.dtype, pl.List) else pl.Int64()
    filled = column.fill_null(pl.Series([[]], dtype=column.dtype).first()).rechunk()
    counts = filled.list.len().to_numpy()
    values = filled.filter(filled.list.len() > 0).explode()
    if values.null_count():
        raise FeatureError(f"feature {name!r} is a list that holds a null; leave it out of the list")
    if inner == pl.Int64:
        return [_stretches(counts, 8, values.to_numpy().astype("<i8", copy=False))]
    # In one stretch: Arrow's letters of a text column that starts at its first row.
    letters = np.frombuffer(values.to_arrow().cast(pa.large_string()).buffers()[2] or b"", "u1")
    sizes = values.str.len_bytes().to_numpy().astype("<u4", copy=False)
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    bounds = ends[np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])]
    return [_stretches(counts, 4, sizes), _binary(bounds, letters)]


def _stretches(counts: NDArray[Any], width: int, values: NDArray[Any]) -> Any:
    return _binary(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]) * width, values)


def _binary(bounds: NDArray[np.int64], data: NDArray[Any]) -> Any:
    """N binary values: the bytes of `data` between each two of N + 1 bounds."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(bounds)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bounds) - 1, buffers)
