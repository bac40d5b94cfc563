"""Signals keep working beside the containers, and the containers beside signals, under every scheme of reclamation.

debra interrupts stalled readers by a signal of its own. Readers are made to stall here all the time, so that it does.
"""

from __future__ import annotations

import contextlib
import faulthandler
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref

import pytest
from support import (
    Interrupt,
    Object,
    check,
    collect,
    dead,
    hooks,
    interrupt,
    rounds,
    run_program,
    run_threads,
    set_at_the_end,
    stalled_reader,
)

from concurrent_collections import config, smr

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no POSIX signals"
)

KEYS_EACH = 40


class Accounts:
    """Threads that change their own keys of one map, and know what must be in it at the end."""

    def __init__(self, m, threads=2):
        self.m = m
        self.expected = [{} for _ in range(threads)]
        self.references = [[] for _ in range(threads)]
        self.stop = threading.Event()
        self.steps = 0

    def work(self, index):
        generator = random.Random(index)
        m, expected, references = self.m, self.expected[index], self.references[index]
        while not self.stop.is_set():
            for _ in range(50):
                key = index * KEYS_EACH + generator.randrange(KEYS_EACH)
                choice = generator.random()
                if choice < 0.4:
                    value = Object()
                    references.append(weakref.ref(value))
                    assert m.put(key, value) is expected.get(key)
                    expected[key] = value
                elif choice < 0.6:
                    assert m.pop(key, None) is expected.pop(key, None)
                elif choice < 0.9:
                    assert m.get(key) is expected.get(key)
                else:
                    low = index * KEYS_EACH
                    assert list(m.items(low, low + KEYS_EACH)) == sorted(expected.items())
            if len(references) > 20_000:  # the old ones have been looked at often enough
                references[:] = [r for r in references if not dead(r)]
        self.steps += 1

    def check(self):
        together = {key: value for part in self.expected for key, value in part.items()}
        assert dict(self.m) == together
        check(self.m)
        collect(self.m)
        alive = [r for row in self.references for r in row if not dead(r)]
        assert len(alive) == len(together)
        together.clear()
        for part in self.expected:
            part.clear()
        self.m.clear()
        collect(self.m)
        assert all(dead(r) for row in self.references for r in row)


def neutralizations(m):
    """Return a function that tells whether readers have been neutralized since, where that is what should be."""
    before = smr.stats().neutralizations
    return lambda: m.smr_scheme != "debra" or smr.stats().neutralizations > before


def run_with_signals(m, during, enough=lambda: True, seconds=0.6, threads=2):
    """Let threads work, with a stalled reader among them, while the main thread calls `during(m)`.

    For some time, and until it has been `enough()`, which slow surroundings take longer for.
    """
    accounts = Accounts(m, threads)
    neutralized = neutralizations(accounts.m)

    def watch():
        try:
            with stalled_reader(accounts.m):
                accounts.stop.wait(60)
        finally:
            accounts.stop.set()

    workers = [
        threading.Thread(target=accounts.work, args=(index,), daemon=True)
        for index in range(threads)
    ]
    watcher = threading.Thread(target=watch, daemon=True)
    for thread in [*workers, watcher]:
        thread.start()
    try:
        started = time.monotonic()
        deadline = started + seconds * rounds(100) / 100
        while time.monotonic() < deadline or not (
            (enough() and neutralized()) or time.monotonic() > started + 50
        ):
            during(accounts.m)
    finally:
        accounts.stop.set()
        for thread in [*workers, watcher]:
            thread.join(60)
    assert accounts.steps == threads, "a thread has failed or hangs"
    assert neutralized(), "the stalled reader has not been interrupted"
    accounts.check()


@pytest.fixture
def storm():
    """Start a timer's signals every half a millisecond; return how often its Python handler ran."""
    before = []
    ran = []

    def start(which, number, handler=None):
        before.append((which, number, signal.signal(number, handler or (lambda *_: ran.append(1)))))
        signal.setitimer(which, 0.0005, 0.0005)
        return ran

    yield start
    for which, number, handler in before:
        signal.setitimer(which, 0)
        signal.signal(number, handler)


def churn(m):
    for key in range(-50, 0):
        m[key] = [key]
    for key in range(-50, 0):
        assert m.pop(key) == [key]


# They go to whichever thread is using the processor. (ITIMER_REAL is pytest's, for its time limit.)
TIMERS = {
    "virtual": ("ITIMER_VIRTUAL", "SIGVTALRM"),
    "prof": ("ITIMER_PROF", "SIGPROF"),
}


