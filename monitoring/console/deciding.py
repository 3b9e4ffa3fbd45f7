"""Forms that change something: who is signed in, and what a person decides about a version."""

from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from attune.config import Settings
from attune.registry import Version
from monitoring.console import decisions, records
from monitoring.console.access import Member
from monitoring.console.decisions import NotAllowedError
from monitoring.console.desk import Desk
from monitoring.console.forms import form, reason_of
from monitoring.console.reading import TO_SIGN_IN, model_of, version_of
from monitoring.console.sessions import SESSION_COOKIE

SEE_OTHER = 303

Fields = dict[str, str]


class PeopleView(Settings):
    """Who may use the console: names and roles; of tokens not even the digests are shown."""

    members: tuple[tuple[str, str], ...]


def routes(desk: Desk) -> list[BaseRoute]:
    """Every address that takes a form, and the pages that show them."""
    version = "/use-cases/{model}/versions/{version}/decide"
    return [
        Route("/sign-in", partial(_sign_in_page, desk), methods=["GET"]),
        Route("/sign-in", partial(_sign_in, desk), methods=["POST"]),
        Route("/sign-out", partial(_sign_out, desk), methods=["POST"]),
        Route("/people", partial(_people, desk)),
        Route("/use-cases/{model}/roll-back", partial(_roll_back, desk), methods=["POST"]),
        Route(version, partial(_decide_page, desk), methods=["GET"]),
        Route(version, partial(_decide, desk), methods=["POST"]),
    ]


def _sign_in_page(desk: Desk, request: Request) -> Response:
    return desk.sign_in_page(request)


async def _sign_in(desk: Desk, request: Request) -> Response:
    fields = await form(request)
    if not desk.is_ours(request, fields.get("proof", "")):
        return desk.sign_in_page(request, 403, "This form was not ours or is too old; try again.")
    member = desk.access.who_has(fields.get("token", "").strip())
    if member is None:
        return desk.sign_in_page(request, 403, "Nobody has this token.")
    answer = RedirectResponse("/", SEE_OTHER)
    desk.keep(answer, SESSION_COOKIE, desk.sessions.begin(member.person))
    return answer


async def _sign_out(desk: Desk, request: Request) -> Response:
    await _signed(desk, request)
    desk.sessions.end(request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/sign-in", SEE_OTHER)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _people(desk: Desk, request: Request) -> Response:
    visit = desk.visit(request)
    if visit.member is None:
        return RedirectResponse("/sign-in", TO_SIGN_IN)
    decisions.require(visit.member, "see people")
    members = tuple((member.person, member.role) for member in desk.access.members())
    return desk.page(request, visit, "people.html", {"page": PeopleView(members=members)})


def _decide_page(desk: Desk, request: Request) -> Response:
    visit = desk.visit(request)
    if visit.member is None:
        return RedirectResponse("/sign-in", TO_SIGN_IN)
    shown = records.decision_view(desk.evidence, version_of(desk.evidence, request))
    return desk.page(request, visit, "decide.html", {"page": shown})


async def _decide(desk: Desk, request: Request) -> Response:
    member, fields = await _signed(desk, request)
    version = await run_in_threadpool(version_of, desk.evidence, request)
    act = _ACTS.get(fields.get("act", ""))
    if act is None:
        raise HTTPException(400)
    await run_in_threadpool(act, desk, version, member, fields)
    return RedirectResponse(f"/use-cases/{version.name}", SEE_OTHER)


async def _roll_back(desk: Desk, request: Request) -> Response:
    member, fields = await _signed(desk, request)
    model = await run_in_threadpool(model_of, desk.evidence, request)
    seen = decisions.number(fields, "champion")
    reason = reason_of(fields)
    await run_in_threadpool(decisions.roll_back, desk.evidence.workspace, model, member, reason, seen)
    return RedirectResponse(f"/use-cases/{model}", SEE_OTHER)


async def _signed(desk: Desk, request: Request) -> tuple[Member, Fields]:
    """Who sends a form of ours, and its fields.

    Raises:
        NotAllowedError: Nobody is signed in, or the form was not shown by us to this browser.
    """
    fields = await form(request)
    person = desk.sessions.person(request.cookies.get(SESSION_COOKIE, ""))
    member = desk.access.named(person) if person else None
    if member is None or not desk.is_ours(request, fields.get("proof", "")):
        raise NotAllowedError("this form needs somebody who is signed in; sign in and send it again")
    return member, fields


def _approve(desk: Desk, version: Version, member: Member, fields: Fields) -> None:
    decisions.approve(desk.evidence.registry, version, member, reason_of(fields), fields.get("shown", ""))


def _reject(desk: Desk, version: Version, member: Member, fields: Fields) -> None:
    decisions.reject(desk.evidence.registry, version, member, reason_of(fields))


def _promote(desk: Desk, version: Version, member: Member, fields: Fields) -> None:
    seen = decisions.number(fields, "champion"), decisions.number(fields, "sequence") or 0
    decisions.promote(desk.evidence.registry, version, member, reason_of(fields), seen)


_ACTS: dict[str, Callable[[Desk, Version, Member, Fields], None]] = {
    "approve": _approve,
    "reject": _reject,
    "promote": _promote,
}
