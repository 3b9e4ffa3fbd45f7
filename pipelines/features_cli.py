"""`attune features list | show | audit`: what features there are, what each means, and what never changes."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from attune.errors import FeatureError
from attune.features.schema import SERVICES, VIEWS, Feature, View, key_of, purposes_of, schema_hash

app = typer.Typer(no_args_is_help=True)
console = Console(highlight=False)


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
def audit() -> None:
    """Compare every released service with its record; an edited one is an error."""
    from attune.adapters.feast import FEATURE_REPO
    from attune.features.released import released, require_released_unchanged

    require_released_unchanged(FEATURE_REPO)
    console.print(f"{', '.join(released(FEATURE_REPO))} are what was released")


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
