"""The largest resident memory of this process."""

from pathlib import Path

KIB_A_GIB = 2**20


def peak_gib() -> float:
    """The peak since this program began, in GiB, as Linux counts it (`VmHWM`).

    `ru_maxrss` would also count what the process that started it held at that moment.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / KIB_A_GIB