@pytest.mark.parametrize("timer", TIMERS)
def test_a_storm_of_timer_signals(Map, timer, storm, smr_scheme):
    which, number = (getattr(signal, name) for name in TIMERS[timer])
    ran = storm(which, number)
    run_with_signals(Map(), churn, lambda: len(ran) > 3)
    assert len(ran) > 3


def test_a_handler_may_use_the_map_that_it_interrupts(Map, storm, smr_scheme):
    busy = []

    def handler(*_):
        busy[0][-100] = len(busy)
        busy[0].pop(-100)
        busy.append(1)

    def during(m):
        if not busy:
            busy.append(m)
            storm(signal.ITIMER_PROF, signal.SIGPROF, handler)
        churn(m)

    run_with_signals(Map(), during, lambda: len(busy) > 3)
    assert len(busy) > 3


def test_a_handler_that_raises_leaves_the_map_whole(Map, storm, smr_scheme):
    class Interruption(Exception):
        pass

    armed, caught = [], []

    def handler(*_):
        if armed:
            armed.clear()
            raise Interruption

    def during(m):
        if not caught:
            caught.append(0)
            storm(signal.ITIMER_PROF, signal.SIGPROF, handler)
        try:
            armed.append(1)
            for key in range(-50, 0):
                m[key] = [key]
                list(m.items(-50, 0))
            armed.clear()
        except Interruption:
            caught.append(1)
        for key in m.keys(stop=0):
            assert m.pop(key) == [key]

    run_with_signals(Map(), during, lambda: len(caught) > 3)
    assert len(caught) > 3


def test_every_signal_reaches_the_wakeup_descriptor(Map, smr_scheme):
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    got, sent = [], []
    before = signal.signal(signal.SIGUSR2, lambda *_: got.append(1))
    old = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    written = 0

    def during(m):
        nonlocal written
        signal.raise_signal(signal.SIGUSR2)
        sent.append(1)
        churn(m)
        with contextlib.suppress(BlockingIOError):
            written += reader.recv(65536).count(signal.SIGUSR2)

    try:
        run_with_signals(Map(), during, lambda: len(sent) > 3)
        with contextlib.suppress(BlockingIOError):
            written += reader.recv(65536).count(signal.SIGUSR2)
    finally:
        signal.set_wakeup_fd(old)
        signal.signal(signal.SIGUSR2, before)
        reader.close()
        writer.close()
    assert len(sent) == len(got) == written > 3


def test_faulthandler_dumps_on_a_signal(Map, tmp_path, smr_scheme):
    with open(tmp_path / "dump", "w+b") as file:
        # Not of all threads: it would look at their frames while they run.
        faulthandler.register(signal.SIGUSR1, file=file, all_threads=False)
        try:
            dumped = []
            run_with_signals(
                Map(),
                lambda m: (churn(m), os.kill(os.getpid(), signal.SIGUSR1), dumped.append(1)),
                lambda: len(dumped) > 5,
            )
        finally:
            faulthandler.unregister(signal.SIGUSR1)
        file.seek(0)
        assert file.read().count(b"most recent call first") > 3


def test_faulthandler_dumps_after_a_time(Map, tmp_path, smr_scheme):
    # The watchdog's thread reads the frames of all threads, whoever holds the GIL, and CPython crashes when these run; so it
    # gets quiet ones to look at.
    with open(tmp_path / "dump", "w+b") as file:
        m = Map({1: 1})
        with stalled_reader(m):
            churn(m)
            faulthandler.dump_traceback_later(0.05, file=file)
            while not os.fstat(file.fileno()).st_size:  # the watchdog's thread may come late
                time.sleep(0.3)  # not in short steps: see above
            faulthandler.cancel_dump_traceback_later()
            churn(m)
        file.seek(0)
        assert b"Timeout" in file.read()


def test_threads_with_all_signals_blocked(Map, smr_scheme):
    accounts = Accounts(Map(), 2)
    neutralized = neutralizations(accounts.m)

    def blocked():
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        accounts.work(0)

    def end():
        started = time.monotonic()
        with set_at_the_end(accounts.stop), stalled_reader(accounts.m):
            time.sleep(0.5)
            while not neutralized() and time.monotonic() < started + 50:
                time.sleep(0.01)

    run_threads(blocked, lambda: accounts.work(1), end)
    assert neutralized()
    accounts.check()


def test_debra_s_own_signal_from_outside_is_harmless(Map, smr_scheme):
    Map()  # its handler is installed with the first container of the scheme
    if smr_scheme != "debra" or config.smr_scheme_in_use != "debra":
        pytest.skip("about debra's signal")
    number = config.smr_signal or signal.SIGRTMIN + 6

    def during(m):
        churn(m)
        for _ in range(20):
            os.kill(os.getpid(), number)

    run_with_signals(Map(), during)


