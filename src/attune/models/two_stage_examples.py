"""What each of two stages learns from: split by time, or a candidate's score would already know the label."""

from itertools import compress

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, HISTORY_ITEMS, HISTORY_TIMES, LABEL
from attune.models.tabular import NOT_FEATURES


def past_and_asked(train: pd.DataFrame, count: int) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Examples that teach what candidates are, and later ones that teach their order.

    Args:
        train: Training examples of one date or several.
        count: So many of the latest ones are asked about, of whole dates as far as these go; at most about
            half, or nothing would be left to know the candidates by. Of a single date all are.

    Returns:
        All examples as of the first date that is asked about at the latest, without labels: what they know
        was bought before it. Those that are asked about, see `asked_since`. And that date, a unix second.
    """
    cut = int(np.sort(seconds_of(train))[-min(count, (len(train) + 1) // 2)])
    return _known_before(train, cut), asked_since(train, cut, count), cut


def asked_since(examples: pd.DataFrame, cut: int, count: int) -> pd.DataFrame:
    """The latest so many examples since a moment, in order of time.

    Where they are fewer, and say nothing of customers but their histories, later orders of these are asked
    about too.
    """
    asked = examples[seconds_of(examples) >= cut]
    told = set(asked.dropna(axis="columns", how="all").columns) - NOT_FEATURES
    if len(asked) and not told and len(asked) < count:
        asked = pd.concat([_orders_since(asked, cut, count - len(asked)), asked], ignore_index=True)
        asked = asked.sort_values(EVENT_TIMESTAMP, kind="stable", ignore_index=True)
    return asked.tail(count)


def seconds_of(examples: pd.DataFrame) -> npt.NDArray[np.int64]:
    """The unix second that each example is asked at."""
    moments = pd.to_datetime(examples[EVENT_TIMESTAMP], utc=True)
    return np.asarray(moments.dt.as_unit("s").astype("int64"), dtype=np.int64)


def _orders_since(examples: pd.DataFrame, cut: int, count: int) -> pd.DataFrame:
    """About so many of the latest orders in histories since a moment as examples, as many of each customer.

    Those that are examples already are left out.
    """
    known = set(zip(examples[CUSTOMER_ID], seconds_of(examples), strict=True))
    latest = examples.sort_values(EVENT_TIMESTAMP, kind="stable").drop_duplicates(CUSTOMER_ID, keep="last")
    each, found = max(1, count // len(latest)), list[dict[str, object]]()
    for _, example in latest.iterrows():
        times = np.asarray(example[HISTORY_TIMES], dtype=np.float64)
        moments = np.unique(times[(times >= cut) & (times > times.min(initial=np.inf))])[-each:]
        new = (moment for moment in moments if (example[CUSTOMER_ID], int(moment)) not in known)
        found.extend(_of_order(example, times, moment) for moment in new)
    dtypes = {EVENT_TIMESTAMP: examples[EVENT_TIMESTAMP].dtype}
    return pd.DataFrame(found, columns=examples.columns).astype(dtypes)


def _of_order(example: pd.Series, times: npt.NDArray[np.float64], moment: float) -> dict[str, object]:
    """An order of an example's history as an example of its own."""
    return {
        CUSTOMER_ID: example[CUSTOMER_ID],
        EVENT_TIMESTAMP: pd.Timestamp(moment, unit="s", tz="UTC"),
        HISTORY_ITEMS: list(compress(example[HISTORY_ITEMS], times < moment)),
        HISTORY_TIMES: times[times < moment].tolist(),
        LABEL: list(compress(example[HISTORY_ITEMS], times == moment)),
    }


def _known_before(examples: pd.DataFrame, cut: int) -> pd.DataFrame:
    """Examples that know what was bought before a moment, and before their own date, and nothing else."""
    past = examples.assign(**{LABEL: pd.Series([[]] * len(examples), index=examples.index, dtype=object)})
    until = pd.Timestamp(cut, unit="s", tz="UTC")
    past[EVENT_TIMESTAMP] = past[EVENT_TIMESTAMP].where(past[EVENT_TIMESTAMP] <= until, until)
    kept = [np.asarray(times, dtype=np.float64) < cut for times in past[HISTORY_TIMES]]
    for name in (HISTORY_ITEMS, HISTORY_TIMES):
        cuts = zip(past[name], kept, strict=True)
        past[name] = pd.Series([list(compress(values, known)) for values, known in cuts], past.index)
    return past
