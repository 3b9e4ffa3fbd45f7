"""What Prometheus is told of models: a file in its text format, for the textfile collector."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from attune.drift.verdicts import replace_file
from attune.retraining.rules import RetrainingRules
from attune.retraining.state import State

METRICS_FILE = "monitoring.prom"

SERIES = {
    "attune_drift_pressure": "Drift of the last window, as a multiple of the limit",
    "attune_model_paused": "1 where retraining waits for a person",
    "attune_model_unknown": "1 where monitoring came to no result in two periods",
    "attune_monitor_last_result_timestamp_seconds": "When monitoring last came to a result",
    "attune_retraining_running": "1 while the model is being retrained",
    "attune_retraining_runs": "Runs that began in the last seven days",
    "attune_retraining_unpromoted": "Runs in a row that promoted nothing",
}


def exposition(states: Mapping[str, State], now: datetime, rules: RetrainingRules) -> str:
    """The state of every model in Prometheus' text format.

    Args:
        states: Model -> where it stands; names of models need no escaping.
        now: For what is silent.
        rules: For what is silent.
    """
    lines = []
    for name, text in SERIES.items():
        lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
        for model, state in states.items():
            value = _values(state, now, rules)[name]
            lines += [] if value is None else [f'{name}{{model="{model}"}} {value:.15g}']
    return "\n".join(lines) + "\n"


def write_metrics(folder: Path, states: Mapping[str, State], now: datetime, rules: RetrainingRules) -> Path:
    """Write the file; a scraper sees the whole of it or the one before."""
    file = folder / METRICS_FILE
    replace_file(file, exposition(states, now, rules))
    return file


def _values(state: State, now: datetime, rules: RetrainingRules) -> dict[str, float | None]:
    last = state.last_result
    return {
        "attune_drift_pressure": state.windows[-1].pressure if state.windows else None,
        "attune_model_paused": float(state.paused is not None),
        "attune_model_unknown": float(last is None or state.silent(now, rules)),
        "attune_monitor_last_result_timestamp_seconds": None if last is None else int(last.timestamp()),
        "attune_retraining_running": float(state.run is not None),
        "attune_retraining_runs": float(len(state.starts)),
        "attune_retraining_unpromoted": float(state.unpromoted),
    }
