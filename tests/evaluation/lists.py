"""Recommended lists as sentences."""

import numpy as np


def lists(*rows: str, k: int = 10) -> np.ndarray:
    """Each row k long, padded with None."""
    return np.array([row.split() + [None] * (k - len(row.split())) for row in rows], dtype=object)
