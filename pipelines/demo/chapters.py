"""The chapters: each does one step of the loop and shows what came out."""

import hashlib

from attune.columns import GRANTED
from attune.config import Workspace
from attune.data.importing import replace_interactions
from attune.data.ingest import ingest
from attune.data.shift import switch_store_format
from attune.data.tables import read_table
from attune.data.times import parse_moment
from attune.drift.verdicts import Verdict
from attune.evaluation.results import Difference, Metric
from attune.features.schema import VIEWS
from attune.features.snapshots import snapshots
from attune.governance.manifest import Window
from attune.private_files import place_first
from attune.retraining.controller import Controller
from attune.retraining.evidence import look_of
from attune.retraining.rules import SECTION, RetrainingRules
from pipelines.demo.application import ask
from pipelines.demo.pages import write_pages
from pipelines.demo.teller import (
    FIRST_TRAINING,
    MODELS,
    NEXT_MONTH,
    SHIFT_BEGINS,
    SOURCE,
    YEAR_END,
    Teller,
    Training,
    in_a_process_of_its_own,
)
from pipelines.launch import Request
from serving.server import start
from serving.settings import ServingSettings

# The same everywhere, so that everybody sees the same figures; the data are public. Whoever imports data of
# their own gets a key drawn at random.
DEMO_KEY = hashlib.sha256(b"Attune: the demo's public data").digest()
SHIFT_SHARE = 1 / 3
SHIFT_SEED = 7
DEPARTMENT_GONE = "PRODUCE"
# The story looks only twice: one window has to be enough, and there is no time for a quick model first.
TWO_LOOKS = {"windows_on": 1, "windows_seen": 1, "benefit": False}


def data(teller: Teller) -> None:
    """Import what was known on the day of the first training."""
    place_first(teller.workspace.pseudonym_key, DEMO_KEY)
    teller.screen.progress(f"importing what was known before {FIRST_TRAINING}")
    report = in_a_process_of_its_own(ingest, SOURCE, FIRST_TRAINING, teller.workspace)
    for line in report.lines():
        teller.screen.say(line)
    consents = read_table(teller.workspace.tables, "consents")
    refused = int((~consents[GRANTED]).sum())
    teller.screen.say(
        f"Customers are pseudonyms now; the key is {teller.workspace.pseudonym_key}, the same in every demo. "
        f"{refused:,} of {len(consents):,} consents are refused (played: the data has none)."
    )


def features(teller: Teller) -> None:
    """Compute snapshots, declare them to Feast, bring the latest online."""
    teller.features_version = teller.launch.features(FIRST_TRAINING)
    rows = [
        [view, str(len(found)), found[0].stem, found[-1].stem]
        for view in VIEWS
        if (found := snapshots(teller.workspace.features, view))
    ]
    teller.screen.table("Feature views", ["view", "dates", "first", "last"], rows)


def train(teller: Teller) -> None:
    """Run the training pipeline for all models at once."""
    requests = [Request(FIRST_TRAINING, model, features_version=teller.features_version) for model in MODELS]
    for training in teller.train("training", requests):
        rows, dates = training.comparison.test.rows, len(training.comparison.test.as_of)
        teller.screen.say(
            f"{training.model}: {len(training.comparison.candidates)} candidates trained, "
            f"to be judged on {rows:,} rows of {dates} later date{'s' if dates > 1 else ''}."
        )


def evaluate(teller: Teller) -> None:
    """Show what was measured and what the gate said."""
    for training in teller.trainings:
        show_comparison(teller, training)
        teller.screen.verdict(f"The gate: {training.released.reason}")


def register(teller: Teller) -> None:
    """Verify and show the champions."""
    for model in MODELS:
        champion = teller.registry.champion(model)
        if champion is None:
            teller.screen.verdict(f"{model} has no champion.")
            continue
        teller.registry.verify(champion)
        files = ", ".join(sorted(champion.manifest.files))
        teller.screen.say(
            f"{model} version {champion.version} ({champion.manifest.algorithm}) is champion: every digest "
            f"and the signature hold.\n  {champion.folder}: {files}\n  tracked by {champion.folder}.dvc"
        )


def serve(teller: Teller) -> None:
    """Start the server and ask as an application would."""
    settings = ServingSettings(now=parse_moment(FIRST_TRAINING))
    with start(teller.workspace, settings=settings) as server:
        teller.screen.say(f"BentoML answers at {server.url} with live features and verified models.")
        ask(teller, server.url)


def monitor(teller: Teller) -> None:
    """Look at a month as it came, then at one with an announced shift."""
    screen = teller.screen
    screen.say(
        f"First, September as it came: features as of {NEXT_MONTH} against what the models learnt from.\n"
        "A shop in operation wants drift in two of three windows before it retrains; this story looks only "
        "twice,\nso one window is enough here."
    )
    screen.progress(f"importing what was known before {NEXT_MONTH}")
    in_a_process_of_its_own(ingest, SOURCE, NEXT_MONTH, teller.workspace)
    _look(teller, NEXT_MONTH)
    screen.say(
        f"\nNow a planted shift, announced: from {SHIFT_BEGINS:%d %B} on, a third of the households shop in "
        f"another store format,\nin larger and rarer baskets, and without the department {DEPARTMENT_GONE}. "
        "The rest of the year arrives like this."
    )
    screen.progress("importing the rest of the year")
    in_a_process_of_its_own(plant_shift, teller.workspace)
    _look(teller, YEAR_END)


