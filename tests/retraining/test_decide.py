from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune.errors import ConfigError
from attune.retraining.decide import (
    Benefit,
    Look,
    ask,
    ended,
    look,
    measured,
    pause,
    resume,
    rolled_back,
    staged,
)
from attune.retraining.rules import RetrainingRules
from attune.retraining.state import State

START = datetime(2017, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = RetrainingRules(benefit=False)
CALM = State(model="churn")


def at_day(day: float, pressure: float | None, version: int = 1) -> Look:
    moment = START + day * DAY
    return Look(at=moment, version=version, window=moment, pressure=pressure, cause="Drift.")


def after(pressures: list[float | None], rules: RetrainingRules = RULES, state: State = CALM) -> State:
    for day, pressure in enumerate(pressures):
        state = look(state, at_day(day, pressure), 0, rules).state
    return state


@pytest.mark.parametrize(
    ("pressures", "phase"),
    [
        ([0.0], "calm"),
        ([1.0], "suspect"),
        ([0.9], "calm"),
        ([1.2, 0.1], "calm"),
        ([1.2, 1.2], "training"),
        ([1.2, 0.1, 1.2], "training"),
        ([1.2, 0.1, 0.1, 1.2], "suspect"),
        ([1.2, None, 1.2], "training"),
        ([None, None, None], "calm"),
    ],
)
def test_two_of_three_windows_beyond_the_limit_start_a_run(pressures: list[float | None], phase: str):
    assert after(pressures).phase == phase


def test_the_same_window_seen_twice_counts_once():
    again = at_day(0, 1.5).model_copy(update={"at": START + DAY})
    assert look(after([1.5]), again, 0, RULES).state.phase == "suspect"


@pytest.mark.parametrize(
    ("later", "drifting"),
    [([0.1, 0.1], True), ([0.1, 0.1, 0.1], False), ([0.1, 0.7, 0.1, 0.1], True), ([0.59] * 3, False)],
)
def test_drift_ends_after_three_windows_in_a_row_well_below_the_limit(later: list[float], drifting: bool):
    assert after([1.2, 1.2, *later]).drifting is drifting


def test_a_figure_that_swings_around_its_limit_starts_one_run():
    rules = RULES.model_copy(update={"lease_hours": 400.0})
    starts, state = 0, CALM
    for day in range(7):
        step = look(state, at_day(day, 1.1 if day % 2 else 0.9), 0, rules)
        state, starts = step.state, starts + (step.action == "retrain")
    assert starts == 1


def test_data_that_are_not_sane_are_an_incident_and_no_window():
    step = look(after([1.2]), at_day(1, None), 0, RULES)
    assert [said.event for said in step.said] == ["incident"]
    assert step.action == "nothing"
    assert step.state.windows == after([1.2]).windows


def test_a_new_champion_is_judged_by_windows_of_its_own():
    assert look(after([1.2]), at_day(1, 1.2, version=2), 0, RULES).state.phase == "suspect"


def test_drift_that_costs_nothing_is_left_alone_for_a_while():
    asked = RULES.model_copy(update={"benefit": True})
    step = look(after([1.2], asked), at_day(1, 1.2), 0, asked)
    assert step.action == "measure the benefit"
    small = measured(
        step.state, Benefit(gain=0.01, detectable=0.02, rows=2000), START + DAY, "Drift.", 0, asked
    )
    assert (small.action, small.said[0].event) == ("nothing", "harmless")
    assert look(small.state, at_day(1.5, 1.2), 0, asked).said[-1].event == "refused"
    large = measured(
        step.state, Benefit(gain=0.03, detectable=0.02, rows=2000), START + DAY, "Drift.", 0, asked
    )
    assert (large.action, large.state.phase) == ("retrain", "training")


def test_what_comes_while_a_run_is_under_way_joins_it():
    training = after([1.2, 1.2])
    step = look(training, at_day(1.1, 1.3), 0, RULES)
    assert (step.action, step.said[-1].event) == ("nothing", "joined")
    assert step.state.run is not None
    assert step.state.run.joined == 1


def finished(state: State, ending: str, day: float) -> State:
    assert state.run is not None
    return ended(state, state.run.token, ending, START + day * DAY, "The gate.", RULES).state  # type: ignore[arg-type]


def test_after_a_run_the_model_rests():
    rested = finished(after([1.2, 1.2]), "kept", 1.1)
    assert rested.phase == "cooldown"
    refused = look(rested, at_day(2, 1.2), 0, RULES)
    assert "rests until 2017-10-03 02:24" in refused.said[-1].cause
    assert look(rested, at_day(2.2, 1.2), 0, RULES).action == "retrain"


def test_a_promotion_forgets_the_windows_of_the_version_before():
    promoted = finished(after([1.2, 1.2]), "promoted", 1.1)
    assert (promoted.windows, promoted.drifting, promoted.unpromoted) == ((), False, 0)
    assert look(promoted, at_day(9, 0.1, version=2), 0, RULES).state.phase == "calm"


def test_three_runs_without_a_promotion_call_for_a_person():
    state = after([1.2, 1.2])
    for day in (2, 4):
        state = look(finished(state, "kept", day), at_day(day + 1.5, 1.2), 0, RULES).state
    paused = finished(state, "failed", 6)
    assert (paused.phase, paused.unpromoted) == ("paused", 3)
    assert look(paused, at_day(9, 5.0), 0, RULES).said[-1].event == "refused"
    resumed = resume(paused, "The labels were wrong; they are mended.").state
    assert (resumed.phase, resumed.unpromoted) == ("confirmed", 0)


def test_two_rollbacks_in_a_week_call_for_a_person_and_in_two_weeks_do_not():
    once = rolled_back(CALM, START, "Errors.", RULES).state
    assert once.paused is None
    assert rolled_back(once, START + 6 * DAY, "Errors.", RULES).state.phase == "paused"
    assert rolled_back(once, START + 8 * DAY, "Errors.", RULES).state.phase == "calm"


def test_no_more_than_two_models_are_retrained_at_once():
    step = look(after([1.2]), at_day(1, 1.2), 2, RULES)
    assert step.action == "nothing"
    assert "2 other models are being retrained" in step.said[-1].cause


def test_a_run_that_does_not_end_is_given_up_and_cannot_speak_any_more():
    stuck = after([1.2, 1.2])
    step = look(stuck, at_day(3, 1.2), 0, RULES)
    assert [said.event for said in step.said] == ["given up", "failed", "looked", "triggered"]
    assert stuck.run is not None
    late = ended(step.state, stuck.run.token, "promoted", START + 3 * DAY, "Late.", RULES)
    assert (late.state, late.said[0].event) == (step.state, "fenced off")


def test_a_version_is_tried_beside_the_champion_by_its_own_run_only():
    training = after([1.2, 1.2])
    assert staged(training, 1, "shadow", "Beside.").state.phase == "shadow"
    assert staged(training, 7, "canary", "Beside.").said[0].event == "fenced off"


def test_a_person_may_pause_and_may_ask():
    paused = pause(CALM, "a campaign runs").state
    assert "a campaign runs" in ask(paused, START, "Asked for.", 0, RULES).said[0].cause
    assert ask(CALM, START, "Asked for.", 0, RULES).action == "retrain"
    running = pause(after([1.2, 1.2]), "a campaign runs").state
    assert (running.phase, finished(running, "kept", 1.1).phase) == ("training", "paused")


def test_without_a_result_in_two_periods_the_condition_is_unknown():
    rules = RetrainingRules(period_hours=24)
    seen = after([0.0])
    assert not seen.silent(START + 2 * DAY, rules)
    assert seen.silent(START + 2.1 * DAY, rules)
    assert after([0.0, None, None]).silent(START + 2.1 * DAY, rules)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["look", "look", "look", "ask", "end", "fail", "promote", "old token"]),
        st.floats(0, 3 * 24 * 60),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(events=EVENTS)
