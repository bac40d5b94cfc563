#!/usr/bin/env python3
"""Prove that the tests of the core bite: break the core in one place at a time, and demand a finding.

    run.py [--jobs N] [--cc CC] [--table] [NAME ...]    try them; a NAME may be one of a program (sched_smr), too
    run.py --check                                      does every patch fit the tree?
    run.py --refresh [NAME ...]                         rewrite those that fit no more

Each patch in this folder is applied to a copy of the core, and each program that its header names has to notice: an explorer
(tests/c/schedules) within a number of schedules, a unit test by failing. A mutation that says why it survives must survive: if
an explorer learns to see it, the header is to be corrected. With the intact core the unit tests have to pass. With
CC_TEST_PERCENT below 50 a part of the mutations is tried, another one each day.

Prints one line for each attempt, and exits with 1 if any goes otherwise than expected.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from patches import ROOT, Mutation, Texts, all_mutations, apply, check, texts_of_tree
from refresh import refresh

SIZES = (ROOT / "tests/sizes.txt").read_text().split("\n--\n")[0].splitlines()
FLAGS = ["-std=gnu11", "-O1", "-g", "-w", "-pthread", "-DCC_TEST_HOOKS=1"]
INCLUDED = ["-Icsrc/include", "-Icsrc", "-Itests/c", "-Itests/c/schedules"]
# How a program's core is compiled, as in tests/c/meson.build.
EXPLORED = [
    "-DCC_SCHED=1",
    "-DCC_DEBUG_INVARIANTS=1",
    *(
        f"-D{words[0]}={words[3]}"
        for words in map(str.split, SIZES)
        if len(words) == 4 and words[0] != "#" and words[3] != "-"
    ),
    "-fsanitize=address",
]
IN_STEPS = ["-DCC_SCHED=1", "-DCC_SCHED_OF_REAL_THREADS=1", "-DWCQ_HELP_EVERY=2u"]
TESTS_IN_STEPS = (
    "test_credits_steps",
    "test_overtaken",
    "test_records",
    "test_scq_growth",
    "test_wait_free",
)

FOUND = re.compile(r"FOUND by (\w+) in program (\w+), memory (\w+), at schedule (\d+)")
BROKEN = re.compile(r"(?:broken: |invariant broken: |ERROR: AddressSanitizer: )(.*)")
UNIT_TEST_DAYS = 3  # in which each mutation for unit tests has its turn
# Explorers that run with the files of another one, too.
OF_TREES = ("sched_skiplist_judge.c", "sched_skiplist_run.c")
SHARED = {"sched_bptree": OF_TREES, "sched_bst": OF_TREES}
BUDGETS = (500, 5000, 20000, 100000)  # a little of everything first, then more
SEVERAL_PREEMPTIONS = 20000  # schedules of an enumeration, below which it has hardly begun


def is_explorer(program: str) -> bool:
    return program.startswith("sched_")


def way_of(program: str) -> str:
    return "explored" if is_explorer(program) else "steps" if program in TESTS_IN_STEPS else "plain"


DEFINES = {"explored": EXPLORED, "steps": IN_STEPS, "plain": []}


def sources_of(program: str, root: Path) -> list[Path]:
    """Below root: the core, the program, and the scheduler if it runs under it."""
    sources = sorted(root.glob("csrc/*/*.c"))
    if is_explorer(program):
        patterns = ("scheduler*.c", f"{program}.c", f"{program}_*.c", *SHARED.get(program, ()))
        for pattern in patterns:
            sources += sorted((root / "tests/c/schedules").glob(pattern))
    else:
        sources.append(root / f"tests/c/{program}.c")
    return [source.relative_to(root) for source in sources]


@dataclass(frozen=True)
class Object:
    path: Path
    reads: frozenset[str]  # files below the root


class Builder:
    """Compiles what a mutation may have changed; everything else once."""

    def __init__(self, cc: str, output: Path) -> None:
        self.cc = cc
        self.output = output
        self.intact: dict[tuple[str, Path], Object] = {}
        self.locks: dict[tuple[str, Path], threading.Lock] = {}

    def compile(self, source: Path, way: str, root: Path, output: Path) -> Object:
        target = output / f"{source.stem}.o"
        command = [self.cc, *FLAGS, *DEFINES[way], *INCLUDED, "-MMD"]
        command += ["-c", str(source), "-o", str(target)]
        subprocess.run(command, check=True, cwd=root)
        read = target.with_suffix(".d").read_text().replace("\\\n", " ").split()[1:]
        return Object(target, frozenset(map(os.path.normpath, read)))

    def intact_object(self, source: Path, way: str) -> Object:
        key = (way, source)
        with self.locks.setdefault(key, threading.Lock()):
            if key not in self.intact:
                output = self.output / way
                output.mkdir(exist_ok=True)
                self.intact[key] = self.compile(source, way, ROOT, output)
            return self.intact[key]

    def build(self, program: str, root: Path, changed: Iterable[str], output: Path) -> Path:
        way = way_of(program)
        objects = []
        for source in sources_of(program, root):
            made = self.intact_object(source, way)
            if not made.reads.isdisjoint(changed):
                made = self.compile(source, way, root, output)
            objects.append(made.path)
        target = output / program
        sanitizer = [flag for flag in DEFINES[way] if flag.startswith("-fsanitize")]
        subprocess.run([self.cc, *FLAGS, *sanitizer, *objects, "-o", target], check=True)
        return target


@dataclass
class Outcome:
    mutation: Mutation
    program: str
    noticed: str = ""  # what the program said; empty if nothing
    where: str = ""
    schedules: int = 0
    seconds: float = 0.0

    @property
    def is_as_expected(self) -> bool:
        return bool(self.noticed) != bool(self.mutation.survives)

    def line(self) -> str:
        m, what = self.mutation, f"{self.schedules} schedules, " if self.schedules else ""
        verdict = f"caught in {self.where}: {self.noticed}" if self.noticed else "SURVIVES"
        if not self.noticed and not is_explorer(self.program):
            verdict = f"not noticed by {self.program}"
        surprise = "" if self.is_as_expected else "UNEXPECTED "
        return f"{surprise}{m.name}: {verdict}, {what}{self.seconds:.1f} s"

    def row(self) -> str:
        m = self.mutation
        by = self.where if self.noticed else f"**survives**: {m.survives}"
        return f"| `{m.name}` | {m.breaks} | {by} | {self.schedules:,} | {self.noticed} |"


def explore(program: Path, outcome: Outcome, programs: Iterable[str]) -> None:
    """Run an explorer until it finds something, or for as long as it takes to say that the mutation survives."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    survives = bool(outcome.mutation.survives)
    for budget in BUDGETS[: 1 if survives else len(BUDGETS)]:
        enumerated = budget if survives else max(budget, SEVERAL_PREEMPTIONS)
        for name in programs or ("",):
            for way, count in (("random", budget), ("pct", budget), ("enumerate", enumerated)):
                only = ["--program", name] if name else []
                command = [str(program), *only, f"--{way}", str(count)]
                result = subprocess.run(command, capture_output=True, text=True, env=environment)
                for counts in re.findall(r"(\d+) enumerated.*?(\d+) drawn", result.stdout):
                    outcome.schedules += sum(map(int, counts))
                found = FOUND.search(result.stderr)
                if bool(result.returncode) != bool(found):
                    raise SystemExit(f"{command}: {result.stderr}")
                if found:
                    said = BROKEN.search(result.stderr)
                    outcome.schedules += int(found[4])
                    outcome.noticed = (
                        re.sub(r" on (unknown )?address.*", "", said[1]) if said else "?"
                    )
                    outcome.where = f"{found[2]} ({found[1]}, {found[3]})"
                    return


