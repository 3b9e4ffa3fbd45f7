"""What graphs are told of a customer is what networks are told, made by other code."""

import numpy as np
import pandas as pd
import pytest
import torch

from attune.errors import ModelError
from attune.inference.order_buckets import age_buckets, place_buckets, size_buckets
from attune.inference.order_facts import order_facts
from attune.models import causal_encoder
from attune.models.events import recent_orders
from attune.models.history import histories_of
from attune.models.items import Items
from tests.models.shopping import AS_OF

ITEMS = Items(["bread", "milk", "tea"])


def test_a_purchase_without_a_time_is_left_out_and_a_missing_time_is_refused():
    now = AS_OF.timestamp()
    moments = np.array([now, now])
    found = histories_of([["tea", "milk"], ["tea"]], [[float("nan"), now], [now]], moments, ITEMS.codes)
    assert (found.code.tolist(), found.starts.tolist()) == ([1, 2], [0, 1, 2])
    with pytest.raises(ModelError, match="history 1 has 2 history_items but 1 history_times"):
        histories_of([[], ["tea", "milk"]], [[], [now]], moments, ITEMS.codes)


@pytest.mark.parametrize("ago", [[], [3], [10, 3, 3, 1], [9, 8, 7, 6, 5, 5], [-2, 4]])
def test_order_facts_are_those_of_a_table(ago):
    now = int(AS_OF.timestamp())
    times = [now - days * 86_400 for days in ago]
    table = pd.DataFrame({"event_timestamp": AS_OF, "history_times": pd.Series([times], dtype=object)})
    wanted = recent_orders(table, length=4)[0]
    np.testing.assert_allclose(order_facts(times, now, 4), wanted, atol=1e-6)
    assert (order_facts(None, now, 4) == 0).all()


def test_buckets_are_those_of_the_encoders():
    ages = np.concatenate([2.0 ** np.arange(-2, 11) - 0.25, np.random.default_rng(0).uniform(0, 2_000, 500)])
    of_torch = (torch.log2(torch.from_numpy(ages.astype(np.float32)) + 0.25) + 2).mul(2).long().clamp(0, 23)
    assert age_buckets(ages, 24).tolist() == of_torch.tolist()
    sizes = np.arange(1, 600)
    of_torch = torch.log2(torch.from_numpy(sizes).float()).long().clamp(0, 8)
    assert size_buckets(sizes, 9).tolist() == of_torch.tolist()
    before = torch.arange(5_000)
    assert place_buckets(before.numpy()).tolist() == causal_encoder.place_buckets(before).tolist()
