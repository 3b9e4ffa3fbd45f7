"""Which online store there is: SQLite in the workspace, or the Redis that ATTUNE_ONLINE_STORE names."""

import os
from pathlib import Path

from attune.adapters.online_redis import READ_SECONDS, RedisRows
from attune.adapters.online_sqlite import SqliteRows
from attune.errors import ConfigError
from attune.features.row_store import RowStore

ONLINE_STORE_VARIABLE = "ATTUNE_ONLINE_STORE"
PROJECT = "attune"
ONLINE_FILE = "online.db"  # in the folder of Feast
REDIS = ("redis://", "rediss://", "unix://")


def open_rows(file: Path, project: str = PROJECT, read_seconds: float = READ_SECONDS) -> RowStore:
    """The online store of the configuration; nothing is connected before it is used.

    Args:
        file: The SQLite file that is used where the variable is unset or empty.
        project: Stands before every key in Redis, so that projects can share one.
        read_seconds: The deadline of a read; serving's is short, a batch of customers takes longer.

    Raises:
        ConfigError: The variable names something else than a Redis.
    """
    url = os.environ.get(ONLINE_STORE_VARIABLE, "")
    if not url:
        return SqliteRows(file, read_seconds)
    if not url.startswith(REDIS):
        raise ConfigError(
            f"{ONLINE_STORE_VARIABLE} does not begin with {', '.join(REDIS)}; "
            "name a Redis, or unset it for SQLite"
        )
    return RedisRows(url, project, read_seconds)
