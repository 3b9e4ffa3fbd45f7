import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.together import Together, answers_of


def doubled(asked: Sequence[int]) -> list[int | Exception]:
    return [each * 2 if each >= 0 else ValueError(f"{each} of {len(asked)}") for each in asked]


def asked_beside_each_other(numbers: Sequence[int], sizes: list[int]) -> list[int | BaseException]:
    def answer_all(asked: Sequence[int]) -> list[int | Exception]:
        sizes.append(len(asked))
        return doubled(asked)

    async def ask() -> list[int | BaseException]:
        together = Together(answer_all, most=4)
        return await asyncio.gather(*map(together.answer, numbers), return_exceptions=True)

    return asyncio.run(ask())


def test_what_is_asked_in_one_turn_of_the_loop_is_answered_in_one_go():
    sizes: list[int] = []
    assert asked_beside_each_other([1, 2, 3], sizes) == [2, 4, 6]
    assert sizes == [3]


def test_who_comes_later_is_answered_by_the_next():
    sizes: list[int] = []

    async def ask() -> list[int]:
        together = Together(lambda asked: [sizes.append(len(asked)) or each for each in asked], most=4)
        return [await together.answer(number) for number in range(2)]

    assert asyncio.run(ask()) == [0, 1]
    assert sizes == [1, 1]


def test_what_fails_for_one_is_raised_for_that_one_alone():
    first, failed, last = asked_beside_each_other([1, -1, 3], [])
    assert (first, last) == (2, 6)
    assert str(failed) == "-1 of 3"


def test_what_fails_altogether_is_raised_for_everybody_and_the_next_are_answered():
    async def ask() -> list[int | BaseException]:
        together = Together(lambda asked: doubled(asked) if 3 in asked else [1 // 0], most=4)
        found = await asyncio.gather(together.answer(1), together.answer(2), return_exceptions=True)
        return [*found, await together.answer(3)]

    *failed, answered = asyncio.run(ask())
    assert [type(each) for each in failed] == [ZeroDivisionError] * 2
    assert answered == 6


def test_somebody_who_has_gone_takes_nothing_from_the_others():
    async def ask() -> int:
        together = Together(doubled, most=4)
        gone = asyncio.create_task(together.answer(1))
        stays = asyncio.create_task(together.answer(2))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert asyncio.run(ask()) == 4


def test_no_more_than_so_many_are_answered_in_one_go():
    sizes: list[int] = []
    assert asked_beside_each_other(range(6), sizes) == [0, 2, 4, 6, 8, 10]
    assert sizes == [4, 2]


def test_what_comes_while_the_thread_is_busy_is_answered_in_one_go_and_who_has_gone_is_left_out():
    begun, go_on = threading.Event(), threading.Event()
    asked_of: list[list[int]] = []

    def answer_all(asked: Sequence[int]) -> list[int | Exception]:
        asked_of.append(list(asked))
        begun.set()
        assert go_on.wait(5)
        return doubled(asked)

    async def ask() -> list[int | BaseException]:
        with ThreadPoolExecutor(1) as thread:
            together = Together(answer_all, most=4, thread=thread)
            first = asyncio.create_task(together.answer(1))
            assert await asyncio.to_thread(begun.wait, 5)
            others = [asyncio.create_task(together.answer(number)) for number in (2, 3, -4)]
            await asyncio.sleep(0)
            others[1].cancel()
            go_on.set()
            return await asyncio.gather(first, *others, return_exceptions=True)

    first, second, gone, failed = asyncio.run(ask())
    assert (first, second, str(failed)) == (2, 4, "-4 of 2")
    assert isinstance(gone, asyncio.CancelledError)
    assert asked_of == [[1], [2, -4]]


def test_a_thread_that_is_closed_answers_nobody_and_lets_nobody_wait():
    async def ask() -> None:
        thread = ThreadPoolExecutor(1)
        thread.shutdown()
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.wait_for(Together(doubled, most=4, thread=thread).answer(1), 5)

    asyncio.run(ask())


def test_where_all_fail_together_each_is_answered_alone():
    asked_of: list[int] = []

    def answer_all(asked: Sequence[int]) -> list[int | Exception]:
        asked_of.append(len(asked))
        if -1 in asked:
            raise LookupError("one of them")
        return doubled(asked)

    first, failed, last = answers_of(answer_all, [1, -1, 3])
    assert (first, last) == (2, 6)
    assert isinstance(failed, LookupError)
    assert asked_of == [3, 1, 1, 1]


@pytest.mark.parametrize("in_thread", [False, True])
def test_what_would_end_an_iteration_and_answers_that_are_too_few_reach_whoever_asked(in_thread):
    def answer_all(asked: Sequence[int]) -> list[int | Exception]:
        if asked[0] == 0:
            return [next(iter([]))]
        return [] if asked[0] < 0 else doubled(asked)

    async def ask() -> int:
        with ThreadPoolExecutor(1) as thread:
            together = Together(answer_all, most=1, thread=thread if in_thread else None)
            for wrong, said in ((0, "StopIteration"), (-1, "0 answers to 1 questions")):
                with pytest.raises(RuntimeError, match=said):
                    await asyncio.wait_for(together.answer(wrong), 5)
            return await asyncio.wait_for(together.answer(2), 5)

    assert asyncio.run(ask()) == 4
