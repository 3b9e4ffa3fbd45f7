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
    assert text.count("| demo_first_s | 123.4 | s | - |") == 1
    assert text.count("**a shop**: one run (`make bench-loop`, 2 cores, 2026-01-02)") == 1
    assert "old" not in text


def test_figures_share_a_table_where_they_were_measured_together(folder):
    again = FIGURE.model_copy(update={"id": "demo_again_s"})
    elsewhere = FIGURE.model_copy(update={"id": "demo_peak_rss_gib", "data": "another shop"})
    write_results("loop", [FIGURE, elsewhere, again])
    first, second = (folder / "README.md").read_text().split("**another shop**")
    assert "demo_first_s" in first
    assert "demo_again_s" in first
    assert "demo_peak_rss_gib" in second


def test_peers_stand_below_us_in_one_table(folder):
    measured = {("ndcg10_ease", "ease"): 0.1, ("ndcg10", None): 0.3, ("recall10", None): 0.5}
    write_results(
        "recommender",
        [
            FIGURE.model_copy(update={"id": name, "peer": peer, "value": value})
            for (name, peer), value in measured.items()
        ],
    )
    text = (folder / "README.md").read_text()
    assert "| model | ndcg10 |\n|---|---|\n| ours | 0.3 |\n| ease | 0.1 |" in text
    assert "| recall10 | 0.5 | s | - |" in text
