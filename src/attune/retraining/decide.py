"""What follows from an observation: pure functions from a model's state to its next one, and why.

    calm -> suspect -> confirmed -> training -> shadow -> canary -> promoted or rejected -> cooldown -> calm

Broken data lead to an incident and never to a run: a model would learn the fault. A person can pause a model,
and the controller pauses one that it cannot help.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from attune.config import Settings
from attune.retraining.rules import RetrainingRules
from attune.retraining.state import RUNNING, Lease, Phase, Seen, Spent, State

Action = Literal["nothing", "measure the benefit", "retrain"]
Ending = Literal["promoted", "kept", "waiting", "failed"]
Happening = Literal[
    "looked",
    "incident",
    "suspected",
    "confirmed",
    "ended",
    "harmless",
    "triggered",
    "joined",
    "refused",
    "given up",
    "staged",
    "promoted",
    "rejected",
    "waiting",
    "failed",
    "fenced off",
    "rolled back",
    "paused",
    "resumed",
]


class Look(Settings):
    """What monitoring says of one window.

    Attributes:
        at: By the clock of whoever looks.
        window: The last as-of date of the window: the same window seen twice counts once.
        pressure: Drift as a multiple of the limit; None where the data are not fit to tell.
        cause: The sentence behind it.
    """

    at: datetime
    version: int = Field(ge=1)
    window: datetime
    pressure: float | None = Field(ge=0)
    cause: str


class Benefit(Settings):
    """What a quick model gained over the champion on the newest labels, and what chance alone may gain."""

    gain: float
    detectable: float = Field(gt=0)
    rows: int = Field(ge=0)


class Said(Settings):
    """One thing that happened, for the record."""

    event: Happening
    cause: str
    figures: dict[str, Any] = Field(default_factory=dict)


class Step(Settings):
    """The state after an observation, what to do, and what goes on record."""

    state: State
    action: Action = "nothing"
    said: tuple[Said, ...] = ()


def look(state: State, seen: Look, running: int, rules: RetrainingRules) -> Step:
    """Take one look into account.

    Args:
        state: Where the model stands.
        seen: The look.
        running: How many other models are being retrained.
        rules: How strict to be.
    """
    state, given_up = _give_up_late(state.forget(seen.at), seen.at, rules)
    if seen.pressure is None:
        return Step(state=state, said=(*given_up, Said(event="incident", cause=seen.cause)))
    was = state.drifting
    state = _with_window(state, seen, rules)
    figures = {"pressure": round(seen.pressure, 4), "windows": [each.pressure for each in state.windows]}
    if not state.drifting:
        event: Happening = "ended" if was else "suspected" if state.phase == "suspect" else "looked"
        return Step(state=state, said=(*given_up, Said(event=event, cause=seen.cause, figures=figures)))
    step = _run(state, seen.at, seen.cause, running, rules, benefit=rules.benefit)
    known = Said(event="looked" if was else "confirmed", cause=seen.cause, figures=figures)
    return step.model_copy(update={"said": (*given_up, known, *step.said)})


def measured(
    state: State, found: Benefit | None, at: datetime, cause: str, running: int, rules: RetrainingRules
) -> Step:
    """Go on after the benefit was measured: drift that costs nothing is left alone until the rest is over.

    Where no quick model can tell, the run starts, and the gate will.
    """
    figures = {} if found is None else found.model_dump()
    if found is not None and found.gain < found.detectable:
        rest = at + timedelta(hours=rules.cooldown_hours)
        why = (
            f"Harmless drift: a quick model gains {found.gain:+.4f} on {found.rows:,} rows, where less than "
            f"{found.detectable:.4f} cannot be told from chance. {cause}"
        )
        return Step(
            state=state.model_copy(update={"rests_until": rest}),
            said=(Said(event="harmless", cause=why, figures=figures),),
        )
    refusal = _obstacle(state, at, running, rules)
    if refusal:
        return Step(state=state, said=(_refused(cause, refusal),))
    return _start(state, at, cause, rules, figures)


def ask(state: State, at: datetime, cause: str, running: int, rules: RetrainingRules) -> Step:
    """Let a person or a schedule ask for a run; the budget holds for them as well."""
    state, given_up = _give_up_late(state.forget(at), at, rules)
    step = _run(state, at, cause, running, rules, benefit=False)
    return step.model_copy(update={"said": (*given_up, *step.said)})


def staged(state: State, token: int, stage: Literal["shadow", "canary"], cause: str) -> Step:
    """The run's version is tried beside the champion."""
    if state.run is None or state.run.token != token:
        return Step(state=state, said=(_fenced(token, stage),))
    return Step(
        state=state.model_copy(update={"phase": stage}),
        said=(Said(event="staged", cause=cause, figures={"stage": stage}),),
    )


