"""Run the benchmarks, or hold the working tree against a commit. Called by tools/bench.

The gate measures two builds side by side. A round is two processes, one for each build, on one processor: they take
turns at every operation (benchmarks/operations/conftest.py), so that they are milliseconds apart and whatever else the
machine does hits both. Which of them goes first changes from round to round, and so do the seeds of hashes and of towers.
Each process reports the least time of each operation's batches: a batch lasts a tenth of a millisecond, so that among
twenty some are never interrupted, however busy the machine is. benchmarks/gate.py has what follows from the times.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import gate  # noqa: E402
import harness  # noqa: E402

CACHE = Path(os.environ.get("CC_CACHE", "/nonexistent")) / "bench"
PYTHONS = {"ft": os.environ.get("CC_PYTHON_FT", ""), "gil": os.environ.get("CC_PYTHON_GIL", "")}
OPERATIONS = ROOT / "benchmarks/operations"
SOURCES = (
    "pyproject.toml",
    "meson.build",
    "meson.options",
    "subprojects/mimalloc.wrap",
    "subprojects/packagefiles",
    "csrc",
    "concurrent_collections",
)
BUILDS_TO_KEEP = 12

FIRST_LOOK = 5  # rounds
SECOND_LOOK = 15
BATCHES = 20  # of an operation in each process of a round


def say(text: str) -> None:
    print(text, flush=True)


# ---- builds of two commits ---------------------------------------------------------------------


@dataclass(frozen=True)
class Build:
    """An installation of its own, in the cache."""

    kind: str  # of interpreter: "ft" or "gil"
    directory: Path
    environment: tuple[tuple[str, str], ...] = ()  # of the processes that measure it

    @property
    def site(self) -> Path:
        return self.directory / "site"

    def sizes(self) -> gate.Times:
        """Bytes, as if they were times: they are held against each other in the same way."""
        wheel = next(self.directory.glob("*.whl"))
        modules = (self.site / "concurrent_collections").rglob("*.so")
        return {
            f"{self.kind}: size of the wheel": wheel.stat().st_size,
            f"{self.kind}: size of the extension modules": sum(m.stat().st_size for m in modules),
        }


def checksum_of(tree: Path) -> str:
    """What tools/install calls the same sources."""
    files = sorted(
        path
        for source in SOURCES
        for path in [tree / source, *(tree / source).rglob("*")]
        if path.is_file() and path.suffix != ".pyc"
    )
    listing = subprocess.run(
        ["cksum", *(path.relative_to(tree) for path in files)],
        cwd=tree,
        capture_output=True,
        check=True,
    )
    return subprocess.check_output(["cksum"], input=listing.stdout, text=False).split()[0].decode()


@contextlib.contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """The sources of a commit, for as long as they are needed."""
    look_up = ["git", "rev-parse", "--verify", "--quiet", commit + "^{commit}"]
    if subprocess.run(look_up, cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
        sys.exit(f"bench: git knows no commit {commit}")
    with tempfile.TemporaryDirectory() as directory:
        archive = subprocess.check_output(["git", "archive", commit], cwd=ROOT)
        subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
        yield Path(directory)


def build(kind: str, tree: Path, what: str) -> Build:
    """The wheel of these sources, and an installation of it; from the cache if they were built before."""
    made = Build(kind, CACHE / "builds" / f"{kind}-{checksum_of(tree)}")
    if not (made.directory / "complete").exists():
        say(f"building {what} for {kind} ...")
        shutil.rmtree(made.directory, ignore_errors=True)
        made.directory.mkdir(parents=True)
        log = made.directory / "log"
        path = str(Path(PYTHONS[kind]).parent) + os.pathsep + os.environ["PATH"]
        if (tree / "tools/mimalloc").exists():  # older commits know the system's alone
            subprocess.run([tree / "tools/mimalloc"], check=False)

        def pip(*arguments: str | Path) -> None:
            command = ["nice", PYTHONS[kind], "-m", "pip", "--disable-pip-version-check"]
            with log.open("a") as output:
                result = subprocess.run(
                    [*command, *map(str, arguments)],
                    stdout=output,
                    stderr=output,
                    env={**os.environ, "PATH": path},
                )
            if result.returncode:
                sys.exit(f"bench: {what} does not build for {kind}; see {log}")

        with tempfile.TemporaryDirectory() as scratch:
            options = ["--no-build-isolation", "--no-deps", f"-Cbuild-dir={scratch}"]
            pip("wheel", *options, "--wheel-dir", made.directory, tree)
        wheel = next(made.directory.glob("*.whl"))
        pip("install", "--no-index", "--no-deps", "--target", made.site, wheel)
        (made.directory / "complete").touch()
    os.utime(made.directory)
    return made


def twin(original: Build) -> Build:
    """The same files once more, so that two builds can be identical and yet not one."""
    copy = Build(original.kind, original.directory.with_name(original.directory.name + "-twin"))
    if not copy.directory.exists():
        shutil.copytree(original.directory, copy.directory)
    return copy


def forget_old_builds() -> None:
    builds = sorted((CACHE / "builds").glob("*"), key=lambda path: path.stat().st_mtime)
    for old in builds[:-BUILDS_TO_KEEP]:
        shutil.rmtree(old, ignore_errors=True)


# ---- a round -------------------------------------------------------------------------------------


@dataclass
class Options:
    batches: int = BATCHES
    only: str = ""  # an expression for pytest's -k
    timer: str = "time.perf_counter"


def pytest_command(kind: str, *arguments: str | Path) -> list[str | Path]:
    command = [PYTHONS[kind], "-P", "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml"]
    command += ["--rootdir", ROOT, "-p", "no:cacheprovider"]
    # What tests want and benchmarks need not; without it a process takes half as long.
    command += ["--assert=plain", "-p", "no:hypothesispytest", "-o", "timeout=0"]
    return [*command, "-o", "faulthandler_timeout=0", OPERATIONS, *arguments]


def times_in(report: Path, kind: str, prefix: str = "test_") -> gate.Times:
    """Seconds of each operation: its fastest batch."""
    return {
        f"{kind}: {one['name'].removeprefix(prefix)}": one["stats"]["min"]
        for one in json.loads(report.read_text())["benchmarks"]
    }


def measure_round(
    before: Build, now: Build, number: int, cpu: int | None, chosen: list[str], options: Options
) -> gate.Round:
    """Both builds at once, in turns. `chosen`: the only operations to measure, or all when empty."""
    kind = before.kind
    with tempfile.TemporaryDirectory() as scratch:
        arguments: list[str | Path] = ["--benchmark-quiet", "--batches", options.batches]
        arguments += [f"--benchmark-timer={options.timer}"]
        if options.only:
            arguments += ["-k", options.only]
        if chosen:
            (Path(scratch) / "chosen").write_text("\n".join(chosen))
            arguments += ["--chosen", Path(scratch) / "chosen"]
        pipes = [os.pipe(), os.pipe()]  # the one that each waits for
        running = []
        for i, one in enumerate((before, now)):
            mine, others = pipes[i][0], pipes[1 - i][1]
            environment = {
                **os.environ,
                **dict(one.environment),
                "PYTHONPATH": str(one.site),
                "PYTHONHASHSEED": str(number),
                "PYTHONDONTWRITEBYTECODE": "1",
                "CC_BENCH_ROUND": str(number),
                "CC_BENCH_TURN": f"{mine},{others}",
                "CC_BENCH_CPU": "" if cpu is None else str(cpu),
            }
            report = Path(scratch) / f"{i}.json"
            command = [*pytest_command(kind, *arguments), f"--benchmark-json={report}"]
            with (Path(scratch) / f"{i}.log").open("w") as log:
                running.append(
                    subprocess.Popen(
                        list(map(str, command)),
                        cwd=CACHE,
                        env=environment,
                        stdout=log,
                        stderr=log,
                        stdin=subprocess.DEVNULL,
                        pass_fds=(mine, others),
                    )
                )
        os.write(pipes[number % 2][1], b".")
        for pipe in pipes:  # theirs alone, so that the end of one process is seen by the other
            os.close(pipe[0])
            os.close(pipe[1])
        for process in running:
            process.wait()
        found = []
        for i in range(2):
            report = Path(scratch) / f"{i}.json"
            if not report.exists():
                print((Path(scratch) / f"{i}.log").read_text()[-3000:])
                sys.exit(f"bench: the {'second' if i else 'first'} build could not be measured")
            found.append(times_in(report, kind))
        return found[0], found[1]


def processors() -> list[int | None]:
    """Where rounds run, each on a processor of its own, two at most: they are to have the rest to themselves."""
    if not hasattr(os, "sched_getaffinity"):
        return [None]
    return sorted(os.sched_getaffinity(0))[:2]


def measure_look(
    pairs: list[tuple[Build, Build]], rounds: int, chosen: list[str], options: Options, start: int
) -> gate.Look:
    """So many rounds of each pair, the pairs in turn."""
    waiting = [(pair, start + n) for n in range(rounds) for pair in pairs]
    if chosen:
        waiting = [(p, n) for p, n in waiting if any(c.startswith(f"{p[0].kind}:") for c in chosen)]
    waiting.reverse()
    look: gate.Look = []
    lock = threading.Lock()

    def lane(cpu: int | None) -> None:
        while True:
            with lock:
                if not waiting:
                    return
                (before, now), number = waiting.pop()
            mine = [c.partition(": ")[2] for c in chosen if c.startswith(f"{before.kind}:")]
            result = measure_round(before, now, number, cpu, mine, options)
            with lock:
                look.append(result)

    with ThreadPoolExecutor() as lanes:
        list(lanes.map(lane, processors()))
    return look


# ---- the gate --------------------------------------------------------------------------------------


@dataclass
class Verdict:
    first: gate.Look
    second: gate.Look
    losses: list[str]
    gone: list[str]

    @property
    def failed(self) -> bool:
        return bool(self.losses or self.gone)


def hold(pairs: list[tuple[Build, Build]], options: Options, start: int = 1) -> Verdict:
    """Two looks at each pair of builds."""
    first = measure_look(pairs, FIRST_LOOK, [], options, start)
    first += [(before.sizes(), now.sizes()) for before, now in pairs]
    chosen = gate.suspects(first)
    sizes = [name for name in chosen if ": size of" in name]
    again = [name for name in chosen if name not in sizes]
    second: gate.Look = []
    if again:
        longer = Options(2 * options.batches, "", options.timer)
        second = measure_look(pairs, SECOND_LOOK, again, longer, start + FIRST_LOOK)
    second += gate.restricted(first, sizes)
    return Verdict(first, second, gate.losses(second), gate.gone(first))


def report(verdict: Verdict, name: str, everything: bool) -> None:
    found = gate.ratios(verdict.first)
    again = gate.ratios(verdict.second)
    say(f"\n{len(found)} ratios, time now by time before; below 1 is faster\n")
    say(gate.summary(found))
    if everything:
        say("\n" + gate.table(found))
    if again:
        say(f"\nSuspects (over {gate.SUSPECT} at the first look), measured again for longer:\n")
        say(gate.table(again))
    path = CACHE / f"{name}.json"
    path.write_text(json.dumps({"first look": verdict.first, "second look": verdict.second}))
    say(f"\nEvery time that was taken: {path}")
    for lost in verdict.gone:
        say(f"GONE: {lost} ran before, and does not now")
    for lost in verdict.losses:
        say(f"SLOWER: {lost} takes {again[lost]} times as long")


def show_environment(made: Build) -> None:
    """What has to stand beside every number: interpreter, processors, load, how the core was built."""
    program = "import harness, concurrent_collections as c; harness.print_environment(harness.environment(c))"
    path = os.pathsep.join([str(made.site), str(ROOT / "benchmarks")])
    say(f"\n{made.kind}:")
    command = [PYTHONS[made.kind], "-P", "-c", program]
    subprocess.run(command, cwd=CACHE, env={**os.environ, "PYTHONPATH": path}, check=True)


def run_gate(commit: str, kinds: list[str], options: Options, everything: bool) -> int:
    began = time.monotonic()
    with tree_of(commit) as tree:
        before = {kind: build(kind, tree, commit) for kind in kinds}
    pairs = [(before[kind], build(kind, ROOT, "the working tree")) for kind in kinds]
    forget_old_builds()
    say(f"built ({time.monotonic() - began:.0f} s)")
    for _, now in pairs:
        show_environment(now)
    others = harness.Others()
    verdict = hold(pairs, options)
    report(verdict, "gate", everything)
    say(f"{time.monotonic() - began:.0f} s; others took {100 * others.share():.0f} % of the CPUs")
    say("the gate is shut" if verdict.failed else f"no operation is over {gate.LOSS} of {commit}")
    return int(verdict.failed)


# ---- does the gate work? ----------------------------------------------------------------------------

SLOWDOWN = 1.15


@dataclass(frozen=True)
class Brake:
    """A method that a scratch copy of the sources slows down, and an operation that calls it."""

    cls: str
    method: str
    operation: str

    @property
    def variable(self) -> str:
        return f"CC_BENCH_SPIN_{self.method.upper()}"


BRAKES = [
    Brake("_OrderedMap", "get", "get_hit[SkipListMap-ibr-int]"),
    Brake("_OrderedSet", "floor", "neighbour_of_set[SkipListSet-debra-str-floor]"),
    Brake("_Queue", "empty", "empty[WaitFreeQueue]"),
]

# It spins as often as the environment says when it is first called, so that one build is enough.
SPIN = '''
cdef extern from *:
    """
    #include <stdlib.h>
    static void cc_bench_spin_{method}(void) {{
        static int turns = -1;
        if (turns < 0) {{
            const char *text = getenv("{variable}");
            turns = text ? atoi(text) : 0;
        }}
        for (int i = 0; i < turns; i++) __asm__ volatile("");
    }}
    """
    void cc_bench_spin_{method}() noexcept nogil
'''


def put_brakes_into(tree: Path) -> None:
    for brake in BRAKES:
        pattern = re.compile(
            rf"^cdef class {brake.cls}\b.*?^    def {brake.method}\(.*?\):\n(?:        \"\"\".*?\"\"\"\n)?",
            re.MULTILINE | re.DOTALL,
        )
        for source in sorted((tree / "concurrent_collections").glob("*.p[xy][ix]*")):
            text = source.read_text()
            found = pattern.search(text)
            if not found:
                continue
            text = (
                text[: found.end()]
                + f"        cc_bench_spin_{brake.method}()\n"
                + text[found.end() :]
            )
            head = re.match(r"(?:#.*\n|\s*\n)*", text)[0]
            spin = SPIN.format(method=brake.method, variable=brake.variable)
            source.write_text(head + spin + text[len(head) :])
            break
        else:
            sys.exit(f"bench: there is no {brake.cls}.{brake.method} to slow down; see BRAKES")


def with_brakes(braked: Build, turns: dict[Brake, int]) -> Build:
    environment = tuple((brake.variable, str(n)) for brake, n in turns.items())
    return Build(braked.kind, braked.directory, environment)


def calibrate(original: Build, braked: Build) -> dict[Brake, tuple[int, float]]:
    """How often each brake has to spin so that its operation takes 15 % longer, and how much longer it takes then."""
    names = {brake: f"{original.kind}: {brake.operation}" for brake in BRAKES}

    def measure(turns: dict[Brake, int], rounds: int) -> dict[Brake, float]:
        pair = (original, with_brakes(braked, turns))
        look = measure_look([pair], rounds, list(names.values()), Options(batches=100), 1000)
        found = gate.ratios(look)
        return {brake: found[name].median for brake, name in names.items()}

    # What the processor does while it waits anyway hides some turns, so that it is no straight line: narrow it down.
    points = {brake: [] for brake in BRAKES}
    turns = dict.fromkeys(BRAKES, 0)
    for _ in range(6):
        for brake, ratio in measure(turns, 4).items():
            points[brake].append((turns[brake], ratio))
        for brake in BRAKES:
            turns[brake] = turns_between(points[brake])
    nearest = {brake: min(points[brake], key=lambda p: abs(p[1] - SLOWDOWN)) for brake in BRAKES}
    turns = {brake: point[0] for brake, point in nearest.items()}
    found = measure(turns, 8)
    return {brake: (turns[brake], found[brake]) for brake in BRAKES}


def turns_between(points: list[tuple[int, float]]) -> int:
    """How often to spin next, after these turns gave these ratios."""
    below = max(point for point in [(0, 1.0), *points] if point[1] <= SLOWDOWN)
    above = [point for point in points if point[1] > SLOWDOWN]
    if not above:
        return 2 * below[0] or 100
    upper = min(above)
    share = (SLOWDOWN - below[1]) / (upper[1] - below[1])
    return round(below[0] + min(max(share, 0.1), 0.9) * (upper[0] - below[0]))


def self_test(kinds: list[str], minutes: float, options: Options) -> int:
    """Gates of identical builds, and every fourth time of one that is slowed down by 15 %."""
    end = time.monotonic() + 60 * minutes
    original = {kind: build(kind, ROOT, "the working tree") for kind in kinds}
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "slowed"
        needless = shutil.ignore_patterns(".git", "tests", "docs", "tla", "__pycache__")
        shutil.copytree(ROOT, tree, ignore=needless)
        put_brakes_into(tree)
        braked = {kind: build(kind, tree, "the slowed tree") for kind in kinds}
    forget_old_builds()
    identical = [(original[kind], twin(original[kind])) for kind in kinds]
    say(f"slowing down by {SLOWDOWN}; median of 8 rounds beside the original:")
    slowed = []
    for kind in kinds:
        for brake, (turns, ratio) in calibrate(original[kind], braked[kind]).items():
            name = f"{kind}: {brake.operation}"
            say(f"  {name}: {ratio:.3f} with {turns} turns of the loop")
            slowed.append((original[kind], with_brakes(braked[kind], {brake: turns}), name))

    others = harness.Others()
    rounds: gate.Look = []
    gates = alarms = braked_gates = caught = 0
    number = 1
    while time.monotonic() < end or not gates or not braked_gates:
        if (gates + braked_gates) % 4 == 3:
            before, now, name = slowed[braked_gates % len(slowed)]
            verdict = hold([(before, now)], options, number)
            braked_gates += 1
            caught += name in verdict.losses
            seen = gate.ratios(verdict.second).get(name, "no suspect")
            say(f"slowed    {name}: {'caught' if name in verdict.losses else 'MISSED'}, {seen}")
        else:
            verdict = hold(identical, options, number)
            rounds += verdict.first[: -len(kinds)]  # without the sizes
            gates += 1
            alarms += verdict.failed
            seen = gate.suspects(verdict.first)
            say(f"identical {'ALARM' if verdict.failed else 'passed'}, {len(seen)} suspects")
            for lost in verdict.losses:
                say(f"    {lost} {gate.ratios(verdict.second)[lost]}")
        number += FIRST_LOOK + SECOND_LOOK
    (CACHE / "self-test.json").write_text(json.dumps(rounds))

    say(f"\n{alarms} of {gates} gates of identical builds failed (with {', '.join(kinds)})")
    # A gate's round is one of each interpreter; which of them ended first does not matter.
    of_kind = [[one for one in rounds if next(iter(one[0])).startswith(kind)] for kind in kinds]
    merged = [
        (
            {name: t for before, _ in parts for name, t in before.items()},
            {name: t for _, now in parts for name, t in now.items()},
        )
        for parts in zip(*of_kind, strict=True)
    ]
    drawn = 1000
    if len(merged) >= FIRST_LOOK + SECOND_LOOK:
        failed = gate.false_alarms(merged, FIRST_LOOK, SECOND_LOOK, drawn)
        say(f"{failed} of {drawn} gates failed that were drawn from their {len(merged)} rounds")
    say(f"{caught} of {braked_gates} slowdowns by 15 % were caught")
    say(f"others took {100 * others.share():.0f} % of the CPUs")
    return int(20 * alarms > gates or caught < braked_gates)


# ---- everything, once ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    name: str
    question: str
    command: tuple[str | Path, ...]
    quick: tuple[str, ...]


BESIDE_PEERS = {  # programs in benchmarks/, and what each asks
    "maps": "maps beside what is used today",
    "queues": "queues beside what is used today",
    "frozen": "frozen maps beside what is used today",
    "comparators": "orders by Python and by C functions",
    "counters": "counters beside what Python has",
    "semaphores": "semaphores beside threading's",
    "stacks": "the stack beside what is used today",
}


def programs(kinds: list[str], results: Path) -> list[Program]:
    benchmarks = ROOT / "benchmarks"
    found = []
    for kind in kinds:
        python = PYTHONS[kind]

        def saved(name: str, kind: str = kind) -> str:
            return str(results / f"{name}-{kind}.json")

        table = ("--benchmark-columns=min,median,rounds", "--benchmark-sort=name")
        operations = pytest_command(kind, f"--benchmark-json={saved('operations')}", *table)
        found += [
            Program(
                f"operations-{kind}",
                "one thread, one operation at a time",
                tuple(operations),
                ("--batches", "1"),
            ),
            Program(
                f"waiters-{kind}",
                "thousands of threads that wait",
                (python, benchmarks / "many_waiters.py"),
                ("--threads", "200", "--repeats", "1"),
            ),
        ]
        found += [
            Program(
                f"{name}-{kind}",
                question,
                (python, benchmarks / f"{name}.py", "--json", saved(name)),
                ("--quick",),
            )
            for name, question in BESIDE_PEERS.items()
        ]
    core = benchmarks / "run_core.sh"
    found += [
        Program(
            "core-map",
            "the map without Python",
            (core,),
            ("--keys", "10000", "--repeats", "1", "--seconds", "0.05"),
        ),
        Program(
            "core-queue",
            "the queues without Python",
            (core, "queue"),
            ("--seconds", "0.02", "--repeats", "1"),
        ),
        Program(
            "core-smr",
            "what reclamation costs",
            (sys.executable, benchmarks / "smr_cost.py"),
            ("--rounds", "1", "--seconds", "0.02"),
        ),
    ]
    return found


def available() -> list[str]:
    return [kind for kind, python in PYTHONS.items() if python]


def run_programs(words: list[str], kinds: list[str], quick: bool) -> int:
    results = CACHE / "results"
    results.mkdir(parents=True, exist_ok=True)
    wanted = [
        program
        for program in programs(kinds, results)
        if not words or any(word in program.name for word in words)
    ]
    if not wanted:
        sys.exit(f"bench: no benchmark has {' or '.join(words)} in its name; see --list")
    for kind in kinds:
        subprocess.run([ROOT / "tools/install", PYTHONS[kind]], check=True)
    failed = []
    for number, program in enumerate(wanted, 1):
        say(f"\n==== [{number}/{len(wanted)}] {program.name}: {program.question}\n")
        command = [*program.command, *(program.quick if quick else ())]
        if subprocess.run(list(map(str, command)), cwd=CACHE, stdin=subprocess.DEVNULL).returncode:
            failed.append(program.name)
    say(f"\nresults as JSON: {results}")
    if failed:
        say(f"FAILED: {', '.join(failed)}")
    return int(bool(failed))


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/bench", description="Measure.")
    parser.add_argument(
        "words", metavar="WORD", nargs="*", help="only benchmarks with one of them in the name"
    )
    parser.add_argument("--list", action="store_true", help="show the names and exit")
    parser.add_argument(
        "--quick", action="store_true", help="so briefly that it shows only that they work"
    )
    parser.add_argument("--gate", metavar="COMMIT", help="hold the working tree against a commit")
    parser.add_argument("--self-test", action="store_true", help="does the gate work?")
    parser.add_argument("--minutes", type=float, default=10, help="for --self-test")
    parser.add_argument(
        "--python", choices=list(PYTHONS), action="append", help="one interpreter only"
    )
    parser.add_argument("--only", default="", help="for --gate: an expression as for pytest -k")
    parser.add_argument("--all", action="store_true", help="for --gate: print every ratio")
    arguments = parser.parse_args()
    if arguments.list:
        for program in programs(list(PYTHONS), CACHE):
            say(f"{program.name:16} {program.question}")
        return 0
    kinds = arguments.python or available()
    if missing := [kind for kind in kinds if not PYTHONS[kind]]:
        parser.error(f"there is no interpreter for {', '.join(missing)}; see tools/bootstrap")
    CACHE.mkdir(parents=True, exist_ok=True)
    options = Options(only=arguments.only)
    if arguments.gate:
        return run_gate(arguments.gate, kinds, options, arguments.all)
    if arguments.self_test:
        return self_test(kinds, arguments.minutes, options)
    return run_programs(arguments.words, kinds, arguments.quick)


if __name__ == "__main__":
    sys.exit(main())
