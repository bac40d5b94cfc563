"""Histories of threads on one ordered map, recorded through Python, are linearizable.

They are in the judge's form, with one addition: Python's replace_if answers False both for a missing
key and for another value, which is REFUSED here. What a function of the user was given is recorded, and judged.
"""

from __future__ import annotations

import copy
import random
import threading
import time

import pytest
from linearizability import judge
from ordered_kinds import LockFreeTreeMap
from support import Key, rounds, run_copies

from concurrent_collections import REMOVE, Comparator, SkipListMap, TreeMap, _core

REFUSED = "refused"
POINT = {"get": 3, "put": 3, "pop": 3, "replace_if": 2, "put_if_absent": 2}
COMPOUND = dict.fromkeys(
    "compute compute_away compute_if_present compute_if_absent merge increment get_or_insert".split(),
    2,
)
UPDATES = {**COMPOUND, "get": 2, "put": 1, "pop": 3, "replace_if": 1, "put_if_absent": 1}
ORDERED = {**POINT, "first": 1, "last": 1, "floor": 1, "ceiling": 1, "lower": 1, "higher": 1}


def knowing_refusals(step, value_of):
    def with_refusals(state, operation):
        if operation["R"] != REFUSED:
            return step(state, operation)
        if value_of(state, operation["K"]) == operation["X"]:
            raise judge.Illegal
        return state

    return with_refusals


point_step = knowing_refusals(judge.register_step, lambda state, key: state)
whole_step = knowing_refusals(
    judge.ordered_map_step, lambda state, key: dict(state).get(key, judge.ABSENT)
)


NEIGHBOURS = ORDERED.keys() - POINT.keys()


def is_linearizable(history):
    """Key by key; as a whole, where the history asks for an order. Undecided raises."""
    if any(operation["O"] in NEIGHBOURS for operation in history):
        return judge.search(history, (), whole_step, 2_000_000)
    keys = {operation["K"] for operation in history}
    return all(
        judge.search(
            [operation for operation in history if operation["K"] == key],
            judge.ABSENT,
            point_step,
            2_000_000,
        )
        for key in keys
    )


class Turnstile:
    """Lets threads through together, again and again, by spinning: what follows really overlaps."""

    def __init__(self, count):
        self.arrived = [0] * count
        self.opening = [0] * count  # each thread's proposal when to go, in nanoseconds

    def wait(self, index):
        now = time.perf_counter_ns
        goal = self.arrived[index] + 1
        # The last one to arrive proposes the latest moment: a little later, so that all see it.
        self.opening[index] = now() + 30_000
        self.arrived[index] = goal
        turns = 0
        while min(self.arrived) < goal:
            turns += 1
            if turns % 1000 == 0:
                time.sleep(0)  # there may be fewer processors than threads
            if turns > 100_000_000:
                raise threading.BrokenBarrierError
        opening = max(self.opening)
        while now() < opening:
            pass


def record(
    histories, threads, operations, keys, make_key, seed, mix=POINT, Map=SkipListMap, order=None
):
    """Record `histories` histories, each on a fresh map in that order; a list of events for each."""
    maps = [Map(comparator=order) for _ in range(histories)]
    events = [[[] for _ in range(threads)] for _ in range(histories)]
    turnstile = Turnstile(threads)

    def work(index):
        generator = random.Random(f"{seed} {index}")
        now = time.perf_counter_ns
        for number, m in enumerate(maps):
            log = events[number][index]
            # In every other history some operations let others go first after their call has begun:
            # otherwise hardly two would overlap where threads outnumber processors, or under a GIL.
            pauses = 0.2 * (number % 2)
            program = [
                (
                    generator.choices(list(mix), list(mix.values()))[0],
                    generator.randrange(keys),
                    index * 1000 + position,
                    generator.random() < pauses,
                )
                for position in range(1, operations + 1)
            ]
            last_seen = {}
            turnstile.wait(index)
            for name, rank, value, pause in program:
                key = make_key(rank)
                expected = None
                if name in ("get", "pop"):
                    function, arguments = getattr(m, name), (key, None)
                elif name in ("put", "put_if_absent"):
                    function, arguments = getattr(m, name), (key, value)
                elif name == "replace_if":
                    # Expects what this thread saw last, so that it succeeds now and then.
                    expected = last_seen.get(rank) or generator.randrange(threads) * 1000 + 1
                    function, arguments = m.replace_if, (key, expected, value)
                elif name in COMPOUND:
                    expected = []
                    function, arguments = compound(m, name, key, value, expected, pause)
                elif name in ("first", "last"):
                    function, arguments = getattr(m, f"{name}_item"), ()
                else:
                    function, arguments = getattr(m, f"{name}_item"), (key,)
                began = now()
                if pause:
                    time.sleep(0)
                try:
                    result = function(*arguments)
                except KeyError:  # an empty map has neither first nor last
                    result = None
                ended = now()
                if name == "put" or result is True:
                    last_seen[rank] = value
                elif name in ("get", "put_if_absent"):
                    last_seen[rank] = result
                log.append((name, rank, value, expected, result, began, ended))

    run_copies(threads, work, timeout=250)
    return [merge(logs) for logs in events]


