# SPDX-License-Identifier: BSD-3-Clause
"""The judges judged: made-up histories that are legal by construction must pass, corrupted ones must
not, and the Python judge and porcupine (when Go is there) must agree on histories of which nobody knows.
The C judge is judged by tests/c/test_histories.c, which can also write its histories for these two."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import judge  # noqa: E402

NEIGHBOURS = ["first", "last", "floor", "ceiling", "lower", "higher"]
POINT = [
    "get",
    "put",
    "put_if_absent",
    "get_or_insert",
    "replace_if",
    "update",
    "add",
    "remove",
    "remove_if",
]
MODELS = ["map", "ordered_map", "queue", "stack", "bounded_queue"]


def make_up(model: str, seed: int, threads: int, operations: int) -> list[dict]:
    """A dense history whose operations take effect at known moments, which give the answers."""
    r = random.Random(seed)
    if model == "bounded_queue":
        return make_up_bounded_queue(r, threads, operations)
    moments = []
    for thread in range(threads):
        clock = r.random()
        for _ in range(operations):
            start = clock + r.expovariate(3)
            effect = start + r.random()
            clock = effect + r.random()
            moments.append((effect, start, clock, thread))
    history = []
    contents: dict[int, int] = {}
    inside: list[int] = []
    for number, (_, start, end, thread) in enumerate(sorted(moments), start=1):
        op = {
            "C": thread,
            "S": int(start * 1e6),
            "E": int(end * 1e6) + 1,
            "K": 0,
            "V": number,
            "X": 0,
        }
        if model in ("queue", "stack"):
            op["O"] = r.choice(["put", "get"])
            op["R"] = 0
            if op["O"] == "put":
                inside.append(number)
            else:
                op["R"] = (
                    (inside.pop(0) if model == "queue" else inside.pop())
                    if inside
                    else judge.ABSENT
                )
        else:
            op["O"] = r.choice(POINT + (NEIGHBOURS if model == "ordered_map" else []))
            op["K"] = r.randrange(4)
            there = contents.get(op["K"], judge.ABSENT)
            op["R"] = there
            if op["O"] in NEIGHBOURS:
                found = judge._NEIGHBOURS[op["O"]](sorted(contents), op["K"])
                op["R"] = contents[found[0]] if found else judge.ABSENT
                if found:
                    op["RK"] = found[0]
            elif op["O"] == "update":
                op["X"] = there
                op["V"] = op["R"] = judge.ABSENT if r.random() < 0.3 else number
                contents[op["K"]] = op["R"]
                if op["R"] == judge.ABSENT:
                    del contents[op["K"]]
            elif op["O"] == "add":
                op["V"] = 1000 * number
                op["R"] = contents[op["K"]] = max(there, 0) + op["V"]
            elif op["O"] == "get_or_insert":
                op["R"] = contents.setdefault(op["K"], number)
            elif op["O"] in ("replace_if", "remove_if"):
                op["X"] = there if r.random() < 0.5 else number
                if there != judge.ABSENT and there == op["X"]:
                    contents[op["K"]] = number
                    if op["O"] == "remove_if":
                        del contents[op["K"]]
                elif there != judge.ABSENT:
                    op["R"] = judge.MISMATCH
            elif op["O"] == "put" or (op["O"] == "put_if_absent" and there == judge.ABSENT):
                contents[op["K"]] = number
            elif op["O"] == "remove":
                contents.pop(op["K"], None)
        history.append(op)
    r.shuffle(history)
    return history


def make_up_bounded_queue(r: random.Random, threads: int, operations: int) -> list[dict]:
    """The same with two moments for each operation, and a close near the end of every other history."""
    bound = r.randrange(4)
    effects: list[tuple[float, int, dict]] = []
    for thread in range(threads):
        clock = r.random()
        for _ in range(operations):
            start = clock + r.expovariate(3)
            first = start + r.random()
            second = first + (r.random() if bound else 0)
            clock = second + r.random()
            op = {
                "C": thread,
                "O": r.choice(["put", "get"]),
                "S": int(start * 1e6),
                "E": int(clock * 1e6) + 1,
                "K": 0,
                "V": len(effects) + 1,
                "X": bound,
                "R": 0,
            }
            effects += [(first, 1, op), (second, 2, op)]
    if r.random() < 0.5:
        r.choice(effects[-4:])[2].update(O="close")
    inside: list[int] = []
    room, pending, closed = bound, 0, False
    for _, half, op in sorted(effects, key=lambda effect: effect[:2]):
        if half == 1 and op["O"] == "close":
            closed = True
        elif half == 1 and op["O"] == "put":
            op["R"] = judge.CLOSED if closed else judge.ABSENT if bound and not room else 0
            room -= op["R"] == 0
            pending += op["R"] == 0
        elif half == 1 and inside:
            op["R"] = inside.pop(0)
        elif half == 1:
            op["R"] = judge.CLOSED if closed and not pending else judge.ABSENT
        elif op["O"] == "put" and op["R"] == 0:
            inside.append(op["V"])
            pending -= 1
        elif op["O"] == "get" and op["R"] > 0:
            room += 1
    history = [op for _, half, op in effects if half == 1]
    r.shuffle(history)
    return history


def corrupt(history: list[dict], seed: int) -> list[dict]:
    """Swap two answers, change one, or move one operation: mostly illegal, now and then not."""
    r = random.Random(seed)
    spoilt = [dict(op) for op in history]
    answering = ("get", "remove", "remove_if", "update", "add", "get_or_insert")
    gets = [op for op in spoilt if op["O"] in answering and op["R"] > 0]
    how = r.randrange(3)
    if how == 0 and len(gets) >= 2:
        a, b = r.sample(gets, 2)
        a["R"], b["R"] = b["R"], a["R"]
    elif how == 1 and gets:
        r.choice(gets)["R"] = judge.ABSENT
    else:
        op = r.choice(spoilt)
        length = op["E"] - op["S"]
        op["S"] = r.randrange(max(o["E"] for o in spoilt))
        op["E"] = op["S"] + length
    return spoilt


def spoil_for_certain(history: list[dict]) -> list[dict]:
    """An answer that no order explains: a value that nobody has stored."""
    spoilt = [dict(op) for op in history]
    victim = next(op for op in spoilt if op["O"] == "get")
    victim["R"] = 10**6
    return spoilt


@pytest.mark.parametrize("model", MODELS)
def test_legal_histories_pass_and_corrupted_ones_do_not(model: str) -> None:
    check = judge.MODELS[model]
    for seed in range(60):
        history = make_up(model, seed, threads=2 + seed % 3, operations=10)
        assert check(history), f"seed {seed}"
        if any(op["O"] == "get" for op in history):
            assert not check(spoil_for_certain(history)), f"seed {seed}"


def test_what_an_update_was_given_counts() -> None:
    def step(name: str, given: int, made: int, answer: int, start: int, end: int) -> dict:
        return {
            "C": start,
            "O": name,
            "K": 1,
            "X": given,
            "V": made,
            "R": answer,
            "S": start,
            "E": end,
        }

    put = step("put", 0, 5, judge.ABSENT, 1, 2)
    for lost in (
        # of two at the same time one has to see the other one's value
        [step("update", 5, 6, 6, 3, 9), step("update", 5, 7, 7, 4, 9)],
        [step("add", 0, 1, 6, 3, 9), step("add", 0, 1, 6, 4, 9)],
        [step("remove_if", 5, 0, 5, 3, 9), step("remove_if", 5, 0, 5, 4, 9)],
        [step("update", 5, judge.ABSENT, judge.ABSENT, 3, 9), step("remove_if", 5, 0, 5, 4, 9)],
        [step("get_or_insert", 0, 6, 6, 3, 9)],
        [step("remove_if", 5, 0, judge.MISMATCH, 3, 9)],
        [step("update", judge.ABSENT, 6, 6, 3, 9)],
    ):
        assert not judge.check_map([put, *lost])
    for kept in (
        [step("update", 5, 6, 6, 3, 9), step("update", 6, 7, 7, 4, 9)],
        [step("add", 0, 1, 7, 3, 9), step("add", 0, 1, 6, 4, 9)],
        [step("remove_if", 5, 0, 5, 3, 9), step("remove_if", 5, 0, judge.ABSENT, 4, 9)],
        [step("update", 5, judge.ABSENT, judge.ABSENT, 3, 9), step("get_or_insert", 0, 6, 6, 4, 9)],
        [step("get_or_insert", 0, 6, 5, 3, 9), step("remove_if", 6, 0, judge.MISMATCH, 4, 9)],
    ):
        assert judge.check_map([put, *kept])


def test_what_came_before_counts() -> None:
    put = {"C": 0, "O": "put", "K": 1, "V": 5, "R": judge.ABSENT, "S": 1, "E": 2}
    late = {"C": 1, "O": "get", "K": 1, "R": judge.ABSENT, "S": 3, "E": 4}
    assert not judge.check_map([put, late])
    assert judge.check_map([put, {**late, "S": 2}])  # the two overlap
    assert judge.check_map([put, {**late, "R": 5}])


def test_key_and_value_of_a_neighbour_belong_together() -> None:
    """What the skip list once did: the key from one moment, its value from a later one."""
    history = [
        {"C": 0, "O": "put", "K": 2, "V": 13, "R": -1, "S": 1, "E": 2},
        {"C": 1, "O": "first", "K": 0, "RK": 2, "R": 14, "S": 3, "E": 10},
        {"C": 0, "O": "put", "K": 0, "V": 11, "R": -1, "S": 4, "E": 5},
        {"C": 0, "O": "put", "K": 2, "V": 14, "R": 13, "S": 6, "E": 7},
    ]
    assert not judge.check_map(history)
    history[1]["R"] = 13
    assert judge.check_map(history)


def test_a_bounded_queue_may_be_full_while_a_get_is_unfinished() -> None:
    def op(thread: int, name: str, value: int, answer: int, start: int, end: int) -> dict:
        return {"C": thread, "O": name, "V": value, "X": 1, "R": answer, "S": start, "E": end}

    history = [
        op(0, "put", 1, 0, 0, 1),
        op(0, "get", 0, 1, 2, 9),
        op(1, "get", 0, judge.ABSENT, 3, 4),  # the value has been taken,
        op(1, "put", 2, judge.ABSENT, 5, 6),  # but there is no room yet
    ]
    assert judge.check_bounded_queue(history)
    assert judge.check_bounded_queue([*history, op(1, "put", 3, 0, 10, 11)])
    assert not judge.check_bounded_queue([*history, op(1, "put", 3, judge.ABSENT, 10, 11)])
    assert not judge.check_bounded_queue([*history, op(1, "get", 0, 2, 10, 11)])
    two_inside = [*history, op(1, "put", 3, 0, 10, 11), op(1, "put", 4, 0, 12, 13)]
    assert not judge.check_bounded_queue(two_inside)


def test_what_is_left_in_a_closed_queue_can_be_got() -> None:
    def op(name: str, value: int, answer: int, start: int, end: int, bound: int) -> dict:
        return {"C": 0, "O": name, "V": value, "X": bound, "R": answer, "S": start, "E": end}

    for bound in (0, 3):
        history = [op("put", 1, 0, 0, 1, bound), op("close", 0, 0, 2, 3, bound)]
        for after, legal in [
            (op("put", 2, judge.CLOSED, 4, 5, bound), True),
            (op("put", 2, 0, 4, 5, bound), False),
            (op("get", 0, 1, 4, 5, bound), True),
            (op("get", 0, judge.CLOSED, 4, 5, bound), False),
            (op("get", 0, judge.ABSENT, 4, 5, bound), False),
        ]:
            assert judge.check_bounded_queue([*history, after]) is legal, after
        assert not judge.check_bounded_queue(
            [history[0], op("put", 2, judge.CLOSED, 4, 5, bound), op("close", 0, 0, 6, 7, bound)]
        )


def test_a_put_that_will_find_the_queue_closed_takes_room_until_then() -> None:
    def op(thread: int, name: str, answer: int, start: int, end: int) -> dict:
        return {"C": thread, "O": name, "V": start, "X": 1, "R": answer, "S": start, "E": end}

    vain = op(0, "put", judge.CLOSED, 1, 10)
    full = op(1, "put", judge.ABSENT, 2, 3)
    end = op(1, "close", 0, 4, 5)
    assert judge.check_bounded_queue([vain, full, end])
    assert not judge.check_bounded_queue([full, end])
    assert not judge.check_bounded_queue([{**vain, "S": 4}, full, end])


def test_undecided_is_not_a_pass() -> None:
    history = make_up("ordered_map", 1, threads=4, operations=20)
    with pytest.raises(judge.Undecided):
        judge.check_ordered_map(history, budget=10)


def write(path: Path, histories: list[list[dict]]) -> None:
    with path.open("w") as file:
        for history in histories:
            for op in history:
                file.write(json.dumps(op) + "\n")
            file.write("\n")


@pytest.fixture(scope="session")
def porcupine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed: porcupine, the second judge, is left out")
    program = tmp_path_factory.mktemp("porcupine") / "porcupine"
    built = subprocess.run(
        [go, "build", "-o", program, "."],
        cwd=HERE / "porcupine",
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        if "dial tcp" in built.stderr or "lookup" in built.stderr:
            pytest.skip(
                "the Go module proxy can not be reached: porcupine, the second judge, is left out"
            )
        pytest.fail(built.stderr)
    return program


def verdicts_of(porcupine: Path, model: str, path: Path) -> list[str]:
    with path.open() as file:
        judged = subprocess.run(
            [porcupine, "-t", "20", model], stdin=file, capture_output=True, text=True, check=False
        )
    assert judged.returncode in (0, 1), judged.stderr
    return judged.stdout.split()


@pytest.mark.parametrize("model", MODELS)
def test_the_judges_agree(model: str, porcupine: Path, tmp_path: Path) -> None:
    histories = []
    for seed in range(150):
        legal = make_up(model, seed, threads=2 + seed % 3, operations=9)
        histories += [legal, corrupt(legal, seed)]
    write(tmp_path / "histories", histories)
    ours = ["legal" if judge.MODELS[model](h) else "illegal" for h in histories]
    assert verdicts_of(porcupine, model, tmp_path / "histories") == ours
    assert ours[::2] == ["legal"] * 150
    assert ours[1::2].count("illegal") > 30


def compare_what_it_writes(
    program: str, check: Callable[..., bool], porcupine: Path, model: str, tmp_path: Path
) -> None:
    """A recorder in C writes histories of three sorts; our judge and porcupine agree on each of them."""
    name = tmp_path / "c"
    environment = {**os.environ, "CC_TEST_PERCENT": "5"}
    subprocess.run([program, str(name)], env=environment, check=True, stdout=subprocess.DEVNULL)
    for suffix, expected in ((".real", "legal"), (".legal", "legal"), (".illegal", "illegal")):
        path = name.with_suffix(suffix)
        with path.open() as file:
            histories = list(judge.read_histories(file))
        assert histories
        ours = ["legal" if check(h) else "illegal" for h in histories]
        assert set(ours) == {expected}
        assert verdicts_of(porcupine, model, path) == ours


def test_histories_of_the_c_core(porcupine: Path, tmp_path: Path) -> None:
    """What the C recorder wrote (CC_TEST_HISTORIES names the program, built with yields) is legal for all."""
    program = os.environ.get("CC_TEST_HISTORIES")
    if not program:
        pytest.skip("CC_TEST_HISTORIES does not name the program test_histories_yielding")
    compare_what_it_writes(program, judge.check_map, porcupine, "map", tmp_path)


def test_queue_histories_of_the_c_core(porcupine: Path, tmp_path: Path) -> None:
    """The same for queues: CC_TEST_QUEUE_HISTORIES names the program, or it is beside that for maps."""
    beside = os.environ.get("CC_TEST_HISTORIES")
    program = os.environ.get("CC_TEST_QUEUE_HISTORIES") or (
        beside and str(Path(beside).with_name("test_queue_histories_yielding"))
    )
    if not program or not Path(program).exists():
        pytest.skip("nothing names the program test_queue_histories_yielding")
    compare_what_it_writes(program, judge.check_bounded_queue, porcupine, "bounded_queue", tmp_path)
