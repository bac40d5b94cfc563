"""Helpers of the Python tests: threads that cannot hang a run, scaling, hostile objects."""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import gc
import importlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import traceback
import weakref
from pathlib import Path

import pytest

PERCENT = float(os.environ.get("CC_TEST_PERCENT", "100"))
SCALE = float(os.environ.get("CC_STRESS_SCALE", "1"))

# It keeps freed memory back and makes every C frame several times larger.
IS_UNDER_ASAN = "libasan" in os.environ.get("LD_PRELOAD", "")

HAS_NO_GIL = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # the build, whatever runs on it
is_gil_enabled = getattr(sys, "_is_gil_enabled", lambda: True)


def rounds(count):
    """`count`, fewer under slow tools (CC_TEST_PERCENT), more on demand (CC_STRESS_SCALE)."""
    return max(1, int(count * PERCENT / 100 * SCALE))


def run_threads(*functions, timeout=120):
    """Run functions at the same time, one thread each, and return what they return.

    They start together at a barrier. The first exception of a thread is raised here. Threads that
    have not ended after `timeout` seconds fail the test, with every thread's stack on stderr, and
    are left behind as daemons.
    """
    barrier = threading.Barrier(len(functions))
    results = [None] * len(functions)
    errors = []

    def body(index, function):
        try:
            barrier.wait(timeout)
            results[index] = function()
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=body, args=(index, function), daemon=True)
        for index, function in enumerate(functions)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout
    for thread in threads:
        # Short waits, so that a failure elsewhere and Ctrl-C are noticed.
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.5)
    stuck = sum(thread.is_alive() for thread in threads)
    if stuck:
        faulthandler.dump_traceback(all_threads=True)
    if errors:
        raise errors[0]
    if stuck:
        raise AssertionError(f"{stuck} of {len(threads)} threads did not end in {timeout} s")
    return results


def run_copies(count, function, **options):
    """Run `function(0)`, `function(1)`, ... at the same time; return what they return."""
    return run_threads(*(functools.partial(function, index) for index in range(count)), **options)


@contextlib.contextmanager
def in_background(step, pause=1e-5):
    """Repeat `step()` in another thread while the block runs, with pauses: collections, which stop everybody, need longer ones."""
    stop = threading.Event()
    errors = []

    def body():
        try:
            while not stop.is_set():
                step()
                # A thread that never pauses makes starting others take 50 ms each on 3.13t.
                time.sleep(pause)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive(), "the background thread did not end"
    if errors:
        raise errors[0]


@contextlib.contextmanager
def set_at_the_end(event):
    """Set the event when the block ends, however it does: threads that go on until then do not outlive a failed test."""
    try:
        yield event
    finally:
        event.set()


def threads_that_go_on(patience=5.0):
    """Other threads that do not end in that time, and do not sleep, but work; none where the system cannot tell."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return []

    def seconds_of(thread):
        try:
            return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        except OSError:  # it has ended
            return 0.0

    deadline = time.monotonic() + patience
    while True:
        others = [
            thread for thread in threading.enumerate() if thread is not threading.current_thread()
        ]
        before = {thread: seconds_of(thread) for thread in others}
        time.sleep(0.5)  # a thread that looks at something every 10 ms has worked for a millisecond
        busy = [t for t in others if t.is_alive() and seconds_of(t) - before[t] > 2e-4]
        if not busy or time.monotonic() > deadline:
            return busy


def collect(*containers):
    """Let everything die that can: limbo first, then cycles, then what cycles have released."""
    for _ in range(3):
        for container in containers:
            container.flush()
        gc.collect()


def dead(reference):
    """Whether what a weak reference referred to is gone."""
    return reference() is None


class Object:
    """A value that is nothing but an identity, and can be watched through a weak reference."""


@functools.total_ordering
class Key:
    """A key that knows only Python's own comparison; hashable and equal by its rank."""

    def __init__(self, rank):
        self.rank = rank

    def __lt__(self, other):
        if not isinstance(other, Key):
            return NotImplemented
        return self.rank < other.rank

    def __eq__(self, other):
        return isinstance(other, Key) and self.rank == other.rank

    def __hash__(self):
        return hash(self.rank)

    def __repr__(self):
        return f"{type(self).__name__}({self.rank!r})"


class OnlyLess:
    """A key that has `<` and nothing else: equality is left at identity."""

    def __init__(self, rank):
        self.rank = rank

    def __lt__(self, other):
        return self.rank < other.rank

    def __repr__(self):
        return f"OnlyLess({self.rank!r})"


class HookedKey(Key):
    """A key that calls `hook(self, other)` before every comparison that it takes part in."""

    def __init__(self, rank, hook=None):
        super().__init__(rank)
        self.hook = hook

    def __lt__(self, other):
        for key in (self, other):
            if getattr(key, "hook", None) is not None:
                key.hook(self, other)
        return super().__lt__(other)

    __eq__ = Key.__eq__
    __hash__ = Key.__hash__


