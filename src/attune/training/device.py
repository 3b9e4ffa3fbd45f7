"""Where tensors are computed: the accelerator where there is one, the processor where there is none."""

import torch


def best_device() -> torch.device:
    """The device that trains fastest here."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("cpu")
