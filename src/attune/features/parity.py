"""Parity: for the same customer and moment, training, the online store and serving know the same values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from attune.config import Settings
from attune.features.offline_values import OfflineValues, Values
from attune.features.packing import Layout
from attune.features.read_plan import EPOCH
from attune.features.row_store import RowStore
from attune.features.schema import VIEWS, View, views_of
from attune.features.value_digest import value_digest

Word = Literal["equal", "skewed", "not computed"]
Side = Literal["online", "served"]
ANY_FEATURE = "any of the view"


class Difference(Settings):
    """One value that is another one elsewhere.

    Attributes:
        feature: Its name, or `ANY_FEATURE` where only a digest of the view's values was kept.
        customer: By pseudonym.
        as_of: The moment that both values are of.
        offline: What training is told; None where nothing was known.
        other: What the online store holds, or a digest of what serving used.
    """

    view: str
    feature: str
    customer: str
    as_of: datetime
    offline: Any
    other: Any


class Proof(Settings):
    """One view, compared on one side.

    Attributes:
        compared: How many values (served: digests) were compared.
    """

    view: str
    side: Side
    word: Word
    compared: int = Field(ge=0)
    differences: tuple[Difference, ...] = ()


class ParityReport(Settings):
    """What was compared, and what differs."""

    proofs: tuple[Proof, ...]

    @property
    def word(self) -> Word:
        """Skewed where anything is; equal where every online view was compared and is."""
        words = [proof.word for proof in self.proofs]
        if "skewed" in words:
            return "skewed"
        online = [proof.word for proof in self.proofs if proof.side == "online"]
        return "equal" if online and set(online) == {"equal"} else "not computed"

    @property
    def differences(self) -> list[Difference]:
        """All that differs."""
        return [each for proof in self.proofs for each in proof.differences]


@dataclass(frozen=True)
class Served:
    """What an answer rested on, as the prediction log has it.

    Attributes:
        service: The feature service that was read.
        as_of: The moment of the view's values.
        digest: Of the values, see `value_digest`.
    """

    service: str
    view: str
    customer: str
    as_of: datetime
    digest: str


def compare(
    offline: OfflineValues,
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
    views = [view for view in VIEWS.values() if view.online]
    answers = list(served)
    proofs = [_online(offline, store, view, customers, online_as_of) for view in views]
    proofs += [_served(offline, view, [each for each in answers if each.view == view.name]) for view in views]
    return ParityReport(proofs=tuple(proofs))


def _online(
    offline: OfflineValues,
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
    return _proof(view, "online", len(held) * len(view.feature_names), found)


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


def _served(offline: OfflineValues, view: View, answers: Sequence[Served]) -> Proof:
    asked: dict[datetime, dict[str, None]] = {}
    for answer in answers:
        asked.setdefault(answer.as_of, {})[answer.customer] = None
    known = offline.at(view.name, {moment: list(customers) for moment, customers in asked.items()})
    found = [
        Difference(
            view=view.name,
            feature=ANY_FEATURE,
            customer=answer.customer,
            as_of=answer.as_of,
            offline=digest,
            other=answer.digest,
        )
        for answer in answers
        if (digest := _digest(known[answer.as_of], answer)) != answer.digest
    ]
    return _proof(view, "served", len(answers), found)


def _digest(known: Values, answer: Served) -> str | None:
    values = known.get(answer.customer)
    if values is None:
        return None
    return value_digest({name: values[name] for name in views_of(answer.service)[answer.view]})


def _proof(view: View, side: Side, compared: int, found: Sequence[Difference]) -> Proof:
    word: Word = "not computed" if not compared else "skewed" if found else "equal"
    return Proof(view=view.name, side=side, word=word, compared=compared, differences=tuple(found))
