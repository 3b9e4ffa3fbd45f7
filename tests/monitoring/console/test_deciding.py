import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from attune.config import Workspace
from attune.governance.documents import markdown
from attune.governance.manifest import digest_bytes
from attune.registry import Registry
from attune.retraining.history import history
from monitoring.console.access import PEOPLE_FILE, Access
from tests.monitoring.console.running import console

DECIDE = "/use-cases/churn/versions/2/decide"
Tokens = dict[str, str]


@pytest.fixture
def tokens(workspace: Workspace) -> Tokens:
    """bob asked for version 2; eve, carol and dan did not."""
    access = Access(workspace.keys / PEOPLE_FILE)
    roles = {"eve": "viewer", "bob": "approver", "carol": "approver", "dan": "admin"}
    return {person: access.grant(person, role) for person, role in roles.items()}


@pytest.fixture
def site(workspace: Workspace, tokens: Tokens) -> Iterator[str]:
    with console(workspace) as address:
        yield address


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of every form of a page."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


@contextmanager
def signed_in(site: str, token: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, follow_redirects=True) as client:
        proof = hidden(client.get("/sign-in").text)["proof"]
        client.post("/sign-in", data={"proof": proof, "token": token})
        yield client


def decide(client: httpx.Client, act: str, page: str = DECIDE, **changed: str) -> httpx.Response:
    fields = hidden(client.get(page).text) | {"act": act, "reason": "seen it"} | changed
    return client.post(page, data=fields)


def test_without_a_token_nothing_is_shown_once_anybody_has_one(site: str):
    assert httpx.get(f"{site}/use-cases/churn").headers["location"] == "/sign-in"
    for path in ("/index.json", "/use-cases/churn.json"):
        assert httpx.get(site + path).status_code == 401
    for path in ("/use-cases/none", f"{DECIDE}x", "/use-cases/churn/bundle.zip", "/people", DECIDE):
        answer = httpx.get(site + path, follow_redirects=True)
        assert "<nav" not in answer.text
        assert 'name="token"' in answer.text


@pytest.mark.parametrize("token", ["", "x", "Bearer", "0" * 43, "null", "[]", "ёж"])
def test_a_wrong_token_opens_nothing(site: str, token: str):
    with signed_in(site, token) as nobody:
        assert 'name="token"' in nobody.get("/use-cases/churn").text
    bearer = {"authorization": f"Bearer {token}".strip().encode()}
    assert httpx.get(f"{site}/index.json", headers=bearer).status_code == 401


def test_a_script_reads_with_its_token(site: str, tokens: Tokens):
    bearer = {"authorization": f"Bearer {tokens['eve']}"}
    assert httpx.get(f"{site}/use-cases/churn.json", headers=bearer).json()["model"] == "churn"


def test_a_token_alone_decides_nothing(site: str, tokens: Tokens, workspace: Workspace):
    with signed_in(site, tokens["carol"]) as carol:
        fields = hidden(carol.get(DECIDE).text) | {"act": "approve", "reason": "sent by another site"}
        bearer = {"authorization": f"Bearer {tokens['carol']}"}
        assert httpx.post(site + DECIDE, data=fields, headers=bearer).status_code == 403
        assert carol.post(DECIDE, data=fields | {"proof": "0" * 64}).status_code == 403
        assert carol.post(DECIDE, data={"act": "approve", "reason": "x"}).status_code == 403
    registry = Registry(workspace)
    assert registry.approvals(registry.get("churn", 2)) == []


def test_the_cookie_is_for_this_site_and_for_no_script(site: str, tokens: Tokens):
    with httpx.Client(base_url=site) as client:
        proof = hidden(client.get("/sign-in").text)["proof"]
        answer = client.post("/sign-in", data={"proof": proof, "token": tokens["eve"]})
    cookie = answer.headers["set-cookie"]
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    assert tokens["eve"] not in cookie


def test_an_approver_approves_and_an_admin_promotes(site: str, tokens: Tokens, workspace: Workspace):
    registry = Registry(workspace)
    with signed_in(site, tokens["carol"]) as carol, signed_in(site, tokens["dan"]) as dan:
        too_early = decide(dan, "promote")
        assert too_early.status_code == 409
        assert "a person must approve it first" in too_early.text
        assert decide(carol, "approve").status_code == 200
        assert [found.statement.approver for found in registry.approvals(registry.get("churn", 2))] == [
            "carol"
        ]
        assert decide(carol, "promote").status_code == 403
        assert decide(dan, "promote").status_code == 200
        case = dan.get("/use-cases/churn.json").json()
    assert case["serving"]["version"] == 2
    assert case["serving"]["approved_by"] == "carol"
    assert case["changed"]["by"] == "ann"
    assert {"examples", "training window"} <= {change["what"] for change in case["changed"]["changes"]}


