import math

import pytest
import torch
from torch.nn import functional

from attune.models import next_item_loss as module
from attune.models.negatives import Negatives
from attune.models.next_item_loss import next_item_loss, sampled_loss

PLACES, ITEMS, DIMENSION = 7, 11, 5


@pytest.fixture
def parts():
    draw = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.double, requires_grad=True)

    target = torch.randint(ITEMS, (PLACES,), generator=draw)
    excluded = torch.tensor([0 * ITEMS + 3, 0 * ITEMS + 1, 4 * ITEMS + 10, 6 * ITEMS + 0])
    return normal(PLACES, DIMENSION), normal(ITEMS, DIMENSION), normal(ITEMS), target, excluded


@pytest.mark.parametrize("at_once", [1, 3 * ITEMS, 1_000])
def test_the_loss_is_the_mean_cross_entropy_however_many_rows_are_computed_at_once(
    parts, at_once, monkeypatch
):
    monkeypatch.setattr(module, "_LOGITS_AT_ONCE", at_once)
    state, item, bias, target, excluded = parts
    logits = (state @ item.T + bias).detach()
    wanted = logits.gather(1, target[:, None])
    logits.view(-1)[excluded] = -math.inf
    logits.scatter_(1, target[:, None], wanted)  # what came next cannot be impossible
    torch.testing.assert_close(next_item_loss(*parts), functional.cross_entropy(logits, target))


def test_the_gradients_are_those_of_finite_differences(parts):
    *learnt, target, excluded = parts
    assert torch.autograd.gradcheck(lambda *given: next_item_loss(*given, target, excluded), learnt)


def test_large_logits_stay_finite(parts):
    state, *rest = parts
    loss = next_item_loss(state * 1e4, *rest)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(state.grad).all()


def test_no_places_lose_nothing(parts):
    state, item, bias, target, excluded = parts
    loss = next_item_loss(state[:0], item, bias, target[:0], excluded[:0])
    loss.backward()
    assert loss == 0


def test_rounding_below_single_precision_does_not_reach_the_loss(parts):
    state, item, bias, target, excluded = parts
    half = next_item_loss(state.bfloat16(), item.float(), bias.float(), target, excluded)
    assert half.dtype == torch.float32


def test_the_sampled_loss_with_many_samples_is_that_over_all_items(parts):
    torch.manual_seed(0)
    state, item, bias, target, _ = parts
    negatives = Negatives(torch.softmax(torch.arange(ITEMS) / 3.0, 0))
    sampled = sampled_loss(state, item, bias, target, *negatives.draw(200_000))
    whole = next_item_loss(state, item, bias, target, target[:0])
    torch.testing.assert_close(sampled, whole, rtol=0.01, atol=0.01)


def test_half_of_the_negatives_are_popular_and_half_are_anything():
    torch.manual_seed(0)
    drawn, log_expected = Negatives(torch.tensor([1.0, 0.0])).draw(10_000)
    often = torch.bincount(drawn, minlength=2) / 10_000
    torch.testing.assert_close(often, torch.tensor([0.75, 0.25]), rtol=0, atol=0.02)
    torch.testing.assert_close(log_expected.exp()[drawn == 1].mean(), torch.tensor(2_500.0))
