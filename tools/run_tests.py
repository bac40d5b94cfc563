"""Run every test of the project, stage by stage. Called by tools/test.

The stages are the table at the end of this file. Each is a function that returns how many
tests passed and failed. The first stage with a failure ends the run. Everything that is built
lies in the cache, so that the tree stays clean and a second run only rebuilds what changed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pythons

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("CC_CACHE", "/nonexistent"))
BUILD = Path(os.environ.get("CC_BUILD", "/nonexistent"))
PYTHONS = {
    "ft": os.environ.get("CC_PYTHON_FT", ""),
    "gil": os.environ.get("CC_PYTHON_GIL", ""),
    "tsan": os.environ.get("CC_PYTHON_TSAN", ""),
}

Counts = tuple[int, int]


class StageFailed(Exception):
    """Carries the sentence that tells what went wrong, and the counts so far."""

    def __init__(self, sentence: str, passed: int = 0, failed: int = 1) -> None:
        super().__init__(sentence)
        self.counts = (passed, failed)


class StageSkipped(Exception):
    """Something that this machine cannot have is missing; the sentence says what."""


# ---- running things -------------------------------------------------------------------

of_stage = threading.local()  # seconds: processor time of what the stage in this thread has run


def run(command: list[str | Path], log: str, *, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command with its output in a log; return the output, or raise with its end."""
    path = BUILD / "logs" / f"{log}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    bin_directory = str(Path(PYTHONS["gil"]).parent)
    full_environment = {
        **os.environ,
        "PATH": bin_directory + os.pathsep + os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",  # the tree stays clean
        "RUFF_CACHE_DIR": str(CACHE / "ruff"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(CACHE / "hypothesis"),
        **environment,
    }
    with path.open("w") as output:
        process = subprocess.Popen(
            ["nice", *map(str, command)],
            cwd=cwd,
            env=full_environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)  # with all that it has waited for itself
    process.returncode = os.waitstatus_to_exitcode(status)
    of_stage.seconds = getattr(of_stage, "seconds", 0.0) + usage.ru_utime + usage.ru_stime
    text = path.read_text(errors="replace")
    if process.returncode:
        lines = text.splitlines()
        print("\n".join(lines[-60:]))
        # tests/conftest.py writes these as they happen: they are all there is of a pytest that died.
        heads = dict.fromkeys(line for line in lines[:-60] if line.startswith("FAILED NOW "))
        print("\n".join(list(heads)[:40]))
        passed, failed = counts_in(text)
        name = " ".join(str(part) for part in command[:3])
        raise StageFailed(
            f"`{name} ...` ended with exit code {process.returncode}; its whole output is {path}",
            passed,
            max(failed, 1),
        )
    return text


def counts_in(text: str) -> Counts:
    """Read the closing lines of pytest or Meson."""
    passed = failed = 0
    for number, word in re.findall(r"(\d+) (passed|failed|errors?)\b", text[-2000:]):
        if word == "passed":
            passed += int(number)
        else:
            failed += int(number)
    for word, number in re.findall(r"^(Ok|Fail|Timeout):\s+(\d+)", text[-2000:], re.MULTILINE):
        if word == "Ok":
            passed += int(number)
        else:
            failed += int(number)
    return passed, failed


def directory_outside_the_tree() -> Path:
    """Where Python tests run: the source package there cannot shadow the installed one."""
    directory = CACHE / "run"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def python_of(kind: str) -> str:
    if not PYTHONS[kind]:
        raise StageSkipped(
            "tools/test --tsan builds a free-threaded CPython under ThreadSanitizer and runs this"
            if kind == "tsan"
            else "there is no free-threaded CPython; tools/bootstrap says why"
        )
    return PYTHONS[kind]


# ---- stages ---------------------------------------------------------------------------


def check_style() -> Counts:
    tests_of_the_core = (ROOT / "tests/c/meson.build").read_text()
    for file in sorted((ROOT / "tests/c").rglob("*.c")):
        if not re.search(rf"['/]{file.stem}\b", tests_of_the_core):
            raise StageFailed(f"{file.relative_to(ROOT)} is not named in tests/c/meson.build")
    run([ROOT / "tools/format", "--check"], "style")
    run([ROOT / "tools/check_sizes"], "sizes")
    run([ROOT / "tests/c/mutations/run.py", "--check"], "mutations")
    return 4 + counts_in(run([ROOT / "tools/check_structure", "--mutations"], "structure"))[0], 0


def test_core(
    name: str,
    *options: str,
    compiler: str = "gcc",
    wrapper: tuple[str, ...] = (),
    slowness: int = 1,
) -> Counts:
    """Build the C core and its unit tests in one configuration, and run them."""
    if shutil.which(compiler) is None:
        raise StageSkipped(f"there is no {compiler} on this machine")
    build = BUILD / f"core-{name}"
    if not (build / "build.ninja").exists():
        shutil.rmtree(build, ignore_errors=True)
        setup = ["meson", "setup", build, ROOT, "--werror", "-Dpython=false", "-Dcore_tests=true"]
        run([*setup, *options], f"core-{name}", CC=compiler)
    run(["ninja", "-C", build], f"core-{name}")
    command = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs"]
    sanitizer = {
        # Slow surroundings get fewer rounds, so that a stage takes about as long everywhere.
        "CC_TEST_PERCENT": str(100 // slowness),
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1",
    }
    text = run(
        [*wrapper, *command, "--timeout-multiplier", str(slowness)], f"core-{name}", **sanitizer
    )
    return counts_in(text)


def test_core_with_small_sizes() -> Counts:
    """Every internal size is a boundary: the core with all of them tiny (tests/sizes.txt), in two ways."""
    passed = failed = 0
    for small in ("least", "odd"):
        options = [f"-Dsmall_sizes={small}", "-Ddebug_invariants=true"]
        counts = test_core(small, *options, slowness=10)
        passed += counts[0]
        failed += counts[1]
    return passed, failed


# Freed memory is filled with 0xdd and handed out again at once: beside a use after free that ASAN sees in what nobody has
# got yet, the tests see the wrong contents of what somebody has.
REUSES_MEMORY_AT_ONCE = (
    "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
    ":max_free_fill_size=65536:free_fill_byte=221"
)
CORE_STRESS = (
    "test_histories_yielding",
    "test_histories_yielding_debra",
    "test_ordered_stress",
    "test_ordered_stress_debra",
    "test_ordered_stress_yielding",
    "test_ordered_stress_yielding_debra",
    "test_queue_stress",
    "test_queue_stress_yielding",
    "test_smr",
    "test_stalled",
    "test_stalled_debra",
    "test_wcq_yielding",
)


def test_core_under_asan() -> Counts:
    passed, failed = test_core(
        "asan",
        "-Db_sanitize=address,undefined",
        "-Db_lundef=false",
        "-Dfuzzers=true",
        compiler="clang",
        slowness=10,
    )
    command = ["meson", "test", "-C", BUILD / "core-asan", "--no-rebuild", "--print-errorlogs"]
    text = run(
        [*command, "--timeout-multiplier", "5", *CORE_STRESS],
        "core-asan-reuse",
        CC_TEST_PERCENT="10",
        ASAN_OPTIONS=f"allocator_may_return_null=1:{REUSES_MEMORY_AT_ONCE}",
        UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
    )
    more_passed, more_failed = counts_in(text)
    return passed + more_passed, failed + more_failed


def without_address_randomization() -> tuple[str, ...]:
    """ThreadSanitizer's fixed memory map collides with kernels that randomize more than 28 bits."""
    bits = Path("/proc/sys/vm/mmap_rnd_bits")
    try:
        too_many = int(bits.read_text()) > 28
    except (OSError, ValueError):
        return ()
    return ("setarch", "-R") if too_many else ()


def test_core_under_tsan() -> Counts:
    return test_core(
        "tsan",
        "-Db_sanitize=thread",
        "-Db_lundef=false",
        compiler="clang",
        wrapper=without_address_randomization(),
        slowness=10,
    )


def check_cross() -> Counts:
    text = run([ROOT / "tools/check_cross"], "cross")
    unit_tests, _ = counts_in("")
    for number in re.findall(r"^Ok:\s+(\d+)", text, re.MULTILINE):
        unit_tests += int(number)
    return unit_tests + text.count(" is fine ("), 0


def state_counts_in(text: str) -> str:
    """A line for each model: its configurations, and the states of the largest one."""
    modules = sorted((path.stem for path in (ROOT / "tla").glob("*.tla")), key=len, reverse=True)
    counts: dict[str, list[tuple[int, str]]] = {}
    for name, answer, states in re.findall(
        r"^(\w+) +(passes|refutes) .*?(\d+) states ", text, re.MULTILINE
    ):
        module = next(module for module in modules if name.startswith(module + "_"))
        counts.setdefault(module, []).append((int(states), f"{name} ({answer})"))
    return "\n".join(
        f"        {module:12} {len(of_one):3} configurations, {sum(n for n, _ in of_one):10,}"
        f" states; most: {max(of_one)[0]:10,} in {max(of_one)[1]}"
        for module, of_one in sorted(counts.items())
    )


def check_models() -> Counts:
    """TLC passes the models in tla/ and refutes every mutation of them; says how much it looked at."""
    try:
        text = run([ROOT / "tools/check_models"], "models")
        print(state_counts_in(text), flush=True)
        return counts_in(text)
    except StageFailed:
        text = (BUILD / "logs" / "models.log").read_text(errors="replace")
        if missing := re.search(r"^SKIPPED: (.*)", text, re.MULTILINE):
            raise StageSkipped(missing[1]) from None
        raise


def check_headers() -> Counts:
    text = run([ROOT / "tools/check_headers"], "headers")
    return text.count("compiles against"), 0


def check_declarations() -> Counts:
    """Cython's declarations agree with the headers; those that are spoilt on purpose are refused."""
    command = [python_of("gil"), ROOT / "tools/check_declarations", "--mutations"]
    return counts_in(run(command, "declarations"))


def install(kind: str) -> Counts:
    run([ROOT / "tools/install", python_of(kind)], f"install-{kind}")
    smoke_test(python_of(kind), free_threaded=kind != "gil", test_hooks=True)
    return 1, 0


def smoke_test(
    python: str | Path,
    *,
    free_threaded: bool = False,
    test_hooks: bool = False,
    **environment: str,
) -> None:
    """Import what was installed, use it once, and see that the GIL stayed off and what it was built for."""
    program = (
        "import sys, concurrent_collections as c\n"
        "m = c.SkipListMap({2: 'b', 1: 'a'}); m[3] = 'c'\n"
        "assert list(m.items()) == [(1, 'a'), (2, 'b'), (3, 'c')]\n"
    )
    if free_threaded:
        program += "assert not sys._is_gil_enabled(), 'importing turned the GIL on'\n"
    program += (
        "has_hooks = c.get_build_info()['test_hooks']\n"
        f"assert has_hooks == {test_hooks}, f'test hooks: {{has_hooks}}, not {test_hooks}'\n"
    )
    run([python, "-c", program], "smoke", cwd=directory_outside_the_tree(), **environment)


def test_plain(kind: str) -> Counts:
    """What users get has no test hooks: nothing in the module, and tests that need them are skipped."""
    built = run([ROOT / "tools/install", "--plain", python_of(kind)], f"plain-{kind}")
    path = built.splitlines()[0]
    smoke_test(python_of(kind), free_threaded=kind != "gil", PYTHONPATH=path)
    names = ("package", "allocation_failure", "reclamation")
    return pytest(
        kind,
        f"plain-{kind}",
        *(f"tests/python/test_{name}.py" for name in names),
        options=("-m", "not slow"),
        PYTHONPATH=path,
        CC_TEST_PERCENT="20",
    )


def test_pip_install(version: str) -> Counts:
    """`pip install .` as a stranger would, in a fresh environment of another CPython."""
    candidate = pythons.find(version)
    if candidate is None:
        raise StageSkipped(f"there is no CPython {version} with headers on this machine")
    environment = BUILD / f"fresh-{version}"
    shutil.rmtree(environment, ignore_errors=True)
    run([candidate, "-m", "venv", environment], f"pip-install-{version}")
    python = environment / "bin" / "python"
    run([python, "-m", "pip", "install", "--quiet", ROOT], f"pip-install-{version}")
    smoke_test(python)
    shutil.rmtree(environment)
    return 1, 0


def test_wheels(version: str) -> Counts:
    """The sdist of what is committed, and from it a wheel: looked into, and tested without a compiler."""
    if pythons.find(version) is None:
        raise StageSkipped(f"there is no CPython {version} with headers on this machine")
    if subprocess.run([ROOT / "tools/mimalloc"]).returncode:
        raise StageSkipped("the source of mimalloc cannot be had here")
    return counts_in(run([ROOT / "tools/wheels", "--quick", version], "wheels"))


def test_cimport(kind: str) -> Counts:
    script = ROOT / "tests/cimport/build_and_run.py"
    work = BUILD / f"cimport-{kind}"
    run([python_of(kind), "-P", script, work], f"cimport-{kind}", cwd=directory_outside_the_tree())
    examples = ROOT / "tests/cimport/build_examples.py"
    command = [python_of(kind), "-P", examples, work / "examples"]
    text = run(command, f"examples-{kind}", cwd=directory_outside_the_tree())
    return 1 + text.count(" works"), 0


def pytest(
    kind: str,
    log: str,
    *paths: str,
    options: tuple[str, ...] = (),
    wrapper: tuple[str, ...] = (),
    **environment: str,
) -> Counts:
    existing = [
        str(ROOT / path)
        for path in paths
        if (ROOT / path).is_file() or any((ROOT / path).glob("**/test_*.py"))
    ]
    if not existing:
        raise StageSkipped(f"there are no tests in {', '.join(paths)} yet")
    command = [
        *wrapper,
        python_of(kind),
        "-P",
        "-m",
        "pytest",
        "-q",
        "-c",
        str(ROOT / "pyproject.toml"),
    ]
    command += [
        "-o",
        f"cache_dir={CACHE / 'pytest' / kind}",
        "--rootdir",
        str(ROOT),
        *options,
        *existing,
    ]
    return counts_in(run(command, log, cwd=directory_outside_the_tree(), **environment))


def test_python(kind: str, parts: int = 1, **environment: str) -> Counts:
    """One process after another for a part of the files each: a collection of a free-threaded build looks at all that its
    process has, and thousands of tests are much. And what a crash ends is less."""
    files = sorted(str(path) for path in (ROOT / "tests/python").glob("test_*.py"))
    passed = failed = 0
    sentences = []
    for part in range(parts):
        log = f"python-{kind}" + (f"-{part + 1}" if parts > 1 else "")
        try:
            counts = pytest(kind, log, *files[part::parts], **environment)
        except StageFailed as failure:
            counts = failure.counts
            sentences.append(str(failure))
        passed += counts[0]
        failed += counts[1]
    if sentences:
        raise StageFailed("; and ".join(sentences), passed, failed)
    return passed, failed


def test_linearizability(kind: str) -> Counts:
    """Histories recorded through Python, and those that the C core's own test records."""
    recorder = BUILD / "core-gcc" / "tests" / "c" / "test_histories_yielding"
    environment = {"CC_TEST_HISTORIES": str(recorder)} if recorder.exists() else {}
    if kind == "gil":  # as python-gil
        environment["CC_TEST_PERCENT"] = "50"
    return pytest(kind, f"linearizability-{kind}", "tests/linearizability", **environment)


def test_stress(kind: str) -> Counts:
    return pytest(kind, f"stress-{kind}", "tests/stress")


def test_operations(kind: str) -> Counts:
    """The benchmark of every operation runs (once, nothing is timed); the arithmetic of the gate."""
    return pytest(
        kind,
        f"operations-{kind}",
        "benchmarks/operations",
        "tests/benchmarks",
        options=("--benchmark-disable",),
    )


def test_debra(kind: str) -> Counts:
    """What depends on the reclamation scheme, under the other one."""
    return pytest(
        kind,
        f"debra-{kind}",
        "tests/stress/test_patterns.py",
        "tests/stress/test_accounting.py",
        "tests/linearizability/test_map_histories.py",
        "tests/python/test_map.py",
        "tests/python/test_references.py",
        "tests/python/test_hostile_keys.py",
        "tests/python/test_reclamation.py",
        "tests/python/test_fork.py",
        CONCURRENT_COLLECTIONS_SMR_SCHEME="debra",
        CC_TEST_PERCENT="50",
    )


def build_directory_of(target: Path) -> Path:
    """Where what is installed in `target` is built. Meson refuses an option that a directory was not made with."""
    build, options = Path(f"{target}.build"), (ROOT / "meson.options").read_bytes()
    made_with = build / ".options"
    if not made_with.exists() or made_with.read_bytes() != options:
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir(parents=True)
        made_with.write_bytes(options)
    return build


def install_apart(kind: str, name: str, *options: str, compiler: str | None = None) -> Path:
    """Build the extension with options of Meson into a directory of its own: for PYTHONPATH."""
    target = BUILD / name
    shutil.rmtree(target, ignore_errors=True)
    python = python_of(kind)
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-build-isolation"]
    command += ["--no-deps", "--target", target, f"-Cbuild-dir={build_directory_of(target)}"]
    command += [f"-Csetup-args=-D{option}" for option in ("test_hooks=true", *options)]
    path = str(Path(python).parent) + os.pathsep + os.environ["PATH"]
    environment = {"CC": compiler} if compiler else {}
    run([*command, ROOT], name, PATH=path, **environment)
    return target


def install_instrumented(kind: str, sanitizers: str, compiler: str) -> Path:
    return install_apart(
        kind,
        f"instrumented-{kind}-{sanitizers.replace(',', '-')}",
        f"b_sanitize={sanitizers}",
        "b_lundef=false",
        "buildtype=debugoptimized",
        "b_ndebug=false",
        compiler=compiler,
    )


def test_python_under_asan() -> Counts:
    """On a GIL build, because only there PYTHONMALLOC=malloc shows ASAN the objects too."""
    target = install_instrumented("gil", "address,undefined", "gcc")
    libraries = [
        subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    environment = {
        "LD_PRELOAD": " ".join(libraries),
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(target),
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }
    options = "detect_leaks=0:allocator_may_return_null=1"
    passed, failed = pytest(
        "gil",
        "python-asan",
        "tests/python",
        # The demo and the programs of the documents show the same in python-gil and python-ft.
        options=("-m", "not slow", "-s", "-k", "not test_demo.py and not test_docs.py"),
        ASAN_OPTIONS=options,
        CC_TEST_PERCENT="10",
        **environment,
    )
    more_passed, more_failed = pytest(
        "gil",
        "python-asan-reuse",
        "tests/stress/test_patterns.py",
        "tests/stress/test_queue_stress.py",
        options=("-s",),
        ASAN_OPTIONS=f"{options}:{REUSES_MEMORY_AT_ONCE}",
        CC_TEST_PERCENT="5",
        **environment,
    )
    return passed + more_passed, failed + more_failed


def test_python_under_tsan() -> Counts:
    python_of("tsan")
    # Both are 3.13t and take the same modules; building under ThreadSanitizer takes minutes.
    has_same_abi = "python3.13t" in str(Path(PYTHONS["ft"]).resolve())
    target = install_instrumented("ft" if has_same_abi else "tsan", "thread", "clang")
    # ThreadSanitizer takes one file: CPython's own list and ours.
    suppressions = BUILD / "tsan_suppressions.txt"
    theirs = CACHE / "src/python3.13/Tools/tsan/suppressions_free_threading.txt"
    ours = ROOT / "tools/tsan_suppressions.txt"
    suppressions.write_text(theirs.read_text() + "\n" + ours.read_text())
    return pytest(
        "tsan",
        "python-tsan",
        "tests/stress",
        options=("-s",),
        wrapper=without_address_randomization(),
        PYTHONPATH=str(target),
        TSAN_OPTIONS=f"suppressions={suppressions}:allocator_may_return_null=1:exitcode=66",
        CC_TEST_PERCENT="5",
    )


def test_python_with_small_sizes() -> Counts:
    """The classes over a core whose internal sizes are all tiny (tests/sizes.txt)."""
    target = install_apart("ft", "python-least", "small_sizes=least", "debug_invariants=true")
    names = """boundaries map map_order set references map_objects frozen frozen_keys ranges submaps
        allocation_failure queue_references keys key_digests key_prefixes stateful queue finished_tasks queue_shutdown
        queue_stateful queue_waiting queue_waiting_steps queue_signals queue_processes queue_asyncio
        queue_asyncio_steps queue_loops queue_many_tasks"""
    # These count steps, comparisons, looks, threads, entries or bytes by the usual sizes.
    counting = ("a_finalizer_that_a_step", "going_down_costs", "looks_at_signals", "test_wait_free")
    counting += ("keeps_at_most_256_entries", "takes_at_most_56_bytes")
    counting += ("are_cut_exactly", "are_cut_about_equally", "may_be_small", "test_map_parts")
    return pytest(
        "ft",
        "python-small",
        *(f"tests/python/test_{name}.py" for name in names.split()),
        options=("-m", "not slow", "-k", " and ".join(f"not {test}" for test in counting)),
        PYTHONPATH=str(target),
        CC_TEST_PERCENT="10",
    )


def check_site() -> Counts:
    """The documentation site builds without a warning, and its links lead somewhere."""
    return counts_in(run([ROOT / "tools/docs"], "docs", CC_PYTHON_GIL=python_of("gil")))


def check_types() -> Counts:
    """The stubs say what the module has, and the package is clean under mypy --strict."""
    python = python_of("gil")
    outside = directory_outside_the_tree()
    allowlist = ROOT / "tools/stubtest_allowlist.txt"
    options = [f"--mypy-config-file={ROOT / 'pyproject.toml'}", "--allowlist", allowlist]
    options.append("--ignore-unused-allowlist")
    stubtest = [python, "-P", "-m", "mypy.stubtest", "concurrent_collections"]
    run([*stubtest, *options], "stubtest", cwd=outside)
    mypy = [python, "-P", "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
    mypy += ["--cache-dir", CACHE / "mypy"]
    run([*mypy, "-p", "concurrent_collections"], "mypy", cwd=outside)
    checked = 2
    examples = ROOT / "tests/typing"
    if examples.is_dir():
        run([*mypy, examples], "mypy-examples", cwd=outside)
        checked += 1
    run([*mypy, ROOT / "docs/examples/word_index"], "mypy-demo", cwd=outside)
    return checked + 1, 0


# ---- the table ------------------------------------------------------------------------


@dataclass
class Stage:
    name: str
    what: str
    action: Callable[[], Counts]
    is_quick: bool = True


STAGES = [
    Stage("style", "formatters and linters", check_style),
    Stage("declarations", "what Cython is told about C", check_declarations),
    Stage("core-gcc", "C core, gcc -Werror", lambda: test_core("gcc", slowness=4)),
    Stage("install-ft", "wheel, free-threaded", lambda: install("ft")),
    Stage("install-gil", "wheel, GIL build", lambda: install("gil")),
    Stage("plain-gil", "wheel as users get it, GIL build", lambda: test_plain("gil")),
    Stage(
        "plain-ft",
        "wheel as users get it, free-threaded",
        lambda: test_plain("ft"),
        is_quick=False,
    ),
    Stage("models", "TLA+ models and their mutations", check_models, is_quick=False),
    Stage(
        "schedules",
        "C core under our own scheduler",
        lambda: test_core("schedules", "-Dschedules=true", "-Dallocator=libc", slowness=6),
        is_quick=False,
    ),
    Stage("python-ft", "Python tests, free-threaded", lambda: test_python("ft", parts=4)),
    # Half of the rounds, without the lists with locks (tests/ordered_kinds.py): stress-gil has all.
    Stage(
        "python-gil", "Python tests, GIL build", lambda: test_python("gil", CC_TEST_PERCENT="50")
    ),
    Stage("python-asan", "Python tests, ASAN and UBSAN", test_python_under_asan, is_quick=False),
    Stage("operations-ft", "benchmarks run, free-threaded", lambda: test_operations("ft")),
    Stage("operations-gil", "benchmarks run, GIL build", lambda: test_operations("gil")),
    Stage("types", "stubtest and mypy --strict", check_types),
    Stage("docs", "the documentation site", check_site),
    Stage("cimport-ft", "a project that cimports us, free-threaded", lambda: test_cimport("ft")),
    Stage("cimport-gil", "a project that cimports us, GIL build", lambda: test_cimport("gil")),
    Stage(
        "histories-ft",
        "linearizability, free-threaded",
        lambda: test_linearizability("ft"),
        is_quick=False,
    ),
    Stage(
        "histories-gil",
        "linearizability, GIL build",
        lambda: test_linearizability("gil"),
        is_quick=False,
    ),
    Stage("stress-ft", "stress tests, free-threaded", lambda: test_stress("ft"), is_quick=False),
    Stage("stress-gil", "stress tests, GIL build", lambda: test_stress("gil"), is_quick=False),
    Stage("debra-ft", "all of them with DEBRA+", lambda: test_debra("ft"), is_quick=False),
    Stage(
        "core-clang",
        "C core, clang -Werror, optimized",
        lambda: test_core("clang", "-Dbuildtype=release", compiler="clang", slowness=6),
        is_quick=False,
    ),
    Stage(
        "core-asan",
        "C core, ASAN and UBSAN",
        test_core_under_asan,
        is_quick=False,
    ),
    Stage("core-tsan", "C core, TSAN", test_core_under_tsan, is_quick=False),
    Stage(
        "core-msan",
        "C core, MSAN",
        lambda: test_core(
            "msan", "-Db_sanitize=memory", "-Db_lundef=false", compiler="clang", slowness=10
        ),
        is_quick=False,
    ),
    Stage(
        "core-invariants",
        "C core, invariants checked",
        lambda: test_core("invariants", "-Ddebug_invariants=true", slowness=8),
        is_quick=False,
    ),
    Stage("core-small", "C core, tiny sizes", test_core_with_small_sizes, is_quick=False),
    Stage("python-small", "Python tests, tiny sizes", test_python_with_small_sizes, is_quick=False),
    Stage("cross", "Windows, macOS, qemu", check_cross, is_quick=False),
    Stage("headers", "headers of CPython 3.14 and 3.15", check_headers, is_quick=False),
    Stage("wheels", "sdist and wheel for 3.11", lambda: test_wheels("3.11"), is_quick=False),
    Stage("pip-3.12", "pip install . on 3.12", lambda: test_pip_install("3.12"), is_quick=False),
    Stage("python-tsan", "stress tests, TSAN", test_python_under_tsan, is_quick=False),
]


FOUNDATIONS = ("style", "core-gcc", "install-ft", "install-gil")


class Tally:
    """Runs stages, prints a line for each, and adds up. After a failure nothing new is begun."""

    def __init__(self, stages: int) -> None:
        self.stages = stages
        self.begun = self.passed = self.failed = 0
        self.processor = 0.0  # seconds
        self.skipped: list[str] = []
        self.lock = threading.Lock()

    def run(self, stage: Stage) -> None:
        with self.lock:
            if self.failed:
                return
            self.begun += 1
            number = f"[{self.begun:2}/{self.stages}]"
            print(f"{number} {stage.what} ...", flush=True)
        started = time.monotonic()
        of_stage.seconds = 0.0
        counts, said, is_skipped = (0, 0), "", False
        try:
            counts = stage.action()
            said = f"{counts[0]} passed"
        except StageSkipped as reason:
            said, is_skipped = f"skipped: {reason}", True
        except StageFailed as failure:
            counts = failure.counts
            said = (
                f"\nSTOPPED in stage {stage.name}: {failure}\n"
                f"To repeat it alone: tools/test --only {stage.name}"
            )
        if not is_skipped:
            said += (
                f" [{time.monotonic() - started:.0f} s, of a processor {of_stage.seconds:.0f} s]"
            )
        with self.lock:
            self.processor += of_stage.seconds
            self.passed += counts[0]
            self.failed += counts[1]
            if is_skipped:
                self.skipped.append(stage.name)
            print(f"{number} {stage.name}: {said}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/test", description="Pass all tests.")
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    parser.add_argument(
        "--only", metavar="STAGE", action="append", help="run one stage; repeatable"
    )
    parser.add_argument("--list", action="store_true", help="show the stages and exit")
    arguments = parser.parse_args()

    if arguments.list:
        for stage in STAGES:
            print(f"{stage.name:16} {'' if stage.is_quick else '(not in --quick) '}{stage.what}")
        return 0

    wanted = [stage for stage in STAGES if stage.is_quick or not arguments.quick]
    if arguments.only:
        unknown = set(arguments.only) - {stage.name for stage in STAGES}
        if unknown:
            parser.error(f"no stage is called {', '.join(sorted(unknown))}; see --list")
        wanted = [stage for stage in STAGES if stage.name in arguments.only]

    began = time.monotonic()
    tally = Tally(len(wanted))
    # What the others stand on comes first, one by one; then two at a time, since most of them keep one processor busy.
    # What takes long stands early in the table, so that neither lane is alone at the end.
    foundations = [stage for stage in wanted if stage.name in FOUNDATIONS]
    for stage in foundations:
        tally.run(stage)
    with ThreadPoolExecutor(max_workers=2) as lanes:
        list(lanes.map(tally.run, [stage for stage in wanted if stage not in foundations]))
    passed, failed, skipped = tally.passed, tally.failed, tally.skipped

    print(f"{time.monotonic() - began:.0f} s in all", end="")
    print(f", of a processor {tally.processor:.0f} s", end="")
    print(f"; skipped: {', '.join(skipped)}" if skipped else "")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
