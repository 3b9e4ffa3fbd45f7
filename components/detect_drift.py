"""Compare what a served model sees now with what it learnt from."""

from kfp import dsl

from components.base import component


@component
def detect_drift(
    model: str, now: str, report: dsl.Output[dsl.HTML], verdict_file: dsl.Output[dsl.Artifact]
) -> str:
    """Look at one model and say "stable", "drifted" or "not computed".

    Args:
        model: The served model.
        now: The date as of which is judged.
        report: The page for people.
        verdict_file: The figures behind it, JSON.

    Returns:
        The verdict in one word.
    """
    from pathlib import Path

    from attune.config import Workspace
    from attune.governance.lineage import step
    from monitoring.detect import detect
    from serving.served_values import served_values

    answers = served_values(Workspace.here().predictions, model=model)
    with step("detect_drift", ["features", f"models/{model}"], [report.path, verdict_file.path]):
        return detect(model, now, Path(report.path), Path(verdict_file.path), answers)