def run_test(program: Path) -> str:
    """What the test says in the end if it fails."""
    result = subprocess.run([program], capture_output=True, text=True, timeout=300)
    if result.returncode == 0:
        return ""
    said = [line for line in result.stderr.splitlines() if "FAILED" in line]
    said = said or [line.strip() for line in result.stdout.splitlines() if line.strip()]
    return re.sub(r"^.*FAILED: ", "", said[-1]) if said else f"exit code {result.returncode}"


def attempt(
    builder: Builder, mutation: Mutation, texts: Texts, programs: list[str]
) -> list[Outcome]:
    """Show the mutation to those of the programs that its header names."""
    outcomes = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        changed = apply(mutation, texts)
        for file, text in {**texts, **changed}.items():
            path = root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for number, (program, *choice) in enumerate(mutation.noticed_by):
            if program not in programs:
                continue
            start = time.monotonic()
            outcome = Outcome(mutation, program)
            outcomes.append(outcome)
            output = root / "build" / str(number)  # a program may be named twice
            output.mkdir(parents=True)
            built = builder.build(program, root, changed, output)
            if is_explorer(program):
                explore(built, outcome, choice)
            else:
                outcome.noticed, outcome.where = run_test(built), program
            outcome.seconds = time.monotonic() - start
    return outcomes


