"""Cross-entropy over a whole catalogue in one matrix of logits.

Autograd would keep about six matrices of customers times items for the backward pass, which takes most of
the memory and of the time. Here the gradient is worked out in place, in the forward pass, as is done for the
vocabularies of language models (Hsu and others, 2024, Liger kernel, arXiv 2410.10989).
"""

# B customers, V items, D embedding, P pairs (customer, item) with a logit of their own, T targets

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def catalogue_logits(
    state_BD: Tensor, item_VD: Tensor, bias_V: Tensor, own_P: Tensor, at_P: Tensor
) -> Tensor:
    """The logit of every item for each customer, shape [B, V].

    Args:
        state_BD: The state of each customer.
        item_VD: The items.
        bias_V: What an item starts from.
        own_P: Logits that replace those of the state.
        at_P: Their places in the flat matrix, row * V + item, each at most once.
    """
    logits_BV = torch.addmm(bias_V, state_BD, item_VD.T)
    logits_BV.view(-1)[at_P] = own_P
    return logits_BV


def catalogue_loss(
    state_BD: Tensor,
    item_VD: Tensor,
    bias_V: Tensor,
    own_P: Tensor,
    at_P: Tensor,
    target_T: Tensor,
    weight_T: Tensor,
) -> Tensor:
    """The weighted sum over targets of -log softmax, where the logits are those of `catalogue_logits`.

    Args:
        state_BD: As there, like the three that follow.
        item_VD: As there.
        bias_V: As there.
        own_P: As there.
        at_P: As there.
        target_T: The place of each target in the flat matrix.
        weight_T: How much each target counts.
    """
    loss: Tensor = _CatalogueLoss.apply(  # type: ignore[no-untyped-call]
        state_BD, item_VD, bias_V, own_P, at_P, target_T, weight_T
    )
    return loss


class _CatalogueLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        state_BD, item_VD, bias_V, own_P, at_P, target_T, weight_T = inputs
        matrix_BV = catalogue_logits(state_BD, item_VD, bias_V, own_P, at_P)
        flat = matrix_BV.view(-1)
        row_T = target_T // len(item_VD)
        target_logit_T = flat[target_T]
        highest_B1 = matrix_BV.amax(dim=1, keepdim=True)
        total_B = matrix_BV.sub_(highest_B1).exp_().sum(dim=1)
        surprise_T = (highest_B1.squeeze(1) + total_B.log())[row_T] - target_logit_T
        # From here on the matrix holds the gradient of the logits: weight times softmax, less the targets.
        weight_B = torch.zeros_like(total_B).index_add_(0, row_T, weight_T)
        matrix_BV.mul_((weight_B / total_B).unsqueeze(1))
        flat.index_add_(0, target_T, -weight_T)
        own_gradient_P = flat[at_P]
        flat[at_P] = 0.0
        ctx.save_for_backward(
            matrix_BV @ item_VD, matrix_BV.T @ state_BD, matrix_BV.sum(dim=0), own_gradient_P
        )
        return (weight_T * surprise_T).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return (*(gradient * saved for saved in ctx.saved_tensors), None, None, None)
