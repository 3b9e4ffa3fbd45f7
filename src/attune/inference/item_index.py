"""An index over the items of a large catalogue: the nearest of a few lists instead of all items.

An approximate answer is only ever one of items that really are there, with the scores they really have: what
the index proposes is scored in full. How often it misses one of the best was measured when it was made, on
the same items, and stands in its document. Filters act inside the search.
"""

import hashlib
import logging
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from attune.config import Settings
from attune.errors import ModelError
from attune.inference.files import INDEX_DOCUMENT, INDEX_FILE
from attune.inference.retrieval import Codes, Vector, sorted_best

# V items of the catalogue, D embedding, W its width in the index, C candidates, K best
_CANDIDATES = 256
_SPARE = 3  # candidates for each item asked for: the index tells near scores apart in eight bits
_STEP = 16  # numbers that a processor takes at once

log = logging.getLogger(__name__)


class IndexDocument(Settings):
    """What is known of an index.

    Attributes:
        items: How many there are.
        dimension: Of their vectors.
        lists: How many lists they lie in.
        probes: How many of these a search looks through.
        scale: What a query says to the bias of an item.
        recall_at_100: The share of the 100 best that it finds, on queries it was not tuned on.
        queries: How many these were.
        items_sha256: Of the vectors and biases it was made of.
        index_sha256: Of its file.
    """

    items: int = Field(ge=1)
    dimension: int = Field(ge=1)
    lists: int = Field(ge=1)
    probes: int = Field(ge=1)
    scale: float = Field(gt=0)
    recall_at_100: float = Field(ge=0, le=1)
    queries: int = Field(ge=1)
    items_sha256: str
    index_sha256: str


class ItemIndex:
    """Finds about the best items of a query."""

    def __init__(self, index: Any, document: IndexDocument, item_VD: Vector, bias_V: Vector) -> None:
        """Take what a version's folder holds.

        Args:
            index: Of faiss, over what `widened` makes of the items.
            document: How it is searched.
            item_VD: The vector of each item.
            bias_V: What is added to the score of each.
        """
        self.document = document
        self._index, self._item_VD, self._bias_V = index, item_VD, bias_V

    @classmethod
    def open(cls, folder: Path, item_VD: Vector, bias_V: Vector) -> Self | None:
        """Read the index of a version; None where it has none, or where faiss is not installed.

        Raises:
            ModelError: It is not the index of these items, or unreadable.
        """
        if not (folder / INDEX_DOCUMENT).exists():
            return None
        try:
            import faiss
        except ImportError:
            log.warning("faiss is not installed, so all items are searched; install attune[index]")
            return None
        try:
            document = IndexDocument.model_validate_json((folder / INDEX_DOCUMENT).read_bytes())
            content = (folder / INDEX_FILE).read_bytes()
        except (OSError, ValidationError) as error:
            raise ModelError(
                f"{folder} holds no readable index ({error}); register the version again"
            ) from error
        if document.index_sha256 != hashlib.sha256(content).hexdigest():
            raise ModelError(f"{folder / INDEX_FILE} is not what was written; register the version again")
        if document.items_sha256 != digest_of(item_VD, bias_V):
            raise ModelError(f"{folder / INDEX_FILE} is of other items; train and register again")
        faiss.omp_set_num_threads(1)  # a server has a process a core
        return cls(faiss.deserialize_index(np.frombuffer(content, np.uint8)), document, item_VD, bias_V)

    def best(self, query_D: Vector, k: int, banned: Codes) -> tuple[Codes, Vector]:
        """About the k best items, best first; fewer where the lists that are looked through hold fewer.

        Args:
            query_D: What the items are compared with.
            k: How many.
            banned: Items that may not come.

        Returns:
            Codes and scores, shape [K].
        """
        import faiss

        query_1W = widened(query_D[None], np.array([self.document.scale], np.float32))
        allowed = faiss.IDSelectorNot(faiss.IDSelectorBatch(banned)) if len(banned) else None
        how = faiss.SearchParametersIVF(nprobe=self.document.probes, sel=allowed)  # type: ignore[call-arg]
        _, codes_1C = self._index.search(query_1W, max(_CANDIDATES, _SPARE * k), params=how)
        codes_C = codes_1C[0][codes_1C[0] >= 0]
        scores_C = self._item_VD[codes_C] @ query_D + self._bias_V[codes_C]
        return sorted_best(codes_C, scores_C, k)


def widened(vector_ND: Vector, last_N: Vector) -> Vector:
    """Vectors with one more number each, and zeros up to a width that processors like, shape [N, W]."""
    size, dimension = vector_ND.shape
    wide_NW = np.zeros((size, -(-(dimension + 1) // _STEP) * _STEP), dtype=np.float32)
    wide_NW[:, :dimension] = vector_ND
    wide_NW[:, dimension] = last_N
    return wide_NW


def digest_of(item_VD: npt.NDArray[np.float32], bias_V: npt.NDArray[np.float32]) -> str:
    """Of the vectors and biases that scores come from."""
    digest = hashlib.sha256(np.ascontiguousarray(item_VD).data)
    digest.update(np.ascontiguousarray(bias_V).data)
    return digest.hexdigest()
