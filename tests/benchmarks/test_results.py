import json

import pytest

from benchmarks import results
from benchmarks.results import END, START, Result, write_results

FIGURE = Result(
    id="demo_first_s",
    value=123.4,
    unit="s",
    peer=None,
    data="a shop",
    protocol="one run",
    command="make bench-loop",
    machine="2 cores",
    date="2026-01-02",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    (tmp_path / "README.md").write_text(f"before\n{START}\nold\n{END}\nafter\n")
    return tmp_path


def test_figures_go_to_json_with_all_that_is_needed_to_measure_them_again(folder):
    file = write_results("loop", [FIGURE])
    (row,) = json.loads(file.read_text())
    assert list(row) == [
        "id", "value", "unit", "peer", "data", "protocol", "command", "machine", "date",
    ]  # fmt: skip
    assert row["value"] == 123.4


def test_the_tables_of_the_readme_are_made_from_the_files_and_the_rest_stays(folder):
    write_results("loop", [FIGURE])
    write_results("loop", [FIGURE])
    text = (folder / "README.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert text.count("| demo_first_s | 123.4 | s | - | a shop | one run | 2026-01-02 |") == 1
    assert "old" not in text
