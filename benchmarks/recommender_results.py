"""Keep the figures of recommenders: one row a protocol, metric and model, the rows of other runs stay."""

from collections.abc import Mapping

from attune.evaluation.results import Evaluation
from benchmarks.results import Result, add_results

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
        Result.here(
            name=_id(protocol, metric, "" if name == ours else f"_{name}"),
            value=round(found.value, 5),
            unit="share" if metric.startswith("coverage") else metric.partition("@")[0],
            peer=None if name == ours else name,
            data=data,
            protocol=words,
            command=_command(protocol, name if name == ours else ""),
        )
        for name, evaluation in measured.items()
        for metric, found in evaluation.metrics.items()
        if found.value is not None
    ]
    add_results(FILE, figures)


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