def test_nobody_approves_their_own_version(site: str, tokens: Tokens, workspace: Workspace):
    with signed_in(site, tokens["bob"]) as bob:
        assert "somebody else has to approve it" in bob.get(DECIDE).text
        shown = bob.get(DECIDE).text
        refused = bob.post(
            DECIDE, data=hidden(shown) | {"act": "approve", "reason": "mine", "shown": digest(workspace)}
        )
    assert refused.status_code == 409
    assert "cannot approve it" in refused.text


def digest(workspace: Workspace) -> str:
    registry = Registry(workspace)
    return digest_bytes(markdown(registry.card(registry.get("churn", 2))).encode())


def test_an_approval_binds_the_card_that_was_shown(site: str, tokens: Tokens):
    with signed_in(site, tokens["carol"]) as carol:
        refused = decide(carol, "approve", shown="0" * 64)
    assert refused.status_code == 409
    assert "read it again" in refused.text


@pytest.mark.parametrize("act", ["approve", "reject", "promote"])
def test_a_viewer_decides_nothing(site: str, tokens: Tokens, workspace: Workspace, act: str):
    before = len(Registry(workspace).log())
    with signed_in(site, tokens["eve"]) as eve:
        page = eve.get(DECIDE).text
        assert 'name="reason"' not in page
        fields = hidden(page) | {"act": act, "reason": "x", "shown": digest(workspace), "champion": "1"}
        assert eve.post(DECIDE, data=fields).status_code == 403
        fields |= {"champion": "1"}
        assert eve.post("/use-cases/churn/roll-back", data=fields).status_code == 403
        assert eve.get("/people").status_code == 403
    assert len(Registry(workspace).log()) == before


def test_a_rejected_version_is_retired_with_its_reason(site: str, tokens: Tokens, workspace: Workspace):
    with signed_in(site, tokens["carol"]) as carol:
        decide(carol, "reject", reason="its windows\nare too short")
    last = Registry(workspace).log()[-1]
    assert last.kind == "staged"
    assert last.found["stage"] == "retired"
    assert last.found["reason"] == "its windows are too short"
    assert last.found["cause"] == "asked for by carol"


@pytest.mark.parametrize(("reason", "said"), [("  \n ", "needs a reason"), ("x" * 1001, "1,001 characters")])
def test_a_decision_without_a_proper_reason_is_refused(site: str, tokens: Tokens, reason: str, said: str):
    with signed_in(site, tokens["carol"]) as carol:
        refused = decide(carol, "reject", reason=reason)
    assert refused.status_code == 400
    assert said in refused.text


def test_a_form_that_is_too_large_or_says_things_twice_is_refused(site: str, tokens: Tokens):
    with signed_in(site, tokens["carol"]) as carol:
        assert carol.post(DECIDE, content=b"x=" + b"y" * 20_000).status_code == 400
        assert carol.post(DECIDE, content=b"act=approve&act=reject").status_code == 400


def test_a_rollback_needs_that_the_page_still_stands(site: str, tokens: Tokens, workspace: Workspace):
    with signed_in(site, tokens["carol"]) as carol, signed_in(site, tokens["dan"]) as dan:
        decide(carol, "approve")
        decide(dan, "promote")
        proof = hidden(carol.get("/use-cases/churn").text)["proof"]
        form = {"proof": proof, "reason": "customers complain", "champion": "1"}
        assert "another version serves" in carol.post("/use-cases/churn/roll-back", data=form).text
        carol.post("/use-cases/churn/roll-back", data=form | {"champion": "2"})
    champion = Registry(workspace).champion("churn")
    assert champion is not None
    assert champion.version == 1
    assert history(workspace, "churn")[-1].event == "rolled back"


def test_who_is_taken_out_is_out_at_once(site: str, tokens: Tokens, workspace: Workspace):
    access = Access(workspace.keys / PEOPLE_FILE)
    with signed_in(site, tokens["carol"]) as carol:
        assert carol.get("/use-cases/churn").status_code == 200
        access.revoke("carol")
        assert 'name="token"' in carol.get("/use-cases/churn").text


def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(site: str, tokens: Tokens):
    with signed_in(site, tokens["eve"]) as eve:
        kept = dict(eve.cookies)
        eve.post("/sign-out", data={"proof": hidden(eve.get("/").text)["proof"]})
        assert 'name="token"' in httpx.get(site, cookies=kept, follow_redirects=True).text


def test_no_token_is_kept(tokens: Tokens, workspace: Workspace):
    file = workspace.keys / PEOPLE_FILE
    assert not any(token in file.read_text() for token in tokens.values())
    assert file.stat().st_mode & 0o077 == 0


def test_admins_see_who_has_access(site: str, tokens: Tokens):
    with signed_in(site, tokens["dan"]) as dan:
        assert "carol" in dan.get("/people").text
