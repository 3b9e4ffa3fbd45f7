import numpy as np
import torch

from attune.models.encodings import CategoryEncoding, NumberEncoding
from attune.models.tabular import FARTHEST


def filled(encoding: NumberEncoding, standard: float) -> list[float]:
    """How far one standardised value of one feature has filled the bins."""
    return ((standard - encoding.start_FT[0]) / encoding.width_FT[0]).clamp(0, 1).tolist()


def test_a_number_fills_the_bins_below_it():
    encoding = NumberEncoding(1, bins=4, dim=2)
    encoding.learn(np.linspace(-1, 1, 1001)[:, None])
    median, top = encoding.standardise(torch.tensor([[0.0], [1.0]])).flatten().tolist()
    np.testing.assert_allclose(filled(encoding, median), [1, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(filled(encoding, top), [1, 1, 1, 1], atol=1e-6)


def test_a_feature_of_two_values_has_one_bin_and_a_constant_one_none():
    encoding = NumberEncoding(2, bins=4, dim=2)
    encoding.learn(np.array([[0.0, 5.0], [1.0, 5.0], [0.0, 5.0], [0.0, 5.0], [1.0, 5.0]]))
    assert filled(encoding, encoding.standardise(torch.tensor([[1.0, 5.0]]))[0, 0]) == [1, 0, 0, 0]
    constant = encoding.standardise(torch.tensor([[0.0, 5.0]]))[0, 1]
    assert constant == 0
    assert ((constant - encoding.start_FT[1]) / encoding.width_FT[1]).clamp(0, 1).sum() == 0


def test_a_wild_number_is_answered_like_one_ten_deviations_away():
    encoding = NumberEncoding(1, bins=4, dim=2)
    encoding.learn(np.linspace(-1, 1, 1001)[:, None])
    wild = encoding.standardise(torch.tensor([[1e30], [-float("inf")]]))
    assert wild.flatten().tolist() == [FARTHEST, -FARTHEST]
    assert torch.isfinite(encoding(wild)).all()


def test_equal_codes_of_different_features_have_different_vectors_and_unknown_starts_neutral():
    torch.manual_seed(0)
    encoding = CategoryEncoding([3, 4], dim=2)
    both_BCD = encoding(torch.tensor([[1, 1], [0, 0], [2, 3]])).reshape(3, 2, 2)
    assert not torch.equal(both_BCD[0, 0], both_BCD[0, 1])
    assert (both_BCD[1] == 0).all()


def test_a_table_without_numbers_or_categories_is_an_empty_encoding():
    assert NumberEncoding(0, bins=4, dim=2)(torch.zeros(3, 0)).shape == (3, 0)
    assert CategoryEncoding([], dim=2)(torch.zeros(3, 0, dtype=torch.int64)).shape == (3, 0)
