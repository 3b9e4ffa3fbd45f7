import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from attune.models.als import customer_factors
from attune.models.catalog import build
from tests.models.shopping import best, shopping

pytest.importorskip("implicit", reason="als learns with implicit: install attune[recommenders]")

BREAKFAST = [f"bread@{day} butter@{day} -> jam" for day in range(1, 9)]
TEATIME = [f"tea@{day} lemon@{day} -> sugar" for day in range(1, 9)]


def test_customers_are_shown_what_customers_like_them_buy():
    train = shopping(*BREAKFAST, *TEATIME)
    model = build("als", {"factors": 4, "exclude_seen": True})
    model.fit(train, train)
    found = best(model.recommend, "bread@1 jam@1", "tea@1 lemon@1", k=1)
    assert found == [["butter"], ["sugar"]]


def test_the_factors_of_a_customer_solve_the_weighted_least_squares():
    item_VF = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    extra = np.array([[2.0, 0.0, 4.0, 0.0, 0.0]], dtype=np.float32)
    found = customer_factors(sp.csr_array(extra), item_VF, ridge=0.5)[0]
    root = np.sqrt(1 + extra[0])[:, None]
    rows = np.vstack([root * item_VF, np.sqrt(0.5) * np.eye(3)])
    wanted = np.concatenate([root[:, 0] * (extra[0] > 0), np.zeros(3)])
    np.testing.assert_allclose(found, np.linalg.lstsq(rows, wanted)[0], rtol=1e-4)


def test_the_package_is_asked_to_learn_and_not_to_answer():
    code = "import sys, attune.models.als; print('implicit' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
