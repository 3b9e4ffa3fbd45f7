import numpy as np
import torch

from attune.models.time_buckets import BORDERS_IN_DAYS, time_buckets


def test_torch_and_numpy_put_the_same_times_into_the_same_buckets():
    edges = np.nextafter(BORDERS_IN_DAYS, np.float32(0))
    days = np.concatenate([BORDERS_IN_DAYS, edges, np.linspace(0, 9000, 500, dtype=np.float32)])
    found = torch.bucketize(torch.from_numpy(days), torch.from_numpy(BORDERS_IN_DAYS), right=True)
    assert found.tolist() == time_buckets(days).tolist()
