"""Where the feature snapshots are: one folder a view, one Parquet file an as-of date."""

import os
from pathlib import Path

from feast import FileSource, PushSource
from feast.data_format import ParquetFormat

from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP

if "ATTUNE_HOME" not in os.environ:
    raise SystemExit("ATTUNE_HOME is not set; export the folder of the workspace, ATTUNE_HOME=$PWD/../data")

FEATURES = Path(os.environ["ATTUNE_HOME"]).absolute() / "features"


def snapshots(view: str) -> FileSource:
    """The folder of a view's snapshots."""
    return FileSource(
        name=f"{view}_snapshots",
        path=str(FEATURES / view),
        file_format=ParquetFormat(),  # DuckDB reads a folder only where the format is said
        timestamp_field=EVENT_TIMESTAMP,
        created_timestamp_column=CREATED_TIMESTAMP,
    )


def pushes(snapshots: FileSource) -> PushSource:
    """What happens now, pushed online and to the log beside a view's snapshots."""
    view = snapshots.name.removesuffix("_snapshots")
    return PushSource(name=f"{view}_pushes", batch_source=snapshots)


customer_profile_snapshots = snapshots("customer_profile")
customer_activity_snapshots = snapshots("customer_activity")
customer_history_snapshots = snapshots("customer_history")
message_context_snapshots = snapshots("message_context")
message_history_snapshots = snapshots("message_history")
item_profile_snapshots = snapshots("item_profile")
item_popularity_snapshots = snapshots("item_popularity")

customer_activity_pushes = pushes(customer_activity_snapshots)
customer_history_pushes = pushes(customer_history_snapshots)
item_popularity_pushes = pushes(item_popularity_snapshots)
