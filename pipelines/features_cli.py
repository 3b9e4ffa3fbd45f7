"""`attune features list | show | audit`: what features there are, what each means, and what never changes."""

from typing import Annotated

import polars as pl
import typer
from rich.table import Table

from attune.config import Workspace
from attune.errors import FeatureError
from attune.features.expectations import require_expected
from attune.features.schema import SERVICES, VIEWS, Feature, View, key_of, purposes_of, schema_hash
from attune.features.snapshots import snapshots
from pipelines import features_jobs, streaming_cli
from pipelines.options import HOME, Home, workspace_at
from pipelines.terminal import console

app = typer.Typer(
    help="Features: what there is, computed, brought online, streamed, proven.", no_args_is_help=True
)
app.command()(features_jobs.build)
app.command()(features_jobs.materialize)
app.command()(features_jobs.backfill)
app.command()(features_jobs.parity)
app.command()(streaming_cli.push)
app.command()(streaming_cli.consume)


@app.command("list")
def list_services() -> None:
    """List every feature service: its key, views, purposes and schema hash."""
    table = Table("service", "about", "views", "features", "may be used for", "schema")
    for service, views in SERVICES.items():
        purposes = ", ".join(sorted(purposes_of(service)))
        number = str(sum(map(len, views.values())))
        table.add_row(service, key_of(service), ", ".join(views), number, purposes, schema_hash(service)[:12])
    console.print(table)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A feature view or a feature service.")],
) -> None:
    """Show the features of a view or service: type, unit, range, owner, purposes and meaning."""
    if name not in VIEWS and name not in SERVICES:
        known = ", ".join([*VIEWS, *SERVICES])
        raise FeatureError(f"no feature view or service named {name!r}; there are: {known}")
    served = {name: VIEWS[name].feature_names} if name in VIEWS else SERVICES[name]
    for view, names in served.items():
        console.print(_features_of(VIEWS[view], names))


@app.command("audit")
def audit(home: Home = HOME) -> None:
    """Check that released services, the registry and the latest snapshots are what they should be.

    Every released service is compared with its record, the registry of Feast with the digest that was noted
    when it was written, and the rows of the latest snapshot of each view with what its features declare.
    """
    from attune.adapters.feast import FEATURE_REPO, REGISTRY_FILE
    from attune.adapters.feast_registry import require_pinned
    from attune.features.released import released, require_released_unchanged

    require_released_unchanged(FEATURE_REPO)
    console.print(f"{', '.join(released(FEATURE_REPO))} are what was released")
    workspace = workspace_at(home)
    registry = workspace.feast / REGISTRY_FILE
    require_pinned(registry)
    written = "is what was written last" if registry.exists() else "is not there yet"
    console.print(f"the registry {registry} {written}", soft_wrap=True)
    for view in VIEWS.values():
        console.print(f"{view.name}: {_audited(workspace, view)}")


def _audited(workspace: Workspace, view: View) -> str:
    """What there is to say of the latest snapshot of a view.

    Raises:
        FeatureError: Its rows are not what the view declares.
    """
    found = snapshots(workspace.features, view.name)
    if not found:
        return "no snapshot yet: not computed"
    rows = pl.read_parquet(found[-1]).select(view.key, *view.feature_names)
    require_expected(view, rows)
    return f"{rows.height:,} rows as of {found[-1].stem} hold what is declared"


def _features_of(view: View, names: tuple[str, ...]) -> Table:
    days = f"{view.ttl.days:,} days"
    kept = "online and offline" if view.online else "offline"
    table = Table(
        *("feature", "type", "unit", "range", "empty at most", "owner", "may be used for", "meaning"),
        title=f"{view.name}: {view.description} Valid for {days}, {kept}.",
        title_justify="left",
    )
    for feature in (feature for feature in view.features if feature.name in names):
        table.add_row(
            *(feature.name, feature.type, feature.unit, _range_of(feature), f"{feature.null_share:.0%}"),
            *(feature.owner, ", ".join(feature.purposes), feature.description),
        )
    return table


def _range_of(feature: Feature) -> str:
    if feature.minimum is None and feature.maximum is None:
        return ""
    low = "" if feature.minimum is None else f"{feature.minimum:g}"
    high = "" if feature.maximum is None else f"{feature.maximum:g}"
    return f"{low} to {high}" if high else f"from {low}"
