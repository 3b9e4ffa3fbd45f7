"""One process of a training job: `python -m attune.training.node FOLDER`, plain or under torchrun."""

import sys
from pathlib import Path

from attune.training.nodes import learn

if __name__ == "__main__":
    learn(Path(sys.argv[1]))
