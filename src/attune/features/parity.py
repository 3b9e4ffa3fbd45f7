"""Parity: for the same customer and moment, training, the online store and serving know the same values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from attune.columns import CUSTOMER_ID
from attune.errors import FeatureError
from attune.features.packing import Layout
from attune.features.parity_report import ANY_FEATURE, Difference, ParityReport, Proof
from attune.features.read_plan import EPOCH
from attune.features.row_store import RowStore
from attune.features.schema import VIEWS, View, views_of
from attune.features.snapshot_values import Values
from attune.features.value_digest import value_digest


class OfflineSide(Protocol):
    """What training is told."""

    def covers(self, view: str) -> bool:
        """Whether there is any snapshot of a view."""

    def at(self, view: str, asked: Mapping[datetime, Sequence[str]]) -> dict[datetime, Values]:
        """The values of a view at some moments, of some customers each; a moment may be left out."""


@dataclass(frozen=True)
class Served:
    """What an answer rested on, as the prediction log has it.

    Attributes:
        service: The feature service that was read.
        as_of: The moment of the view's values.
        digest: Of the values, see `value_digest`.
        at: When the answer was given.
    """

    service: str
    view: str
    customer: str
    as_of: datetime
    digest: str
    at: datetime


def compare(
    offline: OfflineSide,
    store: RowStore,
    customers: Sequence[str],
    online_as_of: datetime | None,
    served: Iterable[Served],
) -> ParityReport:
    """Compare what training is told of customers with what is online and with what serving used.

    Args:
        offline: The side of training.
        store: The online store.
        customers: By pseudonym; the sample.
        online_as_of: Up to when snapshots were brought online: who is not online must not be there either.
        served: From the prediction log.

    Raises:
        FeatureError: A side cannot be read.
    """
    views = [view for view in VIEWS.values() if view.online and view.key == CUSTOMER_ID]
    answers = list(served)
    proofs = [_online(offline, store, view, customers, online_as_of) for view in views]
    proofs += [_served(offline, store, view, _about(view, answers)) for view in views]
    return ParityReport(proofs=tuple(proofs))


def compare_answers(offline: OfflineSide, store: RowStore, answers: Sequence[Served]) -> ParityReport:
    """Compare only what serving used with what training is told: cheap enough for every look at a model.

    Args:
        offline: The side of training; answers at moments that it leaves out are not compared.
        store: The online store; it names the feature where the row that was read is still there.
        answers: From the prediction log.

    Raises:
        FeatureError: The side of training cannot be read.
    """
    views = dict.fromkeys(answer.view for answer in answers)
    proofs = [_served(offline, store, VIEWS[view], _about(VIEWS[view], answers)) for view in views]
    return ParityReport(proofs=tuple(proofs))


def _about(view: View, answers: Iterable[Served]) -> list[Served]:
    return [answer for answer in answers if answer.view == view.name]


def _online(
    offline: OfflineSide,
    store: RowStore,
    view: View,
    customers: Sequence[str],
    online_as_of: datetime | None,
) -> Proof:
    # A view of which there are no snapshots was never brought online: nobody can be missing there.
    held = _held(store, view, customers, online_as_of if offline.covers(view.name) else None)
    asked: dict[datetime, list[str]] = {}
    for customer, (moment, _) in held.items():
        asked.setdefault(moment, []).append(customer)
    known = offline.at(view.name, asked)
    found = [
        Difference(
            view=view.name,
            feature=name,
            customer=customer,
            as_of=moment,
            offline=wanted.get(name),
            other=values.get(name),
        )
        for customer, (moment, values) in held.items()
        for wanted in [known[moment].get(customer, {})]
        for name in view.feature_names
        if wanted.get(name) != values.get(name)
    ]
    return Proof.of(view.name, "online", len(held) * len(view.feature_names), found)


def _held(
    store: RowStore, view: View, customers: Sequence[str], online_as_of: datetime | None
) -> dict[str, tuple[datetime, Mapping[str, Any]]]:
    """Customer -> the moment of the online row and its values; without a row, `online_as_of` and none."""
    reader = Layout.of(view).reader(view.feature_names)
    if not customers or not store.published():
        return {}
    (rows,) = store.get_many([view.name], customers)
    held: dict[str, tuple[datetime, Mapping[str, Any]]] = {}
    for customer, row in zip(customers, rows, strict=True):
        if row is not None:
            micros, values = reader.one(row)
            moment = EPOCH + timedelta(microseconds=micros)
            held[customer] = moment, dict(zip(view.feature_names, values, strict=True))
        elif online_as_of is not None:
            held[customer] = online_as_of, {}
    return held


def _served(offline: OfflineSide, store: RowStore, view: View, answers: Sequence[Served]) -> Proof:
    asked: dict[datetime, dict[str, None]] = {}
    for answer in answers:
        asked.setdefault(answer.as_of, {})[answer.customer] = None
    known = offline.at(view.name, {moment: list(customers) for moment, customers in asked.items()})
    told = [(answer, known[answer.as_of].get(answer.customer)) for answer in answers if answer.as_of in known]
    wrong = [(answer, values) for answer, values in told if _digest(answer, values) != answer.digest]
    held = _still_online(store, view, [answer.customer for answer, _ in wrong])
    found = [
        difference
        for answer, values in wrong
        for difference in _named(answer, values, held.get(answer.customer))
    ]
    return Proof.of(view.name, "served", len(told), found)


def _digest(answer: Served, values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else value_digest({name: values[name] for name in _names(answer)})


def _names(answer: Served) -> tuple[str, ...]:
    return views_of(answer.service)[answer.view]


def _still_online(
    store: RowStore, view: View, customers: Sequence[str]
) -> dict[str, tuple[datetime, Mapping[str, Any]]]:
    """The rows that are online now; none where they cannot be read: a difference is known without them."""
    try:
        return _held(store, view, customers, None)
    except FeatureError:
        return {}


def _named(
    answer: Served, told: Mapping[str, Any] | None, held: tuple[datetime, Mapping[str, Any]] | None
) -> list[Difference]:
    """What differs: feature by feature where the row that serving read is still online."""
    pairs: dict[str, tuple[Any, Any]] = {ANY_FEATURE: (_digest(answer, told), answer.digest)}
    if held is not None and held[0] == answer.as_of and _digest(answer, held[1]) == answer.digest:
        pairs = {name: ((told or {}).get(name), held[1][name]) for name in _names(answer)}
    return [
        Difference(
            view=answer.view,
            feature=name,
            customer=answer.customer,
            as_of=answer.as_of,
            offline=offline,
            other=other,
        )
        for name, (offline, other) in pairs.items()
        if offline != other
    ]
