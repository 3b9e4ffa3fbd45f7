"""What a schedule runs every night: new rows in, features as of today out."""

from typing import Any

from kfp import dsl

from components.build_features import build_features
from components.ingest import ingest


@dsl.pipeline(description="Tables from their source, then features and the online store.")
def ingestion(source: str, until: str, params: dict[str, Any]) -> str:
    """Import what has arrived and bring features up to date.

    Args:
        source: A public data set by name, or the path of a mapping file.
        until: The date up to which rows are taken, and as of which features are served.
        params: All of params.yaml.
    """
    arrived = ingest(source=source, until=until)
    arrived.set_caching_options(False)
    built = build_features(now=until, params=params).after(arrived)
    built.set_caching_options(False)
    version: str = built.output
    return version
