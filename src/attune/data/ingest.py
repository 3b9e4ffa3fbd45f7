"""Import the tables of a source into the workspace: what the command, the component and the demo call."""

from datetime import UTC, datetime
from pathlib import Path

from attune.config import Workspace
from attune.data.importing import ImportReport, import_tables
from attune.data.pseudonyms import load_or_make_key
from attune.data.raw import RawTables
from attune.data.sources import complete_journey, mapping
from attune.errors import ConfigError
from attune.progress import say

PUBLIC_SOURCES = {"complete_journey": complete_journey.load}
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


def ingest(source: str, until: str, workspace: Workspace) -> ImportReport:
    """Import a source; nothing is written unless all of it holds.

    Args:
        source: A public data set by name, or the path of a mapping file.
        until: An ISO date or time (UTC); only what was known before it is taken. Empty takes everything.
        workspace: Whose tables are replaced, and whose key makes the pseudonyms.

    Raises:
        DataError: Something breaks a contract.
        ConfigError: The source or the date is not one.
    """
    report = import_tables(
        load_source(source), workspace.tables, load_or_make_key(workspace.pseudonym_key), _moment(until)
    )
    for line in report.lines():
        say(line)
    return report


def _moment(until: str) -> datetime | None:
    if not until:
        return None
    try:
        moment = datetime.fromisoformat(until)
    except ValueError as error:
        raise ConfigError(f"{until!r} is no date; write it like 2017-09-03") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
