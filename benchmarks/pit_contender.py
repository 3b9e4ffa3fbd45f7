"""One engine behind Feast joins one case: run in a process of its own, it prints what that cost."""

import json
import resource
import sys
import time
from pathlib import Path

import attune.adapters.quick_feast  # noqa: F401, before Feast

# isort: split

import pandas as pd
import polars as pl
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.repo_config import RepoConfig
from feast.types import Float64, Int64

from benchmarks.peak_memory import peak_gib
from benchmarks.pit_data import KEY, Case, ViewSize

ENGINES = {"ours": "attune.adapters.feast_offline.AsOfOfflineStore", "duckdb": "duckdb", "dask": "dask"}


def main(engine: str, folder: Path) -> None:
    """Join the case of a folder, write the answer beside it and print the cost as JSON.

    Counted are the processor seconds from the question to the Arrow table, and the largest resident memory
    of the whole process.
    """
    case = Case.model_validate_json((folder / "case.json").read_text(encoding="utf-8"))
    store = _store(engine, case, folder)
    asked = pd.read_parquet(folder / "asked.parquet")
    features = [f"{view.name}:{name}" for view in case.views for name in view.feature_names]
    known = engine != "dask"  # dask does not know the option
    before, started = _cpu(), time.perf_counter()
    job = store.get_historical_features(asked, features, filter_by_created_timestamp=known)
    answer = job.to_arrow()
    cost = {"cpu_s": _cpu() - before, "wall_s": time.perf_counter() - started, "rows": answer.num_rows}
    cost["peak_gib"] = peak_gib()
    print(json.dumps(cost), flush=True)
    names = [name for view in case.views for name in view.feature_names]
    pl.DataFrame(pl.from_arrow(answer)).select("row", *names).write_parquet(folder / f"{engine}.parquet")


def _store(engine: str, case: Case, folder: Path) -> FeatureStore:
    home = folder / f"store_{engine}"
    home.mkdir()
    config = RepoConfig(
        project="benchmark",
        provider="local",
        registry=str(home / "registry.pb"),
        offline_store={"type": ENGINES[engine]},
        online_store={"type": "sqlite", "path": str(home / "online.db")},
        entity_key_serialization_version=3,
        repo_path=home,
    )
    customer = Entity(name="customer", join_keys=[KEY], value_type=ValueType.STRING)
    store = FeatureStore(config=config)
    store.apply([customer, *(_view(view, customer, folder) for view in case.views)])
    return store


def _view(view: ViewSize, customer: Entity, folder: Path) -> FeatureView:
    types = [Float64 if number % 2 else Int64 for number in range(view.features)]
    return FeatureView(
        name=view.name,
        entities=[customer],
        ttl=view.ttl,
        schema=[Field(name=name, dtype=dtype) for name, dtype in zip(view.feature_names, types, strict=True)],
        source=FileSource(
            path=str(folder / view.name),
            file_format=ParquetFormat(),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
        ),
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
