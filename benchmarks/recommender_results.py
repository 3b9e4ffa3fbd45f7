"""Keep the figures of recommenders: one row a protocol, metric and model, the rows of other runs stay."""

import json
from collections.abc import Iterable, Mapping

from attune.evaluation.results import Evaluation
from benchmarks import results
from benchmarks.results import Result, machine, today, write_results

FILE = "recommender"


def record(protocol: str, data: str, words: str, measured: Mapping[str, Evaluation], ours: str) -> None:
    """Write what was measured beside what is there; the same id is replaced.

    Args:
        protocol: Begins each id: `ml1m_loo_ndcg10_ease`.
        data: Name of the data set.
        words: The protocol in words, with its seed.
        measured: By model.
        ours: The one that is our network; its figures need no suffix.
    """
    figures = [
        Result(
            id=_id(protocol, metric, "" if name == ours else f"_{name}"),
            value=round(found.value, 5),
            unit="share" if metric.startswith("coverage") else metric.partition("@")[0],
            peer=None if name == ours else name,
            data=data,
            protocol=words,
            command=_command(protocol, name if name == ours else ""),
            machine=machine(),
            date=today(),
        )
        for name, evaluation in measured.items()
        for metric, found in evaluation.metrics.items()
        if found.value is not None
    ]
    keep(figures)


def keep(figures: Iterable[Result]) -> None:
    """Write figures beside those that are there; the same id is replaced."""
    rows = {row.id: row for row in (*_written(), *figures)}
    write_results(FILE, sorted(rows.values(), key=lambda row: row.id))


def _command(protocol: str, network: str) -> str:
    """The simple models are measured unless one is named."""
    named = f' MODEL="--model {network}"' if network else ""
    return f"make bench-recommender PROTOCOL={protocol}{named}"


def _id(protocol: str, metric: str, suffix: str) -> str:
    """The id of a figure.

    >>> _id("ml1m_loo", "ndcg@10", "_ease")
    'ml1m_loo_ndcg10_ease'
    """
    return f"{protocol}_{metric.replace('@', '')}{suffix}"


def _written() -> list[Result]:
    file = results.RESULTS / f"{FILE}.json"
    if not file.exists():
        return []
    return [Result.model_validate(row) for row in json.loads(file.read_text(encoding="utf-8"))]
