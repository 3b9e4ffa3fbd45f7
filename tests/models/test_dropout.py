import pytest
import torch

from attune.models.dropout import Dropout

ONES = torch.ones(40, 999)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.999])
def test_as_much_is_dropped_as_was_asked_and_the_mean_stays(rate):
    torch.manual_seed(0)
    left = Dropout(rate)(ONES)
    assert (left == 0).float().mean() == pytest.approx(rate, abs=0.01)
    assert left.mean() == pytest.approx(1, abs=0.2 if rate > 0.9 else 0.01)
    assert len(left.unique()) == 2


def test_the_same_seed_drops_the_same_and_another_call_something_else():
    dropout = Dropout(0.5)
    torch.manual_seed(3)
    first, second = dropout(ONES), dropout(ONES)
    torch.manual_seed(3)
    assert torch.equal(dropout(ONES), first)
    assert not torch.equal(first, second)


def test_what_is_dropped_learns_nothing_and_the_rest_by_its_scale():
    values = torch.ones(1000, requires_grad=True)
    left = Dropout(0.5)(values)
    left.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, left.detach())


@pytest.mark.parametrize("dropout", [Dropout(0.5).eval(), Dropout(0.0)], ids=str)
def test_nothing_is_dropped_when_answering_or_by_a_rate_of_nothing(dropout):
    assert dropout(ONES) is ONES
