import subprocess
import sys

from attune.governance.provenance import code_version, commit, environment


def test_the_code_and_the_environment_are_the_same_in_another_process() -> None:
    program = "from attune.governance.provenance import *; print(code_version(), environment())"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == [code_version(), environment()]


def test_the_commit_is_a_commit_where_the_sources_are_in_a_repository() -> None:
    found = commit()
    assert found is None or len(found) == 40
