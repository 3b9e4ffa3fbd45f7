"""Images that `make image` built, run as hardened as pods are: `make test-image`."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving.conftest import shop

__all__ = ["shop"]

IMAGES_VARIABLE = "ATTUNE_TEST_IMAGES"
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=10001:10001")
DOCKERS_SOCKET = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Images:
    """The names of both images, and the program that runs them."""

    engine: str
    everything: str
    serving: str

    def run(self, image: str, *command: str, flags: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command in a container that cannot write but to /tmp and has no network."""
        alone = [self.engine, "run", "--rm", *HARDENED, "--tmpfs=/tmp", "--network=none", *flags]
        return subprocess.run([*alone, image, *command], capture_output=True, text=True, timeout=180)

    def ask(self, *words: str) -> str:
        """What the engine answers."""
        answer = subprocess.run(
            [self.engine, *words], capture_output=True, text=True, check=True, timeout=180
        )
        return answer.stdout.strip()

    def hand_over(self, folder: Path, owner: str) -> None:
        """Give a folder to another user, as whoever may do that in a container."""
        everything = [f"--volume={folder}:/folder", self.everything, "chown", "-R", owner, "/folder"]
        self.ask("run", "--rm", "--network=none", "--user=0", *everything)

    @property
    def full_name(self) -> str:
        """The larger image as its engine lists it, which KFP and Kubeflow compare letter by letter."""
        return self.ask("image", "inspect", "--format", "{{index .RepoTags 0}}", self.everything)


@pytest.fixture(scope="session")
def images() -> Images:
    """The images that somebody named; whoever names them has to be able to run them."""
    named = os.environ.get(IMAGES_VARIABLE, "").split()
    if not named:
        pytest.skip(f"no images named in {IMAGES_VARIABLE}; make test-image builds and names them")
    engine = shutil.which("podman") or shutil.which("docker")
    if engine is None:
        pytest.fail("neither podman nor docker; install one of them")
    everything, serving = named
    return Images(engine, everything, serving)


@pytest.fixture(params=["everything", "serving"])
def image(request: pytest.FixtureRequest, images: Images) -> str:
    """Each image in turn."""
    name: str = getattr(images, request.param)
    return name


@pytest.fixture(scope="session")
def socket(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the engine answers programs that speak Docker's language."""
    if not images.engine.endswith("podman"):
        yield os.environ.get("DOCKER_HOST", DOCKERS_SOCKET)
        return
    file = tmp_path_factory.mktemp("engine") / "podman.sock"
    service = subprocess.Popen([images.engine, "system", "service", "--time=0", f"unix://{file}"])
    try:
        deadline = time.monotonic() + 30
        while not file.exists() and time.monotonic() < deadline:
            assert service.poll() is None, "podman's service ended"
            time.sleep(0.1)
        yield f"unix://{file}"
    finally:
        service.terminate()
        service.wait(30)
