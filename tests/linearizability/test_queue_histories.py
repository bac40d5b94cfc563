"""Histories of threads on one queue, recorded through Python, are linearizable: a plain FIFO queue when unbounded,
the two-step model of judge.py when bounded, closing included."""

from __future__ import annotations

import copy
import random
import time

import pytest
from linearizability import judge
from linearizability.test_map_histories import Turnstile
from queue_kinds import KINDS, STORES, each_queue_under_load
from support import rounds, run_copies

from concurrent_collections import ShutDown

NOTHING = object()


def put(q, value):
    try:
        return 0 if q.try_put(value) else judge.ABSENT
    except ShutDown:
        return judge.CLOSED


def get(q, _):
    try:
        value = q.try_get(NOTHING)
    except ShutDown:
        return judge.CLOSED
    return judge.ABSENT if value is NOTHING else value


def close(q, _):
    q.shutdown()
    return 0


def set_bound(q, bound):
    q.maxsize = bound
    return 0


CALLS = {"put": put, "get": get, "close": close, "set": set_bound}


def record(
    Queue,
    histories,
    threads,
    operations,
    bound,
    seed,
    *,
    closes=False,
    changes=False,
    ring_size=None,
):
    """Record `histories` histories, each on a fresh queue; a list of operations for each."""
    queues = [Queue(maxsize=bound, ring_size=ring_size) for _ in range(histories)]
    logs = [[[] for _ in range(threads)] for _ in range(histories)]
    turnstile = Turnstile(threads)

    def work(index):
        generator = random.Random(f"{seed} {index}")
        now = time.perf_counter_ns
        for number, q in enumerate(queues):
            log = logs[number][index]
            pauses = 0.2 * (number % 2)
            program = [
                (
                    generator.choice(["put", "get"]),
                    index * 1000 + position,
                    generator.random() < pauses,
                )
                for position in range(1, operations + 1)
            ]
            if closes and index == number % threads:
                program.insert(generator.randrange(operations), ("close", 0, False))
            if changes and index == 0:
                for position in range(operations, 0, -2):
                    program.insert(position, ("set", generator.randrange(1, 4), False))
            turnstile.wait(index)
            for name, value, pause in program:
                call = CALLS[name]
                began = now()
                if pause:
                    time.sleep(0)
                answer = call(q, value)
                log.append((name, value, answer, began, now()))

    run_copies(threads, work, timeout=250)
    return [
        [
            {"C": thread, "O": name, "V": value, "X": bound, "R": answer, "S": began, "E": ended}
            for thread, log in enumerate(parts)
            for name, value, answer, began, ended in log
        ]
        for parts in logs
    ]


def overlap(history):
    return any(
        a["C"] < b["C"] and a["S"] < b["E"] and b["S"] < a["E"] for a in history for b in history
    )


@each_queue_under_load
@pytest.mark.parametrize("closes", [False, True], ids=["open", "closing"])
@pytest.mark.parametrize("bound", [0, 1, 2, 3])
def test_recorded_histories_are_linearizable(Queue, bound, closes, eager_switching):
    overlapping = 0
    for threads, operations, ring_size in ((3, 12, None), (4, 8, 1), (2, 25, 2)):
        for history in record(
            Queue,
            rounds(50),
            threads,
            operations,
            bound,
            (threads, bound),
            closes=closes,
            ring_size=ring_size,
        ):
            assert judge.check_bounded_queue(history), history
            if bound == 0 and not closes:
                assert judge.check_queue(history), history
            overlapping += overlap(history)
    assert overlapping > 0


@each_queue_under_load
def test_recorded_histories_with_a_bound_that_changes_are_linearizable(Queue, eager_switching):
    overlapping = 0
    try:
        Queue(maxsize=3).maxsize = 2
    except ValueError:
        pytest.skip("its bound cannot change")
    for threads, operations, ring_size in ((3, 12, None), (4, 8, 1)):
        for history in record(
            Queue, rounds(50), threads, operations, 2, threads, changes=True, ring_size=ring_size
        ):
            assert judge.check_bounded_queue(history), history
            overlapping += overlap(history)
    assert overlapping > 0


def test_the_judge_knows_which_bound_is_in_effect():
    ops = [("put", 1, 0), ("put", 2, 0), ("set", 1, 0), ("get", 0, 1), ("put", 3, judge.ABSENT)]
    ops += [("set", 2, 0), ("put", 4, 0), ("get", 0, 2), ("get", 0, 4)]
    history = [
        {"C": 0, "O": name, "V": value, "X": 2, "R": answer, "S": 2 * n, "E": 2 * n + 1}
        for n, (name, value, answer) in enumerate(ops)
    ]
    assert judge.check_bounded_queue(history)
    for n, (name, _, _) in enumerate(ops):
        if name == "set":
            assert not judge.check_bounded_queue(history[:n] + history[n + 1 :])


@pytest.mark.usefixtures("eager_switching")
def test_recorded_histories_of_the_stack_are_linearizable(smr_scheme):
    overlapping = 0
    for threads, operations in ((3, 12), (4, 8), (2, 25)):
        for history in record(STORES[-1], rounds(50), threads, operations, 0, threads):
            assert judge.check_stack(history), history
            overlapping += overlap(history)
    assert overlapping > 0


@pytest.fixture(scope="module")
def recorded():
    return record(KINDS[0], rounds(40), 3, 12, 0, "judge") + record(
        KINDS[0], rounds(40), 3, 12, 2, "judge"
    )


def test_the_judge_rejects_a_value_got_twice(recorded):
    rejected = 0
    for history in recorded:
        gets = [op for op in history if op["O"] == "get" and op["R"] >= 0]
        if gets:
            end = max(op["E"] for op in history)
            again = {**gets[0], "C": 9, "S": end + 1, "E": end + 2}
            assert not judge.check_bounded_queue([*history, again])
            rejected += 1
    assert rejected


def test_the_judge_rejects_a_value_that_is_lost(recorded):
    rejected = 0
    for history in recorded:
        bound = max(op["X"] for op in history)
        end = max(op["E"] for op in history)
        inside = {op["V"] for op in history if op["O"] == "put" and op["R"] == 0}
        inside -= {op["R"] for op in history if op["O"] == "get"}
        if inside:
            empty = {
                "C": 9,
                "O": "get",
                "V": 0,
                "X": bound,
                "R": judge.ABSENT,
                "S": end + 1,
                "E": end + 2,
            }
            assert not judge.check_bounded_queue([*history, empty])
            rejected += 1
    assert rejected


def test_the_judge_rejects_the_wrong_order():
    for bound in (0, 3):
        ops = [("put", 1, 0), ("put", 2, 0), ("get", 0, 2), ("get", 0, 1)]
        history = [
            {"C": 0, "O": name, "V": value, "X": bound, "R": answer, "S": 2 * n, "E": 2 * n + 1}
            for n, (name, value, answer) in enumerate(ops)
        ]
        assert not judge.check_bounded_queue(history)
        right = copy.deepcopy(history)
        right[2]["R"], right[3]["R"] = 1, 2
        assert judge.check_bounded_queue(right)
