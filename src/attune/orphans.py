"""A process that ends with the one that started it, also when that one is killed without warning."""

import multiprocessing
import os
import signal
import sys
import threading


def end_with_parent() -> None:
    """End this process and its children as soon as the parent lets go of our standard input.

    The parent starts us in a process group of our own and holds the writing end of our standard input. The
    system closes that end when the parent ends, however it ends, so nothing has to be cleaned up by anyone.
    """
    threading.Thread(target=_wait_then_end, daemon=True).start()


def _wait_then_end() -> None:
    # The bare descriptor: a buffered read would hold a lock that the interpreter wants at its own end.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def end_with_starter() -> None:
    """End this process, one of a pool, when the process that started the pool ends."""
    threading.Thread(target=_wait_for_starter, daemon=True).start()


def _wait_for_starter() -> None:
    starter = multiprocessing.parent_process()
    if starter is not None:
        starter.join()
        os._exit(1)
