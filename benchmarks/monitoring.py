"""How well monitoring decides: false alarms, what is found, storms, equals, and drift at volume."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks import monitoring_decisions as decisions
from benchmarks import monitoring_gate as gate
from benchmarks import monitoring_volume as volume
from benchmarks.results import Result, add_results

WINDOWS, RUNS, STORM, PAIRS, ORDERS = 1000, 200, 200, 1000, 10_000


def main(
    figures: Annotated[list[str] | None, typer.Argument(help="Which; left out: all of them.")] = None,
) -> None:
    """Measure and write results/monitoring.json; what is not measured now stays."""
    for name, measure in FIGURES.items():
        if figures and name not in figures:
            continue
        found = measure()
        add_results("monitoring", [found])
        print(f"{found.id}: {found.value:g} {found.unit} ({found.data})")


def _false_retrains() -> Result:
    data = f"{WINDOWS:,} windows of 2,000 rows, 20 features, 20,000 labels, without drift"
    return _result(
        "false_retrains_per_1000", decisions.false_retrains(WINDOWS) * 1000 / WINDOWS, "retrains", data
    )


def _detect_share() -> Result:
    data = f"{RUNS} runs: 1 sigma on a top-3 feature, or ROC-AUC 0.05 lower on 20,000 labels; 2 windows"
    return _result("detect_share", decisions.detected_share(RUNS), "share", data)


def _null_incident_share() -> Result:
    share = decisions.null_incident_share(50)
    return _result("null_incident_share", share, "share", "50 windows, one column of 20 empty")


def _storm_retrains() -> Result:
    with TemporaryDirectory() as folder:
        started = decisions.storm_retrains(Path(folder), STORM)
    data = f"{STORM} reports in 10 minutes from 4 threads, SQLite"
    return _result("storm_retrains", started, "retrains", data)


def _aa_false_better_share() -> Result:
    data = f"{PAIRS:,} pairs of equals, 20 looks each, 20,000 rows"
    return _result("aa_false_better_share", decisions.equals_told_apart(PAIRS), "share", data)


def _bad_challenger_promoted() -> Result:
    data = (
        f"{RUNS} each: ROC-AUC worse by 0.02; a slice of 2,400 rows worse by 0.05; a group found 0.70 times "
        f"as often; {gate.ROWS:,} rows, gate with max_slice_loss {gate.RULES.max_slice_loss:g}"
    )
    return _result("bad_challenger_promoted", gate.bad_promoted(RUNS), "promotions", data)


def _good_challenger_promoted_share() -> Result:
    data = f"{RUNS // 4} challengers that are better by 0.03 everywhere, {gate.ROWS:,} rows, the same gate"
    return _result("good_challenger_promoted_share", gate.good_promoted(RUNS // 4), "share", data)


def _fairness_ci_coverage() -> Result:
    data = f"{PAIRS:,} simulations of 3,000 people in three groups, true positive rates of 0.5, 0.6 and 0.7"
    return _result("fairness_ci_coverage", gate.interval_coverage(PAIRS), "share", data)


def _budget_exceeded() -> Result:
    data = f"{ORDERS:,} random orders of 60 events of three models"
    return _result("budget_exceeded", decisions.budget_exceeded(ORDERS), "orders", data)


def _drift_cpu_ratio() -> Result:
    found = volume.beside_evidently(rows=1_000_000, columns=50)
    data = f"1 M rows x 50: ours {found.ours_s:.2f} CPU s, Evidently's preset {found.evidently_s:.1f} CPU s"
    return _result("drift_cpu_ratio_evidently", found.ratio, "x", data, "evidently 0.7.23")


def _drift_peak_memory() -> Result:
    peak, seconds = volume.peak_memory(10_000_000, 200)
    data = (
        f"10 M rows x 200 columns, drawn and counted in blocks of {volume.BATCH_ROWS:,}: {seconds:.0f} CPU s"
    )
    return _result("drift_peak_memory_gib", peak, "GiB", data)


def _result(name: str, value: float, unit: str, data: str, peer: str | None = None) -> Result:
    return Result.here(
        name=name,
        value=round(value, 4),
        unit=unit,
        peer=peer,
        data=data,
        protocol="seeded simulation through the library's own functions",
        command="make bench-monitoring",
    )


FIGURES = {
    "false_retrains": _false_retrains,
    "detect_share": _detect_share,
    "null_incident_share": _null_incident_share,
    "storm_retrains": _storm_retrains,
    "aa_false_better_share": _aa_false_better_share,
    "bad_challenger_promoted": _bad_challenger_promoted,
    "good_challenger_promoted_share": _good_challenger_promoted_share,
    "fairness_ci_coverage": _fairness_ci_coverage,
    "budget_exceeded": _budget_exceeded,
    "drift_cpu_ratio": _drift_cpu_ratio,
    "drift_peak_memory": _drift_peak_memory,
}


if __name__ == "__main__":
    typer.run(main)
