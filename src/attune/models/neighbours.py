"""The strongest links of each item, kept as a sparse matrix."""

from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from attune.models.base import Tensors


def strongest(links_VV: sp.csr_array, count: int) -> sp.csr_array:
    """Keep so many of the largest values of each row."""
    kept = np.concatenate(
        [
            start + np.sort(np.argpartition(-links_VV.data[start:end], count - 1)[:count])
            if end - start > count
            else np.arange(start, end)
            for start, end in pairwise(links_VV.indptr)
        ]
    )
    item = np.repeat(np.arange(links_VV.shape[0]), np.diff(links_VV.indptr))
    kept_links = (links_VV.data[kept], (item[kept], links_VV.indices[kept]))
    return sp.csr_array(kept_links, shape=links_VV.shape)


def sparse_tensors(links_VV: sp.csr_array, values: str) -> Tensors:
    """A sparse square matrix as tensors, its values under a name of their own."""
    return {
        "starts": links_VV.indptr.astype(np.int64),
        "neighbours": links_VV.indices.astype(np.int32),
        values: links_VV.data,
    }


def from_tensors(tensors: Tensors, values: str) -> sp.csr_array:
    """Read back what `sparse_tensors` gave."""
    size = len(tensors["starts"]) - 1
    return sp.csr_array((tensors[values], tensors["neighbours"], tensors["starts"]), shape=(size, size))
