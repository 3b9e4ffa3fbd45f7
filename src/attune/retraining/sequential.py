"""A comparison that may be looked at as often as one likes: an interval that holds at all times at once.

A test for a fixed number of rows that is looked at twenty times finds a difference between equals in every
fourth case. This one is the asymptotic confidence sequence of a normal mixture (Waudby-Smith, Arbour, Sinha,
Kennedy and Ramdas, 2024): under no number of looks does it err more often than it says.
"""

from math import log, sqrt

import numpy as np
import numpy.typing as npt

from attune.errors import ConfigError

Floats = npt.NDArray[np.float64]


def always_valid_interval(
    differences: Floats, level: float = 0.95, tightest_at: int = 1000
) -> tuple[float, float] | None:
    """The mean of paired differences, with an interval that holds however often it was looked at before.

    Args:
        differences: Challenger minus champion on each of the first N rows, shape [N].
        level: How sure to be, over all looks together.
        tightest_at: The number of rows at which the interval is as narrow as it can be.

    Returns:
        Low and high end; None on fewer than two rows.

    Raises:
        ConfigError: The level is no probability, or there is no such number of rows.
    """
    if not 0 < level < 1 or tightest_at < 1:
        raise ConfigError(f"level {level} and {tightest_at} rows; wanted a level below 1 and rows above 0")
    rows = len(differences)
    if rows < 2:
        return None
    alpha = 1 - level
    rho = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / tightest_at
    spread = float(differences.std(ddof=1))
    width = spread * sqrt(2 * (rows * rho + 1) / (rows**2 * rho) * log(sqrt(rows * rho + 1) / alpha))
    mean = float(differences.mean())
    return mean - width, mean + width
