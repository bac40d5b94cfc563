# SPDX-License-Identifier: BSD-3-Clause
"""Is a recorded history linearizable? A small judge for every local run, in plain Python.

Wing and Gong's search with Lowe's memory of states already tried. The C judge (tests/c/judge.h) and porcupine
(tests/linearizability/porcupine) read the same histories; tests/linearizability/test_judges.py
compares the three.

A history is a list of operations, each a dict:

    C   thread            S, E   moments of call and return (any numbers with an order: tickets, nanoseconds)
    O   operation name    K      key               V   value put             X   expected value of replace_if
    R   answer: a value, -1 for absent (empty, full), -2 for "there, but another value" of replace_if
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
    if name == "replace_if":
        if there != ABSENT and there == op["X"]:
            _answer(op, there)
            return op["V"]
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
    got = {o["R"]: (o["S"], o["E"]) for o in ops if o["O"] == "get" and o["R"] != ABSENT}
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


# ---------------------------------------------------------------- what tests call


def check_map(history: Iterable[Operation], budget: int | None = None) -> bool:
    """Judge get, put, put_if_absent, replace_if, remove, pop: key by key (linearizability composes).
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


def check_stack(history: Iterable[Operation], budget: int | None = None) -> bool:
    """Judge put and get of an unbounded stack; all values differ."""
    ops = list(history)
    return _search_patiently(ops, (), queue_step(ops, lifo=True), budget)


MODELS: dict[str, Callable[..., bool]] = {
    "map": check_map,
    "ordered_map": check_ordered_map,
    "queue": check_queue,
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
