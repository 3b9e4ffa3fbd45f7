"""What is different between two versions, in plain words. A pure function."""

from attune.config import Settings
from attune.governance.manifest import Manifest, Window


class Change(Settings):
    """One thing that is not the same any more.

    Attributes:
        what: What it is.
        before: As it was; None for not there.
        after: As it is.
    """

    what: str
    before: str | None
    after: str | None


def changes(before: Manifest, after: Manifest) -> list[Change]:
    """What changed from one version of a model to another, in the order in which people ask.

    Args:
        before: The version that was last agreed to.
        after: The version that is looked at now.
    """
    facts = [
        ("training window", _window(before.window.get("train")), _window(after.window.get("train"))),
        ("known up to", f"{before.now:%Y-%m-%d}", f"{after.now:%Y-%m-%d}"),
        ("examples", before.data_hash, after.data_hash),
        ("algorithm", before.algorithm, after.algorithm),
        ("purpose", before.purpose, after.purpose),
        ("feature service", before.feature_service, after.feature_service),
        ("feature schema", before.schema_hash, after.schema_hash),
        ("code", before.code_version, after.code_version),
        ("commit", before.commit, after.commit),
        ("environment", before.environment, after.environment),
        ("asked for by", before.author, after.author),
        ("who may promote it", before.approval, after.approval),
        *_metrics(before, after),
    ]
    return [Change(what=what, before=old, after=new) for what, old, new in facts if old != new]


def _window(window: Window | None) -> str | None:
    return f"{window.first:%Y-%m-%d} to {window.last:%Y-%m-%d}" if window else None


def _metrics(before: Manifest, after: Manifest) -> list[tuple[str, str | None, str | None]]:
    return [
        (name, _value(before, name), _value(after, name))
        for name in sorted(before.metrics.keys() | after.metrics.keys())
    ]


def _value(manifest: Manifest, name: str) -> str | None:
    metric = manifest.metrics.get(name)
    if metric is None:
        return None
    if metric.value is None:
        return f"not computed: {metric.reason}"
    interval = "" if metric.low is None else f" ({metric.low:.4f} to {metric.high:.4f})"
    return f"{metric.value:.4f}{interval}"