def ended(state: State, token: int, ending: Ending, at: datetime, cause: str, rules: RetrainingRules) -> Step:
    """A run came to its end: the lease is free, and the model rests."""
    run = state.run
    if run is None or run.token != token:
        return Step(state=state, said=(_fenced(token, ending),))
    minutes = max(0.0, (at - run.started) / timedelta(minutes=1))
    unpromoted = {"promoted": 0, "waiting": state.unpromoted}.get(ending, state.unpromoted + 1)
    after = state.forget(at).model_copy(
        update={
            "phase": "cooldown" if state.paused is None else "paused",
            "run": None,
            "rests_until": at + timedelta(hours=rules.cooldown_hours),
            "spent": (*state.spent, Spent(ended=at, minutes=minutes)),
            "unpromoted": unpromoted,
            **({"windows": (), "drifting": False} if ending == "promoted" else {}),
        }
    )
    figures = {"token": token, "minutes": round(minutes, 1), "joined": run.joined}
    event: Happening = "rejected" if ending == "kept" else ending
    said = Said(event=event, cause=cause, figures=figures)
    if unpromoted >= rules.unpromoted_in_a_row:
        why = f"{unpromoted} runs in a row promoted nothing: a person has to look"
        return _pause(after, why, said)
    return Step(state=after, said=(said,))


def rolled_back(state: State, at: datetime, cause: str, rules: RetrainingRules) -> Step:
    """A champion was taken back."""
    state = state.forget(at)
    state = state.model_copy(update={"rollbacks": (*state.rollbacks, at), "windows": (), "drifting": False})
    said = Said(event="rolled back", cause=cause)
    if len(state.rollbacks) >= rules.rollbacks_per_week:
        return _pause(state, f"{len(state.rollbacks)} rollbacks in seven days: a person has to look", said)
    return Step(state=state, said=(said,))


def pause(state: State, why: str) -> Step:
    """Let a person stop the retraining of a model; a run under way goes on to its end."""
    return _pause(state, why)


def resume(state: State, why: str) -> Step:
    """Let a person allow it again; what led to the pause is forgotten."""
    update = {"paused": None, "unpromoted": 0, "rollbacks": (), "phase": _phase(state)}
    return Step(state=state.model_copy(update=update), said=(Said(event="resumed", cause=why),))


def _with_window(state: State, seen: Look, rules: RetrainingRules) -> State:
    assert seen.pressure is not None
    kept = state.windows if state.version == seen.version else ()
    drifting = state.drifting and state.version == seen.version
    others = [each for each in kept if each.window != seen.window]
    size = max(rules.windows_seen, rules.windows_off)
    windows = (*others, Seen(window=seen.window, pressure=seen.pressure))[-size:]
    high = sum(each.pressure >= 1 for each in windows[-rules.windows_seen :])
    calm = [each.pressure < rules.low for each in windows[-rules.windows_off :]]
    over = len(calm) == rules.windows_off and all(calm)
    state = state.model_copy(
        update={
            "version": seen.version,
            "windows": windows,
            "drifting": high >= rules.windows_on or (drifting and not over),
            "last_result": seen.at,
        }
    )
    resting = state.rests_until is not None and seen.at < state.rests_until
    busy = state.run is not None or state.paused is not None or (resting and state.phase == "cooldown")
    return state if busy else state.model_copy(update={"phase": _phase(state)})


