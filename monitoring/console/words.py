"""The console's languages. English is the source; another language is a file of sentences.

What was recorded, such as a reason, a cause or a model card, stays in the words in which it was signed.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from attune.config import load_params
from attune.governance.lamps import Said, Value

Language = Literal["en", "ru"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Words:
    """One language."""

    def __init__(self, language: Language, catalogue: Mapping[str, str]):
        self.language = language
        self._catalogue = catalogue

    def __call__(self, text: str, **values: Value) -> str:
        """Say a sentence of the console's own; what has no translation is said in English."""
        found = self._catalogue.get(text, text)
        # A word that comes from data has no values, and is no pattern.
        return found.format(**values) if values else found

    def said(self, said: Said) -> str:
        """Say what a lamp says."""
        return self(said.pattern, **said.values)


@cache
def words(language: Language) -> Words:
    """The words of a language."""
    return Words(language, catalogue(language))


def catalogue(language: Language) -> Mapping[str, str]:
    """The sentences of a language by the English ones; English needs none."""
    if language == "en":
        return {}
    sentences = load_params(Path(__file__).with_name(f"{language}.yaml"), "catalogue")
    return {str(key): str(value) for key, value in sentences.items()}


def language_of(asked: str, accepted: str) -> Language:
    """The language to speak: the one that was chosen, or else the first that a browser says and we have.

    >>> language_of("", "de-AT, ru;q=0.8, en;q=0.5"), language_of("en", "ru"), language_of("xx", "")
    ('ru', 'en', 'en')
    """
    preferred = [part.split(";")[0].strip()[:2].lower() for part in accepted.split(",")]
    return next((known for wanted in (asked, *preferred) for known in LANGUAGES if wanted == known), "en")
