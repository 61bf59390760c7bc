"""Turns: one thread at a time reads, unless reading means waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from muniment.backup import turns
from muniment.backup.turns import Turns


def test_one_thread_has_its_turn_and_gives_it_away_aside() -> None:
    all_turns = Turns()
    inside: list[int] = []
    most: list[int] = []
    met = threading.Barrier(2, timeout=20)

    def work(number: int) -> None:
        with all_turns.mine() as turn:
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)
            with turn.aside():
                # Both get here at once only if neither has its turn.
                met.wait()
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(work, number) for number in range(2)]:
            each.result()
    assert most == [1, 1, 1, 1]


def test_aside_within_aside_and_out_of_turn_do_nothing() -> None:
    all_turns = Turns()
    turn = all_turns.mine()
    with turn.aside(), turn.aside():
        pass
    with turn, turn.aside(), turn.aside(), all_turns.mine():
        pass
    with all_turns.mine():
        pass


def test_what_is_raised_ends_the_turn() -> None:
    all_turns = Turns()

    def fail(*, aside: bool) -> None:
        with all_turns.mine() as turn:
            if not aside:
                raise OSError("gone")
            with turn.aside():
                raise OSError("gone")

    for aside in (False, True):
        with pytest.raises(OSError, match="gone"):
            fail(aside=aside)
    with all_turns.mine():
        pass


def test_where_reading_means_waiting_nobody_waits_for_a_turn() -> None:
    all_turns = Turns()
    assert all_turns.begin()
    all_turns.end(turns.LEAST * 2, turns.LEAST * 2 / turns.FAR * 1.1)
    assert all_turns.near
    assert all_turns.begin()
    all_turns.end(10.0, 0.1)
    assert not all_turns.near
    with all_turns.mine(), all_turns.mine():
        pass


def test_nobody_waits_for_ever_for_somebody_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)
    all_turns = Turns()
    came = threading.Event()

    def come() -> None:
        with all_turns.mine():
            came.set()

    with ThreadPoolExecutor(1) as pool, all_turns.mine():
        other = pool.submit(come)
        # In its turn, and it goes on only when the other thread was here.
        assert came.wait(20)
        other.result()
    assert not all_turns.near
