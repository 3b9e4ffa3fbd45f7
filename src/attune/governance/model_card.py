"""The model card of a version: the nine sections of "Model Cards for Model Reporting", Mitchell et al. 2019.

What was measured is filled in; what only people can say comes from the model's section of the parameter file.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from attune.evaluation.comparison import Comparison, metric_title
from attune.governance.documents import Bar, Document, Figure, Section, Table
from attune.governance.fairness import FairnessTable
from attune.governance.insight import Insight, number, numbers
from attune.governance.manifest import Origin
from attune.governance.outcome import Outcome
from attune.training.examples import TEST, TRAIN, ExamplesRecord
from attune.training.plan import CardTexts

MODEL_CARD_FILE = "model_card.json"
SECTIONS = (
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)


class Evidence(NamedTuple):
    """All that is known about a version before it has a number."""

    origin: Origin
    texts: CardTexts
    results: Comparison
    outcome: Outcome
    examples: ExamplesRecord
    fairness: FairnessTable
    insight: Insight | None = None


def model_card(evidence: Evidence) -> Document:
    """Write the model card of a version that is about to be registered."""
    texts = evidence.texts
    sections = [
        _details(evidence),
        Section(title=SECTIONS[1], sentences=_said(texts.intended_use, texts.out_of_scope)),
        _factors(evidence.fairness),
        _metrics(evidence),
        _evaluation_data(evidence),
        _training_data(evidence),
        _analyses(evidence),
        Section(title=SECTIONS[7], sentences=_said(texts.ethical_considerations)),
        Section(title=SECTIONS[8], sentences=_said(texts.caveats)),
    ]
    return Document(title=f"Model card: {evidence.origin.name}", sections=sections)


def _said(*texts: str) -> list[str]:
    return [text.strip() for text in texts if text.strip()]


def _details(evidence: Evidence) -> Section:
    origin = evidence.origin
    facts = {
        "algorithm": origin.algorithm,
        "kind": origin.kind,
        "feature service": f"{origin.feature_service} (schema {origin.schema_hash[:12]})",
        "run": origin.run_key[:12],
        "code": f"{origin.code_version[:12]}, commit {origin.commit or 'unknown'}",
        "environment": origin.environment[:12],
        "seed": str(origin.seed),
        "asked for by": origin.author,
        "promoted by": "a person's approval" if origin.approval == "person" else "the gate or a person",
    }
    return Section(
        title=SECTIONS[0],
        sentences=[f"{origin.name} is a {origin.kind}; this version is a {origin.algorithm}."],
        tables=[Table(columns=["what", "which"], rows=[[key, value] for key, value in facts.items()])],
    )


def _factors(fairness: FairnessTable) -> Section:
    attributes = list(dict.fromkeys(row.attribute for row in fairness.rows))
    if not attributes:
        return Section(title=SECTIONS[2], sentences=[])
    sentence = (
        f"It was measured by {' and '.join(attributes)}: {len(fairness.rows)} groups, of which "
        f"{len(fairness.judged)} have enough examples to be judged: at least {fairness.min_rows}"
        + ("." if fairness.telling is None else f", and a gap of {fairness.telling:g} would surely be seen.")
    )
    return Section(title=SECTIONS[2], sentences=[sentence])


def _metrics(evidence: Evidence) -> Section:
    results = evidence.results
    measured = results.candidates[evidence.outcome.candidate].metrics
    sentence = (
        f"{metric_title(results.metric)} decides; more is better. Intervals are of resampled customers. "
        "What could not be computed is said to be so and never counts as good."
    )
    rows = [[metric_title(name), *numbers(metric)] for name, metric in measured.items()]
    table, insight = Table(columns=["metric", "value", "from", "to"], rows=rows), evidence.insight
    return Section(
        title=SECTIONS[3],
        sentences=[sentence, *(insight.sentences() if insight else [])],
        tables=[table, *(insight.metric_tables() if insight else [])],
    )


def _evaluation_data(evidence: Evidence) -> Section:
    test, dates = evidence.results.test, evidence.examples.as_of[TEST]
    sentence = (
        f"{test.rows:,} examples of {test.customers:,} customers as of {_dates(dates)}, later than anything "
        "that taught the model, and the same for every candidate and the champion."
    )
    return Section(title=SECTIONS[4], sentences=[sentence])


def _training_data(evidence: Evidence) -> Section:
    examples = evidence.examples
    sentences = [
        f"{examples.rows[TRAIN]:,} examples as of {_dates(examples.as_of[TRAIN])}, from tables at version "
        f"{examples.tables_version[:12]}; the examples have the digest {examples.data_hash[:12]}.",
        f"Customers agreed to the purpose {examples.purpose}; {examples.customers_without_consent:,} who did "
        "not are in no part.",
        f"{examples.leakage_audit.checked_rows:,} rows were checked for features later than their date.",
    ]
    return Section(title=SECTIONS[5], sentences=sentences)


def _analyses(evidence: Evidence) -> Section:
    results, fairness, insight = evidence.results, evidence.fairness, evidence.insight
    title = metric_title(results.metric)
    candidates = {name: found.metrics[results.metric] for name, found in results.candidates.items()}
    groups = {f"{row.attribute} {row.group}": row for row in fairness.judged}
    compared = [
        [f"{found.a} against {found.b}", *(number(value) for value in (found.mean, found.low, found.high))]
        for found in results.differences
    ]
    judged = [
        [row.attribute, row.group, f"{row.rows:,}", number(row.value), number(row.gap), row.verdict]
        for row in fairness.rows
    ]
    return Section(
        title=SECTIONS[6],
        sentences=[evidence.outcome.reason],
        tables=[
            Table(columns=[f"difference of {title}", "mean", "from", "to"], rows=compared),
            Table(columns=["attribute", "group", "examples", title, "gap", "verdict"], rows=judged),
            *(insight.error_tables() if insight else []),
        ],
        figures=[
            *_figure(f"{title} of every candidate", candidates.items()),
            *_figure(f"{title} by group", groups.items()),
            *(insight.figures() if insight else []),
        ],
    )


def _figure(title: str, measured: Iterable[tuple[str, object]]) -> list[Figure]:
    bars = []
    for label, found in measured:
        ends = [getattr(found, end) for end in ("value", "low", "high")]
        if None not in ends:
            bars.append(Bar(label=label, value=ends[0], low=ends[1], high=ends[2]))
    return [Figure(title=title, bars=bars)] if bars else []


def _dates(dates: Sequence[datetime]) -> str:
    shown = [f"{date:%Y-%m-%d}" for date in dates]
    return shown[0] if len(shown) == 1 else f"{len(shown)} dates from {shown[0]} to {shown[-1]}"
