"""The core of the point-in-time join on numbers alone: also where keys and times do not fit side by side."""

import numpy as np

from attune.features.asof_choose import NO_ROW, History, Questions, latest_known

FAR = 2**61


def history(*rows: tuple[int, int, int]) -> History:
    """Rows of (key, event, created), numbered from 100."""
    code, event, created = np.array(rows, dtype=np.int64).T
    return History(code, np.arange(100, 100 + len(rows)), event, created)


def ask(*rows: tuple[int, int]) -> Questions:
    code, time = np.array(rows, dtype=np.int64).T
    return Questions(code, time)


def test_a_late_row_of_an_older_event_changes_nothing():
    rows = history((0, 10, 10), (0, 20, 20), (0, 15, 30))
    asked = ask((0, 19), (0, 20), (0, 31))
    assert latest_known(rows, asked, None, True).tolist() == [100, 101, 101]


def test_a_correction_counts_from_when_it_was_recorded():
    rows = history((0, 10, 30), (0, 10, 10))
    asked = ask((0, 29), (0, 30))
    assert latest_known(rows, asked, None, True).tolist() == [101, 100]
    assert latest_known(rows, asked, None, False).tolist() == [100, 100]


def test_of_complete_ties_the_last_in_the_source_wins():
    rows = history((0, 10, 10), (1, 10, 10), (0, 10, 10))
    assert latest_known(rows, ask((0, 10), (1, 10)), None, True).tolist() == [102, 101]


def test_a_row_recorded_before_it_happened_counts_from_when_it_happened():
    rows = history((0, 20, 9), (0, 20, 5))
    assert latest_known(rows, ask((0, 19), (0, 20)), None, True).tolist() == [NO_ROW, 100]


def test_times_that_do_not_fit_beside_the_keys_are_still_told_apart():
    odd = FAR - 1
    rows = history((0, 0, 0), (7, odd, odd), (7, odd - 1, odd - 1), (3, 5, 5), (3, 2, 6))
    asked = ask((7, odd), (7, odd - 1), (7, odd - 2), (3, odd), (3, 4), (0, 0), (8, odd), (NO_ROW, odd))
    answer = latest_known(rows, asked, None, True)
    assert answer.tolist() == [101, 102, NO_ROW, 103, NO_ROW, 100, NO_ROW, NO_ROW]


def test_times_whose_places_do_not_fit_beside_them_are_still_in_order():
    far = 2**58
    rows = history((7, far + 1, 0), (7, far, 0), (7, far, 1), (7, 0, 0), (0, far + 1, 0), (0, far, 0))
    asked = ask((7, far), (7, far + 1), (7, far - 1), (0, far), (0, far + 1))
    assert latest_known(rows, asked, None, True).tolist() == [102, 100, 103, 105, 104]


def test_a_row_lives_to_the_last_moment_of_its_time():
    rows = history((0, 10, 10))
    assert latest_known(rows, ask((0, 15), (0, 16)), 5, True).tolist() == [100, NO_ROW]


def test_no_history_knows_nothing_and_no_question_has_no_answer():
    nothing = np.empty(0, dtype=np.int64)
    empty = History(nothing, nothing, nothing, nothing)
    assert latest_known(empty, ask((0, 1)), None, True).tolist() == [NO_ROW]
    assert latest_known(history((0, 1, 1)), Questions(nothing, nothing), None, True).tolist() == []
