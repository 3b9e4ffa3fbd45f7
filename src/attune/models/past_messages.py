"""What a customer was sent, in order, for networks over tables: how, when, and whether it was answered.

N examples, L messages at most, E facts about each. Reading needs numpy alone, so that a server reads messages
with the very code that training did.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.columns import (
    CHANNEL,
    FORMAT,
    MESSAGE_ANSWERS,
    MESSAGE_CHANNELS,
    MESSAGE_FORMATS,
    MESSAGE_TIMES,
    PAST_MESSAGES,
)
from attune.errors import ModelError
from attune.models.tabular import FeatureTable

_DAY = 86_400
_PLAIN = 4  # that there is a message at all, its age, the pause before it, whether it was answered
# Past message -> the feature of the message that is asked about, whose words it shares.
_WORDS = {MESSAGE_CHANNELS: CHANNEL, MESSAGE_FORMATS: FORMAT}


class PastMessages:
    """Turns the lists of message_history into facts, with the words of a feature table."""

    def __init__(self, table: FeatureTable, length: int) -> None:
        """Prepare for a table.

        Args:
            table: Knows channels and formats; a word that it does not know counts as unknown.
            length: How many messages at most.
        """
        self._codes = {
            name: {word: code for code, word in enumerate(table.categories.get(of, ()), start=1)}
            for name, of in _WORDS.items()
        }
        self._length = length

    @property
    def facts(self) -> int:
        """How many facts there are about a message, E."""
        return _PLAIN + sum(len(codes) + 1 for codes in self._codes.values())

    def read(self, rows: Sequence[Mapping[Any, Any]], moments: Sequence[int]) -> npt.NDArray[np.float32]:
        """The last messages of N customers, oldest first, pushed to the end; shape [N, L, E], 0 without.

        Of each: 1, the logarithms of its age and of the pause before it in days, whether it was answered, and
        one indicator for its channel and for its format.

        Args:
            rows: With the four lists of message_history; what is no list is an empty one.
            moments: The as-of time of each row, unix seconds.

        Raises:
            ModelError: A list is missing, or the lists of a row differ in length.
        """
        facts_NLE = np.zeros((len(rows), self._length, self.facts), dtype=np.float32)
        for facts_LE, row, moment in zip(facts_NLE, rows, moments, strict=True):
            self._fill(facts_LE, _lists(row), moment)
        return facts_NLE

    def _fill(self, facts_LE: npt.NDArray[np.float32], lists: dict[str, Any], moment: int) -> None:
        count = min(len(lists[MESSAGE_TIMES]), self._length)
        if not count:
            return
        times = np.asarray(lists[MESSAGE_TIMES], dtype=np.int64)
        pause = np.diff(times, prepend=times[:1])[-count:] / _DAY
        age = np.maximum((moment - times[-count:]) / _DAY, 0.0)
        filled = facts_LE[-count:]
        filled[:, 0] = 1.0
        filled[:, 1:3] = np.log1p(np.stack([age, np.maximum(pause, 0.0)], axis=1))
        filled[:, 3] = np.asarray(lists[MESSAGE_ANSWERS], dtype=np.float32)[-count:]
        start = _PLAIN
        for name, code_of in self._codes.items():
            codes = [code_of.get(word, 0) for word in list(lists[name])[-count:]]
            filled[np.arange(count), start + np.array(codes)] = 1.0
            start += len(code_of) + 1


def _lists(row: Mapping[Any, Any]) -> dict[str, Any]:
    missing = [name for name in PAST_MESSAGES if name not in row]
    if missing:
        raise ModelError(
            f"examples lack {missing} that the model was trained with; ask for the feature service that its "
            "manifest names"
        )
    lists = {name: row[name] if isinstance(row[name], list | np.ndarray) else () for name in PAST_MESSAGES}
    if len({len(each) for each in lists.values()}) != 1:
        sizes = {name: len(each) for name, each in lists.items()}
        raise ModelError(f"the lists of past messages differ in length ({sizes}); repair the features")
    return lists
