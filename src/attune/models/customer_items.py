"""Who bought what, as one sparse matrix: where models of whole customers begin."""

import numpy as np
import pandas as pd
import scipy.sparse as sp

from attune.columns import CUSTOMER_ID, ITEM_ID
from attune.models.history import Histories
from attune.models.items import Items


def customer_items(purchases: pd.DataFrame, items: Items) -> sp.csr_array:
    """How often each customer bought each item of the catalogue, shape [C, V], customers sorted.

    Args:
        purchases: As `known_purchases` gives them: one line an item and order.
        items: The catalogue; other items are left out.
    """
    customer = pd.factorize(purchases[CUSTOMER_ID], sort=True)[0]
    code = items.codes(purchases[ITEM_ID])
    known = code >= 0
    ones = np.ones(int(known.sum()), dtype=np.float32)
    shape = (int(customer.max(initial=-1)) + 1, len(items))
    return sp.csr_array((ones, (customer[known], code[known])), shape=shape)


def history_items(histories: Histories, size: int) -> sp.csr_array:
    """How often each history holds each of V items, shape [N, V]."""
    ones = np.ones(len(histories.code), dtype=np.float32)
    return sp.csr_array((ones, (histories.row, histories.code)), shape=(len(histories), size))
