"""Threads and tasks that wait for a queue, for the tests of several files."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from support import hooks, times_asleep

from concurrent_collections import _queues

needs_signals = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no interval timers"
)


SOON = 0.02  # time for a thread to fall asleep; nothing depends on it but how much a test sees


class Waiter(threading.Thread):
    """A thread that waits in a call and keeps what came of it."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.call = function, arguments
        self.result = None
        self.start()

    def run(self):
        function, arguments = self.call
        try:
            self.result = function(*arguments)
        except BaseException as error:
            self.result = error

    def end(self, timeout=60):
        self.join(timeout)
        assert not self.is_alive(), "the wait does not end"
        return self.result

    def still_waits(self):
        time.sleep(SOON)
        return self.is_alive()


def asleep(q, count, function, *arguments):
    """A thread that waits in a call, and is the count-th that has fallen asleep in this queue."""
    hooks()
    waiter = Waiter(function, *arguments)
    deadline = time.monotonic() + 60
    while times_asleep(q) < count:
        assert time.monotonic() < deadline
        time.sleep(0.0005)
    return waiter


def when_asleep(q, count, action):
    """A thread that acts when so many sleeps have begun in this queue, and the last one is sound."""
    hooks()

    def act():
        deadline = time.monotonic() + 60
        while times_asleep(q) < count:
            assert time.monotonic() < deadline
            time.sleep(0.0005)
        time.sleep(0.002)
        action()

    return Waiter(act)


def run_script(Queue, script, timeout=200, **options):
    """Run a script in a process of its own; `q` there is a queue of this kind."""
    choice = "" if Queue.choice is None else f"c.config.queue_backend = {Queue.choice!r}\n"
    prelude = (
        "import concurrent_collections as c, os, signal, sys, threading, time\n"
        f"{choice}q = c.{Queue.cls.__name__}(maxsize=1)\n"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", prelude + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
        **options,
    )


def in_thread(function, *arguments):
    """Start a daemon thread; its `end()` returns what the function returned."""
    results = []

    def body():
        try:
            results.append(function(*arguments))
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=body, daemon=True)

    def end(timeout=60):
        thread.join(timeout)
        assert not thread.is_alive(), "the wait does not end"
        return results[0]

    thread.end = end
    thread.start()
    return thread


async def a_moment():
    """Let tasks that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


class Loop:
    """A loop that writes down what it is asked to call."""

    def __init__(self):
        self.calls = []  # from any thread
        self.soon = []  # from the loop's own
        self.closed = False
        self.running = True
        self.on_call = lambda: None
        self.on_call_soon = lambda: None

    def call_soon_threadsafe(self, function, *arguments):
        if self.closed:
            raise RuntimeError("Event loop is closed")
        self.on_call()
        self.calls.append(function)

    def call_soon(self, function, *arguments, context):
        if self.closed:
            raise RuntimeError("Event loop is closed")
        self.soon.append(function)
        self.on_call_soon()

    def is_closed(self):
        return self.closed

    def is_running(self):
        return self.running

    def run(self):
        """Once around. Other threads may append meanwhile: nothing takes their list away from them."""
        for calls in self.calls, self.soon:
            for _ in range(len(calls)):
                calls.pop(0)()

    def close(self):
        self.closed = True
        self.calls.clear()
        self.soon.clear()


class Waiting:
    """A task that is awaiting a queue, and goes on when it is told to."""

    def __init__(self, q, loop, for_room=False):
        self.wait = _queues._TaskWait(q, for_room, "put by a task" if for_room else None)
        self.times = 0  # how often it was told
        self.on_told = lambda: None
        asyncio._set_running_loop(loop)
        try:
            self.expect_to_wait()
        finally:
            asyncio._set_running_loop(None)

    def expect_to_wait(self):
        assert self.wait.send(None) is self.wait
        assert self.wait._asyncio_future_blocking
        self.wait._asyncio_future_blocking = False  # as a task does
        self.wait.add_done_callback(self.told)

    def told(self, wait):
        assert wait is self.wait
        assert wait.done()
        self.times += 1
        self.on_told()

    def go_on(self):
        """What it gets, when it does not wait again."""
        with pytest.raises(StopIteration) as caught:
            self.wait.send(None)
        return caught.value.value

    def leave(self):
        self.wait.close()


def stand_in_line(q, loop, for_room=False):
    return Waiting(q, loop, for_room)


def run_until_told(loop, waiter):
    end = time.monotonic() + 60
    while not waiter.times and time.monotonic() < end:
        loop.run()
        time.sleep(0.001)
    assert waiter.times == 1
