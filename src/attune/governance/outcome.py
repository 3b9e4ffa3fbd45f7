"""What the gate decided about a version, as the version keeps it."""

from attune.evaluation.gate import Decision

DECISION_FILE = "decision.json"


class Outcome(Decision):
    """The gate's decision and what it was made against.

    Attributes:
        compared_with: The champion at the time; None for none.
        cause: What started the run.
    """

    model: str
    compared_with: int | None
    cause: str
