"""Is the data sane enough to speak of drift? Asked first: a broken column must never pass for a calm one."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attune.drift.monitor import DriftRules, Watched
from attune.drift.profile import Numbers, Profile, Unreadable
from attune.drift.verdicts import Check
from attune.features.parity_report import ANY_FEATURE, Difference, ParityReport
from attune.features.schema import VIEWS


def check_window(side: str, profile: Profile, watched: Sequence[Watched], rules: DriftRules) -> list[Check]:
    """Ask one window all questions; a feature that fails one is not asked the later ones.

    Args:
        side: "reference" or "current", for the text.
        profile: The window.
        watched: The features that have to be there.
        rules: How many rows are enough, and how much may be missing.

    Returns:
        One check a question, passed or not.
    """
    checks = [
        Check(
            name=f"{side}: enough rows",
            found=f"{profile.rows:,}",
            wanted=f"at least {rules.min_rows:,}",
            passed=profile.rows >= rules.min_rows,
        )
    ]
    left = list(watched)
    for question, wanted, find in _questions(rules.max_null_share):
        faults = {feature.name: fault for feature in left if (fault := find(profile, feature))}
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


def check_parity(report: ParityReport) -> Check:
    """Ask whether serving used the values that training is told; what is skewed is named.

    Args:
        report: Of answers that were compared.
    """
    return Check(
        name="answers: as in training",
        found=report.skew or "equal in every row that answers rested on",
        wanted="the values that training is told",
        passed=not report.skew,
        features=tuple(dict.fromkeys(name for each in report.differences for name in _features(each))),
    )


_Find = Callable[[Profile, Watched], str]


def _questions(max_null_share: float) -> tuple[tuple[str, str, _Find], ...]:
    def missing(profile: Profile, feature: Watched) -> str:
        column = profile.columns[feature.name]
        share = column.missing / column.rows if column.rows else 0.0
        return f"{share:.1%} missing" if share > max_null_share else ""

    return (
        ("columns present", "every watched feature", _absent),
        ("values there", f"at most {max_null_share:.0%} missing", missing),
        ("numbers are numbers", "no text where a number belongs", _not_a_number),
        ("finite", "no infinite value", _infinite),
        ("in range", "no value outside what the feature allows", _out_of_range),
    )


def _absent(profile: Profile, feature: Watched) -> str:
    return "" if feature.name in profile.columns else "no such column"


def _not_a_number(profile: Profile, feature: Watched) -> str:
    column = profile.columns[feature.name]
    if feature.kind == "category" or isinstance(column, Numbers):
        return ""
    return f"holds {column.holds if isinstance(column, Unreadable) else 'names'}"


def _infinite(profile: Profile, feature: Watched) -> str:
    column = profile.columns[feature.name]
    return f"{column.infinite:,} infinite" if isinstance(column, Numbers) and column.infinite else ""


def _out_of_range(profile: Profile, feature: Watched) -> str:
    column = profile.columns[feature.name]
    if not isinstance(column, Numbers) or column.minimum is None or column.maximum is None:
        return ""
    too_low = feature.minimum is not None and column.minimum < feature.minimum
    too_high = feature.maximum is not None and column.maximum > feature.maximum
    low = "-inf" if feature.minimum is None else f"{feature.minimum:g}"
    high = "inf" if feature.maximum is None else f"{feature.maximum:g}"
    found = f"values from {column.minimum:g} to {column.maximum:g}, allowed {low} to {high}"
    return found if too_low or too_high else ""


def _features(found: Difference) -> tuple[str, ...]:
    return VIEWS[found.view].feature_names if found.feature == ANY_FEATURE else (found.feature,)


def _summary(faults: dict[str, str]) -> str:
    shown = [f"{name} ({fault})" for name, fault in list(faults.items())[:3]]
    return ", ".join(shown) + (f" and {len(faults) - 3} more" if len(faults) > 3 else "")
