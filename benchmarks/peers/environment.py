"""Run a peer in a virtual environment of its own: the split goes there in Parquet, and lists come back."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, HISTORY_ITEMS, HISTORY_TIMES, ITEM_ID, LABEL
from attune.errors import ModelError
from attune.evaluation.accuracy import Recommended
from attune.evaluation.protocols import Split
from attune.models.history import SECOND, known_purchases

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / "build" / "peers"
TRAIN, VALIDATION, QUERIES, LISTS = "train", "validation", "queries", "lists"
QUERY, RANK = "query", "rank"


@dataclass(frozen=True)
class Peer:
    """A library and the script that asks it."""

    environment: str
    requirements: tuple[str, ...]
    script: str
    arguments: tuple[str, ...] = ()


_RECTOOLS = ("torch==2.13.0", "rectools[torch]==0.19.0", "pyarrow==21.0.0")  # later ones want NumPy 2
PEERS: Mapping[str, Peer] = {
    "rectools_sasrec": Peer("rectools", _RECTOOLS, "rectools_sasrec.py", ("--loss", "softmax")),
    "rectools_esasrec": Peer(
        "rectools", _RECTOOLS, "rectools_sasrec.py", ("--loss", "sampled_softmax", "--gated")
    ),
    "rectools_sasrec_sampled": Peer("rectools", _RECTOOLS, "rectools_sasrec.py", ("--loss", "gBCE")),
}


@dataclass(frozen=True)
class PeerTraining:
    """How a peer learns, beside its own defaults.

    Attributes:
        epochs: How long; peers have no early stopping of their own.
        length: Only so many latest interactions of a customer are read.
        batch_size: Customers of one step.
    """

    epochs: int = 30
    length: int = 200
    batch_size: int = 128

    def __str__(self) -> str:
        return f"{self.epochs} epochs, L {self.length}, batches of {self.batch_size}"


@dataclass(frozen=True)
class Took:
    """The seconds that a model took; a peer measures itself.

    Attributes:
        learn: All that it learnt.
        learn_processor: The same, in processor seconds.
        answer: All that was asked.
        answer_processor: The same, in processor seconds; 0 where that was not measured.
        alone_processor: The median processor seconds of a query that just fills a window, alone; 0 as before.
        alone_small_processor: The same from a table that holds nothing but that query.
    """

    learn: float
    learn_processor: float
    answer: float
    answer_processor: float = 0.0
    alone_processor: float = 0.0
    alone_small_processor: float = 0.0


def ask_peer(
    name: str, split: Split, k: int, exclude_seen: bool, seed: int, training: PeerTraining
) -> tuple[Recommended, Took]:
    """Train a peer on a split and ask it for k items for each test example.

    Returns:
        Its lists, shape [N, k], None where it answers nothing, and the seconds it took.

    Raises:
        ModelError: The peer failed.
    """
    peer = PEERS[name]
    python = _environment(peer)
    with tempfile.TemporaryDirectory() as folder:
        write_split(split, Path(folder))
        command = [str(python), str(HERE / peer.script), folder, *peer.arguments, "--k", str(k)]
        settings = {
            "seed": seed,
            "epochs": training.epochs,
            "length": training.length,
            "batch-size": training.batch_size,
        }
        command += [word for option, value in settings.items() for word in (f"--{option}", str(value))]
        command += ["--exclude-seen"] * exclude_seen
        code = subprocess.run(command, check=False).returncode
        if code:
            raise ModelError(f"{name} ended with code {code}; what it said stands above")
        lists = pd.read_parquet(Path(folder) / f"{LISTS}.parquet")
    seconds = {what.name: float(lists.attrs[f"{what.name}_seconds"]) for what in fields(Took)}
    return read_lists(lists, len(split.test), k), Took(**seconds)


def write_split(split: Split, folder: Path) -> None:
    """Write what teaches, what chooses and what is asked as flat tables, one line an interaction.

    `train` and `validation` have customer_id, item_id and second; `queries` has query (the row of the test
    example) instead of the customer, and everything that was known when it was asked.
    """
    known_purchases(split.train).to_parquet(folder / f"{TRAIN}.parquet", index=False)
    asked = split.validation[[CUSTOMER_ID]].assign(**{ITEM_ID: split.validation[LABEL]})
    asked[SECOND] = split.validation[EVENT_TIMESTAMP].astype("int64") / 1e6
    asked.explode(ITEM_ID).to_parquet(folder / f"{VALIDATION}.parquet", index=False)
    lengths = split.test[HISTORY_ITEMS].map(len)
    queries = pd.DataFrame(
        {
            QUERY: np.repeat(np.arange(len(split.test)), lengths),
            ITEM_ID: np.concatenate(split.test[HISTORY_ITEMS].tolist()),
            SECOND: np.concatenate(split.test[HISTORY_TIMES].tolist()),
        }
    )
    queries.to_parquet(folder / f"{QUERIES}.parquet", index=False)


def read_lists(lists: pd.DataFrame, count: int, k: int) -> Recommended:
    """Turn lines of query, rank (1 is best) and item into lists, shape [count, k]."""
    found: Recommended = np.full((count, k), None, dtype=object)
    found[lists[QUERY].to_numpy(), lists[RANK].to_numpy() - 1] = lists[ITEM_ID].to_numpy(dtype=object)
    return found


def _environment(peer: Peer) -> Path:
    """The Python of the peer's environment, made on first use."""
    home = ENVIRONMENTS / peer.environment
    python, done = home / "bin" / "python", home / ".installed"
    if not done.exists():
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *peer.requirements], check=True)
        done.touch()
        print(f"installed {', '.join(peer.requirements)} in {time.perf_counter() - started:.0f} s")
    return python
