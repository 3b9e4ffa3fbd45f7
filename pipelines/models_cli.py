"""`attune models`, `attune trace` and `attune reproduce`: what there is, what is known of it, who decides."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from attune.errors import ConfigError, RegistryError
from attune.governance.checks import Check
from attune.governance.people import this_person
from attune.registry import Registry, Version
from pipelines.options import HOME, Home, Model, workspace_at
from pipelines.terminal import console, say

app = typer.Typer(help="Model versions: what there is, what is known, who decides.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="The version.")]
Reason = Annotated[str, typer.Option(help="Why, in words; kept for ever.")]
Chosen = Annotated[int, typer.Option(help="Which version; left out: the champion.")]


@app.command("list")
def list_models(home: Home = HOME) -> None:
    """List every version of every model, and where it stands."""
    registry = _registry(home)
    table = Table("model", "version", "stage", "algorithm", "features", "known up to", "made")
    for name in registry.names():
        stages = registry.stages(name)
        for version in registry.versions(name):
            manifest = version.manifest
            table.add_row(
                name,
                str(version.version),
                stages[version.version],
                manifest.algorithm,
                manifest.feature_service,
                f"{manifest.now:%Y-%m-%d}",
                f"{manifest.created_at:%Y-%m-%d %H:%M}",
            )
    console.print(table if table.rows else "no versions yet; attune run training --model churn makes one")


@app.command()
def show(
    model: Model,
    version: Chosen = 0,
    card: Annotated[Path | None, typer.Option(help="Write the model card here: .html or .md.")] = None,
    home: Home = HOME,
) -> None:
    """Verify a version, then show its manifest and every decision about it."""
    registry = _registry(home)
    found = _chosen(registry, model, version)
    registry.verify(found)
    console.print(f"{found.folder}: every digest and the signature hold", soft_wrap=True)
    console.print_json(found.manifest.model_dump_json())
    for approval in registry.approvals(found):
        said = approval.statement
        say(f"{said.at:%Y-%m-%d %H:%M} approved by {said.approver}: {said.reason}")
    for event in registry.events(model):
        when = f"{event.promoted_at:%Y-%m-%d %H:%M} change {event.sequence}"
        say(f"{when}, {event.kind}: version {event.version}: {event.reason}")
    if card is not None:
        _write_card(registry, found, card)


@app.command()
def compare(model: Model, a: Number, b: Number, home: Home = HOME) -> None:
    """Show two versions side by side: metrics with intervals, data, features, code.

    Metrics of different test windows are not comparable; the gate's own comparison is in each model card.
    """
    registry = _registry(home)
    first, second = (registry.get(model, number).manifest for number in (a, b))
    table = Table("", f"version {a}", f"version {b}", "same")
    facts = (
        "algorithm",
        "feature_service",
        "schema_hash",
        "data_hash",
        "now",
        "code_version",
        "seed",
        "author",
    )
    for fact in facts:
        one, other = (str(getattr(manifest, fact)) for manifest in (first, second))
        table.add_row(fact, one[:24], other[:24], "yes" if one == other else "no")
    for metric in sorted(first.metrics.keys() | second.metrics.keys()):
        shown = []
        for measured in (first.metrics.get(metric), second.metrics.get(metric)):
            computed = measured is not None and measured.value is not None
            shown.append(f"{measured.value:.4f} ({measured.low} to {measured.high})" if computed else "-")  # type: ignore[union-attr]
        table.add_row(metric, *shown, "")
    console.print(table)


@app.command()
def approve(
    model: Model,
    version: Number,
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="The card has been read elsewhere.")] = False,
    home: Home = HOME,
) -> None:
    """Read a version's model card, then sign that it may serve. Its author cannot."""
    from attune.governance.documents import markdown

    registry, person = _registry(home), this_person()
    found = registry.get(model, version)
    shown = markdown(registry.card(found))
    say(shown)
    if not yes and not typer.confirm(f"Approve version {version} of {model} as {person}?"):
        raise RegistryError("not approved")
    approval = registry.approve(found, shown, person, reason)
    say(f"approved: {approval.digest[:12]}, holds until {approval.statement.until:%Y-%m-%d}")


@app.command()
def stage(
    model: Model,
    version: Number,
    to: Annotated[str, typer.Argument(help="candidate, shadow, canary or retired.")],
    reason: Reason,
    home: Home = HOME,
) -> None:
    """Let a version stand elsewhere: shadow, canary, candidate again, or retired."""
    from attune.governance.stages import STAGES

    wanted = next((known for known in STAGES if known == to), None)
    if wanted is None:
        raise ConfigError(f"no stage {to!r}; there are {', '.join(STAGES)}")
    _registry(home).move(model, version, wanted, reason, f"asked for by {this_person()}")
    say(f"version {version} of {model} is {wanted}")


