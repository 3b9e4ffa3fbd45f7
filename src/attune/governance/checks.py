"""One thing that was written down, and what is found of it now."""

from typing import Literal

from attune.config import Settings

State = Literal["holds", "differs", "not here"]


class Check(Settings):
    """What was recorded and what is found.

    Attributes:
        what: What it is, in words.
        recorded: The digest, or the word, that was written down.
        found: The same, computed now; None where there is nothing to compute it from.
    """

    what: str
    recorded: str
    found: str | None

    @property
    def state(self) -> State:
        """Whether the two are the same."""
        if self.found is None:
            return "not here"
        return "holds" if self.found == self.recorded else "differs"
