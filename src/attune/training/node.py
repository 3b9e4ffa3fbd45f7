"""One process of a training job: `python -m attune.training.node FOLDER`, plain or under torchrun.

It ends when its work is done, or when nobody waits for it any more.
"""

import sys
from pathlib import Path

from attune.training.heartbeat import end_without
from attune.training.nodes import ALIVE_FILE, learn


def main(folder: Path) -> None:
    """Do this process's part of the job in a folder."""
    if (folder / ALIVE_FILE).exists():
        end_without(folder / ALIVE_FILE)
    learn(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
