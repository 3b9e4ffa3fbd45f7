import subprocess
import sys
import time

from attune.training.heartbeat import alive

WAITS = "import sys, time, pathlib; from attune.training.heartbeat import end_without; {then}; time.sleep(60)"


def waiting(file):
    program = WAITS.format(then="end_without(pathlib.Path(sys.argv[1]), 2); print('here', flush=True)")
    return subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True)


def test_a_file_is_renewed_until_nobody_waits_any_more(tmp_path):
    file = tmp_path / "alive"
    with alive(file, every=0.02):
        first = file.read_text()
        deadline = time.monotonic() + 20
        while file.read_text() == first and time.monotonic() < deadline:
            time.sleep(0.01)
        assert file.read_text() != first
    last = file.read_text()
    time.sleep(0.1)
    assert file.read_text() == last


def test_a_job_that_is_awaited_goes_on_and_one_that_nobody_awaits_ends(tmp_path):
    file = tmp_path / "alive"
    with alive(file, every=0.1), waiting(file) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        time.sleep(4)
        assert process.poll() is None
        process.kill()
    with waiting(file) as process:
        assert process.wait(timeout=60) == 1
        assert process.stdout is not None
        assert "nobody has waited for this job for 2 s" in process.stdout.read()
