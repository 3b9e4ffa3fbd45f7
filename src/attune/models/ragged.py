"""Lists of different lengths kept end to end in one tensor, and a batch of them cut out without padding."""

import torch
from torch import Tensor


def spans(starts_B: Tensor, counts_B: Tensor) -> tuple[Tensor, Tensor]:
    """Find the elements of some of the lists.

    Args:
        starts_B: Where each list begins in the tensor that holds all lists.
        counts_B: How many elements each has.

    Returns:
        For each of the M elements its list (0 to B - 1) and its index in the tensor, both shape [M].

    >>> spans(torch.tensor([5, 0]), torch.tensor([2, 3]))
    (tensor([0, 0, 1, 1, 1]), tensor([5, 6, 0, 1, 2]))
    """
    list_M = torch.repeat_interleave(counts_B)
    begins_B = torch.cumsum(counts_B, dim=0) - counts_B
    place_M = torch.arange(len(list_M), device=counts_B.device) - begins_B[list_M]
    return list_M, starts_B[list_M] + place_M


def places_from_the_right(counts_B: Tensor, length: int) -> Tensor:
    """The column of each element where every list is pushed to the right edge of a row, shape [M].

    >>> places_from_the_right(torch.tensor([2, 3]), length=3)
    tensor([1, 2, 0, 1, 2])
    """
    list_M, place_M = spans(length - counts_B, counts_B)
    return place_M[: len(list_M)]