def _phase(state: State) -> Phase:
    if state.run is not None:
        return state.phase if state.phase in RUNNING else "training"
    if state.drifting:
        return "confirmed"
    return "suspect" if state.windows and state.windows[-1].pressure >= 1 else "calm"


def _run(
    state: State, at: datetime, cause: str, running: int, rules: RetrainingRules, *, benefit: bool
) -> Step:
    if state.run is not None:
        joined = state.run.model_copy(update={"joined": state.run.joined + 1})
        said = Said(
            event="joined",
            cause=f"{cause} The run that began on {state.run.started:%Y-%m-%d %H:%M} answers this as well.",
            figures={"token": joined.token, "joined": joined.joined},
        )
        return Step(state=state.model_copy(update={"run": joined}), said=(said,))
    refusal = _obstacle(state, at, running, rules)
    if refusal:
        return Step(state=state, said=(_refused(cause, refusal),))
    if benefit:
        return Step(state=state, action="measure the benefit")
    return _start(state, at, cause, rules, {})


def _obstacle(state: State, at: datetime, running: int, rules: RetrainingRules) -> str:
    """The first reason why no run may start now, or nothing."""
    minutes = sum(spent.minutes for spent in state.spent)
    if state.run is not None:
        return "a run is under way"
    if state.paused is not None:
        return f"retraining is paused ({state.paused})"
    if state.rests_until is not None and at < state.rests_until:
        return f"the model rests until {state.rests_until:%Y-%m-%d %H:%M}"
    if len(state.starts) >= rules.runs_per_week:
        return f"{len(state.starts)} runs began in seven days, as many as may"
    if minutes >= rules.minutes_per_week:
        return f"runs of seven days took {minutes:.0f} minutes, as many as they may"
    if running >= rules.running_at_once:
        return f"{running} other models are being retrained, as many as may at once"
    return ""


def _start(state: State, at: datetime, cause: str, rules: RetrainingRules, figures: dict[str, Any]) -> Step:
    token = state.tokens + 1
    lease = Lease(token=token, started=at, until=at + timedelta(hours=rules.lease_hours), cause=cause)
    update = {"phase": "training", "run": lease, "tokens": token, "starts": (*state.starts, at)}
    said = Said(event="triggered", cause=cause, figures={**figures, "token": token})
    return Step(state=state.model_copy(update=update), action="retrain", said=(said,))


def _give_up_late(state: State, at: datetime, rules: RetrainingRules) -> tuple[State, tuple[Said, ...]]:
    """Free the lease of a run that has not ended in time."""
    run = state.run
    if run is None or at < run.until:
        return state, ()
    why = f"the run that began on {run.started:%Y-%m-%d %H:%M} did not end by {run.until:%Y-%m-%d %H:%M}"
    step = ended(state, run.token, "failed", run.until, why, rules)
    told = Said(event="given up", cause=why, figures={"token": run.token})
    return step.state, (told, *step.said)


def _pause(state: State, why: str, *before: Said) -> Step:
    update: dict[str, Any] = {"paused": why}
    if state.run is None:
        update["phase"] = "paused"
    return Step(state=state.model_copy(update=update), said=(*before, Said(event="paused", cause=why)))


def _refused(cause: str, why: str) -> Said:
    return Said(event="refused", cause=f"{cause} No run starts: {why}.", figures={"reason": why})


def _fenced(token: int, wanted: str) -> Said:
    why = f"A run with token {token} says {wanted}, but the lease is another's or nobody's: nothing changes."
    return Said(event="fenced off", cause=why, figures={"token": token})
