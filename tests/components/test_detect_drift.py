import os
import subprocess
import sys
from pathlib import Path

from attune.config import HOME_VARIABLE
from attune.drift.verdicts import Verdict
from tests.monitoring.watched_shop import make_workspace

# KFP warns and patches as it is imported and run: it has a process of its own.
PIPELINE = """
import sys
from kfp import dsl, local
from components.detect_drift import detect_drift

@dsl.pipeline
def look(now: str) -> str:
    return detect_drift(model="churn", now=now).outputs["Output"]

local.init(local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1], raise_on_error=True)
print("word:", look(now="2017-12-03").output)
"""


def test_kfp_looks_at_a_model_and_gets_the_word_the_page_and_the_figures(tmp_path: Path):
    workspace = make_workspace(tmp_path / "data")
    done = subprocess.run(
        [sys.executable, "-c", PIPELINE, str(tmp_path / "root")],
        capture_output=True,
        text=True,
        env=os.environ | {HOME_VARIABLE: str(workspace.root)},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "word: drifted" in done.stdout
    assert "[attune] churn version 1: drifted. 1 of 25 features moved beyond their limit" in done.stdout
    (folder,) = (tmp_path / "root").glob("look-*/detect-drift")
    assert Verdict.load(folder / "verdict_file").sentence in (folder / "report").read_text(encoding="utf-8")
