"""Import tables from their source."""

from components.base import component


@component
def ingest(source: str, until: str) -> str:
    """Import the tables of a source, or refuse with every violation named and nothing written.

    Args:
        source: A public data set by name, or the path of a mapping file.
        until: Rows up to this date are taken.

    Returns:
        The version of the tables: a hash of their content.
    """
    from attune.config import Workspace
    from attune.data.ingest import ingest
    from attune.governance.lineage import step

    with step("ingest", [source], ["tables"]) as running:
        version = ingest(source, until, Workspace.here()).data_version
        running.made("tables", version)
        return version
