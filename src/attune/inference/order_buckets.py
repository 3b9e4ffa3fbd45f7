"""Ages, sizes and places in the buckets of the encoders.

Outside the graphs: numpy's logarithm of a power of two is exact, theirs is not.
"""

import numpy as np
import numpy.typing as npt

Buckets = npt.NDArray[np.int64]

_PLACES = 24


def age_buckets(age_O: npt.NDArray[np.float64], count: int) -> Buckets:
    """Half-octaves of days from a quarter of a day on; the last bucket takes all that is older."""
    octaves_O = np.log2(age_O.astype(np.float32) + np.float32(0.25)) + np.float32(2)
    bucket_O: Buckets = (octaves_O * 2).astype(np.int64)
    return bucket_O.clip(0, count - 1)


def size_buckets(size_O: npt.NDArray[np.int64], count: int) -> Buckets:
    """Octaves of purchases in an order; the last bucket takes all that are larger."""
    return np.log2(size_O.astype(np.float32)).astype(np.int64).clip(0, count - 1)


def place_buckets(before_L: npt.NDArray[np.int64]) -> Buckets:
    """Half-octaves of how many interactions came before each."""
    octaves_L = np.log2(before_L.astype(np.float32) + np.float32(1))
    bucket_L: Buckets = (octaves_L * 2).astype(np.int64)
    return bucket_L.clip(max=_PLACES - 1)
