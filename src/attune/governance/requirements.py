"""What a version must show before it may serve. Nothing is believed: each document is read and checked."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from attune.config import Settings
from attune.errors import RegistryError
from attune.evaluation.comparison import Comparison
from attune.governance.documents import Document
from attune.governance.fairness import FAIRNESS_FILE, FairnessTable
from attune.governance.manifest import Manifest
from attune.governance.model_card import MODEL_CARD_FILE, SECTIONS
from attune.governance.outcome import DECISION_FILE, Outcome
from attune.training.search_record import SEARCH_FILE, SearchRecord

EVALUATION_FILE = "evaluation.json"

Read = TypeVar("Read", bound=Settings)


def require_promotable(folder: Path, manifest: Manifest, approved: bool, refused: list[str]) -> None:
    """Refuse a version that may not become champion, with everything that stands against it.

    Args:
        folder: The version's folder, verified.
        manifest: Its manifest.
        approved: Whether a person's approval of it holds.
        refused: Why approvals that are on record do not hold.

    Raises:
        RegistryError: Something is missing, or somebody's consent is.
    """
    obstacles = [*_missing(folder, manifest), *_not_allowed(folder, manifest, approved, refused)]
    if obstacles:
        raise RegistryError(
            f"version {manifest.version} of {manifest.name} cannot be promoted: {'; '.join(obstacles)}"
        )


def read_document(what: type[Read], path: Path) -> Read | None:
    """A JSON document of a version; None where there is none that can be read."""
    try:
        return what.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _missing(folder: Path, manifest: Manifest) -> Iterator[str]:
    outcome = read_document(Outcome, folder / DECISION_FILE)
    if outcome is None or (outcome.model, outcome.candidate) != (manifest.name, manifest.algorithm):
        yield f"no verdict of the gate ({DECISION_FILE}); train it by the training pipeline"
    table = read_document(FairnessTable, folder / FAIRNESS_FILE)
    if table is None or not table.rows:
        yield f"no fairness table ({FAIRNESS_FILE}); its feature service needs a demographic feature"
    results = read_document(Comparison, folder / EVALUATION_FILE)
    if results is None or not _compared_with_a_simple_model(results):
        yield f"no comparison with a simple model ({EVALUATION_FILE}); add one to its candidates"
    search = read_document(SearchRecord, folder / SEARCH_FILE)
    if search is None or search.candidate != manifest.algorithm:
        yield f"no record of the search behind its settings ({SEARCH_FILE}); train it by the pipeline"
    card = read_document(Document, folder / MODEL_CARD_FILE)
    if card is None or tuple(section.title for section in card.sections) != SECTIONS:
        yield f"no model card ({MODEL_CARD_FILE}); train it by the training pipeline"
    elif card.empty:
        yield f"its model card says nothing about: {', '.join(card.empty)}; write `card` in params.yaml"


def _compared_with_a_simple_model(results: Comparison) -> bool:
    return any(found.a == results.network and found.b in results.candidates for found in results.differences)


def _not_allowed(folder: Path, manifest: Manifest, approved: bool, refused: list[str]) -> Iterator[str]:
    if approved:
        return
    why = "".join(f"; {reason}" for reason in refused)
    order = f"attune models approve {manifest.name} {manifest.version}"
    if manifest.approval == "person":
        yield f"a person must approve it first: {order}{why}"
        return
    outcome = read_document(Outcome, folder / DECISION_FILE)
    if outcome is not None and outcome.verdict != "promoted":
        yield f"the gate's verdict is {outcome.verdict!r}, so a person must approve it first: {order}{why}"
