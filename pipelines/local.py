"""One pipeline run on this machine, in a process of its own: KFP's runner is loud, the caller reads its log.

The caller writes one line of JSON to our standard input and keeps it open: when the caller dies, so do we and
the components under us, and nobody is left writing into a workspace that somebody else has taken over.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

from kfp import dsl, local
from kfp.dsl.pipeline_task import PipelineTask

from attune.orphans import end_with_parent
from pipelines.catalog import load_pipeline


def main() -> None:
    """Read a request, run its pipeline, and write what came out."""
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    end_with_parent()
    # KFP doubts images without "python" in their name; this interpreter has all that ours has.
    warnings.filterwarnings("ignore", message="You may be attemping to run a task that uses custom")
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=request["pipeline_root"],
        workspace_root=request["scratch"],
        raise_on_error=True,
        enable_caching=True,
        cache_root=request["cache_root"],
    )
    task = load_pipeline(request["pipeline"])(**request["arguments"])
    outputs = _plain(task)
    Path(request["outputs_file"]).write_text(json.dumps(outputs), encoding="utf-8")


def _plain(task: PipelineTask) -> dict[str, Any]:
    """The outputs of a run: artifacts as paths, parameters as they are."""
    return {
        name: value.path if isinstance(value, dsl.Artifact) else value for name, value in task.outputs.items()
    }


if __name__ == "__main__":
    main()
