"""What is kept in memory is bounded, and nothing outlives what it was made from."""

import asyncio

from mip_app.core.keeping import AtOnce, Believed, Kept
from tests.loops import run


def test_what_was_used_last_stays_and_the_weight_is_bounded() -> None:
    gone: list[str] = []
    kept: Kept[str, int] = Kept(100, lambda key, _: gone.append(key))
    for number, name in enumerate("abcde"):
        kept.put(name, number, 30)
        kept.get("a")
    assert (kept.weight, gone) == (90, ["b", "c"])
    kept.put("a", 0, 30)  # the same thing once more
    assert (kept.weight, gone) == (90, ["b", "c"])
    kept.put("huge", 9, 1000)
    assert (len(kept), kept.get("huge"), kept.weight) == (1, 9, 1000)
    kept.put("small", 1, 10)
    assert (len(kept), kept.weight) == (1, 10)


def test_an_answer_that_crossed_a_change_is_not_believed() -> None:
    believed: Believed[str, str] = Believed(60, 3)
    since = believed.since
    believed.forget()  # somebody changed what the question is about while it was asked
    believed.put("who", "former", since)
    assert believed.get("who") is None
    for name in "abcd":
        believed.put(name, name, believed.since)
    assert believed.get("d") == "d" and len(believed) <= 3


def test_what_six_ask_for_at_once_is_made_once_and_a_failure_is_not_kept() -> None:
    made: AtOnce[str, int] = AtOnce()
    times = 0

    async def make() -> int:
        nonlocal times
        times += 1
        await asyncio.sleep(0)
        if times == 1:
            raise ValueError
        return times

    async def six() -> list[object]:
        return list(await asyncio.gather(*(made.made("a", make) for _ in range(6)), return_exceptions=True))

    async def twice() -> tuple[list[object], list[object]]:
        return await six(), await six()

    first, second = run(twice())
    assert {type(one) for one in first} == {ValueError} and second == [2] * 6
