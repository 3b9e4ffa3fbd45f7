"""What stands against a promotion, whatever the gate says of the figures."""

from collections.abc import Iterable
from datetime import datetime

from attune.config import Workspace
from attune.governance.manifest import Manifest
from attune.retraining.history import standing
from attune.retraining.rules import RetrainingRules

HOLDOUT_LOOKS = 32  # so often one test window may be asked; who asks often enough hears what he wants
_TEST = "test"


def obstacle_to_promotion(
    workspace: Workspace,
    model: str,
    test: Iterable[datetime],
    now: datetime,
    versions: Iterable[Manifest],
) -> str | None:
    """Say why nothing may be promoted now, or None.

    Args:
        workspace: Knows when the model was last looked at.
        model: The served model.
        test: The as-of dates of the run's test examples.
        now: What is known up to when.
        versions: Every version of the model: each of them was a look at its test window.

    Raises:
        IntegrityError: The log was changed or cut.
    """
    state = standing(workspace, model)
    if state.silent(now, RetrainingRules()):
        return (
            f"monitoring of {model} came to its last result on {state.last_result:%Y-%m-%d}: its condition "
            f"is unknown; run attune monitor {model} and promote again"
        )
    dates = list(test)
    looks = sum(
        (window := manifest.window.get(_TEST)) is not None
        and (window.first, window.last) == (min(dates), max(dates))
        for manifest in versions
    )
    if looks >= HOLDOUT_LOOKS:
        return (
            f"the test window up to {max(dates):%Y-%m-%d} was asked {looks} times and tells nothing new any "
            f"more (at most {HOLDOUT_LOOKS}); wait for newer labels"
        )
    return None
