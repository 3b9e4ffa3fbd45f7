"""Where tensors are computed: the accelerator where there is one, the processor where there is none."""

import os

import torch


def best_device() -> torch.device:
    """The device that trains fastest here."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("cpu")


def use_cores() -> int:
    """Give torch the cores this process may really use, and say how many they are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(cores)
    return cores