AMOUNT = 10**6  # so that no sum is another operation's value
MERGED = 500  # so that a merge tells whether its function had a say


def compound(m, name, key, value, given, pause):
    """A call of one of COMPOUND; what its function was given goes into `given`."""

    def f(*there):
        given.append(there[0] if there else None)
        if pause:
            time.sleep(0)
        return REMOVE if name == "compute_away" else MERGED + value if name == "merge" else value

    if name == "increment":
        arguments = (key, value * AMOUNT)
    elif name == "get_or_insert":
        arguments = (key, value)
    else:
        arguments = (key, value, f) if name == "merge" else (key, f)
    return getattr(m, name.removesuffix("_away")), arguments


def as_judged(name, value, given, result):
    """What such a call did, in the judge's words: name, V, X, R."""
    if name == "increment":
        return "add", value * AMOUNT, None, result
    if name == "get_or_insert":
        return name, value, None, result
    result = judge.ABSENT if result is None else result
    before = judge.ABSENT if not given or given[-1] is None else given[-1]
    if name == "merge":
        return "update", result, before if result != value else judge.ABSENT, result
    if name == "compute_away":
        return "update", judge.ABSENT, before, result
    if (
        result != value
    ):  # there was nothing that it could be done to, perhaps after the function had run
        return "get", None, None, result
    return "update", value, before, result


def merge(logs):
    history = []
    for thread, log in enumerate(logs):
        for name, rank, value, extra, result, began, ended in log:
            history.append(event(thread, name, rank, value, extra, result, began, ended))
    return history


