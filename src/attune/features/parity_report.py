"""What a comparison of offline, online and served values says: by view and side, with all that differs."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from attune.config import Settings

Word = Literal["equal", "skewed", "not computed"]
Side = Literal["online", "served"]
ANY_FEATURE = "any of the view"
SHOWN = 3


class Difference(Settings):
    """One value that is another one elsewhere.

    Attributes:
        feature: Its name, or `ANY_FEATURE` where only a digest of the view's values was kept.
        customer: By pseudonym.
        as_of: The moment that both values are of.
        offline: What training is told; None where nothing was known.
        other: What the online store holds, or a digest of what serving used.
    """

    view: str
    feature: str
    customer: str
    as_of: datetime
    offline: Any
    other: Any


class Proof(Settings):
    """One view, compared on one side.

    Attributes:
        compared: How many values (served: digests) were compared.
    """

    view: str
    side: Side
    word: Word
    compared: int = Field(ge=0)
    differences: tuple[Difference, ...] = ()

    @classmethod
    def of(cls, view: str, side: Side, compared: int, found: Sequence[Difference]) -> "Proof":
        """Equal only where something was compared and nothing differs."""
        word: Word = "not computed" if not compared else "skewed" if found else "equal"
        return cls(view=view, side=side, word=word, compared=compared, differences=tuple(found))


class ParityReport(Settings):
    """What was compared, and what differs."""

    proofs: tuple[Proof, ...]

    @property
    def word(self) -> Word:
        """Skewed where anything is; equal where every view was compared, online if that was looked at."""
        words = [proof.word for proof in self.proofs]
        if "skewed" in words:
            return "skewed"
        online = [proof.word for proof in self.proofs if proof.side == "online"]
        return "equal" if words and set(online or words) == {"equal"} else "not computed"

    @property
    def differences(self) -> list[Difference]:
        """All that differs."""
        return [each for proof in self.proofs for each in proof.differences]

    @property
    def skew(self) -> str:
        """What differs and how often, in words, the most frequent first; empty where nothing does.

        For example `customer_activity.spend_90d in 3 of 200 rows`; a view where the feature is not known.
        """
        counts = Counter(
            each.view if each.feature == ANY_FEATURE else f"{each.view}.{each.feature}"
            for each in self.differences
        )
        named = [f"{name} in {count:,}" for name, count in counts.most_common(SHOWN)]
        more = f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
        compared = sum(proof.compared for proof in self.proofs)
        return f"{', '.join(named)}{more} of {compared:,} rows" if named else ""
