import json
import os
import shutil
import time
import uuid
from contextlib import contextmanager

import httpx
import pytest

from attune.config import Workspace
from serving.api_keys import KEYS_VARIABLE
from serving.prediction_log import read_predictions
from serving.settings import SETTINGS_VARIABLE
from tests.containers.conftest import HARDENED

GIGABYTE = 1e9
KEY = "a key of this test and of no other"


def test_images_are_no_larger_than_promised(images):
    sizes = {
        name: int(images.ask("image", "inspect", "--format", "{{.Size}}", name))
        for name in (images.everything, images.serving)
    }
    assert sizes[images.everything] < 2.0 * GIGABYTE, sizes
    assert sizes[images.serving] < 0.7 * GIGABYTE, sizes


def test_an_image_runs_as_somebody_who_may_nothing(images, image):
    answer = images.run(image, "sh", "-c", "id -u; touch /app/x /opt/attune/x; echo $?")
    assert answer.stdout.split() == ["10001", "1"], answer.stderr
    assert images.ask("image", "inspect", "--format", "{{.Config.User}}", image) == "10001"


@pytest.mark.parametrize("tool", ["gcc", "cc", "make", "strip", "pip", "git", "apt-get", "perl"])
def test_an_image_has_nothing_to_build_with(images, image, tool):
    assert images.run(image, "sh", "-c", f"command -v {tool}").returncode != 0


def test_the_command_answers(images, image):
    answer = images.run(image, "attune", "--help")
    assert answer.returncode == 0, answer.stderr
    assert "Serve the champions over HTTP" in answer.stdout


def test_an_image_says_what_is_in_it(images, image):
    bill = json.loads(images.run(image, "cat", "/opt/attune/sbom.cdx.json").stdout)
    assert bill["bomFormat"] == "CycloneDX"
    parts = {part["name"].lower() for part in bill["components"]}
    assert {"attune", "bentoml", "pydantic"} <= parts


def test_a_server_has_nothing_to_train_with(images):
    bill = json.loads(images.run(images.serving, "cat", "/opt/attune/sbom.cdx.json").stdout)
    parts = {part["name"].lower() for part in bill["components"]}
    assert not {"torch", "feast", "captum", "kfp", "evidently", "dvc"} & parts


OPENS = """
import pkgutil
from attune.inference.graphs import SERVERS
from attune.models.catalog import MODELS
for name, entry in MODELS.items():
    pkgutil.resolve_name(SERVERS.get(name, entry.where))
"""


def test_a_server_has_what_each_model_of_the_catalogue_answers_with(images):
    answer = images.run(images.serving, "python", "-W", "ignore", "-c", OPENS)
    assert answer.returncode == 0, answer.stderr


@contextmanager
def serving(images, image, workspace: Workspace, settings: str):
    """A hardened server that sees a workspace as the Deployment's does: its name and its address."""
    name = f"attune-test-{uuid.uuid4().hex[:8]}"
    where = [f"--volume={workspace.root}:/data:ro", "--tmpfs=/tmp", "--publish=127.0.0.1::3000"]
    # A laptop's online store is a file, which even readers lock; the Deployment's is Redis.
    for written in ("predictions", "runs/serving", "feast"):
        (workspace.root / written).mkdir(parents=True, exist_ok=True)
        where.append(f"--volume={workspace.root / written}:/data/{written}")
    images.hand_over(workspace.root, "10001:10001")
    told = [f"--env={KEYS_VARIABLE}={KEY.replace(' ', '-')}", f"--env={SETTINGS_VARIABLE}={settings}"]
    images.ask("run", "--detach", f"--name={name}", *HARDENED, *where, *told, "--env=HOME=/tmp", image)
    try:
        port = images.ask("port", name, "3000/tcp").rpartition(":")[2]
        yield name, f"http://127.0.0.1:{port}"
    finally:
        images.ask("rm", "--force", name)
        images.hand_over(workspace.root, f"{os.getuid()}:{os.getgid()}")


def wait_until_ready(images, name, url):
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        if images.ask("inspect", "--format", "{{.State.Running}}", name) != "true":
            break
        time.sleep(0.5)
    pytest.fail(f"not ready: {images.ask('logs', name)}")


def is_healthy(images, name):
    """Whether the image's own check says so; podman runs it when asked, Docker by itself."""
    if images.engine.endswith("podman"):
        return images.ask("healthcheck", "run", name) == ""
    deadline = time.monotonic() + 60
    while images.ask("inspect", "--format", "{{.State.Health.Status}}", name) == "starting":
        assert time.monotonic() < deadline
        time.sleep(1)
    return images.ask("inspect", "--format", "{{.State.Health.Status}}", name) == "healthy"


def test_a_server_in_an_image_makes_real_predictions(images, image, shop, tmp_path):
    elsewhere = tmp_path / "workspace"
    shutil.copytree(shop.workspace.root, elsewhere, ignore=shutil.ignore_patterns("runs", "predictions"))
    with serving(images, image, Workspace(root=elsewhere), shop.settings.model_dump_json()) as (name, url):
        wait_until_ready(images, name, url)
        question = {"customer_id": shop.loyal}
        key = {"authorization": f"Bearer {KEY.replace(' ', '-')}"}
        assert httpx.post(f"{url}/v1/churn", json=question).status_code == 401
        answer = httpx.post(f"{url}/v1/churn", json=question, headers=key)
        assert answer.status_code == 200, answer.text
        assert 0 <= answer.json()["probability"] <= 1
        recommended = httpx.post(f"{url}/v1/recommend", json={**question, "k": 3}, headers=key)
        assert len(recommended.json()["items"]) == 3
        assert is_healthy(images, name)
        assert [each.model for each in read_predictions(elsewhere / "predictions")] == ["churn", "recommend"]
