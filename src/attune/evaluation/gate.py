"""The gate: which candidate challenges the champion, and whether it is promoted. It decides, nothing else."""

from typing import Literal

from pydantic import Field

from attune.config import Settings
from attune.evaluation.comparison import ChampionResult, Comparison, metric_title
from attune.evaluation.fairness import TRUE_POSITIVE_RATE
from attune.evaluation.results import Difference, Evaluation, SliceResult

Verdict = Literal["promoted", "kept"]


class GateRules(Settings):
    """What a challenger has to show."""

    metric: str = Field(description="the metric that decides; more is better")
    margin: float = Field(default=0.0, ge=0, description="a difference must surely be above it")
    level: float = Field(default=0.95, gt=0, lt=1, description="how sure: confidence of the intervals")
    min_rows: int = Field(default=500, ge=1, description="on fewer rows nothing is judged, slice or whole")
    max_slice_loss: float = Field(default=0.05, ge=0, description="how much any slice may lose")
    min_group_ratio: float = Field(
        default=0.8, ge=0, le=1, description="the least that a group is found, over the largest group"
    )


class Decision(Settings):
    """What the gate says, and why, in words."""

    verdict: Verdict
    candidate: str
    reason: str


def decide(results: Comparison, rules: GateRules) -> Decision:
    """Choose the challenger and say whether it becomes champion.

    The best simple model is the challenger unless the network is surely better than it. The challenger is
    promoted where there is no champion, or where it is surely better than the champion on the same rows and
    no slice of customers loses much. What could not be computed never promotes.

    Args:
        results: Candidates and champion, measured on the same test rows.
        rules: What a challenger has to show.
    """
    challenger, choice = choose_challenger(results, rules)
    obstacle = _obstacle(results, challenger, rules)
    kept = (
        f"kept {results.champion.title}" if results.champion else f"kept {results.model} without a champion"
    )
    if obstacle:
        return Decision(verdict="kept", candidate=challenger, reason=f"{kept}: {obstacle}. {choice}")
    if results.champion is None:
        shown = _shown(results, challenger)
        reason = f"promoted {challenger}: there was no champion, and its {shown}. {choice}"
    else:
        difference = results.difference(challenger, results.champion.title)
        against = results.champion.evaluation.metrics[results.metric].value
        reason = (
            f"promoted {challenger} over {results.champion.title}: "
            f"its {_compared(results, challenger, against, difference)}. {choice}"
        )
    return Decision(verdict="promoted", candidate=challenger, reason=reason)


def choose_challenger(results: Comparison, rules: GateRules) -> tuple[str, str]:
    """Choose between the network and the best simple model, and say why.

    Returns:
        The challenger, and a sentence.
    """
    network = results.network
    simple = _best_simple(results)
    if simple is None:
        return network, f"No simple model could be compared with {network}."
    if not results.measured(network).computed:
        return simple, f"{network} could not be measured: {results.measured(network).reason}."
    difference = results.difference(network, simple)
    compared = _compared(results, network, results.measured(simple).value, difference)
    if _surely_better(difference, rules.margin):
        return network, f"{network} beats the best simple model, {simple}: its {compared}."
    return simple, f"{simple} is the challenger, for the network does not surely beat it: its {compared}."


def _best_simple(results: Comparison) -> str | None:
    values = {
        name: value
        for name in results.candidates
        if name != results.network and (value := results.measured(name).value) is not None
    }
    return max(values, key=values.__getitem__) if values else None


def _obstacle(results: Comparison, challenger: str, rules: GateRules) -> str | None:
    """The first reason against promoting the challenger, if there is one."""
    if results.test.rows < rules.min_rows:
        return f"{results.test.rows} test rows are too few to judge by, at least {rules.min_rows} are needed"
    metric = results.measured(challenger)
    if not metric.computed:
        return f"the {metric_title(results.metric)} of {challenger} was not computed ({metric.reason})"
    if results.champion is None:
        return None
    return _against_champion(results, results.champion, challenger, rules)