def chosen(mutations: list[Mutation], names: list[str]) -> list[tuple[Mutation, list[str]]]:
    """What is tried today, and by which programs."""
    if names:
        known = {m.name for m in mutations} | {p for m in mutations for p, *_ in m.noticed_by}
        if unknown := set(names) - known:
            raise SystemExit(f"there is no {', no '.join(sorted(unknown))}")
    percent = int(os.environ.get("CC_TEST_PERCENT", "100"))
    turns = 100 // percent if percent < 50 and not names else 1
    today = datetime.date.today().toordinal()
    choice = []
    for number, mutation in enumerate(mutations):
        programs = [program for program, *_ in mutation.noticed_by]
        if names and mutation.name not in names:
            programs = [program for program in programs if program in names]
        if turns > 1:
            # Of the mutations for explorers a part, of those for unit tests a third, by one each, others the next day. The
            # store-load fences always: nothing else in the tests sees that one is missing.
            always = "fence" in mutation.name and not mutation.survives
            explorers = [p for p in programs if is_explorer(p)]
            if explorers and (mutation.is_slow or (not always and number % turns != today % turns)):
                explorers = []
            tests = [p for p in programs if not is_explorer(p)]
            has_turn = tests and number % UNIT_TEST_DAYS == today % UNIT_TEST_DAYS
            programs = explorers + (
                [tests[today // UNIT_TEST_DAYS % len(tests)]] if has_turn else []
            )
        if programs:
            choice.append((mutation, programs))
    return choice


def try_all(
    choice: list[tuple[Mutation, list[str]]], texts: Texts, cc: str, jobs: int, table: bool
) -> int:
    wrong = tried = 0
    with (
        tempfile.TemporaryDirectory() as name,
        concurrent.futures.ThreadPoolExecutor(jobs) as pool,
    ):
        builder = Builder(cc, Path(name))

        def on_the_intact_core(test: str) -> tuple[str, str]:
            output = Path(name) / test
            output.mkdir()
            return test, run_test(builder.build(test, ROOT, (), output))

        tests = sorted({p for _, programs in choice for p in programs if not is_explorer(p)})
        for test, said in pool.map(on_the_intact_core, tests):
            if said:
                wrong += 1
                print(f"UNEXPECTED {test} fails without any mutation: {said}", flush=True)
        for outcomes in pool.map(lambda one: attempt(builder, one[0], texts, one[1]), choice):
            for outcome in outcomes:
                tried += 1
                wrong += not outcome.is_as_expected
                print(outcome.row() if table else outcome.line(), flush=True)
    print(f"{len(choice)} mutations, {tried} attempts, {wrong} unexpected")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true", help="does every patch fit the tree?")
    parser.add_argument("--refresh", action="store_true", help="rewrite those that fit no more")
    parser.add_argument("--table", action="store_true", help="as Markdown, for a README")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cc", default=os.environ.get("CC", "cc"))
    arguments = parser.parse_args()
    mutations, texts = all_mutations(), texts_of_tree()
    if arguments.check:
        wrong = check(mutations, texts)
        print(*wrong, f"{len(mutations)} mutations, {len(wrong)} wrong", sep="\n")
        return 1 if wrong else 0
    if arguments.refresh:
        names = arguments.names
        return refresh([m for m in mutations if not names or m.name in names], texts)
    choice = chosen(mutations, arguments.names)
    return try_all(choice, texts, arguments.cc, arguments.jobs, arguments.table)


if __name__ == "__main__":
    sys.exit(main())
