"""Taking a version back: the registry does it, and the controller of retraining hears of it.

Two in a week pause retraining, whoever took them back: a command, a page, or monitoring itself.
"""

from datetime import datetime

from attune.config import Workspace
from attune.governance.stages import Promotion
from attune.registry import Registry, Version
from attune.retraining.controller import Controller
from attune.retraining.decide import Step
from attune.retraining.rules import RetrainingRules


def roll_back(workspace: Workspace, model: str, reason: str, cause: str) -> Promotion:
    """Make the champion before the present one champion again, and let the controller know.

    Raises:
        RegistryError: There is none before, or its folder is damaged.
        PromotionConflictError: Somebody else changed the champion meanwhile.
    """
    done = Registry(workspace).roll_back(model, reason, cause)
    said = f"Rolled back to version {done.version}: {reason}"
    Controller(workspace, RetrainingRules()).rolled_back(model, done.promoted_at, said)
    return done


def end_trial(workspace: Workspace, version: Version, reason: str, at: datetime) -> Step:
    """Take a version off its trial: it is a candidate again, and the controller hears of a rollback.

    Raises:
        RegistryError: It is on no trial.
    """
    Registry(workspace).move(version.name, version.version, "candidate", reason, "monitoring")
    said = f"Version {version.version} was taken off its trial: {reason}"
    return Controller(workspace, RetrainingRules()).rolled_back(version.name, at, said)
