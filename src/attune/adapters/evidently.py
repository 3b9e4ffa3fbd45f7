"""Evidently: the report that analysts read, and the oracle that our own distances are held against.

Verdicts are made from our own profiles: Evidently takes seconds of processor time to import, so it is
imported only where a report is drawn. Its own choices are taken away, for they change with the number of rows
and with the farthest value: it gets bins that the reference defines and one named method a feature. What it
gets are counts of bins, never rows, and no text of anybody's that a browser could run.
"""

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from attune.drift.histograms import Histogram
from attune.drift.profile import Ints
from attune.drift.verdicts import DISTANCE, INDEX, Method, Verdict, replace_file
from attune.errors import DataError

# Evidently decides on its import whether it reports its use to its makers.
os.environ["DO_NOT_TRACK"] = "1"

with warnings.catch_warnings():
    # While it is imported, Evidently 0.7.23 calls parts of NumPy and Litestar that are on their way out.
    warnings.simplefilter("ignore", DeprecationWarning)
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

MOST_ROWS = 100_000
_METHODS: Mapping[Method, str] = {INDEX: "psi", DISTANCE: "jensenshannon"}
_UNSAFE = re.compile(r"[^\w .,:%+\-…]")
# The report runs scripts of Evidently's: in a frame that has no origin, no network and no way out.
_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline';
 style-src 'unsafe-inline'; img-src data:; font-src data:; frame-src 'self'">
<style>html, body, iframe {{ margin: 0; border: 0; width: 100%; height: 100%; }}</style></head>
<body><iframe sandbox="allow-scripts" title="{title}" srcdoc="{report}"></iframe></body></html>
"""


def evidently_distances(
    histograms: Mapping[str, Histogram], methods: Mapping[str, Method]
) -> dict[str, float]:
    """Measure the distance between the two windows of each feature.

    Args:
        histograms: Feature -> the rows in each bin of both windows.
        methods: Feature -> which distance.

    Returns:
        Feature -> a finite distance; what could not be measured is left out.

    Raises:
        DataError: Evidently failed, or measured fewer features than it was asked to.
    """
    columns = {f"feature_{number}": name for number, name in enumerate(histograms)}
    sides = (
        {column: np.repeat(np.arange(len(counts)), _fewer(counts)) for column, counts in side.items()}
        for side in _sides({column: histograms[name] for column, name in columns.items()})
    )
    report = _report({column: methods[name] for column, name in columns.items()}, *sides).dict()
    # A column that Evidently drops has no test either: fewer tests than features is a silent gap, not calm.
    if len(report["tests"]) != len(columns):
        raise DataError(
            f"Evidently tested {len(report['tests'])} of {len(columns)} features; it dropped the others"
        )
    found = {metric["config"]["column"]: float(metric["value"]) for metric in report["metrics"]}
    return {name: found[column] for column, name in columns.items() if isfinite(found.get(column, np.nan))}


def write_analyst_report(verdict: Verdict, page: Path) -> bool:
    """Let Evidently draw the features of a verdict.

    Args:
        verdict: The features that could be compared are drawn.
        page: Where the page goes; what Evidently made lies in a sandboxed frame of it.

    Returns:
        Whether there was anything to draw.

    Raises:
        DataError: Evidently failed.
    """
    drawn = [feature for feature in verdict.features if feature.bars is not None]
    if not drawn:
        return False
    sides: list[dict[str, Any]] = [{}, {}]
    for feature in drawn:
        assert feature.bars is not None
        labels = np.array(_plain_labels(feature.bars.labels), dtype=object)
        for side, shares, rows in (
            (sides[0], feature.bars.reference, verdict.reference.rows),
            (sides[1], feature.bars.current, verdict.current.rows),
        ):
            counts = _fewer(np.round(np.array(shares) * rows).astype(np.int64))
            side[_plain(feature.feature)] = np.repeat(labels, counts)
    methods = {_plain(feature.feature): feature.method for feature in drawn}
    subject = verdict.subject
    title = f"{subject.model}, version {subject.version}, as of {subject.now:%Y-%m-%d}: for analysts"
    report = _report(methods, *sides).get_html_str(as_iframe=False)
    replace_file(page, _FRAME.format(title=escape(title), report=escape(report)))
    return True


def _report(methods: Mapping[str, Method], *sides: Mapping[str, Any]) -> Any:
    """Compare two windows, given as a value a row and column."""
    definition = DataDefinition(categorical_columns=list(methods))
    reference, current = (Dataset.from_pandas(_frame(side), data_definition=definition) for side in sides)
    metrics = [ValueDrift(column=column, method=_METHODS[method]) for column, method in methods.items()]
    try:
        return Report(metrics, include_tests=True).run(current, reference)
    except ValueError as error:
        raise DataError(f"Evidently could not compare the windows: {error}") from error


def _frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Columns side by side; rounding may have left one a row or two shorter."""
    rows = min(map(len, columns.values()))
    return pd.DataFrame({name: values[:rows] for name, values in columns.items()})


def _sides(histograms: Mapping[str, Histogram]) -> Iterator[dict[str, Ints]]:
    yield {column: histogram.reference for column, histogram in histograms.items()}
    yield {column: histogram.current for column, histogram in histograms.items()}


def _fewer(counts: Ints) -> Ints:
    """The same shares in at most MOST_ROWS rows."""
    rows = int(counts.sum())
    return counts if rows <= MOST_ROWS else np.round(counts * (MOST_ROWS / rows)).astype(np.int64)


def _plain(text: str) -> str:
    return _UNSAFE.sub("·", text)


def _plain_labels(labels: Sequence[str]) -> list[str]:
    """Labels without what a browser could run, numbered so that Evidently keeps their order."""
    return [f"{number:02d}: {_plain(label)}" for number, label in enumerate(labels)]
