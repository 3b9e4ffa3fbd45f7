"""The service as BentoML runs it: BentoML gives the process and its life, the edge the HTTP contract."""

import gc
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import bentoml
from _bentoml_sdk import Service
from _bentoml_sdk.service import get_current_service

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.config import Workspace
from attune.features.read_plan import OnlineReader
from serving.access import Access
from serving.admin import AdminServer, inside, outside
from serving.application import Application, check
from serving.edge import Edge
from serving.routes import Route
from serving.routing import routes_of
from serving.settings import ServingSettings
from serving.supervisor import end_with_supervisor
from serving.traces import open_traces
from serving.turn import Turn

SWITCH_SECONDS = 0.0005
TURN_FILE = "answering.lock"  # in the folder of this server alone, see serving/process.py


class EdgeService(Service[Any]):  # type: ignore[misc]  # BentoML ships this class without types
    """A BentoML service whose outermost layer is ours; BentoML's own routes are not reached."""

    __slots__ = ()

    def to_asgi(self, is_main: bool = True) -> Edge:
        """Put the edge around BentoML's application, which then only starts and ends the service."""
        inner = super().to_asgi(is_main=is_main)
        settings = ServingSettings.here()
        return Edge(
            inner, lambda: get_current_service().routes, Access.here(), settings, open_traces(settings)
        )


@bentoml.service(
    name="attune",
    workers=2 if ServingSettings.here().spare else 1,
    http={"host": "127.0.0.1"},
    logging={"access": {"enabled": False}},
)
class Attune:
    """Recommendations and churn probabilities from the champions of one workspace."""

    def __init__(self) -> None:
        end_with_supervisor()
        workspace, settings = Workspace.here(), ServingSettings.here()
        features = OnlineReader(open_rows(workspace.feast / ONLINE_FILE))
        self._application = Application(workspace, features, settings)
        routes = routes_of(self._application, settings)
        self.routes = outside(routes) if settings.admin_port else routes
        self._admin = _admin(settings, inside(routes))
        self._turn = Turn(Path(gettempdir()) / TURN_FILE) if settings.spare else None

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check_first() -> None:
        """Refuse to start, in words, over what could not answer; a worker would only fail again and again."""
        check(Workspace.here())

    @bentoml.on_startup  # type: ignore[untyped-decorator]
    async def settle(self) -> None:
        """Leave what was made while starting out of every later garbage collection; wait for our turn."""
        # Without this the collector walks some 200,000 objects again and again: the tail of the latencies.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        # The thread that answers gives the interpreter away at each call of the store and the model; beside a
        # loop that is busy with refusals it would get it back only after 5 ms each time.
        sys.setswitchinterval(SWITCH_SECONDS)
        if self._turn:
            await self._turn.come()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Bring the prediction log to the disk."""
        if self._admin:
            self._admin.close()
        self._application.close()


def _admin(settings: ServingSettings, pages: Mapping[str, Route]) -> AdminServer | None:
    if settings.admin_port is None:
        return None
    edge = Edge(None, lambda: pages, Access.here(), settings)
    return AdminServer(edge, settings.admin_host, settings.admin_port)


# `Service` is a class with slots, so an instance cannot be patched; its class can be exchanged for ours.
Attune.__class__ = EdgeService  # type: ignore[method-assign]
