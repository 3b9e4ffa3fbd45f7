import time

from serving.breaker import Breaker
from serving.limits import Rates


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_caller_may_ask_a_burst_and_then_by_the_rate():
    clock = Clock()
    rates = Rates(per_second=2, burst=3, clock=clock)
    assert [rates.wait("ann") for _ in range(3)] == [0, 0, 0]
    assert rates.wait("ann") == 0.5
    assert rates.wait("bob") == 0
    clock.now += 0.5
    assert [rates.wait("ann"), rates.wait("ann")] == [0, 0.5]


def test_without_a_rate_there_is_no_limit():
    rates = Rates(per_second=None, burst=1)
    assert not any(rates.wait("ann") for _ in range(1000))


def calls(breaker: Breaker, *outcomes: bool, clock: Clock | None = None) -> None:
    """Calls one after the other."""
    for good in outcomes:
        if good:
            breaker.succeeded()
        else:
            breaker.failed(clock() if clock else time.monotonic())


def test_a_store_that_fails_is_left_alone_but_for_one_try_a_while():
    clock = Clock()
    breaker = Breaker(open_seconds=0.5, clock=clock)
    calls(breaker, *[False] * 3, clock=clock)
    assert breaker.is_open
    assert not breaker.allows()
    clock.now += 0.6
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.failed(clock())
    assert not breaker.allows()


def test_one_answer_closes_it():
    clock = Clock()
    breaker = Breaker(open_seconds=0.5, clock=clock)
    calls(breaker, *[False] * 3, clock=clock)
    clock.now += 0.6
    assert breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(5))


def test_a_few_failures_among_many_answers_open_nothing():
    breaker = Breaker()
    calls(breaker, *[True, True, False] * 10)
    assert not breaker.is_open


def test_failures_in_a_row_open_it_however_good_it_was_before():
    breaker = Breaker()
    calls(breaker, *[True] * 20, False, False)
    assert not breaker.is_open
    calls(breaker, False)
    assert breaker.is_open


def test_what_was_under_way_when_another_failed_is_no_failure_of_its_own():
    clock = Clock()
    breaker = Breaker(clock=clock)
    calls(breaker, *[True] * 20)
    began = clock()
    clock.now += 0.05
    for _ in range(4):
        breaker.failed(began)
    assert not breaker.is_open
    for _ in range(2):
        breaker.failed(clock())
    assert breaker.is_open


def test_many_failures_open_it_even_where_none_follow_each_other_for_long():
    breaker = Breaker()
    calls(breaker, *[False, True, False] * 5)
    assert breaker.is_open
