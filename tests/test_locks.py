import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from attune.errors import ConfigError
from attune.locks import PATIENCE_VARIABLE, BusyError, in_turn, only_writer

HOLD = "import sys, time; from pathlib import Path; from attune.locks import only_writer, in_turn\n"


def test_a_second_writer_is_told_who_writes(tmp_path):
    busy = pytest.raises(BusyError, match=rf"in use by process {os.getpid()} on ")
    with only_writer(tmp_path), busy, only_writer(tmp_path):
        pass


def test_a_killed_writer_lets_go(tmp_path):
    script = HOLD + "with only_writer(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(BusyError):
        only_writer(tmp_path).__enter__()
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with only_writer(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()} on {socket.gethostname()}"


def test_a_patient_writer_waits_for_its_turn_and_says_so(tmp_path, monkeypatch, capsys):
    script = HOLD + "with only_writer(Path(sys.argv[1])): print('held', flush=True); time.sleep(0.5)"
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    monkeypatch.setenv(PATIENCE_VARIABLE, "30")
    with only_writer(tmp_path):
        assert f"in use by process {holder.pid} on {socket.gethostname()}; waiting" in capsys.readouterr().out
    holder.communicate()


def test_patience_ends(tmp_path, monkeypatch):
    monkeypatch.setenv(PATIENCE_VARIABLE, "0.1")
    with only_writer(tmp_path), pytest.raises(BusyError), only_writer(tmp_path):
        pass


def test_patience_is_a_number_of_seconds(tmp_path, monkeypatch):
    monkeypatch.setenv(PATIENCE_VARIABLE, "an hour")
    with only_writer(tmp_path), pytest.raises(ConfigError, match="write seconds"), only_writer(tmp_path):
        pass


def test_those_who_take_turns_wait_for_each_other(tmp_path):
    script = HOLD + "with in_turn(Path(sys.argv[1])): print('held', flush=True); time.sleep(0.5)"
    file = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    started = time.monotonic()
    with in_turn(file):
        assert time.monotonic() - started > 0.3
    holder.communicate()
