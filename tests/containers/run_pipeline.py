"""Run a pipeline of ours by KFP, each component in a container; the request is on standard input.

KFP keeps its settings in the process and is loud, so this is a process of its own.
"""

import json
import sys
import warnings
from pathlib import Path

from docker.models.containers import ContainerCollection
from kfp import local

from pipelines.catalog import load_pipeline


def main() -> None:
    request = json.load(sys.stdin)
    # KFP lets the engine remove a container that has ended, and takes one that is gone already for a success.
    run = ContainerCollection.run
    ContainerCollection.run = lambda self, **told: run(self, **{**told, "auto_remove": False})
    warnings.filterwarnings("ignore", message="You may be attemping to run a task that uses custom")
    hardened = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}
    local.init(
        runner=local.DockerRunner(
            **hardened,
            tmpfs={"/tmp": "size=512m"},
            network_mode="none",
            user=request["user"],
            labels=request["labels"],
            environment=request["environment"],
        ),
        pipeline_root=request["pipeline_root"],
    )
    task = load_pipeline(request["pipeline"])(**request["arguments"])
    outputs = {name: str(getattr(value, "path", value)) for name, value in task.outputs.items()}
    Path(request["outputs_file"]).write_text(json.dumps(outputs))


if __name__ == "__main__":
    main()