def event(thread, name, rank, value, extra, result, began, ended):
    found = {}
    if name in COMPOUND:
        name, value, extra, result = as_judged(name, value, extra, result)
    elif name == "replace_if":
        result = extra if result else REFUSED
    elif isinstance(result, tuple):
        found["RK"], result = result
    elif result is None:
        result = judge.ABSENT
    return {
        **found,
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


class PausingKey(Key):
    """Lets other threads go on in the middle of an operation, which under a GIL nothing else does."""

    turn = 0

    def __lt__(self, other):
        PausingKey.turn += 1
        if PausingKey.turn % 5 == 0:
            time.sleep(0)
        return super().__lt__(other)

    __hash__ = Key.__hash__


SHAPES = {
    # name: threads, operations of each, keys, histories, key
    "one key": (3, 20, 1, 600, int),
    "two keys": (3, 50, 2, 400, int),
    "four threads": (4, 30, 3, 400, int),
    "texts": (4, 20, 2, 300, "prefix-{}".format),
    "python keys": (3, 20, 2, 300, Key),
    "pausing keys": (3, 20, 2, 300, PausingKey),
}


def pausing(rank):
    """A key function that lets other threads go on."""
    time.sleep(0)
    return rank % 2


def three_way(a, b):
    time.sleep(0)
    return (a > b) - (a < b)


# Beside the natural order: each kind of comparator, and orders of two parts.
ORDERS = {
    "descending": Comparator.natural().reversed(),
    "by key": Comparator.by_key(pausing).then(Comparator.natural()),
    "by function": Comparator.from_function(three_way),
}
if hasattr(_core, "_test_hooks"):
    NATIVELY = Comparator.from_c(_core._test_hooks.comparators()["natively"])
    ORDERS["by C function"] = NATIVELY
    ORDERS["by key, then by C function"] = Comparator.by_key(pausing).then(NATIVELY.reversed())


@pytest.fixture(scope="module")
def recorded():
    """A few histories, for the tests of the judge."""
    return record(rounds(60), 3, 20, 2, int, "judge")


@pytest.mark.parametrize("shape", SHAPES)
def test_recorded_histories_are_linearizable(Map, shape, eager_switching):
    threads, operations, keys, histories, make_key = SHAPES[shape]
    overlapping = 0
    for seed in range(2):
        for history in record(
            rounds(histories), threads, operations, keys, make_key, seed, Map=Map
        ):
            assert is_linearizable(history), history
            overlapping += overlaps(history) > 0
    # A history without overlap proves nothing; how many overlap is up to the machine.
    assert overlapping > 0


def between_others(comparator):
    """A tree whose leaves are split and joined as keys come and go that share what theirs do."""
    others = [f"users/{n:06d}" for n in range(0, 3000, 10)]
    return TreeMap(dict.fromkeys(others), comparator=comparator)


def test_recorded_histories_of_keys_that_share_a_prefix_are_linearizable(eager_switching):
    for order in (None, ORDERS["descending"]):
        for history in record(
            rounds(20),
            4,
            300,
            60,
            "users/{:06d}5".format,
            "shared",
            Map=between_others,
            order=order,
        ):
            assert is_linearizable(history), history


@pytest.mark.parametrize("order", ORDERS)
def test_recorded_histories_in_another_order_are_linearizable(order, eager_switching):
    # The judge's neighbours are those of ascending keys.
    mixes = (
        (POINT, UPDATES, ORDERED) if order in ("by function", "by C function") else (POINT, UPDATES)
    )
    for seed, mix in enumerate(mixes):
        for history in record(rounds(100), 3, 20, 3, int, seed, mix, order=ORDERS[order]):
            assert is_linearizable(history), history


@pytest.mark.parametrize("make_key", [int, PausingKey])
def test_recorded_histories_of_compound_operations_are_linearizable(Map, make_key, eager_switching):
    updates = 0
    for seed in range(2):
        for history in record(rounds(200), 3, 20, 2, make_key, seed, UPDATES, Map):
            assert is_linearizable(history), history
            updates += sum(one["O"] == "update" for one in history)
    assert updates > 0


def test_the_judge_rejects_an_update_of_a_value_that_was_not_there(eager_switching):
    rejected = 0
    for history in record(rounds(60), 3, 20, 2, int, "updates", UPDATES):
        for one in history:
            if one["O"] in ("update", "add", "get_or_insert"):
                broken = copy.deepcopy(history)
                victim = broken[history.index(one)]
                victim["X" if one["O"] == "update" else "R"] = 999_999
                assert not is_linearizable(broken)
                rejected += 1
                break
    assert rejected


@pytest.mark.maps_too.with_args(LockFreeTreeMap)
@pytest.mark.parametrize("keys", [2, 6])
def test_recorded_histories_with_ordered_queries_are_linearizable(Map, keys, eager_switching):
    for seed in range(2):
        for history in record(rounds(300), 3, 20, keys, int, seed, ORDERED, Map):
            assert is_linearizable(history), history


def test_the_judge_rejects_a_neighbour_that_was_skipped(recorded):
    end = max(one["E"] for one in recorded[0])
    for name, asked, right, wrong in [
        ("floor", 8, 8, 7),
        ("lower", 8, 7, 8),
        ("ceiling", 8, 8, 9),
        ("higher", 8, 9, 8),
    ]:
        for answer in (right, wrong):
            history = [
                *(event(0, "put", key, key, None, None, end + key, end + key) for key in (7, 8, 9)),
                event(1, name, asked, None, None, (answer, answer), end + 10, end + 11),
            ]
            assert is_linearizable(history) is (answer == right)


def test_the_judge_rejects_a_value_that_nobody_has_put(recorded, eager_switching):
    rejected = 0
    for history in recorded:
        broken = copy.deepcopy(history)
        for one in broken:
            if one["O"] in ("get", "pop") and one["R"] != judge.ABSENT:
                one["R"] = 999_999
                assert not is_linearizable(broken)
                rejected += 1
                break
    assert rejected


def test_the_judge_rejects_a_value_that_is_popped_twice(recorded):
    rejected = 0
    for history in recorded:
        broken = copy.deepcopy(history)
        end = max(one["E"] for one in broken)
        for one in broken:
            if one["O"] == "pop" and one["R"] != judge.ABSENT:
                again = event(9, "pop", one["K"], None, None, one["R"], end + 1, end + 2)
                broken.append(again)
                assert not is_linearizable(broken)
                rejected += 1
                break
    assert rejected


def test_the_judge_rejects_lost_updates_and_stale_reads(recorded):
    for history in recorded:
        end = max(one["E"] for one in history)
        for last_read, is_legal in [(200, True), (100, False), (None, False)]:
            whole = [
                *history,
                event(0, "put", 77, 100, None, None, end + 1, end + 2),
                event(1, "put", 77, 200, None, 100, end + 3, end + 4),
                event(2, "get", 77, None, None, last_read, end + 5, end + 6),
            ]
            assert is_linearizable(whole) is is_legal


def test_the_judge_rejects_a_replacement_that_was_claimed_and_did_not_happen(recorded):
    start = min(one["S"] for one in recorded[0])
    base = [
        event(0, "put", 0, 1, None, None, start, start + 1),
        event(0, "replace_if", 0, 2, 1, True, start + 2, start + 3),
    ]
    assert is_linearizable([*base, event(0, "get", 0, None, None, 2, start + 4, start + 5)])
    assert not is_linearizable([*base, event(0, "get", 0, None, None, 1, start + 4, start + 5)])
    refused = [
        event(0, "put", 0, 1, None, None, start, start + 1),
        event(0, "replace_if", 0, 2, 1, False, start + 2, start + 3),
    ]
    assert not is_linearizable(refused)


def test_the_judge_lets_overlapping_operations_take_either_order():
    for seen in (1, 2):
        history = [
            event(0, "put", 0, 1, None, 2 if seen == 1 else None, 0, 10),
            event(1, "put", 0, 2, None, 1 if seen == 2 else None, 0, 10),
            event(0, "get", 0, None, None, seen, 11, 12),
        ]
        assert is_linearizable(history)
    history[-1]["R"] = 1
    assert not is_linearizable(history)