@app.command()
def promote(
    model: Model,
    version: Number,
    reason: Reason,
    expected: Annotated[int, typer.Option(help="The champion it was compared with; 0 for none.")] = -1,
    sequence: Annotated[int, typer.Option(help="The last change that you know of, as promote says it.")] = -1,
    home: Home = HOME,
) -> None:
    """Make a version the champion, if it has all that this needs and nobody was faster."""
    registry = _registry(home)
    champion = registry.champion(model)
    present = champion.version if champion else None
    done = registry.promote(
        model,
        version,
        present if expected < 0 else expected or None,
        reason,
        f"asked for by {this_person()}",
        sequence=None if sequence < 0 else sequence,
    )
    say(f"version {version} of {model} is champion by change {done.sequence}, after {_named(done.previous)}")


@app.command()
def rollback(model: Model, reason: Reason, home: Home = HOME) -> None:
    """Make the champion before this one champion again. Needs no remote and no feature store."""
    from attune.retraining.rollback import roll_back

    done = roll_back(workspace_at(home), model, reason, f"asked for by {this_person()}")
    say(f"version {done.version} of {model} is champion again, in place of {_named(done.previous)}")


@app.command()
def verify(home: Home = HOME) -> None:
    """Check everything: the log and its signed heads, the tables, and every byte of every version."""
    registry = _registry(home)
    problems = registry.problems()
    for problem in problems:
        say(problem)
    if problems:
        raise RegistryError(f"not everything holds, {len(problems)} found; the first: {problems[0]}")
    count = sum(len(registry.versions(name)) for name in registry.names())
    say(f"the log, its heads and {count} versions hold")


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    home: Home = HOME,
) -> None:
    """Give up the content of versions that nothing pins; records stay. `dvc gc` then frees DVC's copies."""
    registry = _registry(home)
    for name in registry.names():
        pins = registry.pins(name)
        for version, why in sorted(pins.items()):
            say(f"{name} {version} stays: {why}")
        gone = registry.loose(name) if dry_run else registry.collect(name)
        for number in gone:
            say(f"{name} {number} {'would go' if dry_run else 'went'}: nothing pins it")


@app.command()
def restore(model: Model, version: Number, home: Home = HOME) -> None:
    """Bring a lost or damaged version back from DVC's cache or remote, and verify it."""
    import os

    from attune.adapters.dvc import REMOTE_VARIABLE, DvcStore

    workspace = workspace_at(home)
    registry = Registry(workspace)
    registry.restore(registry.get(model, version), DvcStore(workspace.root, os.environ.get(REMOTE_VARIABLE)))
    say(f"version {version} of {model} is back, and every digest holds")


@app.command()
def mirror(
    push: Annotated[bool, typer.Option("--push", help="Send branch and tags to origin as well.")] = False,
    home: Home = HOME,
) -> None:
    """Show the registry's decisions in git: pointers, dvc.yaml artifacts, tags as GTO writes them."""
    from attune.adapters.git_mirror import GitMirror

    workspace = workspace_at(home)
    shown = GitMirror(workspace.root)
    for tag in shown.update(Registry(workspace)):
        say(tag)
    if push:
        shown.push()


def trace(
    prediction_id: Annotated[str, typer.Argument(help="As the answer said.")], home: Home = HOME
) -> None:
    """Follow an answer back to version, data, features, code and approval; every digest is computed again."""
    from attune.trace import trace as follow

    workspace = workspace_at(home)
    _show(follow(Registry(workspace), workspace, prediction_id))


def reproduce(model: Model, version: Chosen = 0, home: Home = HOME) -> None:
    """Train a version again from what it recorded, and compare the bytes."""
    from attune.adapters.feast import FeastStore
    from attune.reproduce import reproduce as train_again

    workspace = workspace_at(home)
    registry = Registry(workspace)
    checks = train_again(registry, workspace, _chosen(registry, model, version), FeastStore(workspace))
    _show(checks)
    if different := [check.what for check in checks if check.state != "holds"]:
        raise RegistryError(f"not the same as recorded: {', '.join(different)}")


def _show(checks: Iterable[Check]) -> None:
    table = Table("what", "recorded", "now")
    for check in checks:
        table.add_row(check.what, check.recorded, check.state if check.state != "differs" else check.found)
    console.print(table, markup=False)


def _chosen(registry: Registry, model: str, version: int) -> Version:
    champion = None if version else registry.champion(model)
    if not version and champion is None:
        raise ConfigError(f"{model} has no champion; name a --version, attune models list shows them")
    return champion or registry.get(model, version)


def _write_card(registry: Registry, version: Version, file: Path) -> None:
    from attune.governance.documents import html, markdown

    writers = {".html": html, ".md": markdown}
    if file.suffix not in writers:
        raise ConfigError(f"{file} is neither .html nor .md")
    file.write_text(writers[file.suffix](registry.card(version)), encoding="utf-8")
    say(f"model card: {file}")


def _named(version: int | None) -> str:
    return f"version {version}" if version else "none"


def _registry(home: Path) -> Registry:
    return Registry(workspace_at(home))
