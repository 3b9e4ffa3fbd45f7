"""The datasheet of a version's examples: the questions of Gebru et al., "Datasheets for Datasets" (2021)."""

from collections.abc import Sequence
from datetime import datetime

from attune.governance.documents import Document, Section, Table
from attune.governance.model_card import Evidence

DATASHEET_FILE = "datasheet.json"


def datasheet(evidence: Evidence) -> Document:
    """Write the datasheet of the examples that a version learnt from and was measured on."""
    record, texts = evidence.examples, evidence.texts
    parts = [[part, f"{rows:,}", _span(record.as_of[part])] for part, rows in record.rows.items()]
    features = [[name, kind] for name, kind in record.features.items()]
    sections = {
        "Motivation": [texts.intended_use],
        "Composition": [
            f"{sum(record.rows.values()):,} examples of {record.customers:,} customers under pseudonyms: "
            f"{len(record.features)} features of {record.feature_service} and a label {record.label}."
        ],
        "Collection process": [
            f"Made as of {record.now:%Y-%m-%d} from the shop's own tables at version {record.tables_version}."
        ],
        "Preprocessing, cleaning, labelling": [
            "Tables are checked against their contracts and cleaned by written rules when they are imported; "
            f"{record.leakage_audit.checked_rows:,} rows were checked for features later than their date."
        ],
        "Uses": [texts.intended_use, texts.out_of_scope],
        "Distribution": [
            "The examples stay in the workspace; a version holds only their digest and a sample "
            "of features without customers."
        ],
        "Maintenance": [
            "Examples are made anew for each run from the consents of that day: "
            f"{record.customers_without_consent:,} who did not agree to {record.purpose} are left out."
        ],
    }
    tables = {
        "Composition": [
            Table(columns=["part", "examples", "as of"], rows=parts),
            Table(columns=["feature", "type"], rows=features),
        ]
    }
    return Document(
        title=f"Datasheet: examples of {record.model}",
        sections=[
            Section(title=title, sentences=[text for text in said if text], tables=tables.get(title, []))
            for title, said in sections.items()
        ],
    )


def _span(dates: Sequence[datetime]) -> str:
    return f"{dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}" if dates else "-"
