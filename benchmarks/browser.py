"""A headless Chromium, driven by its own protocol: what it loads, how long, and what it makes of it."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_STARTS_S, _LOADS_S = 60.0, 60.0


@dataclass
class Loaded:
    """One page as the browser met it.

    Attributes:
        seconds: From asking until all is loaded.
        bytes: Over the wire, with headers.
        addresses: Everything it asked for.
        complaints: What it wrote to its console: refused styles, broken markup, missing files.
    """

    status: int = 0
    seconds: float = 0.0
    bytes: int = 0
    addresses: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One tab."""

    def __init__(self, socket: ClientConnection):
        self._socket = socket
        self._number = 0
        self._events: list[dict[str, Any]] = []
        for domain in ("Page", "Network", "Log", "Runtime", "Accessibility"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer.

        Raises:
            RuntimeError: The browser refuses it.
        """
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=_LOADS_S))
            if message.get("id") != self._number:
                self._events.append(message)
                continue
            if "error" in message:
                raise RuntimeError(f"{method}: {message['error']['message']}")
            result: dict[str, Any] = message["result"]
            return result

    def open(self, address: str) -> Loaded:
        """Go to an address and wait until the page and all it asks for are there."""
        self._events.clear()
        began = time.perf_counter()
        self.do("Page.navigate", url=address)
        self._wait_for("Page.loadEventFired")
        loaded = Loaded(seconds=time.perf_counter() - began)
        for event in self._events:
            _note(loaded, event["method"], event["params"])
        return loaded

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression; the page's own policy does not bind the protocol."""
        found = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(f"{expression[:80]}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def leave_by(self, expression: str) -> None:
        """Do something that leads to another page, and wait for that."""
        self._events.clear()
        self.ask(expression)
        self._wait_for("Page.loadEventFired")

    def press(self, key: str) -> None:
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[key]
        for kind in ("keyDown", "keyUp"):
            self.do("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def resize(self, width: int, height: int = 900, scheme: str = "light") -> None:
        """Be a window of another size, in light or dark."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, file: Path) -> None:
        """A picture of the whole page."""
        content = self.do("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        file.write_bytes(base64.b64decode(content))

    def printed(self) -> bytes:
        """The page as PDF on A4."""
        content = self.do("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)[
            "data"
        ]
        return base64.b64decode(content)

    def _wait_for(self, method: str) -> None:
        while not any(event["method"] == method for event in self._events):
            message = json.loads(self._socket.recv(timeout=_LOADS_S))
            if "method" in message:
                self._events.append(message)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own that reaches no host but this machine.

    Raises:
        RuntimeError: There is no Chromium, or it does not start.
    """
    program = chromium()
    if program is None:
        raise RuntimeError("no chromium; install it (apt-get install chromium)")
    command = [
        program,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={profile}",
        "--remote-debugging-port=0",
        "about:blank",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(_tab(profile, process), max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait()


def _tab(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """The address of the browser's one tab, once it listens."""
    file, until = profile / "DevToolsActivePort", time.monotonic() + _STARTS_S
    while time.monotonic() < until and process.poll() is None:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) == 2:
            with connect(f"ws://127.0.0.1:{lines[0]}{lines[1]}") as socket:
                socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
                targets = json.loads(socket.recv(timeout=_STARTS_S))["result"]["targetInfos"]
            pages = [target["targetId"] for target in targets if target["type"] == "page"]
            if pages:
                return f"ws://127.0.0.1:{lines[0]}/devtools/page/{pages[0]}"
        time.sleep(0.05)
    raise RuntimeError("chromium did not start; start it by hand and see what it says")


def _note(loaded: Loaded, method: str, params: dict[str, Any]) -> None:
    """Take one event of the protocol into account."""
    if method == "Network.requestWillBeSent":
        loaded.addresses.append(params["request"]["url"])
    elif method == "Network.responseReceived" and params["type"] == "Document":
        loaded.status = params["response"]["status"]
    elif method == "Network.loadingFinished":
        loaded.bytes += int(params["encodedDataLength"])
    elif method == "Log.entryAdded":
        loaded.complaints.append(params["entry"]["text"])
    elif method == "Runtime.exceptionThrown":
        loaded.complaints.append(str(params["exceptionDetails"]["text"]))
