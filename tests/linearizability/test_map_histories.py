"""Histories of threads on one SkipListMap, recorded through Python, are linearizable."""

from __future__ import annotations

import copy
import random
import threading
import time

import pytest
from linearizability import judge
from support import Key, rounds, run_copies

from concurrent_collections import SkipListMap


class Turnstile:
    """Lets threads through together, again and again, by spinning: what follows really overlaps."""

    def __init__(self, count):
        self.arrived = [0] * count

    def wait(self, index):
        self.arrived[index] += 1
        goal = self.arrived[index]
        deadline = time.monotonic() + 60
        while min(self.arrived) < goal:
            time.sleep(0)
            if time.monotonic() > deadline:
                raise threading.BrokenBarrierError


def record(histories, threads, operations, keys, make_key, seed):
    """Record `histories` histories, each on a fresh map; a list of events for each."""
    maps = [SkipListMap() for _ in range(histories)]
    events = [[[] for _ in range(threads)] for _ in range(histories)]
    turnstile = Turnstile(threads)

    def work(index):
        generator = random.Random(f"{seed} {index}")
        now = time.perf_counter_ns
        for number, m in enumerate(maps):
            log = events[number][index]
            value = index * 1000
            program = []
            for _ in range(operations):
                value += 1
                name = generator.choices(
                    ["get", "put", "pop", "replace_if", "put_if_absent"], [3, 3, 3, 2, 2]
                )[0]
                program.append((name, generator.randrange(keys), value))
            last_seen = {}
            turnstile.wait(index)
            for name, rank, value in program:
                key = make_key(rank)
                extra = None
                if name == "get":
                    began = now()
                    result = m.get(key)
                    ended = now()
                    last_seen[rank] = result
                elif name == "put":
                    began = now()
                    result = m.put(key, value)
                    ended = now()
                    last_seen[rank] = value
                elif name == "pop":
                    began = now()
                    result = m.pop(key, None)
                    ended = now()
                elif name == "put_if_absent":
                    began = now()
                    result = m.put_if_absent(key, value)
                    ended = now()
                    last_seen[rank] = value if result is None else result
                else:
                    # Expects what this thread saw last, so that it succeeds now and then.
                    expected = last_seen.get(rank)
                    if expected is None:
                        expected = generator.randrange(threads) * 1000 + 1
                    extra = expected
                    began = now()
                    result = m.replace_if(key, expected, value)
                    ended = now()
                    if result:
                        last_seen[rank] = value
                log.append((name, rank, value, extra, result, began, ended))

    run_copies(threads, work, timeout=250)
    return [merge(logs) for logs in events]


def merge(logs):
    history = []
    for thread, log in enumerate(logs):
        for name, rank, value, extra, result, began, ended in log:
            history.append(event(thread, name, rank, value, extra, result, began, ended))
    return history


def event(thread, name, rank, value, extra, result, began, ended):
    return {
        "C": thread,
        "O": name,
        "K": rank,
        "V": value,
        "X": extra,
        "R": result,
        "S": began,
        "E": ended,
    }


def overlaps(history):
    """How many pairs of operations of different threads on the same key overlap in time."""
    return sum(
        a["C"] < b["C"] and a["K"] == b["K"] and a["S"] < b["E"] and b["S"] < a["E"]
        for a in history
        for b in history
    )


SHAPES = {
    # name: threads, operations of each, keys, histories, key
    "one key": (3, 20, 1, 600, int),
    "two keys": (3, 50, 2, 400, int),
    "four threads": (4, 30, 3, 400, int),
    "texts": (4, 20, 2, 300, "prefix-{}".format),
    "python keys": (3, 20, 2, 300, Key),
}


@pytest.fixture(scope="module")
def recorded():
    """A few histories, for the tests of the judge."""
    return record(rounds(60), 3, 20, 2, int, "judge")


@pytest.mark.parametrize("shape", SHAPES)
def test_recorded_histories_are_linearizable(shape, eager_switching):
    threads, operations, keys, histories, make_key = SHAPES[shape]
    overlapping = 0
    for seed in range(2):
        for history in record(rounds(histories), threads, operations, keys, make_key, seed):
            assert judge.check_map(history) is True, history
            overlapping += overlaps(history) > 0
    # A history without overlap proves nothing. (How many overlap is up to the machine.)
    assert overlapping > 0


def test_the_judge_rejects_a_value_that_nobody_has_put(recorded, eager_switching):
    rejected = 0
    for history in recorded:
        broken = copy.deepcopy(history)
        for one in broken:
            if one["O"] in ("get", "pop") and one["R"] is not None:
                one["R"] = 999_999
                assert judge.check_map(broken) is False
                rejected += 1
                break
    assert rejected


def test_the_judge_rejects_a_value_that_is_popped_twice(recorded):
    rejected = 0
    for history in recorded:
        broken = copy.deepcopy(history)
        end = max(one["E"] for one in broken)
        for one in broken:
            if one["O"] == "pop" and one["R"] is not None:
                again = event(9, "pop", one["K"], None, None, one["R"], end + 1, end + 2)
                broken.append(again)
                assert judge.check_map(broken) is False
                rejected += 1
                break
    assert rejected


def test_the_judge_rejects_a_lost_update(recorded):
    # After everything has ended, one key is put and then read as absent.
    for history in recorded[:10]:
        end = max(one["E"] for one in history)
        broken = [
            *history,
            event(9, "put", 0, 12345, None, None, end + 1, end + 2),
            event(9, "get", 0, None, None, None, end + 3, end + 4),
        ]
        # What that put returned must fit, too: ask for both possibilities.
        assert judge.check_map(broken) is False


def test_the_judge_rejects_a_stale_read(recorded):
    rejected = 0
    for history in recorded:
        end = max(one["E"] for one in history)
        for value in (one["V"] for one in history if one["O"] == "put" and one["K"] == 0):
            broken = [
                *history,
                event(9, "pop", 1, None, None, None, end + 1, end + 2),
                event(9, "put_if_absent", 1, 7, None, None, end + 3, end + 4),
                event(9, "get", 1, None, None, value, end + 5, end + 6),
            ]
            assert judge.check_map(broken) is False
            rejected += 1
            break
    assert rejected


def test_the_judge_rejects_a_replacement_that_was_claimed_and_did_not_happen(recorded):
    start = min(one["S"] for one in recorded[0])
    base = [
        event(0, "put", 0, 1, None, None, start, start + 1),
        event(0, "replace_if", 0, 2, 1, True, start + 2, start + 3),
    ]
    assert judge.check_map([*base, event(0, "get", 0, None, None, 2, start + 4, start + 5)]) is True
    assert judge.check_map([*base, event(0, "get", 0, None, None, 1, start + 4, start + 5)]) is False
    refused = [
        event(0, "put", 0, 1, None, None, start, start + 1),
        event(0, "replace_if", 0, 2, 1, False, start + 2, start + 3),
    ]
    assert judge.check_map(refused) is False


def test_the_judge_lets_overlapping_operations_take_either_order():
    for seen in (1, 2):
        history = [
            event(0, "put", 0, 1, None, 2 if seen == 1 else None, 0, 10),
            event(1, "put", 0, 2, None, 1 if seen == 2 else None, 0, 10),
            event(0, "get", 0, None, None, seen, 11, 12),
        ]
        assert judge.check_map(history) is True
    history[-1]["R"] = 1
    assert judge.check_map(history) is False
