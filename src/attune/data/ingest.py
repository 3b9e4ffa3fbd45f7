"""Import the tables of a source into the workspace: what the command, the component and the demo call."""

from pathlib import Path

from attune.config import Workspace
from attune.data.importing import ImportOptions, ImportReport, RefusedImportError, import_tables
from attune.data.pseudonyms import workspace_key
from attune.data.raw import RawTables
from attune.data.sources import complete_journey, mapping
from attune.data.times import parse_moment
from attune.errors import ConfigError
from attune.progress import say

PUBLIC_SOURCES = {"complete_journey": complete_journey.load}
CHECKS_FILE = "data_checks.json"
MAPPING_SUFFIXES = frozenset({".yaml", ".yml"})


def load_source(source: str) -> RawTables:
    """Read a public data set by name, or a user's own files by the path of a mapping.

    Raises:
        ConfigError: It is neither.
    """
    if source in PUBLIC_SOURCES:
        return PUBLIC_SOURCES[source]()
    if Path(source).suffix in MAPPING_SUFFIXES:
        return mapping.load(Path(source))
    raise ConfigError(
        f"no source {source!r}; name one of {', '.join(PUBLIC_SOURCES)}, or a mapping file (.yaml)"
    )


def ingest(
    source: str,
    until: str,
    workspace: Workspace,
    options: ImportOptions = ImportOptions(),  # noqa: B008 it is frozen
) -> ImportReport:
    """Import a source; nothing is written unless all of it holds, but a report of the checks.

    Args:
        source: A public data set by name, or the path of a mapping file.
        until: An ISO date or time (UTC); only what was known before it is taken. Empty takes everything.
        workspace: Whose tables are replaced, and whose key makes the pseudonyms.
        options: How strict the checks are.

    Raises:
        DataError: Something breaks a contract, or differs too much from what was usual; or there are tables
            whose pseudonym key is gone.
        ConfigError: The source or the date is not one.
    """
    before = parse_moment(until) if until else None
    say(f"importing {source}{f', what was known before {until}' if until else ''}")
    key = workspace_key(workspace)
    checks = workspace.reports / CHECKS_FILE
    try:
        report = import_tables(load_source(source), workspace.tables, key, before, options)
    except RefusedImportError as refused:
        refused.report.write(checks)
        raise
    report.checks.write(checks)
    return report
