"""Prove that tests of the core which carry out one order of steps bite: what the explorer does not reach, they must notice.

    unit_mutations.py [--cc CC] [NAME ...]

Each entry of UNIT_MUTATIONS in queue_mutations.py, FOR_UNIT_TESTS in wcq_mutations.py, SIZE_MUTATIONS in
size_mutations.py and MEMORY_UNIT_MUTATIONS in memory_mutations.py names the tests (tests/c/NAME.c) that have to fail with a
core that is broken so. With the intact core they have to pass. Prints one line for each
attempt, and exits with 1 if any goes unnoticed. With CC_TEST_PERCENT below 50 each is shown to one of its tests, another
one the next day.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memory_mutations import MEMORY_UNIT_MUTATIONS
from mutations import CORE, FLAGS, HERE, mutate
from queue_mutations import UNIT_MUTATIONS
from size_mutations import SIZE_MUTATIONS
from wcq_mutations import FOR_UNIT_TESTS

TESTS = HERE.parent
# These are linked with a core whose atomic accesses are steps, as in tests/c/meson.build.
OF_FIBRES = ("test_records", "test_scq_growth", "test_overtaken", "test_wait_free")
STEPS = ("-DCC_SCHED=1", "-DCC_SCHED_OF_REAL_THREADS=1", "-DWCQ_HELP_EVERY=2u")


def sources_of(core: Path) -> list[Path]:
    return sorted(
        source
        for directory in ("platform", "memory", "ordered", "queue")
        for source in (core / directory).glob("*.c")
    )


def compile_one(cc: str, source: Path, core: Path, output: Path, defines: tuple[str, ...]) -> Path:
    target = output / f"{source.stem}.o"
    where = [f"-I{core}/include", f"-I{core}", f"-I{TESTS}"]
    subprocess.run([cc, *FLAGS, *defines, *where, "-c", source, "-o", target], check=True)
    return target


def fails(
    cc: str, test: str, core: Path, edited: set[str], intact: dict[str, list[Path]], output: Path
) -> str:
    """What the test says in the end if it fails."""
    defines = STEPS if test in OF_FIBRES else ()
    headers = any(file.endswith(".h") for file in edited)
    objects = intact["steps" if defines else "plain"]
    changed = []
    for source in sources_of(core):
        if str(source.relative_to(core)) in edited or (headers and source.parent.name == "queue"):
            changed.append(compile_one(cc, source, core, output, defines))
    changed.append(compile_one(cc, TESTS / f"{test}.c", core, output, defines))
    names = {o.name for o in changed}
    program = output / test
    rest = [o for o in objects if o.name not in names]
    subprocess.run([cc, *FLAGS, *changed, *rest, "-o", program], check=True)
    result = subprocess.run([program], capture_output=True, text=True, timeout=300)
    if result.returncode == 0:
        return ""
    said = [line for line in result.stderr.splitlines() if "FAILED" in line]
    last = said[-1] if said else f"exit code {result.returncode}"
    return re.sub(r"^.*FAILED: ", "", last)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cc", default="cc")
    arguments = parser.parse_args()
    cc, wrong, tried = arguments.cc, 0, 0
    entries = [
        entry
        for entry in [*UNIT_MUTATIONS, *FOR_UNIT_TESTS, *SIZE_MUTATIONS, *MEMORY_UNIT_MUTATIONS]
        if not arguments.names or entry[0] in arguments.names
    ]
    if int(os.environ.get("CC_TEST_PERCENT", "100")) < 50 and not arguments.names:
        day = datetime.date.today().toordinal()
        entries = [(*rest, (tests[day % len(tests)],)) for *rest, tests in entries]
    with tempfile.TemporaryDirectory() as temporary:
        intact: dict[str, list[Path]] = {}
        for how, defines in (("plain", ()), ("steps", STEPS)):
            output = Path(temporary) / how
            output.mkdir()
            intact[how] = [compile_one(cc, s, CORE, output, defines) for s in sources_of(CORE)]
        for test in sorted({test for _, _, _, tests in entries for test in tests}):
            output = Path(temporary) / test
            output.mkdir()
            if said := fails(cc, test, CORE, set(), intact, output):
                print(f"UNEXPECTED {test} fails without any mutation: {said}")
                wrong += 1
        for name, _, edits, tests in entries:
            directory = Path(temporary) / name
            core = directory / "csrc"
            shutil.copytree(CORE, core)
            mutate(core, edits)
            edited = {file for file, _, _ in edits}
            for test in tests:
                start = time.monotonic()
                said = fails(cc, test, core, edited, intact, directory)
                wrong += not said
                tried += 1
                print(
                    f"{'' if said else 'UNEXPECTED '}{name}:"
                    f" {f'caught in {test}: {said}' if said else f'not noticed by {test}'},"
                    f" {time.monotonic() - start:.1f} s",
                    flush=True,
                )
            shutil.rmtree(directory)
    print(f"{tried} attempts, {wrong} unexpected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
