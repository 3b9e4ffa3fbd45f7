import pytest
import torch

from attune.models.catalogue_loss import catalogue_logits, catalogue_loss

CUSTOMERS, ITEMS, DIMENSION, OWN, TARGETS = 4, 11, 5, 9, 7


@pytest.fixture
def parts():
    draw = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.double, requires_grad=True)

    matrices = normal(CUSTOMERS, DIMENSION), normal(ITEMS, DIMENSION), normal(ITEMS), normal(OWN)
    places = torch.randperm(CUSTOMERS * ITEMS, generator=draw)
    weights = torch.rand(TARGETS, generator=draw, dtype=torch.double)
    return *matrices, places[:OWN], places[5 : 5 + TARGETS], weights


def test_the_loss_is_the_weighted_cross_entropy(parts):
    *logit_parts, targets, weights = parts
    surprise = -catalogue_logits(*logit_parts).log_softmax(dim=1).view(-1)[targets]
    torch.testing.assert_close(catalogue_loss(*parts), (weights * surprise).sum())


def test_the_gradients_are_those_of_finite_differences(parts):
    *learnt, at, targets, weights = parts
    assert torch.autograd.gradcheck(lambda *given: catalogue_loss(*given, at, targets, weights), learnt)


def test_large_logits_stay_finite(parts):
    state, *rest = parts
    assert torch.isfinite(catalogue_loss(state * 1e4, *rest))


def test_an_own_logit_replaces_that_of_the_state(parts):
    state, item, bias, own, at, *_ = parts
    logits = catalogue_logits(state, item, bias, own, at)
    torch.testing.assert_close(logits.view(-1)[at], own)
