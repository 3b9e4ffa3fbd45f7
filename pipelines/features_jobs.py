"""`attune features build | materialize | backfill | parity`: work on the features of a workspace."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from attune.columns import CUSTOMER_ID
from attune.config import Workspace, load_params
from attune.data.interaction_log import InteractionLog
from attune.data.splits import on_grid
from attune.data.tables import read_table
from attune.data.times import parse_moment, utc
from attune.errors import ConfigError, FeatureError
from attune.features.schema import SERVICES
from attune.features.settings import FeatureSettings
from attune.locks import only_writer
from pipelines.options import HOME, PARAMS_FILE, Home, Now, Params, launch_at, workspace_at
from pipelines.terminal import console

if TYPE_CHECKING:  # an engine comes with it, which other commands need not load
    from attune.features.parity_report import ParityReport

DAY = timedelta(days=1)
REPORT_FILE = "parity.json"
SHOWN = 20
READ_SECONDS = 10.0


def build(now: Now = "", home: Home = HOME, params: Params = PARAMS_FILE) -> None:
    """Compute the features of every date that the models need, and bring the latest online.

    What was pushed since the import is read too. For example: attune features build --now 2017-09-03
    """
    launch = launch_at(home, params)
    with only_writer(launch.workspace.root):
        version = launch.features(now or launch.latest())
    console.print(f"features are at version {version[:12]}")


def materialize(
    now: Now = "",
    rebuild: Annotated[
        bool, typer.Option(help="Start from nothing; leads back in time, and drops what was pushed.")
    ] = False,
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Declare the features to Feast and bring the latest snapshots as of a date online.

    Only what is not there yet is read.

    For example: attune features materialize --now 2017-09-03
    """
    from attune.adapters.feast import FeastStore

    launch = launch_at(home, params)
    with only_writer(launch.workspace.root):
        as_of = on_grid(parse_moment(now or launch.latest()))
        store = FeastStore(launch.workspace)
        store.apply()
        store.materialize(as_of, rebuild)  # it says itself what it did
    console.print(f"features are online as of {as_of:%Y-%m-%d}")


def backfill(
    first: Annotated[str, typer.Option("--from", help="The first date.")],
    last: Annotated[str, typer.Option("--to", help="No date is later.")],
    every: Annotated[int, typer.Option(min=1, help="Days from one date to the next.")] = 7,
    service: Annotated[list[str] | None, typer.Option(help="A service; left out: all of them.")] = None,
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Compute the snapshots of many dates; those that are there already are kept.

    For example: attune features backfill --from 2017-06-04 --to 2017-09-03 --service churn_v1
    """
    from attune.features.build import build_features

    dates = _dates(parse_moment(first), parse_moment(last), every)
    workspace = workspace_at(home)
    wanted = dict.fromkeys(service or SERVICES, dates)
    with only_writer(workspace.root):
        report = build_features(workspace.tables, workspace.features, wanted, _settings(params))
    written = sum(map(len, report.written.values()))
    console.print(
        f"{written} snapshots computed, {report.kept} were there, {report.removed} outdated removed"
    )


def parity(
    customers: Annotated[int, typer.Option(min=1, help="How many to compare, drawn at random.")] = 50,
    answers: Annotated[int, typer.Option(min=0, help="How many of the last answers served.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Prove that training, the online store and serving know the same of a customer at a moment.

    Compares what the join of training says, or for moments between snapshots what a back-fill computes, with
    the rows online and with the digests in the prediction log. Ends with 1 where anything differs.
    """
    workspace = workspace_at(home)
    report = _compared(workspace, _settings(params), _sample(workspace, customers, seed), answers)
    file = workspace.reports / REPORT_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.unfinished")
    unfinished.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    unfinished.replace(file)
    _show(report)
    console.print(f"{report.word}; all of it is in {file}", soft_wrap=True)
    if report.word == "skewed":
        raise FeatureError(
            f"{len(report.differences)} values differ, above and in {file}; who wrote the online store? "
            "attune features materialize --rebuild writes it anew"
        )


def _compared(
    workspace: Workspace, settings: FeatureSettings, sample: list[str], answers: int
) -> "ParityReport":
    from attune.adapters.feast import FeastStore
    from attune.adapters.online_stores import ONLINE_FILE, open_rows
    from attune.features.offline_values import OfflineValues
    from attune.features.parity import compare
    from serving.served_values import served_values

    store = FeastStore(workspace)
    offline = OfflineValues(store, workspace.tables, workspace.features, settings)
    rows = open_rows(workspace.feast / ONLINE_FILE, read_seconds=READ_SECONDS)
    served = served_values(workspace.predictions, answers)
    return compare(offline, rows, sample, store.online_as_of(), served)


def _sample(workspace: Workspace, count: int, seed: int) -> list[str]:
    """Customers at random, half of them from those about whom something was pushed last."""
    pushed = InteractionLog(workspace.tables).last_customers(count // 2)
    everybody = read_table(workspace.tables, "customers", [CUSTOMER_ID])[CUSTOMER_ID]
    others = sorted(set(everybody) - set(pushed))
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret
    return [*pushed, *draw.sample(others, min(count - len(pushed), len(others)))]


def _show(report: "ParityReport") -> None:
    table = Table("view", "compared with training", "values", "verdict")
    for proof in report.proofs:
        table.add_row(proof.view, proof.side, f"{proof.compared:,}", proof.word)
    console.print(table)
    for found in report.differences[:SHOWN]:
        console.print(
            f"{found.view}.{found.feature} of {found.customer} as of {found.as_of.isoformat()}: "
            f"{found.offline} in training, {found.other} here",
            markup=False,
            soft_wrap=True,
        )


def _dates(first: datetime, last: datetime, every: int) -> list[datetime]:
    start = utc(first).normalize()
    if start > last:
        raise ConfigError(f"from {first:%Y-%m-%d} to {last:%Y-%m-%d} there is no date; exchange them")
    return [start + number * every * DAY for number in range((last - start) // (every * DAY) + 1)]


def _settings(params: Path) -> FeatureSettings:
    return FeatureSettings.of(load_params(params))
