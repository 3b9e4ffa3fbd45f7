"""`attune console`: the pages for governance staff, who may use them, and signed bundles."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.options import HOME, Home, Model, workspace_at
from pipelines.terminal import say

LOOPBACK = "127.0.0.1"

app = typer.Typer(
    help="The governance console: pages, the people who may use them, signed bundles.", no_args_is_help=True
)

People = Annotated[Path | None, typer.Option(help="The file of people; left out: the workspace's own.")]
Person = Annotated[str, typer.Argument(help="A name in small letters, such as ann@example.com.")]


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="The address; others than this machine's need people.")
    ] = LOOPBACK,
    port: Annotated[int, typer.Option(help="The port.")] = 3100,
    name: Annotated[list[str] | None, typer.Option(help="A host name that browsers ask for.")] = None,
    people: People = None,
    home: Home = HOME,
) -> None:
    """Serve the pages. Without people anybody on this machine may read, and nobody may decide."""
    from monitoring.console.server import serve as serve_console

    say(f"http://{host}:{port}/")
    serve_console(workspace_at(home), host, port, name or [], people)


@app.command()
def grant(
    person: Person,
    role: Annotated[str, typer.Argument(help="viewer, approver or admin.")],
    people: People = None,
    home: Home = HOME,
) -> None:
    """Give a person a role and a new token; it is shown once, and only its digest is kept."""
    from monitoring.console.server import access_of

    say(access_of(workspace_at(home), people).grant(person, role))


@app.command()
def revoke(person: Person, people: People = None, home: Home = HOME) -> None:
    """Take a person's access away, at once."""
    from monitoring.console.server import access_of

    access_of(workspace_at(home), people).revoke(person)
    say(f"{person} has no access any more")


@app.command()
def export(
    model: Model,
    out: Annotated[Path, typer.Argument(help="The zip file to write.")],
    home: Home = HOME,
) -> None:
    """Write all records about a model as a signed bundle."""
    from attune.errors import RegistryError
    from monitoring.console.evidence import Evidence
    from monitoring.console.exports import bundle

    evidence = Evidence(workspace_at(home))
    if model not in evidence.registry.names():
        raise RegistryError(f"no model {model!r}; there are {', '.join(evidence.registry.names()) or 'none'}")
    draft = out.with_name(f".{out.name}.partial")
    draft.write_bytes(bundle(evidence, model))
    draft.replace(out)
    say(f"signed bundle: {out}")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    keys: Annotated[
        Path | None, typer.Option(help="A folder with signing.pub.pem of who signed; left out: our own.")
    ] = None,
    home: Home = HOME,
) -> None:
    """Check a bundle: its signature, every digest in it, and the log's chain."""
    from monitoring.console.exports import check

    contents = check(keys or workspace_at(home).keys, file)
    made = f"{contents.made_at:%Y-%m-%d %H:%M} UTC"
    say(f"{len(contents.files)} records about {contents.subject}, made {made}, hold")
    for problem in contents.problems:
        say(f"when it was made, this did not hold: {problem}")
