"""Train one model of the catalogue on a folder of examples."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import ArrowException

from attune.errors import ModelError
from attune.inference.graphs import write_graphs
from attune.models import catalog
from attune.models.base import Fittable, ReadsItems
from attune.progress import say
from attune.training.examples import ITEMS, TRAIN, VALIDATION
from attune.training.loop_settings import LoopSettings
from attune.training.parquet_examples import ParquetExamples
from attune.training.plan import TrainingPlan
from attune.training.record import TRAINING_FILE, TrainingRecord


def train_candidate(
    candidate: str, params: Mapping[str, Any], examples: str, out: str, checkpoint: Path | None = None
) -> int:
    """Train one candidate of a served model.

    Args:
        candidate: Its name in the catalogue.
        params: The served model's section of the parameter file.
        examples: Folder of the examples.
        out: Folder of the trained model; an older one is replaced.
        checkpoint: Where a network notes each epoch that it ended, and goes on if it finds one.

    Returns:
        How many rows taught it.

    Raises:
        ConfigError: The section does not parse or does not list the candidate.
        ModelError: The examples cannot be read, or cannot teach this model.
    """
    plan = TrainingPlan.parse(params)
    loop = plan.loop.model_copy(
        update={"seed": plan.seed}
    )  # one seed for the whole run, as the manifest says
    return train(candidate, plan.settings_of(candidate), loop, Path(examples), Path(out), checkpoint)


def train(
    name: str,
    params: Mapping[str, Any],
    loop: LoopSettings,
    examples: Path,
    out: Path,
    checkpoint: Path | None = None,
) -> int:
    """Train a model, write it and its training.json to a folder, and say how many rows taught it.

    Args:
        name: Its name in the catalogue.
        params: Its `Config`, as plain values.
        loop: How a network learns; the other models do not ask.
        examples: Holds train.parquet and validation.parquet, and items.parquet where a candidate reads it.
        out: The folder to write; it is there whole or not at all.
        checkpoint: Where a network notes each epoch that it ended, and goes on if it finds one.

    Raises:
        ConfigError: There is no such model, or a parameter is unknown.
        ModelError: The examples cannot be read, or cannot teach this model.
    """
    model = catalog.build(name, params)
    learn, held_out = _learn_and_held_out(model, examples, loop)
    say(f"{name}: learning from {len(learn):,} examples")
    if isinstance(model, ReadsItems) and (examples / f"{ITEMS}.parquet").exists():
        model.read_items(_read(examples, ITEMS))
    started = time.perf_counter()
    epochs = teach(model, learn, held_out, loop, checkpoint)
    seconds = time.perf_counter() - started
    say(f"{name}: learnt in {seconds:.1f} s")
    record = TrainingRecord(
        candidate=name,
        kind=catalog.MODELS[name].kind,
        rows=len(learn),
        seconds=round(seconds, 3),
        epochs=epochs[0] if epochs else None,
        best_epoch=epochs[1] if epochs else None,
        settings={"model": model.config.model_dump(mode="json")}
        | ({"loop": loop.model_dump(mode="json")} if epochs else {}),
    )
    _write(model, record, out)
    return len(learn)


def teach(
    model: object,
    learn: pd.DataFrame | ParquetExamples,
    held_out: pd.DataFrame,
    loop: LoopSettings,
    checkpoint: Path | None = None,
) -> tuple[int, int] | None:
    """Train by gradient descent or in one call; the epochs that were run and the best of them."""
    if isinstance(model, Fittable):
        assert isinstance(learn, pd.DataFrame)  # only networks learn from a stream
        model.fit(learn, held_out)
        return None
    # torch takes seconds to import, and most models need none of it.
    from attune.models.network import Network
    from attune.training.loop import train_network

    if not isinstance(model, Network):
        raise ModelError(
            f"{type(model).__name__} can neither be trained by the loop nor fitted; give it fit()"
        )
    result = train_network(model, learn, held_out, loop, checkpoint)
    return result.epochs, result.best_epoch


def _learn_and_held_out(
    model: object, examples: Path, loop: LoopSettings
) -> tuple[pd.DataFrame | ParquetExamples, pd.DataFrame]:
    """Training and validation examples; a network does not hold more than the loop's settings let it."""
    if isinstance(model, Fittable):
        return _read(examples, TRAIN), _read(examples, VALIDATION)
    learn, held_out = (ParquetExamples(examples / f"{part}.parquet") for part in (TRAIN, VALIDATION))
    streamed = sum(learn.interactions) > loop.stream_above
    fits = sum(held_out.interactions) <= loop.stream_above
    return (
        learn if streamed else _read(examples, TRAIN),
        _read(examples, VALIDATION) if fits else held_out.some(loop.stream_part),
    )


def _read(examples: Path, part: str) -> pd.DataFrame:
    file = examples / f"{part}.parquet"
    try:
        rows = pd.read_parquet(file)
    except (OSError, ArrowException) as error:
        raise ModelError(f"{file} cannot be read ({error}); fetch the examples again") from error
    if rows.empty:
        raise ModelError(f"{file} holds no examples; choose a longer window, or import more customers")
    return rows


def _write(model: catalog.AnyModel, record: TrainingRecord, out: Path) -> None:
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.save(unfinished)
    write_graphs(record.candidate, model, unfinished)
    text = json.dumps(record.model_dump(), indent=1, sort_keys=True)
    (unfinished / TRAINING_FILE).write_text(text + "\n", encoding="utf-8")
    if out.exists():
        shutil.rmtree(out)
    unfinished.rename(out)