def test_no_order_of_events_exceeds_the_budget(events: list[tuple[str, str, float]]):
    states = {name: State(model=name) for name in "abc"}
    starts: dict[str, list[datetime]] = {name: [] for name in "abc"}
    now = START
    for name, kind, minutes in events:
        now += timedelta(minutes=minutes)
        live = [s.run for other, s in states.items() if other != name and s.run and now < s.run.until]
        state = states[name]
        if kind == "look":
            seen = Look(at=now, version=1, window=now, pressure=2.0, cause="Drift.")
            step = look(state, seen, len(live), RULES)
        elif kind == "ask":
            step = ask(state, now, "Asked for.", len(live), RULES)
        else:
            token = state.tokens - (kind == "old token")
            ending = "promoted" if kind == "promote" else "failed" if kind == "fail" else "kept"
            step = ended(state, token, ending, now, "End.", RULES)  # type: ignore[arg-type]
        if step.action == "retrain":
            assert len(live) < RULES.running_at_once
            assert state.run is None or now >= state.run.until
            assert state.paused is None
            starts[name].append(now)
            recent = [at for at in starts[name] if now - at < timedelta(days=7)]
            assert len(recent) <= RULES.runs_per_week
        states[name] = step.state


@pytest.mark.parametrize(
    ("values", "message"),
    [({"cooldown_hours": -1}, "cooldown_hours"), ({"windows_on": 4}, "only 3 are looked at")],
)
def test_rules_that_cannot_be_are_refused(values: dict[str, float], message: str):
    with pytest.raises(ConfigError, match=message):
        RetrainingRules.of({"retraining": values})
