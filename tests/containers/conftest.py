"""Images that `make image` built, run as hardened as pods are: `make test-image`."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving.conftest import shop

__all__ = ["shop"]

IMAGES_VARIABLE = "ATTUNE_TEST_IMAGES"
HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=10001:10001")


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
