"""Cross-entropy of the next item at every place of many sequences, over all items or over a sample of them.

A matrix of all places times all items would not fit a cache, and autograd would keep several of them. Here
the gradient is worked out in the forward pass, a few rows at a time, as is done for the vocabularies of
language models (Hsu and others, 2024, Liger kernel, arXiv 2410.10989).
"""

# T places with a target, V items, D embedding, C places of one chunk, S sampled items,
# P pairs (place, item) that cannot be the answer

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

_LOGITS_AT_ONCE = 2**20  # 4 MB


def next_item_loss(
    state_TD: Tensor, item_VD: Tensor, bias_V: Tensor, target_T: Tensor, excluded_P: Tensor
) -> Tensor:
    """The mean over places of -log softmax of the target, over all items that can be the answer.

    Args:
        state_TD: The state at each place.
        item_VD: The items.
        bias_V: What an item starts from.
        target_T: The item that came next.
        excluded_P: What cannot come next, as place * V + item, place after place; a target
            stays in, whatever this says.
    """
    # What is summed over so many items is kept in single precision, whatever the network computes in.
    with torch.autocast(state_TD.device.type, enabled=False):
        loss: Tensor = _NextItemLoss.apply(  # type: ignore[no-untyped-call]
            state_TD.to(item_VD.dtype), item_VD, bias_V, target_T, excluded_P
        )
    return loss / max(1, len(target_T))


class _NextItemLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        state_TD, item_VD, bias_V, target_T, excluded_P = inputs
        places, items = len(target_T), len(item_VD)
        rows = max(1, _LOGITS_AT_ONCE // items)
        item_DV = item_VD.T.contiguous()  # read so, the product takes half as long
        begins = torch.arange(0, places + rows, rows, device=target_T.device)
        # Within a place the items are in no order, which a search for the first of a place does not mind.
        bounds = torch.searchsorted(excluded_P, begins * items).tolist()
        state_gradient_TD = torch.empty_like(state_TD)
        item_gradient_VD, bias_gradient_V = torch.zeros_like(item_VD), torch.zeros_like(bias_V)
        total = state_TD.new_zeros(())
        for chunk, first in enumerate(range(0, places, rows)):
            state_CD, target_C1 = state_TD[first : first + rows], target_T[first : first + rows, None]
            logits_CV = torch.addmm(bias_V, state_CD, item_DV)
            wanted_C1 = logits_CV.gather(1, target_C1)
            excluded = excluded_P[bounds[chunk] : bounds[chunk + 1]] - first * items
            logits_CV.view(-1).index_fill_(0, excluded, -math.inf)
            logits_CV.scatter_(1, target_C1, wanted_C1)
            share_CV = torch.softmax(logits_CV, dim=1)
            # The largest share belongs to the largest logit, and never vanishes, unlike that of a target.
            log_total_C = logits_CV.amax(dim=1) - share_CV.amax(dim=1).log()
            total += (log_total_C - wanted_C1.squeeze(1)).sum()
            # From here on the matrix holds the gradient of the logits: the shares, less the targets.
            share_CV.scatter_add_(1, target_C1, torch.full_like(wanted_C1, -1.0))
            torch.mm(share_CV, item_VD, out=state_gradient_TD[first : first + rows])
            item_gradient_VD.addmm_(share_CV.T, state_CD)
            bias_gradient_V += share_CV.sum(dim=0)
        ctx.save_for_backward(state_gradient_TD, item_gradient_VD, bias_gradient_V)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return (*(gradient * saved for saved in ctx.saved_tensors), None, None)


def sampled_loss(
    state_TD: Tensor,
    item_VD: Tensor,
    bias_V: Tensor,
    target_T: Tensor,
    sampled_S: Tensor,
    log_expected_S: Tensor,
) -> Tensor:
    """The mean over places of -log softmax of the target, over it and items sampled for all places together.

    A sampled item stands for as many as were passed over: its logit is lowered by the logarithm of how often
    it was to be expected (Bengio and Senecal, 2008), so that the sum estimates that over all items.

    Args:
        state_TD: The state at each place.
        item_VD: The items.
        bias_V: What an item starts from.
        target_T: The item that came next.
        sampled_S: Items drawn, some of them perhaps more than once.
        log_expected_S: The logarithm of how often each was to be expected among all S.
    """
    own_T1 = ((state_TD * item_VD[target_T]).sum(dim=1) + bias_V[target_T]).unsqueeze(1)
    logits_TS = torch.addmm(bias_V[sampled_S] - log_expected_S, state_TD, item_VD[sampled_S].T)
    logits_TS = logits_TS.masked_fill(sampled_S == target_T.unsqueeze(1), -math.inf)
    return functional.cross_entropy(torch.cat([own_T1, logits_TS], dim=1), torch.zeros_like(target_T))
