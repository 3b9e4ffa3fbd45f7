"""How long work says where it is: one marked line, which survives being run in a pod or a subprocess."""

MARK = "[attune] "


def say(message: str) -> None:
    """Print one line of progress; whoever started the process picks it out by its mark."""
    print(f"{MARK}{message}", flush=True)
