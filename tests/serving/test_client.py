import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import ValidationError

from serving.client import AttuneClient, ServiceError


class Foreign(BaseHTTPRequestHandler):
    """Some other server that happens to listen there."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def foreign() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Foreign)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_that_is_not_there_is_named():
    with AttuneClient("http://127.0.0.1:9") as client, pytest.raises(ServiceError, match=r"127\.0\.0\.1:9"):
        client.models()


def test_another_server_is_not_believed(foreign):
    with AttuneClient(foreign) as client, pytest.raises(ServiceError, match="something else"):
        client.models()


def test_a_question_that_breaks_the_contract_is_not_sent():
    with AttuneClient("http://127.0.0.1:9") as client, pytest.raises(ValidationError):
        client.recommend("ann", k=0)
