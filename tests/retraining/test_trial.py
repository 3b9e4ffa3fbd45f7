import numpy as np

from attune.retraining.trial import Cost, TrialRules, worse

DRAW = np.random.default_rng(0)
RULES = TrialRules()


def degraded(trial: float, champion: float, rows: int = 2000) -> Cost:
    sides = [(DRAW.random(rows) < share).astype(np.float64) for share in (trial, champion)]
    return Cost(name="degraded answers", trial=sides[0], champion=sides[1])


def test_a_version_that_surely_costs_more_has_to_go_and_the_figures_say_why():
    why = worse([degraded(0.05, 0.05), degraded(0.3, 0.05)], RULES)
    assert why is not None
    assert why.startswith("degraded answers: 0.")
    assert "on 2,000 answers against 0.0" in why


def test_equals_and_better_ones_stay():
    assert worse([degraded(0.05, 0.05), degraded(0.05, 0.3)], RULES) is None


def test_on_few_answers_nothing_is_said():
    assert worse([degraded(1.0, 0.0, rows=199)], RULES) is None


def test_equals_that_are_looked_at_often_seldom_end():
    ended = 0
    for _ in range(100):
        cost = degraded(0.2, 0.2)
        ended += any(
            worse([Cost(name=cost.name, trial=cost.trial[:rows], champion=cost.champion[:rows])], RULES)
            for rows in range(200, 2001, 200)
        )
    assert ended <= 5
