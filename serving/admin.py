"""A second port for those who run the server: metrics, models, description and health, apart from callers."""

import socket
import threading
from collections.abc import Mapping

import uvicorn

from serving.edge import Edge
from serving.routes import Page, Route

ENDING_SECONDS = 5.0


def inside(routes: Mapping[str, Route]) -> dict[str, Route]:
    """What the admin port answers: every page, no question."""
    return {path: route for path, route in routes.items() if isinstance(route, Page)}


def outside(routes: Mapping[str, Route]) -> dict[str, Route]:
    """What is left for callers where there is an admin port."""
    return {
        path: route for path, route in routes.items() if not (isinstance(route, Page) and route.is_inside)
    }


class AdminServer:
    """Listens beside a worker, in a thread of its own; the workers of one server share the port."""

    def __init__(self, edge: Edge, host: str, port: int) -> None:
        """Listen.

        Args:
            edge: Answers the pages.
            host: The address to listen on.
            port: The port, which every worker may take.

        Raises:
            OSError: Somebody else has the port.
        """
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
        config = uvicorn.Config(edge, lifespan="off", log_config=None, access_log=False, server_header=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="admin", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Finish what is being answered and stop listening."""
        self._server.should_exit = True
        self._thread.join(ENDING_SECONDS)
