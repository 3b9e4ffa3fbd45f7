import gzip

import pytest

from attune.data.sources.files import is_json_lines, read_json_lines
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
