"""Repeat the long tests, with new seeds where they take one, until their time is over. Called by tools/soak.

Each soak is a command that runs for seconds to minutes and ends with 0 when it has found nothing. They share
the time evenly and run one after the other, each at least once. A soak that fails ends there; the others go on.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("CC_BUILD", "/nonexistent"))
CACHE = Path(os.environ.get("CC_CACHE", "/nonexistent"))
PYTHONS = {"ft": os.environ.get("CC_PYTHON_FT", ""), "gil": os.environ.get("CC_PYTHON_GIL", "")}
RECORD = ROOT / "docs/soak.md"
BEGIN, END = "<!-- begin of the table -->", "<!-- end of the table -->"
SCHEDULES_AT_ONCE = 20_000
INPUTS_AT_ONCE = 20_000  # of a fuzzer


@dataclass
class Soak:
    name: str
    what: str
    command: Callable[[int], list[str | Path]]  # of the n-th round
    # What has to be built: "core", "schedules", "fuzz", "fuzz-small", "ft", "gil"; or nothing, for "models" and "cross".
    needs: str
    unit: str = "rounds"
    per_round: int = 1
    environment: dict[str, str] = field(default_factory=dict)


def core(name: str) -> Path:
    return BUILD / "soak-core" / "tests/c" / name


def core_soak(
    name: str, what: str, *arguments: str, scheme: str = "ibr", percent: int = 100
) -> Soak:
    suffix = "" if scheme == "ibr" else f"-{scheme}"
    return Soak(
        f"c-{name}{suffix}",
        what,
        lambda _: [core(name), *arguments],
        "core",
        environment={"CC_TEST_SCHEME": scheme, "CC_TEST_PERCENT": str(percent)},
    )


def schedules(name: str, what: str, memory: str) -> Soak:
    def command(n: int) -> list[str | Path]:
        program = BUILD / "soak-schedules" / "tests/c" / name
        strategy = "--random" if n % 3 else "--pct"
        seed = str(1_000_003 + n * SCHEDULES_AT_ONCE)  # not those of tools/test
        count = str(SCHEDULES_AT_ONCE)
        return [program, strategy, count, "--memory", memory, "--seed", seed]

    label = f"{name.removeprefix('sched_')}-{memory}"
    return Soak(f"schedules-{label}", what, command, "schedules")


def fuzz(name: str, what: str, needs: str) -> Soak:
    """Rounds of one fuzzer; the inputs that lead somewhere new are kept for the next time."""
    corpus = CACHE / "fuzz" / f"{name}-{needs}"

    def command(n: int) -> list[str | Path]:
        corpus.mkdir(parents=True, exist_ok=True)
        program = BUILD / f"soak-{needs}" / "tests/c" / f"{name}_led"
        options = [f"-runs={INPUTS_AT_ONCE}", "-max_len=4000", "-len_control=0", f"-seed={n + 1}"]
        return [program, *options, f"-artifact_prefix={corpus}-", corpus]

    environment = {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    return Soak(
        f"{name.replace('_', '-')}{needs.removeprefix('fuzz')}",
        what,
        command,
        needs,
        environment=environment,
    )


def cross(target: str, compiler: str, what: str) -> list[Soak]:
    if shutil.which(compiler) is None:
        return []
    command: list[str | Path] = [ROOT / "tools/check_cross", target]
    return [Soak(f"cross-{target}", what, lambda _: command, needs="cross")]


def python(
    kind: str, name: str, what: str, *paths: str, scheme: str = "ibr", scale: int = 3
) -> Soak:
    suffix = "" if scheme == "ibr" else f"-{scheme}"
    command: list[str | Path] = [PYTHONS[kind], "-P", "-m", "pytest", "-q", "-x"]
    command += ["-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-p", "no:cacheprovider"]
    command += ["--timeout", "1800", "-s", *[ROOT / path for path in paths]]
    environment = {"CC_STRESS_SCALE": str(scale), "CONCURRENT_COLLECTIONS_SMR_SCHEME": scheme}
    return Soak(f"{name}-{kind}{suffix}", what, lambda _: command, kind, environment=environment)


def all_soaks() -> list[Soak]:
    soaks = [
        core_soak(
            "test_histories_yielding",
            "histories of threads that yield at every atomic access, judged",
            percent=1000,
            scheme=scheme,
        )
        for scheme in ("ibr", "debra")
    ]
    for scheme in ("ibr", "debra"):
        for name, what in (
            ("test_ordered_stress", "ordered containers: exact accounting, patterns"),
            ("test_ordered_stress_yielding", "the same with yields at every atomic access"),
            ("test_smr", "reclamation: stalls, backlogs, foreign code"),
            ("test_thread", "threads that come and go, fork"),
            ("test_domains", "domains that come and go, flushes of all"),
        ):
            soaks.append(core_soak(name, what, scheme=scheme))
        soaks.append(
            core_soak(
                "test_stalled",
                "a stopped thread beside ten million operations",
                "10000000",
                scheme=scheme,
            )
        )
    soaks.append(
        core_soak("test_queue_stress", "a hundred million words per kind", "--soak", "100000000")
    )
    soaks.append(core_soak("test_queue_stress_yielding", "queues, yields at every atomic access"))
    soaks.append(
        core_soak(
            "test_counter_histories_yielding",
            "histories of counters whose threads yield at every atomic access, judged",
            percent=300,
        )
    )
    for scheme in ("ibr", "debra"):
        soaks.append(
            core_soak(
                "test_stack_stress",
                "a thousand million words",
                "--soak",
                "1000000000",
                scheme=scheme,
            )
        )
    soaks.append(
        core_soak(
            "test_stack_histories_yielding",
            "histories of the stack whose threads yield at every atomic access, judged",
            percent=300,
        )
    )
    soaks.append(core_soak("test_wcq_yielding", "wait-free ring, yields at every atomic access"))
    soaks.append(
        core_soak(
            "test_queue_histories_yielding",
            "histories of queues whose threads yield at every atomic access, judged",
            percent=300,
        )
    )
    soaks.append(
        core_soak(
            "test_wait_free_yielding",
            "steps of wait-free operations under adversaries, counted",
            percent=300,
        )
    )
    for name, what in (
        ("sched_smr", "reclamation"),
        ("sched_debra", "DEBRA+"),
        ("sched_skiplist", "skip list"),
        ("sched_bptree", "B+tree"),
        ("sched_bst", "binary search tree"),
        ("sched_queue", "queues"),
        ("sched_stack", "stack"),
        ("sched_wcq", "wait-free ring"),
        ("sched_event_count", "event counts"),
        ("sched_counters", "counters"),
    ):
        for memory in ("tso", "pso"):
            soaks.append(
                schedules(name, f"{what}: {SCHEDULES_AT_ONCE:,} schedules a round", memory)
            )
    for needs, sizes in (("fuzz", ""), ("fuzz-small", ", tiny sizes")):
        soaks.append(fuzz("fuzz_ordered", f"ordered containers against a model{sizes}", needs))
        soaks.append(fuzz("fuzz_queue", f"queues against a model{sizes}", needs))
    for target, compiler in (
        ("aarch64-without-lse", "aarch64-linux-gnu-gcc"),
        ("riscv64", "riscv64-linux-gnu-gcc"),
        ("ppc64le", "powerpc64le-linux-gnu-gcc"),
    ):
        soaks += cross(target, compiler, "unit tests of the core in an emulator")
    soaks += cross("musl", "musl-gcc", "unit tests of the core with the C library musl")
    mingw = "x86_64-w64-mingw32-gcc-posix"
    soaks += cross("windows-wine", mingw, "unit tests of the core for Windows, by wine")
    soaks += cross("windows-python", "python3", "extension modules compile and link for Windows")
    models: list[str | Path] = [ROOT / "tools/check_models", "--all"]
    soaks.append(
        Soak("models", "TLA+ models and all their mutations", lambda _: models, needs="models")
    )
    for kind in ("ft", "gil"):
        for scheme in ("ibr", "debra"):
            soaks.append(
                python(kind, "stress", "Python stress tests", "tests/stress", scheme=scheme)
            )
        soaks.append(
            python(
                kind,
                "life",
                "life cycle, reclamation, signals, both schemes",
                "tests/python/test_life_cycle.py",
                "tests/python/test_reclamation.py",
                "tests/python/test_signals.py",
            )
        )
        soaks.append(
            python(kind, "histories", "histories recorded in Python", "tests/linearizability")
        )
        soaks.append(
            python(
                kind,
                "lost-wake-ups",
                "a million sleeps a round; timeouts, cancellations, shutdowns, loops that close",
                "tests/stress/test_queue_stress.py::test_hunt_for_lost_wake_ups",
                scale=20,  # 200,000 for each kind of queue
            )
        )
        soaks.append(
            python(
                kind,
                "semaphores",
                "permits: a million and a half operations a round; timeouts, cancellations, signals, loops that close",
                "tests/stress/test_semaphore_stress.py::test_everything_at_once",
                scale=70,  # 190,000 for each kind of semaphore and each number of permits
            )
        )
    # A program that this tree does not have (yet) is not built, so not a soak.
    names = (ROOT / "tests/c/meson.build").read_text()
    return [s for s in soaks if s.needs not in ("core", "schedules") or is_named(s, names)]


def is_named(soak: Soak, text: str) -> bool:
    name = Path(soak.command(0)[0]).name.removesuffix("_yielding")
    return f"'{name}'" in text


def build(what: set[str]) -> None:
    environment = {**os.environ}
    environment["PATH"] = f"{Path(PYTHONS['gil']).parent}{os.pathsep}{os.environ['PATH']}"
    fuzzers = ["-Dfuzzers=true", "-Db_sanitize=address,undefined", "-Db_lundef=false"]
    options = {
        "core": ["-Dbuildtype=debugoptimized"],
        "schedules": ["-Dschedules=true"],
        "fuzz": fuzzers,
        "fuzz-small": [*fuzzers, "-Dsmall_sizes=odd", "-Ddebug_invariants=true"],
    }
    for kind in sorted(what & options.keys()):
        directory = BUILD / f"soak-{kind}"
        if not (directory / "build.ninja").exists():
            shutil.rmtree(directory, ignore_errors=True)
            setup = ["meson", "setup", directory, ROOT, "-Dpython=false", "-Dcore_tests=true"]
            compiler = {"CC": "clang"} if kind.startswith("fuzz") else {}  # libFuzzer is clang's
            quietly([*setup, *options[kind]], {**environment, **compiler})
        programs = []
        if kind.startswith("fuzz"):
            programs = [f"tests/c/{p.stem}_led" for p in (ROOT / "tests/c/fuzz").glob("fuzz_*.c")]
            programs.remove("tests/c/fuzz_main_led")
        quietly(["ninja", "-C", directory, *programs], environment)
    for kind in sorted(what & PYTHONS.keys()):
        quietly([ROOT / "tools/install", PYTHONS[kind]], environment)


def quietly(command: list[str | Path], environment: dict[str, str]) -> None:
    result = subprocess.run(
        ["nice", *map(str, command)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode:
        sys.exit(f"{result.stdout[-3000:]}\n[soak] STOPPED: {command[0]} did not succeed")


@dataclass
class Outcome:
    rounds: int
    seconds: float
    finding: str  # "" when there is none
    passed: int  # tests, where it is pytest that counts
    sleeps: int  # where the tests say how often somebody has slept


def run(soak: Soak, seconds: float) -> Outcome:
    """Run rounds until the time is over; the output of the last one stays in a log."""
    log = BUILD / "logs" / f"soak-{soak.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    outside = CACHE / "run"  # the source package there cannot shadow the installed one
    outside.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **soak.environment}
    started = time.monotonic()
    rounds = passed = sleeps = 0
    while True:
        with log.open("w") as output:
            result = subprocess.run(
                ["nice", *map(str, soak.command(rounds))],
                cwd=outside,
                env={**environment, "CC_TEST_SEED": str(rounds + 1)},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        rounds += 1
        text = log.read_text(errors="replace")
        passed += sum(int(n) for n in re.findall(r"^(\d+) passed", text[-500:], re.MULTILINE))
        sleeps += sum(int(n) for n in re.findall(r"\b(\d+) sleeps in \d+ runs", text))
        elapsed = time.monotonic() - started
        if result.returncode:
            print(text[-2000:])
            return Outcome(rounds, elapsed, f"exit code {result.returncode}, {log}", passed, sleeps)
        if elapsed >= seconds:
            return Outcome(rounds, elapsed, "", passed, sleeps)


def work_of(soak: Soak, outcome: Outcome) -> str:
    if soak.needs == "schedules":
        return f"{outcome.rounds * SCHEDULES_AT_ONCE:,} schedules of each program"
    if soak.needs.startswith("fuzz"):
        return f"{outcome.rounds * INPUTS_AT_ONCE:,} inputs"
    if outcome.sleeps and soak.name.startswith("lost-wake-ups"):
        return f"{outcome.sleeps:,} sleeps"
    if outcome.passed:
        return f"{outcome.passed:,} tests"
    return f"{outcome.rounds:,} runs"


def record(rows: list[str]) -> None:
    text = RECORD.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    today = time.strftime("%Y-%m-%d")
    where = f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}"
    command = " ".join(["tools/soak", *sys.argv[1:]])  # the whole, or which part
    head = f"`{command}` on {today}, commit {commit or 'unknown'}, {where}.\n"
    RECORD.write_text(
        f"{before}{BEGIN}\n\n{head}\n" + "\n".join(rows) + f"\n\n{END}{after}", encoding="utf-8"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/soak", description="Repeat the long tests for a given time."
    )
    parser.add_argument("minutes", nargs="?", type=float, help="for all of them together")
    parser.add_argument("words", nargs="*", help="only those with one of the words in the name")
    parser.add_argument("--list", action="store_true", help="show them and exit")
    parser.add_argument("--record", action="store_true", help="put the table into docs/soak.md")
    arguments = parser.parse_intermixed_args()
    soaks = [
        s
        for s in all_soaks()
        if not arguments.words or any(word in s.name for word in arguments.words)
    ]
    if arguments.list:
        for soak in soaks:
            print(f"{soak.name:36} {soak.what}")
        return 0
    if arguments.minutes is None:
        parser.error("say how many minutes")
    if not soaks:
        parser.error("no soak has such a word in its name")
    build({soak.needs for soak in soaks})
    share = arguments.minutes * 60 / len(soaks)
    rows = ["| soak | what | work | minutes | found |", "|---|---|---|---|---|"]
    failed = 0
    for soak in soaks:
        outcome = run(soak, share)
        failed += bool(outcome.finding)
        finding = outcome.finding or "nothing"
        minutes = f"{outcome.seconds / 60:.1f}"
        rows.append(
            f"| `{soak.name}` | {soak.what} | {work_of(soak, outcome)} | {minutes} | "
            f"{'**failed**' if outcome.finding else 'nothing'} |"
        )
        print(f"{soak.name:36} {work_of(soak, outcome):36} {minutes:>6} min  {finding}", flush=True)
    print("\n" + "\n".join(rows))
    if arguments.record:
        record(rows)
    print(f"{len(soaks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