def retrain(teller: Teller) -> None:
    """Follow the verdicts: retrain where there is a cause, and sum up."""
    if not teller.causes:
        teller.screen.verdict("No verdict asks for it; nothing is retrained.")
    for model, cause in teller.causes.items():
        teller.screen.say(f"{model}: {cause}")
    requests = [Request(YEAR_END, model, cause=cause) for model, cause in teller.causes.items()]
    for training in teller.train("retraining", requests):
        show_comparison(teller, training)
        teller.screen.verdict(f"The gate: {training.released.reason}")
        _end(teller, training)
    columns, rows = summary(teller)
    teller.screen.table("What happened", columns, rows)
    teller.screen.say("Pages to open:")
    for page in write_pages(teller, columns, rows):
        teller.screen.say(f"  {page}")


def show_comparison(teller: Teller, training: Training) -> None:
    """A table of all candidates on the same future."""
    comparison = training.comparison
    names = list(next(iter(comparison.candidates.values())).metrics)
    candidates = dict(comparison.candidates)
    if comparison.champion is not None:
        candidates[f"champion, {comparison.champion.title}"] = comparison.champion.evaluation
    rows = [
        [name, *[_cell(evaluation.metrics[metric], decides=metric == comparison.metric) for metric in names]]
        for name, evaluation in candidates.items()
    ]
    title = f"{training.model}, known up to {training.now}; {comparison.metric} decides, with 95 % intervals"
    teller.screen.table(title, ["model", *names], rows)
    for difference in comparison.differences:
        teller.screen.say(f"  {_sentence(difference)}")


def summary(teller: Teller) -> tuple[list[str], list[list[str]]]:
    """One row a training run: version, data window, metric, decision."""
    columns = ["version", "taught by", "tested as of", "metric", "decision"]
    rows = []
    for training in teller.trainings:
        comparison, released = training.comparison, training.released
        window = teller.registry.get(training.model, released.version).manifest.window
        rows.append(
            [
                f"{training.model} {released.version}, {released.candidate}",
                _days(window["train"]),
                _days(window["test"]),
                f"{comparison.metric} {_cell(comparison.measured(released.candidate), decides=False)}",
                released.verdict,
            ]
        )
    return columns, rows


def figure(metric: Metric) -> str:
    """A metric with its interval, or why there is none."""
    if metric.value is None:
        return f"not computed: {metric.reason}"
    if metric.low is None or metric.high is None:
        return f"{metric.value:.4f}"
    return f"{metric.value:.4f} ({metric.low:.3f} to {metric.high:.3f})"


def _days(window: Window) -> str:
    if window.first == window.last:
        return f"{window.first:%Y-%m-%d}"
    return f"{window.first:%Y-%m-%d} to {window.last:%m-%d}"


def _cell(metric: Metric, *, decides: bool) -> str:
    """What decides is shown with its interval; the others fit beside it."""
    return figure(metric) if decides or metric.value is None else f"{metric.value:.4f}"


def _sentence(difference: Difference) -> str:
    about = f"{difference.a} against {difference.b}, {difference.metric}"
    if difference.mean is None:
        return f"{about}: not computed, {difference.reason}"
    return f"{about}: {difference.mean:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"


def _look(teller: Teller, now: str) -> None:
    teller.features_version = teller.launch.features(now)
    for verdict in teller.look(now):
        teller.screen.verdict(f"{verdict.subject.model}: {verdict.word}. {verdict.sentence}")
        follow(teller, verdict)


def follow(teller: Teller, verdict: Verdict) -> None:
    """Let the controller decide what a verdict leads to, and remember the cause of a run."""
    subject, controller = verdict.subject, _controller(teller)
    step = controller.look(subject.model, look_of(verdict, subject.now, controller.rules))
    if step.action == "retrain":
        teller.causes[subject.model] = step.said[-1].cause
    else:
        teller.screen.say(f"  Retraining: {step.state.phase}, nothing starts.")


def _end(teller: Teller, training: Training) -> None:
    controller, released = _controller(teller), training.released
    run = controller.standing(training.model).run
    if run is not None:
        now = parse_moment(training.now)
        controller.ended(training.model, run.token, released.ending, now, released.reason)


def _controller(teller: Teller) -> Controller:
    given = teller.launch.params.get(SECTION) or {}
    return Controller(teller.workspace, RetrainingRules.parse({**given, **TWO_LOOKS}))


def plant_shift(workspace: Workspace) -> None:
    """Import the rest of the year as it would be if a third of the households shopped differently."""
    ingest(SOURCE, "", workspace)
    shifted = switch_store_format(
        read_table(workspace.tables, "interactions"),
        read_table(workspace.tables, "items"),
        SHIFT_SHARE,
        SHIFT_BEGINS,
        SHIFT_SEED,
        department=DEPARTMENT_GONE,
    )
    later = shifted[shifted["event_timestamp"] >= SHIFT_BEGINS]
    replace_interactions(workspace.tables, SHIFT_BEGINS, later)
