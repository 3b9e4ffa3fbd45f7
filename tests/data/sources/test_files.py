import gzip

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attune.data.sources.files import is_json_lines, read_csv, read_json_lines, read_parquet
from attune.errors import DataError

LINES = (
    '{"user": {"id": 7}, "items": [{"id": "bread"}, {"id": "milk", "n": 2}]}\n\n{"user": {}, "items": []}\n'
)


def read(path, wanted, each=None):
    return read_json_lines(path, wanted, each, "utf-8").to_dict("list")


def test_paths_reach_into_objects_and_what_is_not_there_is_empty(tmp_path):
    (tmp_path / "events.jsonl").write_text(LINES)
    assert read(tmp_path / "events.jsonl", ["user.id", "nowhere"]) == {"user.id": [7, None]}


def test_each_element_of_a_list_makes_a_row(tmp_path):
    (tmp_path / "events.jsonl").write_text(LINES)
    rows = read(tmp_path / "events.jsonl", ["user.id", "items.id", "items.n"], "items")
    assert rows == {"user.id": [7, 7], "items.id": ["bread", "milk"], "items.n": [None, 2]}


def test_a_compressed_file_is_read_too(tmp_path):
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(LINES.encode()))
    assert is_json_lines(path)
    assert read(path, ["user.id"]) == {"user.id": [7, None]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": \n', "line 2: is no JSON"),
        ('{"a": 1}\n[1]\n', "line 2: is no object"),
        ('{"a": ' + "[" * 100_000, "line 1: is no JSON"),
        ('{"a": 1}\n{"a": "\\ud800"}\n', "line 2: is no JSON .*surrogates"),
        ("", "is empty"),
    ],
)
def test_a_line_that_is_no_object_is_named(tmp_path, text, message):
    (tmp_path / "events.jsonl").write_text(text)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "events.jsonl", ["a"])


def test_bytes_in_another_encoding_are_named(tmp_path):
    (tmp_path / "events.jsonl").write_bytes(b'{"a": "\xe4"}\n')
    with pytest.raises(DataError, match="line 1: is no JSON"):
        read(tmp_path / "events.jsonl", ["a"])


def test_a_missing_file_says_where_it_is_looked_for(tmp_path):
    with pytest.raises(DataError, match="beside the mapping file"):
        read(tmp_path / "events.jsonl", ["a"])


CSV = b"who,what\n7,bread\n"


@pytest.mark.parametrize(
    ("name", "content", "separator", "message"),
    [
        ("sales.csv.gz", CSV, ",", "Not a gzipped file"),
        ("sales.csv.gz", gzip.compress(CSV, mtime=0)[:15], ",", "cannot be read"),
        ("sales.csv.zip", CSV, ",", "not a zip file"),
        ("sales.csv.xz", CSV, ",", "cannot be read"),
        ("sales.csv", CSV, "\n", "check the file, and its separator"),
        ("sales.csv", CSV, ";", r"one column only where it is separated by ';', and its header holds ','"),
        ("sales.XLSX", b"PK", ",", "is a spreadsheet; save it as CSV"),
    ],
)
def test_what_is_no_such_csv_file_is_said_in_one_sentence(tmp_path, name, content, separator, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_csv(tmp_path / name, separator, "utf-8")


def test_a_table_of_one_column_is_a_table(tmp_path):
    (tmp_path / "people.csv").write_text("who\n7\n")
    assert read_csv(tmp_path / "people.csv", ",", "utf-8").to_dict("list") == {"who": ["7"]}


def test_long_whole_numbers_with_gaps_stay_what_they_are(tmp_path):
    ids = [2**60 + 1, None, 2**60 + 2]
    pq.write_table(pa.table({"who": pa.array(ids)}), tmp_path / "sales.parquet")
    assert list(read_parquet(tmp_path / "sales.parquet", ["who"])["who"]) == ids


def test_compressed_events_that_were_cut_short_are_named(tmp_path):
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n' * 1000, mtime=0)[:40])
    with pytest.raises(DataError, match=r"events\.jsonl\.gz cannot be read"):
        read(tmp_path / "events.jsonl.gz", ["a"])


def test_an_encoding_that_nobody_knows_is_named(tmp_path):
    (tmp_path / "events.jsonl").write_text(LINES)
    with pytest.raises(DataError, match="unknown encoding: klingon"):
        read_json_lines(tmp_path / "events.jsonl", ["a"], None, "klingon")


@pytest.mark.parametrize(
    "read_folder",
    [
        lambda path: read_csv(path, ",", "utf-8"),
        lambda path: read_parquet(path, ["a"]),
        lambda path: read_json_lines(path, ["a"], None, "utf-8"),
    ],
)
def test_a_folder_is_no_file(tmp_path, read_folder):
    with pytest.raises(DataError, match="cannot be read"):
        read_folder(tmp_path)


def test_a_parquet_file_whose_bytes_were_changed_is_named(tmp_path):
    path = tmp_path / "sales.parquet"
    pd.DataFrame({"a": [f"item {number}" for number in range(5000)]}).to_parquet(path)
    content = bytearray(path.read_bytes())
    content[100:2000] = bytes(1900)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"sales\.parquet cannot be read as Parquet"):
        read_parquet(path, ["a"])
