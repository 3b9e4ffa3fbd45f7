"""The front desk: who visits, in which language, and how an answer goes out."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from monitoring.console.access import GUEST, Access, Member
from monitoring.console.evidence import Evidence
from monitoring.console.pages import render
from monitoring.console.sessions import SESSION_COOKIE, VISITOR_COOKIE, Sessions
from monitoring.console.words import LANGUAGES, Language, language_of

LANGUAGE_COOKIE = "attune_language"


@dataclass(frozen=True)
class Visit:
    """Who asks, and what their forms have to carry.

    Attributes:
        member: None where nobody is signed in.
        proof: Goes into every form; empty where there can be none.
    """

    member: Member | None
    language: Language
    proof: str


class Desk:
    """Knows who is who."""

    def __init__(self, evidence: Evidence, access: Access, *, guests: bool, secure: bool):
        """Open the desk.

        Args:
            evidence: Of the workspace.
            access: The people.
            guests: Whether anybody may read while nobody has a token: on one's own machine alone.
            secure: Whether cookies go over TLS only.
        """
        self.evidence = evidence
        self.access = access
        self.sessions = Sessions(evidence.clock)
        self._guests = guests
        self._secure = secure

    def visit(self, request: Request) -> Visit:
        """Who asks.

        Raises:
            ConfigError: The file of people cannot be read.
        """
        language = language_of(
            request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE, ""),
            request.headers.get("accept-language", ""),
        )
        cookie = request.cookies.get(SESSION_COOKIE) or request.cookies.get(VISITOR_COOKIE, "")
        proof = self.sessions.proof(cookie) if cookie else ""
        return Visit(self._member(request), language, proof)

    def is_ours(self, request: Request, proof: str) -> bool:
        """Whether a form was sent from a page that we showed to this browser."""
        cookie = request.cookies.get(SESSION_COOKIE) or request.cookies.get(VISITOR_COOKIE, "")
        return self.sessions.proves(cookie, proof)

    def page(
        self, request: Request, visit: Visit, template: str, values: Mapping[str, Any], status: int = 200
    ) -> Response:
        """A page in the visitor's language."""
        context = {
            "visit": visit,
            "path": request.url.path,
            "query": request.query_params,
            "now": self.evidence.clock(),
        }
        answer = HTMLResponse(render(template, visit.language, context | dict(values)), status)
        if request.query_params.get("lang") in LANGUAGES:
            self.keep(answer, LANGUAGE_COOKIE, visit.language)
        return answer

    def sign_in_page(self, request: Request, status: int = 200, problem: str = "") -> Response:
        """The page that asks for a token, with a cookie that its form is bound to."""
        visitor = request.cookies.get(VISITOR_COOKIE) or secrets.token_urlsafe(16)
        language = self.visit(request).language
        visit = Visit(None, language, self.sessions.proof(visitor))
        answer = self.page(request, visit, "sign_in.html", {"problem": problem}, status)
        self.keep(answer, VISITOR_COOKIE, visitor)
        answer.delete_cookie(SESSION_COOKIE)
        return answer

    def keep(self, answer: Response, name: str, value: str) -> None:
        """Give the browser a cookie that no script reads and no other site sends."""
        answer.set_cookie(name, value, httponly=True, samesite="strict", secure=self._secure)

    def _member(self, request: Request) -> Member | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            # A script's own token; forms ask for a session, so that no token is sent without a person's will.
            return self.access.who_has(token.strip())
        person = self.sessions.person(request.cookies.get(SESSION_COOKIE, ""))
        if person is not None:
            return self.access.named(person)
        return GUEST if self._guests and not self.access.members() else None
