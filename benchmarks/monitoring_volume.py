"""Drift of many rows and columns: our one pass beside Evidently's preset, and memory for any rows."""

import multiprocessing
import os
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from attune.drift.distances import stability_index, wasserstein
from attune.drift.histograms import number_histogram
from attune.drift.profile import NumberGrid, Numbers, Profile, profile, profile_of_batches
from attune.drift.reference import ReferenceProfile

REFERENCE_ROWS = 20_000  # as many as a version keeps
BATCH_ROWS = 100_000


@dataclass(frozen=True)
class Compared:
    """Processor seconds for the same current window."""

    ours_s: float
    evidently_s: float

    @property
    def ratio(self) -> float:
        """How many times less ours are."""
        return self.evidently_s / self.ours_s


def beside_evidently(rows: int, columns: int) -> Compared:
    """Compare the processor time of one window's drift with that of Evidently's preset on the same frames."""
    reference, current = table(REFERENCE_ROWS, columns, 0), table(rows, columns, 1)
    kept = ReferenceProfile.of(reference)
    ours = processor_seconds(lambda: distances(kept, profile(current, kept.grids)))
    preset = _preset()
    return Compared(ours, processor_seconds(lambda: preset(reference, current)))


def peak_memory(rows: int, columns: int) -> tuple[float, float]:
    """The largest memory (GiB) of a process that profiles a window block by block, and its CPU seconds.

    Each block is drawn, counted and forgotten.
    """
    # In a process of its own: the largest of this one is that of whatever it did before.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak_memory, rows, columns).result()


def _peak_memory(rows: int, columns: int) -> tuple[float, float]:
    started = time.process_time()
    kept = ReferenceProfile.of(_block(REFERENCE_ROWS, columns, 0))
    blocks: Iterator[pd.DataFrame] = (
        _block(BATCH_ROWS, columns, number) for number in range(1, rows // BATCH_ROWS + 1)
    )
    distances(kept, profile_of_batches(blocks, kept.grids))
    seconds = time.process_time() - started
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, seconds


def _block(rows: int, columns: int, seed: int) -> pd.DataFrame:
    """Columns of the same kinds of shapes, drawn fast: even, one-sided, counts, and mostly zero."""
    shares = np.random.default_rng(seed).random((columns, rows))
    shares[1::4] = -np.log1p(-shares[1::4])
    shares[2::4] = np.floor(shares[2::4] * 12)
    shares[3::4] *= shares[3::4] > 0.6
    return pd.DataFrame(shares.T, columns=[f"x{number}" for number in range(columns)])


def table(rows: int, columns: int, seed: int) -> pd.DataFrame:
    """Columns of a few shapes: symmetric, one-sided, counts, and mostly zero."""
    draw = np.random.default_rng(seed)
    shapes: list[Callable[[], np.ndarray]] = [
        lambda: draw.normal(size=rows),
        lambda: draw.gamma(2, 10, size=rows),
        lambda: draw.poisson(4, size=rows).astype(np.float64),
        lambda: draw.gamma(1, 5, size=rows) * (draw.random(rows) < 0.4),
    ]
    return pd.DataFrame({f"x{number}": shapes[number % len(shapes)]() for number in range(columns)})


def distances(kept: ReferenceProfile, current: Profile) -> list[tuple[float, float | None]]:
    """Index and Wasserstein distance of every column."""
    found = []
    for name, grid in kept.grids.items():
        before, after = kept.columns[name], current.columns[name]
        assert isinstance(grid, NumberGrid)
        assert isinstance(before, Numbers)
        assert isinstance(after, Numbers)
        histogram = number_histogram(grid, before, after)
        found.append((stability_index(histogram), wasserstein(grid, before, after)))
    return found


def processor_seconds(work: Callable[[], object]) -> float:
    """How long the processors worked on something."""
    started = time.process_time()
    work()
    return time.process_time() - started


def _preset() -> Callable[[pd.DataFrame, pd.DataFrame], None]:
    """Evidently's preset, imported: that takes seconds which are not the cost of a comparison."""
    os.environ["DO_NOT_TRACK"] = "1"  # read as it is imported
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    def compare(reference: pd.DataFrame, current: pd.DataFrame) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sides = (Dataset.from_pandas(current), Dataset.from_pandas(reference))
            Report([DataDriftPreset()]).run(*sides).dict()

    return compare
