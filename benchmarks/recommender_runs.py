"""One model on one split with one seed: what it recommends, and what that took; finished runs are kept."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from attune.evaluation.accuracy import Recommended
from attune.evaluation.protocols import Split
from attune.models import catalog
from attune.models.base import Fittable
from benchmarks.peers.environment import PEERS, Took, ask_peer
from benchmarks.recommender_protocols import Protocol


@dataclass(frozen=True)
class Run:
    """What a model recommended.

    Attributes:
        lists: The items of N test examples, best first, shape [N, K].
        took: Seconds of learning and of answering.
        reached: Processor seconds until a network was as good as asked; None where that is not known.
    """

    lists: Recommended
    took: Took
    reached: float | None = None


@dataclass(frozen=True)
class Wish:
    """What is asked of a run.

    Attributes:
        k: How long the lists are.
        seed: Of networks and peers.
        epochs: Of our networks; None takes their own.
        reach: The NDCG@10 on the test examples whose time is wanted, if any.
    """

    k: int
    seed: int
    epochs: int | None
    reach: float | None


def kept_run(name: str, protocol: Protocol, split: Split, wish: Wish, place: Path | None) -> Run:
    """The run that is kept at a place, or a new one, which then is kept there.

    Args:
        name: Of a model of the catalogue or of a peer.
        protocol: The settings of the model there.
        split: What teaches and what is asked.
        wish: How to run it.
        place: Path and stem of what keeps a finished run, and where a network is; None keeps nothing.
    """
    if place is None:
        return _run(name, protocol, split, wish, None)
    file = place.with_name(f"{place.name}-{wish.k}.parquet")
    if not file.exists():
        write_run(file, _run(name, protocol, split, wish, place.with_name(f"{place.name}.safetensors")))
    return read_run(file)


def write_run(file: Path, run: Run) -> None:
    """Write a run to Parquet, whole or not at all."""
    rows = pd.DataFrame(run.lists, columns=[str(rank) for rank in range(run.lists.shape[1])])
    rows.attrs = {"took": asdict(run.took), "reached": run.reached}
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    rows.to_parquet(unfinished, index=False)
    unfinished.replace(file)


def read_run(file: Path) -> Run:
    """Read what `write_run` wrote."""
    rows = pd.read_parquet(file)
    lists: Recommended = rows.astype(object).where(rows.notna(), None).to_numpy()
    return Run(lists, Took(**rows.attrs["took"]), rows.attrs["reached"])


def _run(name: str, protocol: Protocol, split: Split, wish: Wish, checkpoint: Path | None) -> Run:
    if name in PEERS:
        return Run(*ask_peer(name, split, wish.k, protocol.exclude_seen, wish.seed, protocol.peers))
    model: Any = catalog.build(name, protocol.params_of(name))
    if isinstance(model, Fittable):
        _, learn, learn_processor = _timed(lambda: model.fit(split.train, split.validation))
        reached = None
    else:
        learn, learn_processor, reached = _train(model, protocol, split, wish, checkpoint)
    lists, answer, answer_processor = _timed(lambda: model.recommend(split.test, wish.k)[0])
    return Run(lists, Took(learn, learn_processor, answer, answer_processor), reached)


def _train(
    network: Any, protocol: Protocol, split: Split, wish: Wish, checkpoint: Path | None
) -> tuple[float, float, float | None]:
    """The seconds and processor seconds of all epochs, and those until it was as good as asked."""
    from attune.training.loop import train_network
    from benchmarks.recommender_time import Course

    own = protocol.network.loop
    loop = own.model_copy(update={"seed": wish.seed, "epochs": wish.epochs or own.epochs})
    course = Course(split.test, wish.reach) if wish.reach else None
    result = train_network(network, split.train, split.validation, loop, checkpoint, course)
    print(
        f"best epoch {result.best_epoch} of {result.epochs}, validation {result.best_validation_loss:.4f}, "
        f"{result.processor_seconds:.0f} CPU s",
        flush=True,
    )
    return result.seconds, result.processor_seconds, course.reached if course else None


def _timed(do: Callable[[], Any]) -> tuple[Any, float, float]:
    started, used = time.perf_counter(), time.process_time()
    result = do()
    return result, time.perf_counter() - started, time.process_time() - used
