"""A checkpoint of training: one file of tensors and facts, whole or not at all, without pickle."""

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from attune.errors import ModelError

_FACTS = "facts"


def write_checkpoint(file: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and facts to one file; a process that is killed leaves the old file or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(kept, metadata={_FACTS: json.dumps(facts, sort_keys=True)})
    unfinished = file.with_name(f".{file.name}.unfinished")
    with unfinished.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    unfinished.replace(file)


def read_checkpoint(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_checkpoint` wrote.

    Raises:
        ModelError: The file is not a checkpoint.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            facts = json.loads((opened.metadata() or {})[_FACTS])
            return {name: opened.get_tensor(name) for name in opened.keys()}, facts  # noqa: SIM118
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelError(f"{file} is not a checkpoint ({error}); remove it to train anew") from error
