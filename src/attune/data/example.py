"""A made-up shop as files of a user's own: tables and the mapping that says what they mean."""

from pathlib import Path

import yaml

from attune.data.raw import RawTables
from attune.errors import DataError
from attune.progress import say

MAPPING_FILE = "mapping.yaml"


def write_example(folder: Path, shop: RawTables) -> Path:
    """Write the tables of a shop as Parquet files, and beside them the mapping that imports them.

    Args:
        folder: Made where it is missing.
        shop: Raw tables in contract columns, with times that carry their offset.

    Returns:
        The mapping, which is written last: where it is, all of it is.

    Raises:
        DataError: There is a mapping already, which is somebody's.
    """
    mapping = folder / MAPPING_FILE
    if mapping.exists():
        raise DataError(f"{mapping} is there already; import it, or name a folder without one")
    folder.mkdir(parents=True, exist_ok=True)
    described: dict[str, object] = {"source": shop.source}
    for name, table in shop.tables().items():
        file = f"{name}.parquet"
        table.to_parquet(folder / file, index=False)
        described[name] = {"file": file, "columns": {column: column for column in table.columns}}
    unfinished = folder / f".{MAPPING_FILE}.unfinished"
    unfinished.write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
    unfinished.rename(mapping)
    say(f"{shop.source}: {len(shop.customers):,} customers, {len(shop.interactions):,} lines in {folder}")
    return mapping
