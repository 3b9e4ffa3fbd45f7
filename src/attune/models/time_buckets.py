"""How long ago something was, in buckets that a network has weights for."""

import numpy as np
import numpy.typing as npt

# Half-octaves from a minute on. Torch and numpy compare alike, but round logarithms differently.
BORDERS_IN_DAYS = (2.0 ** (np.arange(47) / 2) / 1440).astype(np.float32)
TIME_BUCKETS = len(BORDERS_IN_DAYS) + 1


def time_buckets(days: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The bucket of each length of time; the last one takes all beyond two decades.

    >>> time_buckets(np.array([-1, 0, 1 / 1000, 1, 7, 30, 365, 1e6], dtype=np.float32)).tolist()
    [0, 0, 2, 21, 27, 31, 39, 47]
    """
    return np.searchsorted(BORDERS_IN_DAYS, days, side="right").astype(np.int64)
