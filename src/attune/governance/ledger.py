"""The registry of record: which versions exist, where they stand, and who decided what when.

A change is one transaction, alone among writers: its event in the log, and what it changes in the tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attune.errors import PromotionConflictError, RegistryError
from attune.governance.database import Database
from attune.governance.events import Event
from attune.governance.heads import Heads
from attune.governance.record import Reader, Writer
from attune.governance.stages import Promotion, check_move, line_of_champions


class Ledger:
    """Versions, stages, approvals and the log of one registry."""

    def __init__(self, url: str, keys: Path, heads: Path):
        self._database = Database(url)
        self._keys = keys
        self._heads = Heads(heads, keys)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """One transaction that sees one state."""
        with self._database.reading() as connection:
            yield Reader(connection, self._keys, self._heads)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One transaction; what it did is undone when it ends in an error or with its process.

        Raises:
            RegistryError: The database cannot be written; or it was, and the signed head could not follow.
        """
        with self._database.writing() as connection:
            writer = Writer(connection, self._keys, self._heads)
            yield writer
        if writer.last is not None:
            self._sign(writer.last)

    def _sign(self, last: Event) -> None:
        try:
            self._heads.reach(last)
        except OSError as error:
            raise RegistryError(
                f"event {last.sequence} is recorded, but its head could not be signed ({error}); free space: "
                "the next change signs it too"
            ) from error

    def promote(
        self,
        name: str,
        version: int,
        expected: int | None,
        reason: str,
        cause: str,
        *,
        sequence: int | None = None,
        approval: str | None = None,
    ) -> Promotion:
        """Make a version the champion if the champion still is the one that was compared with it.

        Args:
            name: The model.
            version: Who is to be champion.
            expected: The champion that the decision was made against; None for none.
            reason: Why, in words.
            cause: What started it: a person, a schedule, a verdict of drift.
            sequence: The last change of champion that the decision knows; None where it does not say.
            approval: The digest of the approval that it rests on, if on one.

        Raises:
            PromotionConflictError: Somebody else promoted first; the message names the winner.
            RegistryError: The version is the champion already.
        """
        with self.writing() as writer:
            last = writer.last_promotion(name)
            _refuse_late(name, version, (expected, sequence), last)
            check_move(name, version, writer.stages(name)[version], "champion")
            change = _change(last, reason, cause, approval)
            writer.change_champion(change, "promoted", name, version)
            assert writer.last is not None
            return Promotion.read(writer.last)

    def roll_back(self, name: str, expected: int, target: int, reason: str, cause: str) -> Promotion:
        """Make the champion before the present one champion again.

        Raises:
            PromotionConflictError: Somebody else changed the champion first.
            RegistryError: The target is not the champion before.
        """
        with self.writing() as writer:
            promotions = writer.promotions(name)
            last = promotions[-1] if promotions else None
            _refuse_late(name, target, (expected, None), last)
            if line_of_champions(promotions)[-2:] != [target, expected]:
                raise RegistryError(f"version {target} of {name} is not the champion before {expected}")
            change = _change(last, reason, cause, None)
            writer.change_champion(change, "rolled back", name, target)
            assert writer.last is not None
            return Promotion.read(writer.last)


def _change(last: Promotion | None, reason: str, cause: str, approval: str | None) -> dict[str, Any]:
    return {
        "sequence": last.sequence + 1 if last else 1,
        "previous": last.version if last else None,
        "reason": reason,
        "cause": cause,
        "approval": approval,
    }


def _refuse_late(
    name: str, version: int, seen: tuple[int | None, int | None], last: Promotion | None
) -> None:
    """Compare what a decision was made against with what is."""
    expected, sequence = seen
    champion, current = (last.version, last.sequence) if last else (None, 0)
    if champion == expected and sequence in (None, current):
        return
    compared = f"version {version} was compared with {f'version {expected}' if expected else 'no champion'}"
    if sequence is not None:
        compared += f" after change {sequence}"
    if last is None:
        raise PromotionConflictError(f"{name} has no champion, but {compared}; compare again and promote")
    raise PromotionConflictError(
        f"version {last.version} of {name} became champion on {last.promoted_at:%Y-%m-%d %H:%M:%S} UTC "
        f"({last.cause}) by change {last.sequence}, but {compared}; compare it with version "
        f"{last.version} and promote again"
    )
