import numpy as np
import torch

from attune.models.encodings import CategoryEncoding, NumberEncoding, Standardisation


def encoded(encoding: NumberEncoding, *numbers: float) -> list[list[float]]:
    """How far numbers of one feature have filled its bins, from -1 to 1."""
    return encoding(torch.tensor(numbers)[:, None]).tolist()


def learnt(values: np.ndarray) -> NumberEncoding:
    encoding = NumberEncoding(1, bins=4)
    encoding.learn(values[:, None])
    return encoding


def test_a_number_fills_the_bins_below_it():
    encoding = learnt(np.linspace(0, 100, 1001))
    np.testing.assert_allclose(
        encoded(encoding, 0.0, 50.0, 60.0, 100.0),
        [[-1, -1, -1, -1], [1, 1, -1, -1], [1, 1, -0.2, -1], [1, 1, 1, 1]],
        atol=1e-6,
    )


def test_a_number_beyond_training_counts_like_the_largest_or_smallest():
    encoding = learnt(np.linspace(0, 100, 1001))
    assert encoded(encoding, 1e30, -1e30) == [[1, 1, 1, 1], [-1, -1, -1, -1]]


def test_a_feature_of_two_values_has_one_bin_and_a_constant_one_none():
    assert encoded(learnt(np.array([0.0, 1.0, 0.0, 0.0, 1.0])), 1.0) == [[1, -1, -1, -1]]
    assert encoded(learnt(np.array([5.0, 5.0])), 4.0, 5.0, 6.0) == [[-1, -1, -1, -1]] * 3


def test_equal_codes_of_different_features_have_different_vectors_and_unknown_starts_neutral():
    torch.manual_seed(0)
    encoding = CategoryEncoding([3, 4], dim=2)
    both_BCD = encoding(torch.tensor([[1, 1], [0, 0], [2, 3]])).reshape(3, 2, 2)
    assert not torch.equal(both_BCD[0, 0], both_BCD[0, 1])
    assert (both_BCD[1] == 0).all()


def test_a_table_without_numbers_or_categories_is_an_empty_encoding():
    assert NumberEncoding(0, bins=4)(torch.zeros(3, 0)).shape == (3, 0)
    assert CategoryEncoding([], dim=2)(torch.zeros(3, 0, dtype=torch.int64)).shape == (3, 0)


def test_numbers_are_counted_in_deviations_and_a_wild_one_like_the_farthest():
    standard = Standardisation(2)
    standard.learn(np.array([[1.0, 7.0], [3.0, 7.0]]))  # means 2 and 7; deviations 1 and, of a constant, 1
    assert standard(torch.tensor([[2.0, 8.0], [1e30, -1e30]])).tolist() == [[0.0, 1.0], [10.0, -10.0]]
