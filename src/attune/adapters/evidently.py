"""Distances by Evidently. It computes; `attune.drift` decides what they mean, and its own pages stay unused.

Evidently's own choices are taken away, for they change with the number of rows and with the farthest value:
it gets bins that the reference defines, one named method a feature, and no column name or value of anybody.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from attune.drift.histograms import Histogram, Ints
from attune.drift.verdicts import DISTANCE, INDEX, Method
from attune.errors import DataError

# Evidently decides on its import whether it reports its use to its makers.
os.environ["DO_NOT_TRACK"] = "1"

with warnings.catch_warnings():
    # While it is imported, Evidently 0.7.23 calls parts of NumPy and Litestar that are on their way out.
    warnings.simplefilter("ignore", DeprecationWarning)
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

SAMPLE_ROWS = 100_000
_METHODS: Mapping[Method, str] = {INDEX: "psi", DISTANCE: "jensenshannon"}


class EvidentlyEngine:
    """Measures the distances of binned features with Evidently 0.7."""

    def distances(
        self, histograms: Mapping[str, Histogram], methods: Mapping[str, Method]
    ) -> dict[str, float]:
        """Measure the distance between the two windows of each feature.

        Args:
            histograms: Feature -> the bin of each row in both windows.
            methods: Feature -> which distance.

        Returns:
            Feature -> a finite distance; what could not be measured is left out.

        Raises:
            DataError: Evidently failed, or measured fewer features than it was asked to.
        """
        columns = {f"feature_{number}": name for number, name in enumerate(histograms)}
        metrics = [
            ValueDrift(column=column, method=_METHODS[methods[name]]) for column, name in columns.items()
        ]
        definition = DataDefinition(categorical_columns=list(columns))
        reference, current = (
            Dataset.from_pandas(frame, data_definition=definition) for frame in _frames(histograms, columns)
        )
        try:
            run = Report(metrics, include_tests=True).run(current, reference)
        except ValueError as error:
            raise DataError(f"Evidently could not compare the windows: {error}") from error
        return _values(run.dict(), columns)


def _frames(histograms: Mapping[str, Histogram], columns: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    chosen = {column: histograms[name] for column, name in columns.items()}
    yield pd.DataFrame({column: _sample(histogram.reference) for column, histogram in chosen.items()})
    yield pd.DataFrame({column: _sample(histogram.current) for column, histogram in chosen.items()})


def _sample(bins: Ints) -> Ints:
    """At most SAMPLE_ROWS rows, the same ones of every column and in every run."""
    if len(bins) <= SAMPLE_ROWS:
        return bins
    chosen = np.random.default_rng(0).choice(len(bins), SAMPLE_ROWS, replace=False, shuffle=False)
    return bins[chosen]


def _values(report: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, float]:
    # A column that Evidently drops has no test either: fewer tests than features is a silent gap, not calm.
    if len(report["tests"]) != len(columns):
        raise DataError(
            f"Evidently tested {len(report['tests'])} of {len(columns)} features; it dropped the others"
        )
    found = {metric["config"]["column"]: float(metric["value"]) for metric in report["metrics"]}
    return {name: found[column] for column, name in columns.items() if isfinite(found.get(column, np.nan))}
