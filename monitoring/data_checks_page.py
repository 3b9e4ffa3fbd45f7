"""The page of the data checks of one import."""

from pathlib import Path

from attune.data.check_report import CheckReport
from monitoring.pages import render

PAGE_FILE = "data_checks.html"


def data_checks_page(report: CheckReport) -> str:
    """The page: whether the tables were imported, and what does not hold."""
    return render(
        "data_checks.html",
        {"report": report, "sentence": _sentence(report), "next_step": _next_step(report)},
    )


def write_data_checks_page(checks: Path) -> Path:
    """Write the page of a report beside it.

    Args:
        checks: The report, `data_checks.json`.

    Returns:
        The page.
    """
    report = CheckReport.model_validate_json(checks.read_bytes())
    page = checks.with_name(PAGE_FILE)
    unfinished = page.with_name(f".{page.name}.unfinished")
    unfinished.write_text(data_checks_page(report), encoding="utf-8")
    unfinished.replace(page)
    return page


def _sentence(report: CheckReport) -> str:
    reasons = [finding for finding in report.findings if not finding.quarantined]
    if reasons:
        first = reasons[0]
        where = f"{first.table}.{first.column}" if first.column else first.table
        more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        return f"{where}: {first.rule}{more}."
    aside = sum(report.quarantined.values())
    return (
        f"{aside:,} rows were set aside; all others hold."
        if aside
        else "Every check that could be made holds."
    )


def _next_step(report: CheckReport) -> str:
    if report.accepted:
        return "The tables are in use. Rows that were set aside lie in quarantine, each with its reason."
    return (
        "Nothing was written: the tables are what they were. Mend the source and import it again; set single "
        "rows aside with --quarantine; or, where the change is real, take it with --accept-changes."
    )