def _against_champion(
    results: Comparison, champion: ChampionResult, challenger: str, rules: GateRules
) -> str | None:
    measured = champion.evaluation.metrics[results.metric]
    if not measured.computed:
        return (
            f"{champion.title} could not be measured on these rows ({measured.reason}): a person must decide"
        )
    difference = results.difference(challenger, champion.title)
    if not _surely_better(difference, rules.margin):
        return f"the challenger's {_compared(results, challenger, measured.value, difference)}"
    lost = _worst_slice(results.candidates[challenger], champion.evaluation, results.metric, rules)
    if lost is None:
        return _unfair(results.candidates[challenger], champion.evaluation, challenger, rules)
    after, before = lost
    return (
        f"{challenger} is better on the whole, but for {after.slice} {after.group} ({after.rows} rows) its "
        f"{metric_title(results.metric)} falls from {before.value:.4f} to {after.value:.4f}, by more than "
        f"{rules.max_slice_loss:g}"
    )


def _worst_slice(
    challenger: Evaluation, champion: Evaluation, metric: str, rules: GateRules
) -> tuple[SliceResult, SliceResult] | None:
    """The slice that loses most, where that is more than is allowed: challenger and champion."""
    before = _slices(champion, metric, rules)
    pairs = [
        (found, before[key]) for key, found in _slices(challenger, metric, rules).items() if key in before
    ]
    losses = {index: _value(old) - _value(new) for index, (new, old) in enumerate(pairs)}
    worst = max(losses, key=losses.__getitem__, default=None)
    return pairs[worst] if worst is not None and losses[worst] > rules.max_slice_loss else None


def _unfair(after: Evaluation, before: Evaluation, challenger: str, rules: GateRules) -> str | None:
    """A group of people that the challenger finds too seldom, where the champion found it more often."""
    ratios, known = _group_ratios(after, rules), _group_ratios(before, rules)
    worst = min(ratios, key=ratios.__getitem__, default=None)
    if worst is None or ratios[worst] >= rules.min_group_ratio:
        return None
    if worst in known and ratios[worst] >= known[worst] - rules.max_slice_loss:
        return None
    was = f", and {known[worst]:.2f} with the champion" if worst in known else ""
    return (
        f"{challenger} is better on the whole, but it finds {' '.join(worst)} only {ratios[worst]:.2f} times "
        f"as often as the largest group, less than {rules.min_group_ratio:g}{was}"
    )


def _group_ratios(evaluation: Evaluation, rules: GateRules) -> dict[tuple[str, str], float]:
    """The true positive rate of each group over that of the largest group of its attribute."""
    rates = _slices(evaluation, TRUE_POSITIVE_RATE, rules)
    ratios: dict[tuple[str, str], float] = {}
    for attribute in {slice_ for slice_, _ in rates}:
        groups = {key: rate for key, rate in rates.items() if key[0] == attribute}
        largest = _value(max(groups.values(), key=lambda rate: rate.rows))
        if largest > 0:
            ratios |= {key: _value(rate) / largest for key, rate in groups.items()}
    return ratios


def _slices(evaluation: Evaluation, metric: str, rules: GateRules) -> dict[tuple[str, str], SliceResult]:
    return {
        (found.slice, found.group): found
        for found in evaluation.slices
        if found.metric == metric and found.computed and found.rows >= rules.min_rows
    }


def _surely_better(difference: Difference, margin: float) -> bool:
    return difference.low is not None and difference.low > margin


def _value(found: SliceResult) -> float:
    assert found.value is not None
    return found.value


def _compared(results: Comparison, name: str, against: float | None, difference: Difference) -> str:
    shown = f"{_shown(results, name)} against {against:.4f}"
    if difference.mean is None or difference.low is None or difference.high is None:
        return f"{shown}, and the difference was not computed ({difference.reason})"
    return f"{shown}, difference {difference.mean:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"


def _shown(results: Comparison, name: str) -> str:
    return f"{metric_title(results.metric)} is {results.measured(name).value:.4f}"
