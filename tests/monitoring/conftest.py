import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from attune.drift.verdicts import (
    DISTANCE,
    DRIFTED,
    INDEX,
    STABLE,
    Bars,
    Check,
    FeatureVerdict,
    Subject,
    Verdict,
    Window,
)

JULY, OCTOBER = datetime(2017, 7, 2, tzinfo=UTC), datetime(2017, 10, 1, tzinfo=UTC)


@pytest.fixture
def verdict() -> Verdict:
    """One number that drifted and one category that did not."""
    spend = FeatureVerdict(
        feature="spend_90d",
        description="Money paid in the last 90 days.",
        kind="number",
        method=INDEX,
        distance=0.4123,
        limit=0.1,
        word=DRIFTED,
        bars=Bars(labels=("up to 10", "over 10"), reference=(0.5, 0.5), current=(0.2, 0.8)),
    )
    band = FeatureVerdict(
        feature="age_band",
        description="Age band, or 'unknown'.",
        kind="category",
        method=DISTANCE,
        distance=0.01,
        limit=0.11,
        word=STABLE,
        bars=Bars(labels=("25-34", "unknown"), reference=(0.3, 0.7), current=(0.29, 0.71)),
    )
    return Verdict(
        subject=Subject(model="churn", version=3, feature_service="churn_v1", now=OCTOBER),
        word=DRIFTED,
        sentence="1 of 2 features moved beyond their limit: spend_90d (0.41, limit 0.10).",
        reference=Window(rows=20000, first=JULY, last=JULY),
        current=Window(rows=2317, first=OCTOBER, last=OCTOBER),
        checks=(Check(name="current: enough rows", found="2,317", wanted="at least 1,000", passed=True),),
        features=(spend, band),
        not_watched={"tenure_days": "It tells the calendar."},
    )


@pytest.fixture(scope="session")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Open a page in a headless Chromium that reaches no host, and give the document it made of it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        missing = "no chromium to open the page with; install it (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    profile = tmp_path_factory.mktemp("profile")

    def open_page(page: Path, *options: str) -> str:
        command = [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={profile}",
            "--virtual-time-budget=2000",
            *options,
            page.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    return open_page
