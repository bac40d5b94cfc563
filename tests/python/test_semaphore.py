"""Semaphores and threads: the API, the order of those who wait, and what timeouts and signals leave behind."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import functools
import gc
import math
import pickle
import sys
import threading
import time
import weakref

import pytest
from queue_waiters import Waiter, needs_signals
from semaphore_kinds import each_semaphore, taken, until_in_line
from support import Interrupt, hooks, in_child, interrupt, rounds, run_copies, run_program, until

from concurrent_collections import BoundedSemaphore, Semaphore

MOST = 2**63 - 1


# ---------------------------------------------------------------- what is not about waiting


@each_semaphore
class TestCounting:
    def test_permits_come_and_go(self, new):
        s = new(2)
        assert (s.value, s.waiters, s.locked()) == (2, 0, False)
        assert s.acquire() is True
        assert s.acquire(False) is True
        assert (s.value, s.locked()) == (0, True)
        assert s.acquire(False) is False
        assert s.acquire(blocking=False) is False
        assert s.acquire(True, 0) is False
        assert s.acquire(timeout=0.001) is False
        assert s.release() is None
        assert s.value == 1
        s.release(n=1)
        assert s.value == 2

    def test_the_usual_value_is_one(self, new):
        assert new().value == 1
        assert new(value=3).value == 3
        assert new(True).value == 1
        assert new(0).value == 0
        assert new(MOST).value == MOST

    def test_with(self, new):
        s = new(2)
        with s as answer:
            assert answer is True
            assert s.value == 1
            with pytest.raises(KeyError), s:
                assert s.value == 0
                raise KeyError
        assert s.value == 2

    def test_many_at_once(self, new):
        s = taken(new, 5)
        s.release(5)
        assert s.value == 5

    @pytest.mark.parametrize(
        "value", [-1, -sys.maxsize, -(10**30), pytest.param(-(10**5000), id="huge")]
    )
    def test_negative_values_are_refused(self, new, value):
        with pytest.raises(ValueError, match=r"value: .* must be >= 0, got -"):
            new(value)

    @pytest.mark.parametrize("value", [MOST + 1, 10**30, pytest.param(10**5000, id="huge")])
    def test_too_many_permits_are_refused(self, new, value):
        with pytest.raises(OverflowError, match="value: "):
            new(value)

    @pytest.mark.parametrize("value", ["1", 1.0, None, math.inf, [1]])
    def test_what_is_no_int_is_refused(self, new, value):
        with pytest.raises(TypeError, match=f"value: expected an int, got {type(value).__name__}"):
            new(value)
        s = new()
        with pytest.raises(TypeError, match=f"n: expected an int, got {type(value).__name__}"):
            s.release(value)
        assert s.value == 1

    @pytest.mark.parametrize("n", [0, -1, -(10**30)])
    def test_no_release_of_less_than_one(self, new, n):
        s = taken(new)
        with pytest.raises(ValueError, match="n: n must be one or more, got"):
            s.release(n)
        assert s.value == 0

    def test_timeouts_that_are_refused(self, new):
        s = new()
        with pytest.raises(ValueError, match="can't specify timeout for non-blocking acquire"):
            s.acquire(False, timeout=1)
        with pytest.raises(ValueError, match="timeout: expected None or a number, got nan"):
            s.acquire(timeout=math.nan)
        with pytest.raises(TypeError, match="timeout: expected None or a number, got str"):
            s.acquire(timeout="1")
        assert s.value == 1

    def test_a_negative_timeout_is_none_at_all(self, new):
        # As in threading, where it is what a computed rest of a timeout may be.
        s = new()
        for timeout in (-1, -0.5, -math.inf, -(10**400)):
            assert s.acquire(timeout=timeout) is True
            assert s.acquire(timeout=timeout) is False
            s.release()

    def test_overflow_changes_nothing(self, new):
        s = new(MOST)
        with pytest.raises((OverflowError, ValueError)):
            s.release()
        assert s.value == MOST
        assert s.acquire(False)
        s.release()

    def test_repr(self, new):
        s = new(3)
        name = type(s).__name__
        bound = "/3" * (type(s) is BoundedSemaphore)
        assert repr(s) == f"<concurrent_collections.{name} at {id(s):#x}: value=3{bound}>"
        s.acquire()
        assert repr(s).endswith(f": value=2{bound}>")

    def test_it_is_not_copied(self, new):
        s = new()
        for copying in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot copy or pickle a"):
                copying(s)

    def test_weak_references(self, new):
        s = new()
        reference = weakref.ref(s)
        assert reference() is s
        del s
        assert reference() is None

    def test_a_second_beginning_disturbs_nobody(self, new, eager_switching):
        def work(index, s):
            for _ in range(20_000):
                if index % 2:
                    with contextlib.suppress(RuntimeError):
                        s.__init__(1)
                else:
                    s.acquire(), s.release()

        for _ in range(rounds(15)):
            s = new(2)
            run_copies(4, functools.partial(work, s=s))
            assert s.value == 2

    def test_begun_once(self, new):
        s = new(2)
        with pytest.raises(RuntimeError, match="__init__ has already been called"):
            s.__init__(3)
        assert s.value == 2
        unbegun = type(s).__new__(type(s))
        assert repr(unbegun).endswith(": not initialised>")
        for use in (
            unbegun.acquire,
            unbegun.release,
            unbegun.__enter__,
            unbegun.locked,
            lambda: unbegun.value,
        ):
            with pytest.raises(RuntimeError, match="call __init__ of the base class first"):
                use()
        del unbegun
        gc.collect()


def test_release_more_often_than_acquire():
    s = Semaphore()
    s.release()
    s.release(7)
    assert s.value == 9
    with pytest.raises(OverflowError, match="permits"):
        s.release(MOST)
    with pytest.raises(OverflowError, match="n: "):
        s.release(MOST + 1)
    assert s.value == 9
    bounded = BoundedSemaphore(2)
    for n in (1, 2, MOST):
        with pytest.raises(ValueError, match="Semaphore released too many times"):
            bounded.release(n)
    assert bounded.acquire()
    with pytest.raises(ValueError, match="Semaphore released too many times"):
        bounded.release(2)
    bounded.release()
    assert bounded.value == 2


def test_the_classes():
    assert issubclass(BoundedSemaphore, Semaphore)
    assert Semaphore(fair=True).fair is True
    assert Semaphore(fair=0).fair is False
    with pytest.raises(TypeError):
        Semaphore(1, True)

    class Reporting(BoundedSemaphore):
        def __init__(self, value):
            super().__init__(value)
            self.released = 0

        def release(self, n=1):
            self.released += n
            super().release(n)

    s = Reporting(2)
    s.note = "an attribute"
    with s:
        pass
    assert (s.released, s.value) == (1, 2)
    assert "Reporting" in repr(s)
    with pytest.raises(ValueError, match="too many times"), s:
        s.release()
    s.circle = s
    reference = weakref.ref(s)
    del s
    gc.collect()
    assert reference() is None


# ---------------------------------------------------------------- waiting


@each_semaphore
class TestWaiting:
    def test_a_release_wakes_one(self, new):
        s = taken(new, 2)
        waiters = [Waiter(s.acquire) for _ in range(3)]
        until_in_line(s, 3)
        assert s.locked()
        s.release()
        until(lambda: sum(not w.is_alive() for w in waiters) == 1)
        until(lambda: s.waiters == 2)  # one may have been woken in vain
        s.release()
        until(lambda: sum(not w.is_alive() for w in waiters) == 2)
        s.release()
        assert [w.end() for w in waiters] == [True] * 3
        assert (s.value, s.waiters) == (0, 0)

    def test_a_release_of_n_wakes_n(self, new):
        s = taken(new, 3)
        waiters = [Waiter(s.acquire) for _ in range(5)]
        until_in_line(s, 5)
        s.release(3)
        until(lambda: sum(not w.is_alive() for w in waiters) == 3)
        until(lambda: s.waiters == 2)  # one may have been woken in vain
        assert s.value == 0
        s.release(2)
        assert [w.end() for w in waiters] == [True] * 5

    def test_they_are_woken_in_the_order_in_which_they_came(self, new):
        s = taken(new)
        order, tried = [], []

        def work(number):
            s.acquire()
            order.append(number)
            s.release()

        hooks().call_while_waiting(tried.append)
        try:
            waiters = []
            for number in range(5):
                waiters.append(Waiter(work, number))
                # Who is in line and has not tried again may still take the permit of the first.
                until(lambda: tried.count("tried again") == number + 1)
        finally:
            hooks().call_while_waiting(None)
        s.release()
        for waiter in waiters:
            waiter.end()
        assert order == sorted(order)

    def test_a_timeout_is_never_shorter(self, new):
        s = taken(new)
        before = time.monotonic()
        assert s.acquire(timeout=0.05) is False
        assert time.monotonic() - before >= 0.05
        assert (s.value, s.waiters) == (0, 0)

    def test_a_permit_in_time(self, new):
        s = taken(new)
        waiter = Waiter(s.acquire, True, 60)
        until_in_line(s, 1)
        s.release()
        assert waiter.end() is True

    def test_who_times_out_leaves_the_permit_to_the_next(self, new):
        s = taken(new)
        impatient = Waiter(s.acquire, True, 0.05)
        patient = Waiter(s.acquire)
        assert impatient.end() is False
        until_in_line(s, 1)
        s.release()
        assert patient.end() is True

    def test_more_threads_than_permits(self, new, eager_switching):
        s = new(2)
        inside, most = 0, 0
        lock = threading.Lock()

        def work(index):
            nonlocal inside, most
            for _ in range(100):
                with s:
                    with lock:
                        inside += 1
                        most = max(most, inside)
                    time.sleep(0)
                    with lock:
                        inside -= 1

        run_copies(6, work)
        assert most <= 2
        assert (s.value, s.waiters) == (2, 0)

    def test_an_uninitialised_waiter_keeps_the_semaphore(self, new):
        s = taken(new)
        reference = weakref.ref(s)
        waiter = Waiter(s.acquire)
        until_in_line(s, 1)
        del s
        assert reference() is not None
        reference().release()
        assert waiter.end() is True

    def test_fork(self, new):
        # The child has neither the threads that waited nor their places in line.
        s = taken(new)
        waiter = Waiter(s.acquire)
        until_in_line(s, 1)

        def in_the_child():
            assert s.waiters == 0
            s.release()
            assert s.acquire(timeout=10)
            assert not s.acquire(timeout=0.01)

        if sys.platform != "win32":
            in_child(in_the_child)
        s.release()
        assert waiter.end() is True


def test_barging():
    # Who comes may be faster than who has been woken; not if the semaphore is fair.
    s = taken(Semaphore)
    waiter = Waiter(s.acquire)
    until_in_line(s, 1)
    s.release(2)
    assert s.acquire(timeout=60)  # one of the two, whatever the other thread does
    assert waiter.end() is True
    fair = Semaphore(0, fair=True)
    waiters = [Waiter(fair.acquire) for _ in range(2)]
    until_in_line(fair, 2)
    fair.release()
    assert fair.acquire(False) is False  # handed over already
    assert fair.value == 0
    until_in_line(fair, 1)
    assert fair.locked()
    fair.release()
    assert [w.end() for w in waiters] == [True, True]


def test_a_fair_semaphore_serves_in_turn():
    # A thread that gives back and takes again at once gets in line behind the others.
    s = Semaphore(0, fair=True)
    order = []

    def work(name):
        for _ in range(20):
            s.acquire()
            order.append(name)
            s.release()

    a = Waiter(work, "a")
    until_in_line(s, 1)
    b = Waiter(work, "b")
    until_in_line(s, 2)
    s.release()
    a.end(), b.end()
    # Each finds the other in line, but for the moment between a release and the next acquire.
    assert order[:2] == ["a", "b"]
    assert sorted(order) == ["a"] * 20 + ["b"] * 20


# ---------------------------------------------------------------- signals


@needs_signals
@each_semaphore
class TestSignals:
    @pytest.mark.parametrize("how", ["acquire", "timeout", "with"])
    def test_a_handler_that_raises_ends_the_wait_without_a_permit(self, new, alarm, how):
        s = taken(new)

        def wait():
            if how == "with":
                with s:
                    pass
            else:
                s.acquire(timeout=100 if how == "timeout" else None)

        with pytest.raises(Interrupt):
            alarm(interrupt, 0.05)
            wait()
        assert (s.value, s.waiters) == (0, 0)
        s.release()
        assert s.acquire(False)

    def test_a_handler_that_returns_does_not(self, new, alarm):
        s = taken(new)
        calls = []

        def handler():
            calls.append(1)
            if len(calls) == 3:  # the first two have not ended it
                s.release()

        alarm(handler, 0.01, 0.01)
        assert s.acquire(timeout=100) is True
        assert len(calls) >= 3
        before = time.monotonic()
        assert s.acquire(timeout=0.05) is False
        assert time.monotonic() - before >= 0.05

    def test_a_handler_may_release(self, new, alarm):
        s = taken(new)
        alarm(s.release, 0.02)
        assert s.acquire(timeout=60) is True


@each_semaphore
def test_who_is_interrupted_passes_its_permit_on(new):
    # An asynchronous exception does not end a sleep, but is looked at before anything is done.
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    s = taken(new)
    first = Waiter(s.acquire)
    until_in_line(s, 1)
    behind = Waiter(s.acquire)
    until_in_line(s, 2)
    assert raise_in(ctypes.c_ulong(first.ident), ctypes.py_object(Interrupt)) == 1
    s.release()
    assert isinstance(first.end(), Interrupt)
    assert behind.end() is True
    assert (s.value, s.waiters) == (0, 0)


@each_semaphore
def test_a_permit_at_the_moment_of_the_timeout(new):
    # Notified, and its time is over: whoever notified it has told nobody else.
    s = taken(new)
    came = []

    def come_between(moment):
        if moment == "tried again" and not came:
            came.append(1)
            time.sleep(0.02)  # the time is over
            s.release()

    hooks().call_while_waiting(come_between)
    try:
        assert Waiter(s.acquire, True, 0.01).end() is True
    finally:
        hooks().call_while_waiting(None)
    assert (s.value, s.waiters) == (0, 0)


@each_semaphore
@pytest.mark.parametrize("moment", ["before the line", "in line", "tried again"])
def test_a_release_at_every_moment_is_found(new, moment):
    s = taken(new)
    came = []

    def come_between(now):
        if now == moment and not came:
            came.append(1)
            s.release()

    hooks().call_while_waiting(come_between)
    try:
        assert Waiter(s.acquire).end() is True
    finally:
        hooks().call_while_waiting(None)
    assert (s.value, s.waiters) == (0, 0)


def test_ctrl_c_in_a_program():
    if sys.platform == "win32":
        pytest.skip("no SIGINT to send")
    program = """
import os, signal, threading, time
import concurrent_collections as c
s = c.Semaphore(0)
def send():
    while s.waiters == 0:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=send, daemon=True).start()
try:
    with s:
        print("wrong")
except KeyboardInterrupt:
    s.release()
    print(s.value, s.waiters)
"""
    result = run_program(program)
    assert (result.returncode, result.stdout) == (0, "1 0\n"), result.stderr
