"""How old and how large an order is, in the buckets of `OrderEncoder`."""

import numpy as np
import numpy.typing as npt

Buckets = npt.NDArray[np.int64]


def age_buckets(age_O: npt.NDArray[np.float64], count: int) -> Buckets:
    """Half-octaves of days from a quarter of a day on; the last bucket takes all that is older."""
    octaves_O = np.log2(age_O.astype(np.float32) + np.float32(0.25)) + np.float32(2)
    bucket_O: Buckets = (octaves_O * 2).astype(np.int64)
    return bucket_O.clip(0, count - 1)


def size_buckets(size_O: npt.NDArray[np.int64], count: int) -> Buckets:
    """Octaves of purchases in an order; the last bucket takes all that are larger."""
    return np.log2(size_O.astype(np.float32)).astype(np.int64).clip(0, count - 1)
