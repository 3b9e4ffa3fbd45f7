import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from attune.errors import ConfigError
from attune.retraining.decide import Said
from monitoring.webhook import WEBHOOK_VARIABLE, tell_chat

SAID = [Said(event="looked", cause="Calm."), Said(event="triggered", cause="Drift as of 2017-10-01.")]


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, str]]]:
    """A chat that remembers what it was told."""
    told: list[dict[str, str]] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv(WEBHOOK_VARIABLE, f"http://127.0.0.1:{server.server_port}/hook")
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_chat_is_told_what_is_news_and_nothing_else(chat: list[dict[str, str]]):
    assert tell_chat("churn", SAID)
    assert chat == [{"text": "churn: triggered. Drift as of 2017-10-01."}]
    assert not tell_chat("churn", SAID[:1])
    assert len(chat) == 1


def test_a_chat_that_is_not_there_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv(WEBHOOK_VARIABLE, "http://127.0.0.1:9/hook")
    assert not tell_chat("churn", SAID)
    assert "the chat was not told" in capsys.readouterr().out


def test_without_an_address_nobody_is_told_and_a_wrong_one_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(WEBHOOK_VARIABLE, raising=False)
    assert not tell_chat("churn", SAID)
    monkeypatch.setenv(WEBHOOK_VARIABLE, "file:///etc/passwd")
    with pytest.raises(ConfigError, match="no address of HTTP"):
        tell_chat("churn", SAID)
