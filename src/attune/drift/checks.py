"""Is the data sane enough to speak of drift? Asked first: a broken column must never pass for a calm one."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from attune.drift.monitor import DriftRules, Watched
from attune.drift.verdicts import Check


def check_window(
    side: str, frame: pd.DataFrame, watched: Sequence[Watched], rules: DriftRules
) -> list[Check]:
    """Ask one window all questions; a feature that fails one is not asked the later ones.

    Args:
        side: "reference" or "current", for the text.
        frame: The rows of the window.
        watched: The features that have to be there.
        rules: How many rows are enough, and how much may be missing.

    Returns:
        One check a question, passed or not.
    """
    checks = [
        Check(
            name=f"{side}: enough rows",
            found=f"{len(frame):,}",
            wanted=f"at least {rules.min_rows:,}",
            passed=len(frame) >= rules.min_rows,
        )
    ]
    left = list(watched)
    for question, wanted, find in _questions(rules.max_null_share):
        faults = {feature.name: fault for feature in left if (fault := find(frame, feature))}
        left = [feature for feature in left if feature.name not in faults]
        checks.append(
            Check(
                name=f"{side}: {question}",
                found=_summary(faults) or f"all of {len(left)} features",
                wanted=wanted,
                passed=not faults,
                features=tuple(faults),
            )
        )
    return checks


def check_age(last: datetime, now: datetime, max_age_days: int) -> Check:
    """Ask whether the current window is recent enough to be called current."""
    age = now - last
    return Check(
        name="current: recent",
        found=f"features as of {last:%Y-%m-%d}, {age / timedelta(days=1):.0f} days old",
        wanted=f"at most {max_age_days} days before {now:%Y-%m-%d}, and not after it",
        passed=timedelta(0) <= age <= timedelta(days=max_age_days),
    )


_Find = Callable[[pd.DataFrame, Watched], str]


def _questions(max_null_share: float) -> tuple[tuple[str, str, _Find], ...]:
    def missing(frame: pd.DataFrame, feature: Watched) -> str:
        share = float(frame[feature.name].isna().mean()) if len(frame) else 0.0
        return f"{share:.1%} missing" if share > max_null_share else ""

    return (
        ("columns present", "every watched feature", _absent),
        ("values there", f"at most {max_null_share:.0%} missing", missing),
        ("numbers are numbers", "no text where a number belongs", _not_a_number),
        ("finite", "no infinite value", _infinite),
        ("in range", "no value outside what the feature allows", _out_of_range),
    )


def _absent(frame: pd.DataFrame, feature: Watched) -> str:
    return "" if feature.name in frame.columns else "no such column"


def _not_a_number(frame: pd.DataFrame, feature: Watched) -> str:
    values = frame[feature.name]
    if feature.kind == "category" or is_numeric_dtype(values) or is_bool_dtype(values):
        return ""
    return f"holds {values.dtype}"


def _infinite(frame: pd.DataFrame, feature: Watched) -> str:
    if feature.kind == "category":
        return ""
    count = int(np.isinf(_floats(frame[feature.name])).sum())
    return f"{count:,} infinite" if count else ""


def _out_of_range(frame: pd.DataFrame, feature: Watched) -> str:
    if feature.kind == "category" or not len(frame):
        return ""
    values = _floats(frame[feature.name])
    low = -np.inf if feature.minimum is None else feature.minimum
    high = np.inf if feature.maximum is None else feature.maximum
    count = int(((values < low) | (values > high)).sum())
    return f"{count:,} outside {low:g} to {high:g}" if count else ""


def _floats(values: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _summary(faults: dict[str, str]) -> str:
    shown = [f"{name} ({fault})" for name, fault in list(faults.items())[:3]]
    return ", ".join(shown) + (f" and {len(faults) - 3} more" if len(faults) > 3 else "")
