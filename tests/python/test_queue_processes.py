"""Processes whose threads wait for a queue: Ctrl-C, the end of the interpreter, fork."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time

import pytest
from queue_kinds import KINDS, each_queue
from queue_waiters import (
    SOON,
    Waiter,
    needs_signals,
    run_script,
)
from support import (
    Interrupt,
    forks_beside_threads,
    hooks,
    in_child,
    rounds,
    run_program,
    set_at_the_end,
)

from concurrent_collections import Empty, Full

pytestmark = each_queue


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("wait", ["q.get()", "q.put(1); q.put(2)", "q.put(1); q.join()"])
def test_ctrl_c_ends_a_waiting_program_at_once(Queue, wait):
    result = run_script(
        Queue,
        f"""
        def interrupt():
            time.sleep(0.2)
            print(time.monotonic(), flush=True)
            os.kill(os.getpid(), signal.SIGINT)
        try:
            threading.Thread(target=interrupt).start()
            {wait}
        except KeyboardInterrupt:
            print(time.monotonic())
        """,
    )
    assert result.stderr == ""
    sent, received = map(float, result.stdout.split())
    assert received - sent < 30


@pytest.mark.parametrize(
    "wait",
    [
        "q.get()",
        "q.get(timeout=1000)",
        "q.get(timeout=0.3)",
        "list(q)",
        "q.put(1); q.put(2)",
        "q.put(1); q.put(2, timeout=0.3)",
        "q.put(1); q.join()",
    ],
)
def test_a_process_ends_while_daemon_threads_wait(Queue, wait):
    result = run_script(
        Queue,
        f"""
        # A thread that is ended while it prints a traceback takes stderr's lock along, and CPython 3.13t then waits for that
        # at its end, with queue.Queue as well.
        threading.excepthook = lambda *_: None
        def work():
            {wait}
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.28)
        print("the end")
        """,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "the end\n"


def test_a_queue_is_used_until_the_very_end_of_the_interpreter(Queue):
    result = run_script(
        Queue,
        """
        import atexit
        class Last:
            def __init__(self, queue):
                self.queue = queue
            def __del__(self):
                self.queue.try_get()
                self.queue.try_put(1)
        def work():
            while True:
                q.get()
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        atexit.register(lambda: [q.put(n) for n in range(20)])
        keep = Last(q)
        sys.keep = Last(q)
        """,
    )
    assert result.returncode == 0, result.stderr


def test_threads_that_wait_without_being_daemons_end_by_shutdown(Queue):
    result = run_script(
        Queue,
        """
        def work():
            for item in q:
                print(item)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        q.put("only")
        q.shutdown()
        """,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "only\n"


FIRST_IMPORT_IN_A_THREAD = """
import ctypes, os, signal, threading, time

def load():
    global c
    import concurrent_collections as c

thread = threading.Thread(target=load)
thread.start()
thread.join()
q = c.LockFreeQueue()
# Each moment lasts until a signal arrives, and no step of the interpreter follows: the last signal is there when
# the thread falls asleep.
c._core._test_hooks.call_while_waiting(ctypes.CDLL(None).pause)
main = threading.get_ident()

def interrupt():
    for _ in ("before the line", "in line", "tried again"):
        time.sleep(SECONDS)  # until it is in the next pause
        signal.pthread_kill(main, signal.SIGINT)
    time.sleep(30)
    print("still asleep", flush=True)
    os._exit(1)

threading.Thread(target=interrupt, daemon=True).start()
try:
    q.get()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
"""


@needs_signals
def test_signals_end_a_wait_wherever_the_package_was_imported_first(Queue):
    # Its thread is not the main thread, and a signal that comes just before the main thread falls asleep does not wake it.
    if Queue is not KINDS[0]:
        pytest.skip("one kind is enough")
    hooks()
    result = None
    for seconds in ("0.2", "2"):  # a busy machine may be late for a pause: then nothing ends that
        with contextlib.suppress(subprocess.TimeoutExpired):
            program = FIRST_IMPORT_IN_A_THREAD.replace("SECONDS", seconds)
            result = run_program(program, timeout=140)
            if result.stdout == "interrupted\n":
                break
    assert result is not None, "no answer in time"
    assert (result.returncode, result.stdout) == (0, "interrupted\n"), result.stderr


@forks_beside_threads
def test_a_forked_child_has_none_of_the_parents_waiters(Queue):
    q, full = Queue(), Queue(iterable=[1], maxsize=1)
    waiters = [Waiter(q.get) for _ in range(3)] + [Waiter(full.put, 2)]
    time.sleep(SOON)

    def child():
        # These would notify threads that do not exist here.
        q.put(1)
        assert q.get() == 1
        assert full.get() == 1
        with pytest.raises(Empty):
            q.get(timeout=0.01)
        full.put(3)
        with pytest.raises(Full):
            full.put(4, timeout=0.01)
        own = Waiter(q.get)
        time.sleep(SOON)
        q.put("own")
        assert own.end() == "own"
        q.task_done()
        q.task_done()
        q.join()

    in_child(child)
    for n in range(3):
        q.put(n)
    full.get()
    for waiter in waiters:
        waiter.end()


@forks_beside_threads
def test_forking_while_others_put_and_get(Queue):
    q = Queue(maxsize=3)
    stop = threading.Event()

    def produce():
        while not stop.is_set():
            try:
                q.put(1, timeout=0.01)
            except Full:
                pass

    def consume():
        while not stop.is_set():
            try:
                q.get(timeout=0.01)
            except Empty:
                pass

    threads = [Waiter(function) for function in (produce, produce, consume, consume)]

    def child():
        # What a dead thread was doing may have stopped half-way: a credit may be gone with it, but nothing hangs.
        for _ in range(10):
            q.try_put(2)
            q.try_get()
        q.drain()
        own = Queue()
        waiter = Waiter(own.get)
        time.sleep(0.005)
        own.put(3)
        assert waiter.end() == 3

    with set_at_the_end(stop):
        for _ in range(rounds(8)):
            in_child(child)
    for thread in threads:
        assert thread.end() is None


@forks_beside_threads
def test_the_child_of_a_fork_in_a_thread_gets_signals_in_that_thread(Queue):
    if Queue is not KINDS[0]:
        pytest.skip("one kind is enough")

    def child():
        def raise_interrupt(number, frame):
            raise Interrupt

        signal.signal(signal.SIGALRM, raise_interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupt):
            Queue().get(timeout=30)

    errors = []

    def fork():
        try:
            in_child(child)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
    assert not errors
