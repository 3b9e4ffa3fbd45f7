"""How well monitoring decides: false alarms, what is found, storms, equals, and drift at volume."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import monitoring_decisions as decisions
from benchmarks import monitoring_volume as volume
from benchmarks.results import Result, machine, read_results, today, write_results

WINDOWS, RUNS = 1000, 200


def main() -> None:
    """Measure all and write results/monitoring.json; what others measured there stays."""
    with TemporaryDirectory() as folder:
        storm = decisions.storm_retrains(Path(folder), reports=200)
    compared = volume.beside_evidently(rows=1_000_000, columns=50)
    found = {
        "false_retrains_per_1000": (
            decisions.false_retrains(WINDOWS),
            "retrains",
            f"{WINDOWS} windows of 2,000 rows and 20 features without drift, 5,000 reference rows",
        ),
        "detect_share": (
            decisions.detected_share(RUNS),
            "share",
            f"{RUNS} runs: 1 sigma on a top-3 feature, or ROC-AUC 0.05 lower on 20,000 labels; two windows",
        ),
        "null_incident_share": (decisions.null_incident_share(50), "share", "50 windows, one column empty"),
        "storm_retrains": (storm, "retrains", "200 reports in 10 minutes, 4 threads, SQLite"),
        "aa_false_better_share": (
            decisions.equals_told_apart(1000),
            "share",
            "1,000 pairs of equals, 20 looks each, 20,000 rows",
        ),
        "drift_cpu_ratio_evidently": (
            compared.ratio,
            "x",
            f"1 M x 50: Evidently's preset {compared.evidently_s:.1f} s, ours {compared.ours_s:.2f} s",
        ),
        "drift_peak_memory_gib": (
            volume.peak_memory_gib(rows=10_000_000, columns=200),
            "GiB",
            "10 M rows x 200 columns in batches of 100,000",
        ),
    }
    kept = [result for result in read_results("monitoring") if result.id not in found]
    measured = [_result(name, *figure) for name, figure in found.items()]
    print(write_results("monitoring", [*measured, *kept]).read_text(encoding="utf-8"))


def _result(name: str, value: float, unit: str, data: str) -> Result:
    return Result(
        id=name,
        value=round(value, 4),
        unit=unit,
        peer="evidently 0.7.23" if name == "drift_cpu_ratio_evidently" else None,
        data=data,
        protocol="seeded simulation through the library's own functions; processor seconds of one process",
        command="make bench-monitoring",
        machine=machine(),
        date=today(),
    )


if __name__ == "__main__":
    main()
