import signal
import subprocess
import sys

import pytest

WORKER = """
import asyncio, sys, time
from pathlib import Path
from serving.turn import Turn
print("waits", flush=True)
asyncio.run(Turn(Path(sys.argv[1])).come())
print("answers", flush=True)
time.sleep(600)
"""


@pytest.fixture
def worker(tmp_path):
    started = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORKER, str(tmp_path / "turn.lock")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_spare_worker_answers_when_the_first_is_killed(worker):
    first = worker()
    assert [says(first), says(first)] == ["waits", "answers"]
    spare = worker()
    assert says(spare) == "waits"
    assert spare.poll() is None
    first.kill()
    assert says(spare) == "answers"


def test_a_spare_worker_that_is_asked_to_end_ends(worker):
    first, spare = worker(), None
    assert [says(first), says(first)] == ["waits", "answers"]
    spare = worker()
    assert says(spare) == "waits"
    spare.terminate()
    assert spare.wait(30) == -signal.SIGTERM