def resident_bytes():
    """How much memory the process occupies, or None where that cannot be read or says nothing."""
    if IS_UNDER_ASAN or sys.platform != "linux":
        return None
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def standard_tests(name):
    """A module of CPython's own tests, from this Python or, if it has none, from its source in our cache; else the file is skipped."""
    with contextlib.suppress(ImportError):
        return importlib.import_module(f"test.{name}")
    cache = os.environ.get("CC_CACHE") or Path.home() / ".cache/concurrent_collections"
    source = Path(cache) / "src/python{}.{}/Lib/test".format(*sys.version_info)
    if not (source / f"{name}.py").exists():
        pytest.skip("this Python comes without its test package", allow_module_level=True)
    sys.path.append(str(source.parent))  # at the end: all but `test` is found elsewhere
    try:
        return importlib.import_module(f"test.{name}")
    finally:
        sys.path.remove(str(source.parent))


def until(condition):
    """Wait for something that other threads bring about."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.0005)


def run_program(program, *arguments, timeout=200, cwd=None, **environment):
    """What a new interpreter makes of a program, with variables of the environment of its own.

    If it does not end, the test fails and says where the threads of the process are, as far as there is a gdb.
    """
    command = [sys.executable, "-P", "-c", program, *arguments]
    environment = {**os.environ, **environment}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, cwd=cwd, env=environment
    ) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as expired:
            said = expired.stdout, expired.stderr
            stacks = stacks_of(process.pid)
            pytest.fail(f"{arguments} has not ended after {timeout} s: {said}\n{stacks}")
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def stacks_of(pid):
    """Where the threads of a process are, by gdb."""
    if (gdb := shutil.which("gdb")) is None:
        return "(there is no gdb)"
    command = [gdb, "-p", str(pid), "-batch", "-ex", "thread apply all backtrace 40"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def until_memory_suffices(fail_from, operation, after_failure=lambda: None, most=5000):
    """Call the operation with memory for none, one, two, ... allocations, until it succeeds; return its answer.

    `fail_from` is the fixture no_failing_allocations. `after_failure` is called, with memory, after each MemoryError.
    """
    for first_to_fail in range(most):
        fail_from(first_to_fail)
        try:
            answer = operation()
        except MemoryError:
            fail_from(-1)
            after_failure()
        else:
            fail_from(-1)
            return answer
    pytest.fail("the operation never succeeds")


def forks_beside_threads(test):
    """Mark a test (a function, or a list `pytestmark`) that forks while other threads run.

    Nothing may be collected by itself there. CPython 3.13t does not free the lock that a thread holds which is waiting to begin
    a collection at the moment of the fork, and the child sleeps for ever when it wants to stop its own threads.
    """
    marks = [
        pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
        pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
        pytest.mark.usefixtures("collector_off"),
    ]
    if isinstance(test, list):
        return test + marks
    return functools.reduce(lambda marked, mark: mark(marked), marks, test)


def in_child(body, timeout=200):
    """Run `body()` in a forked child and demand that it returns normally and in time."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            # Collections in the child would otherwise copy every page of the parent's heap.
            gc.freeze()
            faulthandler.register(signal.SIGQUIT, file=sys.__stderr__)
            body()
            status = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)
    deadline = time.monotonic() + timeout
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGQUIT)  # it shows where it is
            time.sleep(1)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise AssertionError(f"the child did not end in {timeout} s")
        time.sleep(0.002)


def fill(m, count):
    """Give the map `count` values; return weak references to them."""
    references = []
    for key in range(count):
        value = Object()
        references.append(weakref.ref(value))
        m[key] = value
        del value
    return references


@contextlib.contextmanager
def waiting_in(m, count=5):
    """Values that have left the map, which a reader may have seen; it leaves when the block does.

    They were there before it came: what is born later may be free at once. Not more than 20, or debra would see to
    it that they are.
    """
    assert count <= 20
    references = fill(m, count)
    with stalled_reader(m):
        m.clear()
        assert not any(map(dead, references))
        yield references


def hooks():
    """What the extension module has for tests alone; a plain build has none, and then the test is skipped."""
    from concurrent_collections import _core

    try:
        return _core._test_hooks
    except AttributeError:
        pytest.skip("this build has no test hooks; tools/install makes one (-Dtest_hooks=true)")


def stalled_reader(container):
    """A thread that stands in the middle of reading the container until the block ends, or until `leave()`."""
    return hooks().StalledReader(container)


def times_asleep(queue):
    """How often a thread has fallen asleep in this queue."""
    return hooks().sleeps(queue)


def check(container):
    """The container's invariants hold; no other thread uses it meanwhile. A plain build cannot tell."""
    from concurrent_collections import _core

    if hasattr(_core, "_test_hooks"):
        _core._test_hooks.check(container)


class Interrupt(Exception):
    """What `interrupt` raises."""


def interrupt():
    """For the handler of a signal."""
    raise Interrupt
