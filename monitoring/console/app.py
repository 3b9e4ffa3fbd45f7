"""The application: every address, and what all answers have in common."""

from collections.abc import Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from attune.errors import AttuneError, ConfigError, IntegrityError, RegistryError
from attune.governance.lamps import Word
from monitoring.console import deciding
from monitoring.console.decisions import NotAllowedError
from monitoring.console.desk import Desk
from monitoring.console.guard import Guarded
from monitoring.console.pages import STATIC
from monitoring.console.reading import download, record, views


def application(desk: Desk, hosts: Sequence[str]) -> Guarded:
    """The console.

    Args:
        desk: Knows who is who, and holds the evidence.
        hosts: The names under which browsers may ask for it.
    """
    routes = [
        *deciding.routes(desk),
        Route("/use-cases/{model}/bundle.zip", partial(download, desk)),
        Route("/use-cases/{model}/versions/{version}/files/{name}", partial(record, desk)),
        Mount("/static", StaticFiles(directory=STATIC)),
        *(route for view in views() for route in view.routes(desk)),
    ]
    middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)]
    handlers = {AttuneError: partial(_refused, desk), HTTPException: partial(_missing, desk)}
    # Outermost, so that an answer which nothing of ours made carries the policy as well.
    return Guarded(Starlette(routes=routes, middleware=middleware, exception_handlers=handlers))


def _refused(desk: Desk, request: Request, error: Exception) -> Response:
    word: Word | None = "STOP" if isinstance(error, IntegrityError) else None
    return _problem(desk, request, _status(error), str(error), word)


def _missing(desk: Desk, request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(desk, request, error.status_code, error.detail)


def _problem(desk: Desk, request: Request, status: int, detail: str, word: Word | None = None) -> Response:
    visit = desk.visit(request)
    if visit.member is None:
        # Who is not signed in learns nothing, not even what there is not.
        return desk.sign_in_page(request, 403)
    if request.url.path.endswith(".json"):
        return JSONResponse({"error": detail, "word": word}, status)
    values = {"status": status, "detail": detail, "word": word}
    return desk.page(request, visit, "problem.html", values, status)


def _status(error: Exception) -> int:
    known: tuple[tuple[type[Exception], int], ...] = (
        (NotAllowedError, 403),
        (ConfigError, 400),
        (RegistryError, 409),
    )
    return next((status for kind, status in known if isinstance(error, kind)), 503)
