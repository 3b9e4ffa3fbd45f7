"""Pages that are read: each is built from the evidence once, and goes out as HTML or as its JSON twin."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from attune.config import Settings
from attune.errors import RegistryError
from attune.registry import Version
from monitoring.console import records
from monitoring.console.desk import Desk
from monitoring.console.drift_view import drift_view
from monitoring.console.evidence import Evidence
from monitoring.console.exports import bundle
from monitoring.console.use_case import Summary, summary, use_case

Build = Callable[[Evidence, Request], Settings]

TO_SIGN_IN = 303


class Home(Settings):
    """The list of all use cases."""

    use_cases: tuple[Summary, ...]


@dataclass(frozen=True)
class View:
    """A page and its twin: the same content, at the same address with `.json` behind it."""

    path: str
    template: str
    build: Build

    def routes(self, desk: Desk) -> list[BaseRoute]:
        """The twin comes first: its address would be read as a page's otherwise."""
        twin = "/index.json" if self.path == "/" else f"{self.path}.json"
        return [Route(twin, partial(_twin, desk, self)), Route(self.path, partial(_page, desk, self))]


def views() -> list[View]:
    """Every page that is read."""
    version = "/use-cases/{model}/versions/{version}"
    return [
        View("/", "home.html", _home),
        View("/audit", "audit.html", _log),
        View("/rights", "rights.html", lambda evidence, _: records.rights_view(evidence)),
        View("/chain", "chain.html", _chain),
        View("/use-cases/{model}", "use_case.html", _use_case),
        View("/use-cases/{model}/drift", "drift.html", _drift),
        View(version, "version.html", _version),
        View(f"{version}/card", "document.html", partial(_document, "card")),
        View(f"{version}/datasheet", "document.html", partial(_document, "datasheet")),
    ]


def download(desk: Desk, request: Request) -> Response:
    """The signed bundle about a model."""
    if desk.visit(request).member is None:
        return RedirectResponse("/sign-in", TO_SIGN_IN)
    model = model_of(desk.evidence, request)
    disposition = {"content-disposition": f'attachment; filename="attune-{model}.zip"'}
    return Response(bundle(desk.evidence, model), media_type="application/zip", headers=disposition)


def record(desk: Desk, request: Request) -> Response:
    """A JSON document of a version as it was signed with it: what stands behind a figure."""
    if desk.visit(request).member is None:
        return RedirectResponse("/sign-in", TO_SIGN_IN)
    name = str(request.path_params["name"])
    version = version_of(desk.evidence, request)
    content = desk.evidence.document(version, name) if name.endswith(".json") else None
    if content is None:
        raise HTTPException(404, "this version has no such document that is what was signed with it")
    return Response(content, media_type="application/json")


def model_of(evidence: Evidence, request: Request) -> str:
    """The model that an address names.

    Raises:
        HTTPException: There is none.
    """
    model = str(request.path_params["model"])
    if model not in evidence.registry.names():
        raise HTTPException(404)
    return model


def version_of(evidence: Evidence, request: Request) -> Version:
    """The version that an address names.

    Raises:
        HTTPException: There is none.
    """
    model, text = model_of(evidence, request), str(request.path_params["version"])
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise HTTPException(404)
    try:
        return evidence.registry.get(model, int(text))
    except RegistryError as error:
        raise HTTPException(404, str(error)) from error


def _page(desk: Desk, view: View, request: Request) -> Response:
    visit = desk.visit(request)
    if visit.member is None:
        return RedirectResponse("/sign-in", TO_SIGN_IN)
    return desk.page(request, visit, view.template, {"page": view.build(desk.evidence, request)})


def _twin(desk: Desk, view: View, request: Request) -> Response:
    if desk.visit(request).member is None:
        return JSONResponse({"error": "send a token: Authorization: Bearer ..."}, 401)
    content = view.build(desk.evidence, request).model_dump(mode="json")
    return JSONResponse({"generated_at": desk.evidence.clock().isoformat(), **content})


def _home(evidence: Evidence, _: Request) -> Home:
    return Home(use_cases=tuple(summary(use_case(evidence, name)) for name in evidence.registry.names()))


def _log(evidence: Evidence, request: Request) -> Settings:
    start = request.query_params.get("from", "")
    plain = start.isascii() and start.isdigit() and len(start) < 10
    return records.log_view(evidence, int(start) if plain else 0)


def _chain(evidence: Evidence, request: Request) -> Settings:
    return records.chain_view(evidence, request.query_params.get("prediction_id", "").strip())


def _use_case(evidence: Evidence, request: Request) -> Settings:
    return use_case(evidence, model_of(evidence, request))


def _drift(evidence: Evidence, request: Request) -> Settings:
    return drift_view(evidence, model_of(evidence, request), request.query_params.get("as_of", ""))


def _version(evidence: Evidence, request: Request) -> Settings:
    return records.version_view(evidence, version_of(evidence, request))


def _document(kind: records.Kind, evidence: Evidence, request: Request) -> Settings:
    found = records.document_view(evidence, version_of(evidence, request), kind)
    if found is None:
        raise HTTPException(404, f"this version has no {kind} that is what was signed with it")
    return found
