"""The process above the workers: workers end when it does, however it ends."""

import os
import signal
import threading
import time

SUPERVISOR_VARIABLE = "ATTUNE_SUPERVISOR"
LOOK_EVERY_SECONDS = 0.5


def end_with_supervisor() -> None:
    """End this worker, after what it is answering, as soon as its supervisor is gone.

    BentoML's supervisor ends its workers when it is asked to end; killed outright it leaves them behind.
    """
    supervisor = int(os.environ.get(SUPERVISOR_VARIABLE, os.getppid()))
    threading.Thread(target=_follow, args=(supervisor,), name="supervisor", daemon=True).start()


def _follow(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(LOOK_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
