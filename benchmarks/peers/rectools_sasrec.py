"""SASRec and eSASRec of RecTools on a split in Parquet; runs in the peer's environment, without ours.

eSASRec is SASRec with LiGR layers and the sampled softmax.
"""

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from lightning_fabric import seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools.models.nn.transformers.ligr import LiGRLayers
from rectools.models.nn.transformers.sasrec import SASRecTransformerLayers

_ALONE = 20
NAMES = {"customer_id": Columns.User, "query": Columns.User, "item_id": Columns.Item}


def main() -> None:
    """Learn from train.parquet and write lists.parquet for the queries of queries.parquet."""
    asked = _arguments()
    seed_everything(asked.seed, workers=True)
    model = SASRecModel(
        transformer_layers_type=LiGRLayers if asked.gated else SASRecTransformerLayers,
        n_blocks=2,
        n_heads=asked.heads,
        n_factors=asked.factors,
        session_max_len=asked.length,
        dropout_rate=0.2,
        loss=asked.loss,
        n_negatives=asked.negatives,
        lr=1e-3,
        batch_size=asked.batch_size,
        epochs=asked.epochs,
        deterministic=True,
        verbose=0,
    )
    train = _dataset(pd.read_parquet(asked.split / "train.parquet"))
    started, used = time.perf_counter(), time.process_time()
    model.fit(train)
    learnt, used = time.perf_counter(), time.process_time() - used
    rows = pd.read_parquet(asked.split / "queries.parquet")
    queries, counts = _dataset(rows), rows["query"].value_counts()
    alone = counts[counts >= min(asked.length, counts.max())].index[-_ALONE:]
    answering = time.process_time()
    found = _recommended(model, asked, queries.user_id_map.external_ids, queries)
    answered, answering = time.perf_counter(), time.process_time() - answering
    lists = found.rename(columns={Columns.User: "query", Columns.Item: "item_id", Columns.Rank: "rank"})
    lists = lists[["query", "rank", "item_id"]]
    lists.attrs = {
        "learn_seconds": learnt - started,
        "learn_processor_seconds": used,
        "answer_seconds": answered - learnt,
        "answer_processor_seconds": answering,
        "alone_processor_seconds": _alone(model, asked, dict.fromkeys(alone, queries)),
        "alone_small_processor_seconds": _alone(
            model, asked, {query: _dataset(rows[rows["query"] == query]) for query in alone}
        ),
    }
    lists.to_parquet(asked.split / "lists.parquet", index=False)


def _recommended(
    model: SASRecModel, asked: argparse.Namespace, users: Sequence[int], queries: Dataset
) -> pd.DataFrame:
    found: pd.DataFrame = model.recommend(
        users=users,
        dataset=queries,
        k=asked.k,
        filter_viewed=asked.exclude_seen,
        on_unsupported_targets="ignore",
    )
    return found


def _alone(model: SASRecModel, asked: argparse.Namespace, tables: Mapping[int, Dataset]) -> float:
    """The median processor seconds of a query alone, from a table that is there before."""
    took = []
    for query, table in tables.items():
        started = time.process_time()
        _recommended(model, asked, [query], table)
        took.append(time.process_time() - started)
    return statistics.median(took)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("split", type=Path)
    parser.add_argument("--k", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--exclude-seen", action="store_true")
    parser.add_argument("--loss", default="softmax")
    parser.add_argument("--gated", action="store_true")
    parser.add_argument("--negatives", type=int, default=256)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--heads", type=int, default=2)
    return parser.parse_args()


def _dataset(rows: pd.DataFrame) -> Dataset:
    rows = rows.rename(columns=NAMES)
    rows[Columns.Datetime] = pd.to_datetime(rows.pop("second"), unit="s")
    return Dataset.construct(rows.assign(**{Columns.Weight: 1.0}))


if __name__ == "__main__":
    main()
