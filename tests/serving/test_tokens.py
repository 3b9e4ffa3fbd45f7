"""Every way in which a token can fail to hold, at every route that asks for one."""

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from attune.errors import ConfigError
from serving.access import Access
from serving.api_keys import ApiKeys
from serving.edge import Edge
from serving.routes import Lookup
from serving.settings import ServingSettings
from serving.tokens import Tokens, TokenSettings
from tests.serving.test_edge import ROUTES, Answer

PRIVATE = ed25519.Ed25519PrivateKey.generate()
PUBLIC = PRIVATE.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
ANOTHER = ed25519.Ed25519PrivateKey.generate()
SOUND = {"iss": "the shop", "aud": "attune", "sub": "ann@shop.example", "scope": "score recommend"}


async def found(word: str) -> Answer:
    return Answer(words=[word])


PATHS = ROUTES | {"/found/{word}": Lookup("/found/{word}", found, "[a-z]+", Answer, "Find.", "score")}


def token(key: Any = PRIVATE, algorithm: str = "EdDSA", **changes: Any) -> str:
    now = int(time.time())
    claims = SOUND | {"iat": now, "exp": now + 60} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


def unsigned() -> str:
    parts = [{"alg": "none", "typ": "JWT"}, SOUND | {"iat": 0, "exp": int(time.time()) + 60}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return (b".".join(encoded) + b".").decode()


def confused() -> str:
    """Signed with the public key as if it were a shared secret; the library itself refuses to make one."""
    head = {"alg": "HS256", "typ": "JWT"}
    body = SOUND | {"iat": int(time.time()), "exp": int(time.time()) + 60}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, body)]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        b".".join(parts), PUBLIC
    )
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


WRONG = {
    "missing": lambda: "",
    "expired": lambda: token(exp=int(time.time()) - 60),
    "of the future": lambda: token(nbf=int(time.time()) + 600),
    "issued tomorrow": lambda: token(iat=int(time.time()) + 86_400, exp=int(time.time()) + 90_000),
    "never expires": lambda: token(exp=None),
    "for somebody else": lambda: token(aud="another"),
    "for several": lambda: token(aud=["attune", "another"]),
    "by somebody else": lambda: token(iss="another"),
    "of nobody": lambda: token(sub=None),
    "unsigned": unsigned,
    "confused": confused,
    "of another key": lambda: token(ANOTHER),
    "of another algorithm": lambda: token(ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "truncated": lambda: token()[:-10],
    "no token": lambda: "....",
    "of 1 MB": lambda: "a" * 1_000_000,
    "revoked": lambda: token(jti="lost-laptop"),
}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "public.pem").write_bytes(PUBLIC)
    (folder / "revoked").write_text("lost-laptop\n", encoding="utf-8")
    return Tokens.here({"ATTUNE_TOKENS": json.dumps(settings(folder))}) or pytest.fail("none")


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    key = {"algorithm": "EdDSA", "file": str(folder / "public.pem")}
    said = {
        "issuer": "the shop",
        "audience": "attune",
        "keys": [key],
        "revoked_file": str(folder / "revoked"),
    }
    return said | changes


def get(tokens: Tokens, method: str, path: str, shown: str | None) -> httpx.Response:
    app = Edge(None, lambda: PATHS, Access(ApiKeys(), tokens), ServingSettings())
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {shown}"} if shown else {})

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, headers=headers, content=b'{"word": "ann"}')

    return asyncio.run(ask())


ASKED = [("POST", "/repeat"), ("GET", "/secret"), ("GET", "/found/ann")]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_token_that_does_not_hold_opens_nothing_and_is_told_nothing(tokens, wrong):
    shown = WRONG[wrong]()
    responses = [get(tokens, method, path, shown) for method, path in ASKED]
    documents = [response.json() for response in responses]
    assert {response.status_code for response in responses} == {401}
    assert {response.headers["www-authenticate"] for response in responses} == {"Bearer"}
    # The same words for every reason, but for the id of the request.
    words = {json.dumps({**each, "request_id": ""}, sort_keys=True) for each in documents}
    assert words == {
        json.dumps({**get(tokens, "GET", "/secret", None).json(), "request_id": ""}, sort_keys=True)
    }


def test_a_token_that_holds_opens_what_it_is_for(tokens):
    assert [get(tokens, method, path, token()).status_code for method, path in ASKED] == [200, 200, 200]
    limited = get(tokens, "POST", "/repeat", token(scope="recommend"))
    assert (limited.status_code, limited.json()["type"]) == (403, "urn:attune:problem:no-scope")
    assert 'scope="score"' in limited.headers["www-authenticate"]
    assert get(tokens, "POST", "/repeat", token(scope=None)).status_code == 403
    assert get(tokens, "POST", "/repeat", token(scope="admin")).status_code == 200


def test_a_token_counts_no_more_once_it_is_revoked_or_expired(tmp_path):
    (tmp_path / "public.pem").write_bytes(PUBLIC)
    tokens = Tokens(TokenSettings.parse(settings(tmp_path)))
    shown = token(jti="one").encode()
    assert tokens.claims(shown)
    (tmp_path / "revoked").write_text("one\n", encoding="utf-8")
    assert tokens.claims(shown) is None


def test_a_caller_is_known_by_a_digest_of_the_subject(tokens):
    caller = Access(ApiKeys(), tokens).caller({b"authorization": f"bearer {token()}".encode()})
    assert caller is not None
    assert "ann" not in caller.name
    assert caller.scopes == {"score", "recommend"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keys": []}, "keys"),
        ({"keys": [{"algorithm": "none", "file": "a"}]}, "algorithm"),
        ({"keys": [{"algorithm": "RS256", "file": "{folder}/public.pem"}]}, "no public key for RS256"),
        ({"keys": [{"algorithm": "HS256", "file": "{folder}/public.pem"}]}, "no secret"),
        ({"keys": [{"algorithm": "EdDSA", "file": "{folder}/nothing"}]}, "cannot be read"),
        ({"issuer": ""}, "issuer"),
    ],
)
def test_settings_that_could_let_anybody_in_are_refused(tmp_path, changes, message):
    (tmp_path / "public.pem").write_bytes(PUBLIC)
    text = json.dumps(settings(tmp_path, **changes)).replace("{folder}", str(tmp_path))
    with pytest.raises(ConfigError, match=message):
        Tokens.here({"ATTUNE_TOKENS": text})