HANDLER_OF_SOMEBODY_ELSE = """
import signal, weakref
from concurrent_collections import SkipListMap, SkipListSet, _core, config, smr

class Object:
    pass

def replace(m, n):
    references = []
    for _ in range(n):
        value = Object()
        references.append(weakref.ref(value))
        m["key"] = value
    del value
    return references[:-1]  # the last one is in the map

config.smr_scheme = "debra"
m = SkipListMap()
assert m.smr_scheme == config.smr_scheme_in_use == "debra"
number = config.smr_signal or signal.SIGRTMIN + 6
received = []
signal.signal(number, lambda *_: received.append(1))
before = smr.stats()
with _core._test_hooks.StalledReader(m):
    references = replace(m, 1000)
    after = smr.stats()
    assert after.refusals > before.refusals and after.neutralizations == before.neutralizations
    assert all(r() for r in references), "something was freed that the reader may have seen"
    assert smr.stats(m).waiting >= 999
    assert config.smr_scheme_in_use == SkipListMap().smr_scheme == "ibr"
assert m.flush() == 0 and not any(r() for r in references)
assert not received, "our signal was sent to a handler of somebody else"

signal.signal(number, signal.SIG_DFL)  # they have ended
assert config.smr_scheme_in_use == SkipListMap().smr_scheme == "debra"
with _core._test_hooks.StalledReader(m):
    references = replace(m, 1000)
    assert smr.stats().neutralizations > after.neutralizations
    assert sum(bool(r()) for r in references) < 300
print("end")
"""


def test_another_handler_for_debra_s_signal_is_noticed():
    before = config.smr_scheme
    config.smr_scheme = "debra"
    is_possible = config.smr_scheme_in_use == "debra"
    config.smr_scheme = before
    if not is_possible:
        pytest.skip("about debra's signal")
    hooks()
    result = run_program(HANDLER_OF_SOMEBODY_ELSE, timeout=100)
    assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr


CTRL_C = """
import random, signal, sys, threading, time
import concurrent_collections as c
c.config.smr_scheme = sys.argv[1]
m = c.SkipListMap()
stop = threading.Event()
totals = [0, 0]

def own(index):  # a thread's keys do not touch those of the other: 0 .. 99 and 200 .. 299
    generator = random.Random(index)
    total = 0
    while not stop.is_set():
        for _ in range(20):
            key = index * 200 + generator.randrange(100)
            if generator.random() < 0.5:
                total += m.put(key, [key]) is None
            else:
                total -= m.pop(key, None) is not None
    totals[index] = total

threads = [threading.Thread(target=own, args=(index,)) for index in range(2)]
for thread in threads:
    thread.start()
caught = 0
while caught < 3:
    try:
        print("ready", flush=True)  # inside: a signal that comes later finds the handler below
        while True:
            for key in range(1000, 1100):
                m[key] = key
            list(m.items(1000))
            for key in range(1000, 1100):
                m.pop(key, None)
    except KeyboardInterrupt:
        caught += 1
signal.signal(signal.SIGINT, signal.SIG_IGN)
stop.set()
for thread in threads:
    thread.join()
for key in list(m.keys(1000)):
    del m[key]
if hooks := getattr(c._core, "_test_hooks", None):
    hooks.check(m)
assert len(m) == len(list(m)) == sum(totals), (len(m), totals)
print("end", flush=True)
"""


def test_ctrl_c_interrupts_a_process_whose_threads_hammer_a_map(smr_scheme):
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", CTRL_C, smr_scheme],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(3):
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
        # Not communicate(): it does not see what readline has read ahead.
        assert process.stdout.read() == "end\n", process.stderr.read()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize(
    "fill",
    [
        lambda Map, Set, forever: Map(zip(forever, forever, strict=True)),
        lambda Map, Set, forever: Map().update(zip(forever, forever, strict=True)),
        lambda Map, Set, forever: Map.fromkeys(forever),
        lambda Map, Set, forever: Set(forever),
        lambda Map, Set, forever: Set().update(forever),
    ],
    ids=["map", "map.update", "map.fromkeys", "set", "set.update"],
)
def test_filling_a_container_from_an_endless_iterator_of_c_looks_at_signals(Map, Set, fill, alarm):
    with pytest.raises(Interrupt):
        alarm(interrupt, 0.05)
        fill(Map, Set, itertools.repeat(1))
