"""Keep the figures of recommenders: one row a protocol, metric and model, the rows of other runs stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attune.evaluation.results import Difference, Evaluation
from benchmarks.results import Result, add_results

FILE = "recommender"


@dataclass(frozen=True)
class Measurement:
    """What the figures of one command have in common.

    Attributes:
        protocol: Begins each id: `ml1m_loo_ndcg10_ease`.
        data: Name of the data set.
        words: The protocol in words.
        ours: The model that is our network; its figures need no suffix.
        seeds: What models were trained with; a model without seeds was measured with the first.
        command: What to type to measure it again.
    """

    protocol: str
    data: str
    words: str
    ours: str
    seeds: Sequence[int]
    command: str


def record(measurement: Measurement, measured: Mapping[str, Sequence[Evaluation]]) -> None:
    """Write what was measured beside what is there; the same id is replaced.

    Args:
        measurement: What it was.
        measured: By model, an evaluation a seed. Of several, each has a figure beside the mean.
    """
    figures: list[Result] = []
    for name, found in measured.items():
        seeds = measurement.seeds[: len(found)]
        for metric in found[0].metrics:
            unit = "share" if metric.startswith("coverage") else metric.partition("@")[0]
            for what, value in _values(metric, found, seeds).items():
                figures.append(_figure(measurement, what, value, unit, name))
    add_results(FILE, figures)


def record_differences(measurement: Measurement, differences: Sequence[Difference]) -> None:
    """Write the ends of the paired 95 % intervals by which our network is ahead of other models."""
    figures: list[Result] = []
    for found in differences:
        if found.low is None or found.high is None or found.a != measurement.ours:
            continue
        for end, value in (("low", found.low), ("high", found.high)):
            what, unit = f"{found.metric}_ahead_{end}", found.metric.partition("@")[0]
            figures.append(_figure(measurement, what, value, unit, found.b))
    add_results(FILE, figures)


def record_time(measurement: Measurement, wanted: float, seconds: Sequence[float]) -> None:
    """Write how many processor seconds a network learnt until its NDCG@10 was as wanted."""
    each = f"each: {', '.join(f'{each:.0f}' for each in seconds)}" if len(seconds) > 1 else ""
    said = f"processor time of learning until test NDCG@10 is {wanted}; {each}".removesuffix("; ")
    name = f"seconds_to_ndcg_{f'{wanted:g}'.replace('.', '')}"
    add_results(FILE, [_result(measurement, name, float(np.mean(seconds)), "CPU s", None, said)])


def _values(metric: str, found: Sequence[Evaluation], seeds: Sequence[int]) -> dict[str, float]:
    """The mean over seeds, and the value of each where there are several; nothing where one is missing."""
    values = [each.metrics[metric].value for each in found]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {}
    each = {f"{metric}_seed{seed}": value for seed, value in zip(seeds, known, strict=True)}
    return {metric: float(np.mean(known)), **(each if len(seeds) > 1 else {})}


def _figure(measurement: Measurement, what: str, value: float, unit: str, model: str) -> Result:
    peer = None if model == measurement.ours else model
    suffix = "" if peer is None else f"_{peer}"
    return _result(measurement, _id(measurement.protocol, what, suffix), value, unit, peer)


def _result(
    measurement: Measurement, name: str, value: float, unit: str, peer: str | None, *said: str
) -> Result:
    seeds = measurement.seeds
    trained = f"mean of seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else f"seed {seeds[0]}"
    return Result.here(
        name=name,
        value=round(value, 5),
        unit=unit,
        peer=peer,
        data=measurement.data,
        protocol="; ".join([measurement.words, trained, *said]),
        command=measurement.command,
    )


def _id(protocol: str, metric: str, suffix: str) -> str:
    """The id of a figure.

    >>> _id("ml1m_loo", "ndcg@10", "_ease")
    'ml1m_loo_ndcg10_ease'
    """
    return f"{protocol}_{metric.replace('@', '')}{suffix}"
