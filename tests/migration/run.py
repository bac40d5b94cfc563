#!/usr/bin/env python3
"""Run sortedcontainers' own tests of SortedDict and SortedSet against ours.

    $CC_PYTHON_GIL tests/migration/run.py [DIRECTORY]

Their tests are not in their sdist and not in this tree: DIRECTORY is a checkout of their repository; without one it is cloned into
the cache, which needs a network. They run with the module `sortedcontainers` beside this file, which spells each method as
docs/migration/sortedcontainers.md says. Every test has to pass but those of `DIFFERENT`, which have to fail, and the table on that
page has to have the same numbers.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs/migration/sortedcontainers.md"
SOURCE = "https://github.com/grantjenks/python-sortedcontainers"
FILES = ("coverage_sorteddict", "stress_sorteddict", "coverage_sortedset", "stress_sortedset")

RANKS = "bounds are keys, not what the key function makes of them"
OPERATORS = "operators take sets alone, as those of the built-in set do"
REPR = "it is printed otherwise"
INSIDE = "looks at what is private there"

# file::test -> why it is different here
DIFFERENT = {
    "coverage_sorteddict::test_irange_key": RANKS,
    "coverage_sorteddict::test_bisect_key2": RANKS,
    "coverage_sorteddict::test_repr_recursion": REPR,
    "coverage_sorteddict::test_keysview": REPR,
    "coverage_sorteddict::test_valuesview": REPR,
    "coverage_sorteddict::test_itemsview": "algebra of items makes a set without order: values need not have one",
    "coverage_sorteddict::test_notgiven": INSIDE,
    "coverage_sortedset::test_irange_key": RANKS,
    "coverage_sortedset::test_bisect_key": RANKS,
    "coverage_sortedset::test_sub": OPERATORS,
    "coverage_sortedset::test_isub": OPERATORS,
    "coverage_sortedset::test_and": OPERATORS,
    "coverage_sortedset::test_intersection_update": OPERATORS,
    "coverage_sortedset::test_ior": OPERATORS,
    "coverage_sortedset::test_repr": REPR,
    "coverage_sortedset::test_repr_recursion": REPR,
    "stress_sortedset::test_init": INSIDE,
}


def checkout() -> Path:
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    cache = os.environ.get("CC_CACHE")
    if not cache:
        sys.exit("name a checkout of sortedcontainers, or set CC_CACHE")
    target = Path(cache) / "src/sortedcontainers"
    if not target.exists():
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", SOURCE, target], check=True)
    return target


def main() -> int:
    tests = [checkout() / "tests" / f"test_{name}.py" for name in FILES]
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull]
    command += [
        "-q",
        "-rA",
        "--tb=line",
        "--import-mode=importlib",
        "--rootdir",
        tests[0].parent,
        *tests,
    ]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/")
    outcomes = {
        f"{file}::{test}": outcome
        for outcome, file, test in re.findall(
            r"^(PASSED|FAILED) \S*test_(\w+)\.py::(\w+)", done.stdout, re.MULTILINE
        )
    }
    if not outcomes:
        sys.exit(done.stdout + done.stderr)
    wrong = []
    for test, outcome in outcomes.items():
        if (outcome == "FAILED") != (test in DIFFERENT):
            wrong.append(f"{test} {outcome.lower()}")
    wrong += [f"{test} is not there" for test in DIFFERENT if test not in outcomes]
    page = PAGE.read_text(encoding="utf-8")
    for name in FILES:
        counts = Counter(o for test, o in outcomes.items() if test.startswith(f"{name}::"))
        print(f"{name:20} {counts['PASSED']:3} pass, {counts['FAILED']:2} differ")
        if f"| test_{name} | {counts['PASSED']} | {counts['FAILED']} |" not in page:
            wrong.append(f"{PAGE.name} has other numbers for {name}")
    for test, reason in DIFFERENT.items():
        print(f"    {test}: {reason}")
    print(*(f"NOT AS EXPECTED: {line}" for line in wrong), sep="\n")
    print(f"{len(outcomes) - len(wrong)} passed, {len(wrong)} failed")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
