"""Look at one served model: the champion's reference against the newest features, a verdict and its pages."""

from collections.abc import Sequence
from pathlib import Path

from attune.config import Workspace
from attune.data.consents import agreed
from attune.data.latest import named_or_latest
from attune.data.tables import read_table
from attune.drift.checks import check_parity
from attune.drift.monitor import Monitor
from attune.drift.verdicts import DRIFTED, Check, Subject, Verdict, Word, replace_file
from attune.drift.watch import watch
from attune.drift.windows import current_rows, current_side, reference_side
from attune.errors import ConfigError, RegistryError
from attune.features.parity import Served
from attune.progress import say
from attune.registry import Registry, Version
from monitoring.monitors import MONITORS
from monitoring.pages import drift_page
from monitoring.parity import VERDICT_FILE, compare_served, keep_parity

PAGE_FILE = "report.html"
ANALYST_FILE = "analyst.html"


def detect(model: str, now: str, report: Path, verdict_file: Path, answers: Sequence[Served] = ()) -> Word:
    """Compare what a model sees now with what it learnt from.

    Args:
        model: The served model.
        now: The date as of which is judged, 2017-10-01 for example; empty: the latest of the tables.
        report: Where the page for people goes.
        verdict_file: Where the figures go.
        answers: What the last answers of the model rested on.

    Returns:
        The verdict in one word. Page and figures are also in the workspace, by model and date.

    Raises:
        RegistryError: No version of the model serves.
        ConfigError: Nobody watches its feature service.
    """
    workspace = Workspace.here()
    champion = _champion(Registry(workspace), model)
    manifest = champion.manifest
    if manifest.feature_service not in MONITORS:
        raise ConfigError(
            f"no monitor for {manifest.feature_service}, but for {sorted(MONITORS)}; add one to monitors.py"
        )
    monitor = MONITORS[manifest.feature_service]
    moment = named_or_latest(now, workspace.tables)
    subject = Subject(
        model=model, version=champion.version, feature_service=manifest.feature_service, now=moment
    )
    parity = compare_served(workspace, answers)
    asked = [] if parity is None else [check_parity(parity)]
    verdict = _look(workspace, champion, monitor, subject, asked)
    page = drift_page(verdict)
    home = workspace.reports / "drift" / model / f"{moment:%Y-%m-%d}"
    keep_parity(parity, home)
    for page_path, verdict_path in ((report, verdict_file), (home / PAGE_FILE, home / VERDICT_FILE)):
        verdict.save(verdict_path)
        replace_file(page_path, page)
    if verdict.word == DRIFTED:
        draw(verdict, home / ANALYST_FILE)
    say(f"{model} version {champion.version}: {verdict.word}. {verdict.sentence}")
    return verdict.word


def draw(verdict: Verdict, page: Path) -> None:
    """Let Evidently draw a verdict for analysts; its import takes seconds, so nobody else waits for it."""
    from attune.adapters.evidently import write_analyst_report

    write_analyst_report(verdict, page)


def _look(
    workspace: Workspace, champion: Version, monitor: Monitor, subject: Subject, asked: Sequence[Check]
) -> Verdict:
    taught = champion.manifest.window["train"]
    consents = read_table(workspace.tables, "consents", before=subject.now)
    customers = agreed(consents, champion.manifest.purpose)
    reference = reference_side(champion.folder, taught.first, taught.last)
    sent = None
    if monitor.sent_days is not None:
        sent = read_table(workspace.tables, "messages", before=subject.now)
    rows = current_rows(workspace.features, monitor, subject.now, customers, sent)
    return watch(subject, reference, current_side(rows, reference.profile), monitor, asked)


def _champion(registry: Registry, model: str) -> Version:
    champion = registry.champion(model)
    if champion is None:
        raise RegistryError(f"no version of {model!r} serves, so there is nothing to watch; train it first")
    registry.verify(champion)
    return champion
