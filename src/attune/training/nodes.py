"""Training on several nodes: what a job is told, how it is waited for, and what comes back.

The nodes share a volume with who asks: examples go in there, and the model comes out of it. Where nobody
names nodes, training happens where it is asked for, in one process.
"""

import json
import os
import shutil
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Protocol, Self

from pydantic import Field

from attune.config import Settings
from attune.errors import AttuneError, ConfigError
from attune.progress import say
from attune.training.heartbeat import alive
from attune.training.plan import TrainingPlan
from attune.training.record import TRAINING_FILE, TrainingRecord
from attune.training.train import train_candidate

NODES_VARIABLE = "ATTUNE_TRAINING_NODES"
REQUEST_FILE = "request.json"
EXAMPLES = "examples"
TRAINED = "trained"
ALIVE_FILE = "alive"
CHECKPOINT_FILE = "checkpoint.safetensors"


class TrainingJobError(AttuneError):
    """A job on several nodes did not train its model."""


class Nodes(Settings):
    """The nodes of a job, and how long it may take."""

    runtime: str = Field(default="attune-torch", description="the TrainingRuntime, with volume and secrets")
    nodes: int = Field(default=2, ge=1)
    gpus: int = Field(default=0, ge=0, description="of each node; one process each, without any one process")
    cpu: str = "2"
    memory: str = "4Gi"
    deadline_seconds: int = Field(default=21600, ge=60, description="two nodes wait for ever for a third")
    queue: str = Field(default="", description="of Kueue, which lets a job in when all its nodes have room")

    @classmethod
    def here(cls) -> Self | None:
        """The nodes that the environment names (JSON); None where there is no such variable.

        Raises:
            ConfigError: It is not JSON, or says something that is not known.
        """
        text = os.environ.get(NODES_VARIABLE)
        if not text:
            return None
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(
                f'{NODES_VARIABLE} is no JSON ({error}); write {{"nodes": 2, "gpus": 1}}'
            ) from error
        if not isinstance(values, dict):
            raise ConfigError(f'{NODES_VARIABLE} is {text}; write {{"nodes": 2, "gpus": 1}}')
        return cls.parse(values)

    @property
    def processes(self) -> int:
        """How many processes learn on each node."""
        return max(1, self.gpus)


class Launcher(Protocol):
    """Whoever can start a job on several nodes."""

    def run(self, name: str, folder: Path, nodes: Nodes) -> None:
        """Run `python -m attune.training.node FOLDER` on all nodes, pass its log on, and wait for its end.

        Raises:
            TrainingJobError: It failed, or did not end in time.
        """

    def cancel(self, name: str) -> None:
        """End a job; one that is not there is no error."""


def train_where_told(
    candidate: str,
    params: Mapping[str, Any],
    examples: str,
    out: str,
    home: Path,
    launcher: Callable[[], Launcher],
) -> int:
    """Train a candidate here, or a network on the nodes that the environment names.

    Args:
        candidate: Its name in the catalogue.
        params: The served model's section of the parameter file.
        examples: Folder of the examples.
        out: Folder of the trained model; an older one is replaced.
        home: Where nodes and we see the same files.
        launcher: Makes who starts jobs; not asked where nobody names nodes.

    Returns:
        How many rows taught it.

    Raises:
        ConfigError: The section or the nodes do not parse.
        ModelError: The examples cannot be read, or cannot teach this model.
        TrainingJobError: The job on the nodes failed.
    """
    nodes = Nodes.here()
    if nodes is None or candidate != TrainingPlan.parse(params).network:
        return train_candidate(candidate, params, examples, out)
    return train_on_nodes(candidate, params, Path(examples), Path(out), home, nodes, launcher())


def train_on_nodes(
    candidate: str,
    params: Mapping[str, Any],
    examples: Path,
    out: Path,
    home: Path,
    nodes: Nodes,
    launcher: Launcher,
) -> int:
    """Train a candidate on several nodes; a run that is ended takes its job along.

    Raises:
        TrainingJobError: The job failed, or left no model.
    """
    name = f"{candidate.replace('_', '-')[:30]}-{uuid.uuid4().hex[:8]}"
    folder = home / name
    shutil.copytree(examples, folder / EXAMPLES)
    (folder / REQUEST_FILE).write_text(json.dumps({"candidate": candidate, "params": dict(params)}), "utf-8")
    say(f"{candidate}: job {name} on {nodes.nodes} nodes, {nodes.processes} processes each")
    with alive(folder / ALIVE_FILE), _ends_with_us(name, launcher):
        launcher.run(name, folder, nodes)
    rows = _collect(name, folder / TRAINED, out)
    shutil.rmtree(folder)
    return rows


def learn(folder: Path) -> None:
    """What every process of a job does: learn together with the others; the first one keeps the model.

    A job whose pods were lost begins again here, and goes on after the last epoch that it ended.

    Raises:
        ModelError: The examples cannot be read, or cannot teach this model.
    """
    request = json.loads((folder / REQUEST_FILE).read_text(encoding="utf-8"))
    rank = int(os.environ.get("RANK", "0"))
    out = folder / (TRAINED if rank == 0 else f".{TRAINED}-{rank}")
    train_candidate(
        request["candidate"], request["params"], str(folder / EXAMPLES), str(out), folder / CHECKPOINT_FILE
    )
    if rank:
        shutil.rmtree(out)


def _collect(name: str, trained: Path, out: Path) -> int:
    try:
        record = TrainingRecord.parse(json.loads((trained / TRAINING_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise TrainingJobError(
            f"job {name} ended well but left no model at {trained}; do its nodes see the same volume?"
        ) from error
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(trained, unfinished)
    if out.exists():
        shutil.rmtree(out)
    unfinished.rename(out)
    say(f"{record.candidate}: learnt from {record.rows:,} examples in {record.seconds:.1f} s on the nodes")
    return record.rows


@contextmanager
def _ends_with_us(name: str, launcher: Launcher) -> Iterator[None]:
    """A pipeline that is cancelled sends SIGTERM: the job on the nodes must not outlive it."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    except (SystemExit, KeyboardInterrupt):
        say(f"this run was ended, and job {name} with it")
        launcher.cancel(name)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
