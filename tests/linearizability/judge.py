# SPDX-License-Identifier: BSD-3-Clause
"""Is a recorded history linearizable? A small judge for every local run, in plain Python.

Wing and Gong's search with Lowe's memory of states already tried. The C judge (tests/c/judge.h) and porcupine
(tests/linearizability/porcupine) read the same histories; tests/linearizability/test_judges.py
compares the three.

A history is a list of operations, each a dict:

    C   thread            S, E   moments of call and return (any numbers with an order: tickets, nanoseconds)
    O   operation name    K      key               V   value put             X   expected value of replace_if and remove_if;
                                                                                 what an update was given;
                                                                                 of a put: the queue's bound, or 0
    R   answer: a value, -1 for absent (empty, full), -2 for "there, but another value" of replace_if and
        remove_if, -3 for "closed"; 0 of a put into a queue that succeeded
    RK  key of the entry that an ordered query answered

Values in one history are best all different: fewer orders explain it. In a file there is one operation
per line, as JSON, and an empty line after each history.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

Operation = dict[str, Any]
State = Hashable
Step = Callable[[State, Operation], State]

ABSENT = -1
MISMATCH = -2
CLOSED = -3
_BUDGETS = (20_000, 200_000, 2_000_000)


class Illegal(Exception):
    """A step in which the operation cannot have given its answer."""


class Undecided(Exception):
    """Too many states. Not a pass: record shorter histories."""


def search(ops: list[Operation], initial: State, step: Step, budget: int) -> bool:
    """Is there an order of `ops`, each at a moment between its S and E, that explains every answer?"""
    ops = sorted(ops, key=lambda o: o["S"])
    n = len(ops)
    everything = (1 << n) - 1
    seen: set[tuple[int, State]] = {(0, initial)}
    stack = [(0, initial)]
    while stack:
        done, state = stack.pop()
        if done == everything:
            return True
        deadline = None
        candidates = []
        for i, op in enumerate(ops):
            if deadline is not None and op["S"] > deadline:
                break
            if done >> i & 1:
                continue
            candidates.append(i)
            if deadline is None or op["E"] < deadline:
                deadline = op["E"]
        for i in reversed(candidates):
            if ops[i]["S"] > deadline:
                continue
            try:
                after = step(state, ops[i])
            except Illegal:
                continue
            reached = (done | 1 << i, after)
            if reached not in seen:
                seen.add(reached)
                stack.append(reached)
        if len(seen) > budget:
            raise Undecided(f"{n} operations, {budget} states tried")
    return False


def _search_patiently(ops: list[Operation], initial: State, step: Step, budget: int | None) -> bool:
    for most in (budget,) if budget else _BUDGETS:
        try:
            return search(ops, initial, step, most)
        except Undecided as undecided:
            reason = undecided
    raise reason


# ---------------------------------------------------------------- models


def _answer(op: Operation, expected: int) -> None:
    if op["R"] != expected:
        raise Illegal


def register_step(state: State, op: Operation) -> State:
    """One key of a map: its value, or ABSENT."""
    there: int = state  # type: ignore[assignment]
    name = op["O"]
    if name == "get":
        _answer(op, there)
        return there
    if name == "put":
        _answer(op, there)
        return op["V"]
    if name == "put_if_absent":
        _answer(op, there)
        return op["V"] if there == ABSENT else there
    if name in ("remove", "pop"):
        _answer(op, there)
        return ABSENT
    if name == "get_or_insert":
        after = op["V"] if there == ABSENT else there
        _answer(op, after)
        return after
    if name == "add":  # what is absent counts as 0
        after = op["V"] if there == ABSENT else there + op["V"]
        _answer(op, after)
        return after
    if (
        name == "update"
    ):  # from what its function was given to what it made of that; either may be ABSENT
        if there != op["X"]:
            raise Illegal
        _answer(op, op["V"])
        return op["V"]
    if name in ("replace_if", "remove_if"):
        if there != ABSENT and there == op["X"]:
            _answer(op, there)
            return op["V"] if name == "replace_if" else ABSENT
        _answer(op, ABSENT if there == ABSENT else MISMATCH)
        return there
    raise ValueError(f"no such operation: {name}")


_NEIGHBOURS: dict[str, Callable[[list[int], int], list[int]]] = {
    "first": lambda keys, key: keys[:1],
    "last": lambda keys, key: keys[-1:],
    "floor": lambda keys, key: [k for k in keys if k <= key][-1:],
    "ceiling": lambda keys, key: [k for k in keys if k >= key][:1],
    "lower": lambda keys, key: [k for k in keys if k < key][-1:],
    "higher": lambda keys, key: [k for k in keys if k > key][:1],
}


def ordered_map_step(state: State, op: Operation) -> State:
    """A whole map: a sorted tuple of (key, value)."""
    entries = dict(state)  # type: ignore[call-overload]
    name = op["O"]
    if name in _NEIGHBOURS:
        found = _NEIGHBOURS[name](sorted(entries), op["K"])
        if not found:
            if op["R"] != ABSENT or "RK" in op:
                raise Illegal
        elif op.get("RK") != found[0] or op["R"] != entries[found[0]]:
            raise Illegal
        return state
    after = register_step(entries.get(op["K"], ABSENT), op)
    if after == ABSENT:
        entries.pop(op["K"], None)
    else:
        entries[op["K"]] = after
    return tuple(sorted(entries.items()))


def _leaves_first(ops: list[Operation]) -> Callable[[int, int], bool]:
    """Does value a certainly leave before value b? With distinct values this cuts the search short: the
    order of two overlapping puts is decided by much later gets."""
    got = {o["R"]: (o["S"], o["E"]) for o in ops if o["O"] == "get" and o["R"] >= 0}
    return lambda a, b: a in got and (b not in got or got[a][1] < got[b][0])


def queue_step(ops: list[Operation], lifo: bool = False) -> Step:
    """An unbounded FIFO queue (or a stack) of distinct values: put, get; the state is what is inside."""
    first = _leaves_first(ops)

    def step(state: State, op: Operation) -> State:
        inside: tuple[int, ...] = state  # type: ignore[assignment]
        if op["O"] == "put":
            new = op["V"]
            if any(first(u, new) if lifo else first(new, u) for u in inside):
                raise Illegal
            return (*inside, new)
        if not inside:
            _answer(op, ABSENT)
            return inside
        if lifo:
            _answer(op, inside[-1])
            return inside[:-1]
        _answer(op, inside[0])
        return inside[1:]

    return step


def bounded_queue_step(ops: list[Operation]) -> Step:
    """A FIFO queue of distinct values with a bound and an end: put, get, close, set, after `split` below.

    In a bounded queue a put reserves room and then publishes its value, a get takes a value and then makes room. So a
    put may find it full although a get has taken a value already. A put that finds the queue closed may have held room
    until then, too. In an unbounded queue all are one step. The state: what is inside, what has been reserved and not
    published, what else takes room (values taken, and put in vain with a minus), the end, the bound, which "set"
    changes; when it is lowered, more may be inside.
    """
    first = _leaves_first(ops)

    def publish(inside: tuple[int, ...], new: int) -> tuple[int, ...]:
        if any(first(new, u) for u in inside):
            raise Illegal
        return (*inside, new)

    def step(state: State, op: Operation) -> State:
        inside, reserved, taken, closed, bound = state  # type: ignore[misc]
        name, value = op["O"], op.get("V", 0)
        if name == "close":
            return inside, reserved, taken, True, bound
        if name == "set":
            return inside, reserved, taken, closed, value
        if name == "put":
            if op["R"] == CLOSED:
                if not closed:
                    raise Illegal
                return state
            if op["R"] == ABSENT:
                if not bound or len(inside) + len(reserved) + len(taken) < bound:
                    raise Illegal
                return state
            if closed:
                raise Illegal
            return publish(inside, value), reserved, taken, closed, bound
        if name == "reserve":
            if closed or len(inside) + len(reserved) + len(taken) >= bound:
                raise Illegal
            return inside, reserved | {value}, taken, closed, bound
        if name == "publish":
            if value not in reserved:
                raise Illegal
            return publish(inside, value), reserved - {value}, taken, closed, bound
        if name == "hold":
            is_room = len(inside) + len(reserved) + len(taken) < bound
            return inside, reserved, taken | {-value} if is_room else taken, closed, bound
        if name == "give up":
            if not closed:
                raise Illegal
            return inside, reserved, taken - {-value}, closed, bound
        if name == "make room":
            if op["R"] not in taken:
                raise Illegal
            return inside, reserved, taken - {op["R"]}, closed, bound
        # get; or take, which makes room in a second step
        if op["R"] == CLOSED:
            if not closed or inside or reserved:
                raise Illegal
            return state
        if not inside:
            _answer(op, ABSENT)
            return state
        _answer(op, inside[0])
        return inside[1:], reserved, taken | {inside[0]} if name == "take" else taken, closed, bound

    return step


def _bound_at_first(ops: list[Operation]) -> int:
    return max((op.get("X", 0) for op in ops if op["O"] == "put"), default=0)


def split(ops: list[Operation]) -> list[Operation]:
    """Two steps in place of each operation of a bounded queue that takes room."""
    bound = _bound_at_first(ops)
    steps = []
    for op in ops:
        names = {
            ("put", 0): ("reserve", "publish"),
            ("put", CLOSED): ("hold", "give up"),
            ("get", 0): ("take", "make room"),
        }.get((op["O"], min(op["R"], 0)), (op["O"],))
        steps += [{**op, "O": name} for name in (names if bound else (op["O"],))]
    return steps


# ---------------------------------------------------------------- what tests call


def check_map(history: Iterable[Operation], budget: int | None = None) -> bool:
    """Judge get, put, put_if_absent, get_or_insert, replace_if, update, add, remove, remove_if, pop: key by key
    (linearizability composes).
    With first, last, floor, ceiling, lower or higher in it the history is judged as a whole.
    Raises Undecided, which is no pass."""
    ops = list(history)
    if any(o["O"] in _NEIGHBOURS for o in ops):
        return check_ordered_map(ops, budget)
    by_key = defaultdict(list)
    for op in ops:
        by_key[op["K"]].append(op)
    return all(_search_patiently(some, ABSENT, register_step, budget) for some in by_key.values())


def check_ordered_map(history: Iterable[Operation], budget: int | None = None) -> bool:
    """Judge a map as a whole, ordered queries included. Few keys, short histories."""
    return _search_patiently(list(history), (), ordered_map_step, budget)


def check_queue(history: Iterable[Operation], budget: int | None = None) -> bool:
    """Judge put and get of an unbounded FIFO queue; all values differ."""
    ops = list(history)
    return _search_patiently(ops, (), queue_step(ops), budget)


def check_bounded_queue(history: Iterable[Operation], budget: int | None = None) -> bool:
    """Judge put, get and close of a FIFO queue with the bound that its puts name (0: none); all values differ.
    With a bound also set, which changes it to V."""
    ops = list(history)
    nothing: frozenset[int] = frozenset()
    first = ((), nothing, nothing, False, _bound_at_first(ops))
    return _search_patiently(split(ops), first, bounded_queue_step(ops), budget)


def check_stack(history: Iterable[Operation], budget: int | None = None) -> bool:
    """Judge put and get of an unbounded stack; all values differ."""
    ops = list(history)
    return _search_patiently(ops, (), queue_step(ops, lifo=True), budget)


MODELS: dict[str, Callable[..., bool]] = {
    "map": check_map,
    "ordered_map": check_ordered_map,
    "queue": check_queue,
    "bounded_queue": check_bounded_queue,
    "stack": check_stack,
}


def read_histories(lines: Iterable[str]) -> Iterator[list[Operation]]:
    history: list[Operation] = []
    for line in lines:
        if line.strip():
            history.append(json.loads(line))
        elif history:
            yield history
            history = []
    if history:
        yield history


def main(arguments: list[str]) -> int:
    """judge.py MODEL < histories: one word per history; 1 if any is illegal, 2 if any is undecided."""
    if len(arguments) != 1 or arguments[0] not in MODELS:
        print(f"usage: judge.py {'|'.join(MODELS)} < histories", file=sys.stderr)
        return 3
    worst = 0
    for history in read_histories(sys.stdin):
        try:
            legal = MODELS[arguments[0]](history)
        except Undecided:
            print("unknown")
            worst = 2
        else:
            print("legal" if legal else "illegal")
            worst = worst if legal else max(worst, 1)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
