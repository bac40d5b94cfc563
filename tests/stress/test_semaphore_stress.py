"""Semaphores under load: every permit accounted for, whatever ends the waits.

The mix: threads and tasks of several loops that acquire, try, time out, are cancelled, and are interrupted by signals and
asynchronous exceptions; loops that are closed under their tasks; releases of several permits at once. The work is
limited, and there is a permit for everybody who is patient: a lost wake-up ends as a thread that does not end.
`tools/soak 10 semaphore` makes it millions.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import random
import signal
import threading
import time

import pytest
from semaphore_kinds import each_semaphore
from support import Interrupt, rounds, run_threads

from concurrent_collections import Semaphore

pytestmark = each_semaphore

DEADLINE = 100  # of a run, far beyond what it takes


class Account:
    """What one thread or task has done: how often each thing, and how many permits it has now."""

    def __init__(self):
        self.done = dict.fromkeys(
            "acquired refused timed_out cancelled interrupted released closed".split(), 0
        )
        self.has = 0

    def __getitem__(self, name):
        return self.done[name]

    def count(self, name, has=0):
        self.done[name] += 1
        self.has += has


def hold(generator):
    if generator.random() < 0.1:
        time.sleep(generator.random() * 1e-4)


def give_back(s, account, generator):
    """One permit, or all that have been gathered."""
    if account.has > 1 and generator.random() < 0.5:
        n = account.has
        s.release(n)
    else:
        n = 1
        s.release()
    account.count("released", -n)


def use_in_thread(s, steps, generator, account, most=1):
    for _ in range(steps):
        choice = generator.randrange(5)
        if (
            account.has < most or choice == 0
        ):  # to hold two and wait for a third would be a deadlock: never for ever
            if choice == 1 and account.has == 0:
                account.count("acquired", s.acquire())
            elif choice < 3:
                worked = s.acquire(timeout=generator.random() * 1e-4)
                account.count("acquired" if worked else "timed_out", worked)
            else:
                worked = s.acquire(False)
                account.count("acquired" if worked else "refused", worked)
        if account.has:
            hold(generator)
            give_back(s, account, generator)
    while account.has:
        give_back(s, account, generator)


async def use_in_task(s, steps, generator, account):
    for _ in range(steps):
        choice = generator.randrange(4)
        try:
            if choice == 0:
                async with s:
                    account.count("acquired")
                    if generator.random() < 0.3:
                        await asyncio.sleep(0)
                account.count("released")
                continue
            if choice == 1:
                async with asyncio.timeout(generator.random() * 1e-3):
                    await s.async_acquire()
            else:
                await s.async_acquire()
        except TimeoutError:
            account.count("timed_out")
            continue
        # Nothing between the permit and the list of what is had.
        account.count("acquired", 1)
        if generator.random() < 0.3:
            try:
                await asyncio.sleep(0)
            finally:
                give_back(s, account, generator)
        else:
            give_back(s, account, generator)


def use_in_loop(s, steps, generator, accounts, tasks=4):
    """Tasks of which some are cancelled at any moment."""

    async def main():
        for first in range(0, steps, 8):
            mine = [Account() for _ in range(tasks)]
            accounts.extend(mine)
            running = [
                asyncio.create_task(
                    use_in_task(
                        s, min(8, steps - first), random.Random(generator.random()), account
                    )
                )
                for account in mine
            ]
            for task, account in zip(running[:-1], mine[:-1], strict=True):
                if generator.random() < 0.7:
                    for _ in range(generator.randrange(6)):
                        await asyncio.sleep(0)
                    if task.cancel():
                        account.count("cancelled")
            await asyncio.gather(*running, return_exceptions=True)

    asyncio.run(main())


def close_loops(s, count, generator, account):
    """Loops that are closed under tasks that wait, are told, or have a permit."""
    for _ in range(count):
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        held = []

        async def acquire(held=held):
            held.append(await s.async_acquire())

        tasks = [loop.create_task(acquire()) for _ in range(3)]
        loop.run_until_complete(asyncio.sleep(0))
        hold(generator)
        if generator.random() < 0.5:
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        del tasks, acquire, loop
        gc.collect(0) if generator.random() < 0.1 else None
        for _ in held:
            s.release()
            account.count("released")
        account.count("closed")
    gc.collect()


def be_interrupted(s, steps, generator, account):
    """For the main thread, while a timer interrupts it: an acquire either raises and has nothing, or the next thing is its
    note."""
    got = []
    before = signal.signal(signal.SIGALRM, interrupt_if_armed)
    remaining = signal.setitimer(signal.ITIMER_REAL, 0)[0]  # of pytest-timeout
    try:
        for _ in range(steps):
            timeout = generator.random() * 2e-3
            until_it_comes = 1e-6 + generator.random() * 5e-5
            try:
                ARMED.append(True)
                signal.setitimer(signal.ITIMER_REAL, until_it_comes)
                # Nothing of the interpreter's between the wait and the list.
                got.extend(map(s.acquire, [True], [timeout]))
                ARMED.clear()
            except Interrupt:
                account.count("interrupted")
            ARMED.clear()
            if got and got.pop():  # also when it came right after
                account.count("acquired", 1)
                give_back(s, account, generator)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, remaining)


ARMED = []


def interrupt_if_armed(number, frame):
    if ARMED:
        ARMED.clear()
        raise Interrupt


def raise_in_threads(s, count, generator, account):
    """Threads that wait, or have a permit and go on, until something is raised in them."""
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    for _ in range(count):
        got, begun = [], []

        def wait(got=got, begun=begun):
            try:
                begun.append(True)
                # Nothing of the interpreter's between the wait and the list.
                got.extend(map(s.acquire, [True]))
                while True:
                    time.sleep(1e-4)
            except Interrupt:
                pass

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        while not begun:
            time.sleep(1e-5)
        hold(generator)
        raise_in(ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupt))
        # It does not end a sleep: what is given back by others does.
        thread.join(DEADLINE)
        assert not thread.is_alive()
        account.count("interrupted")
        if got:
            s.release()
            account.count("released")


def mix(new, value, seed, steps):
    """One run. Returns how many operations it was."""
    s = new(value)
    accounts = [Account() for _ in range(4)]
    generators = [random.Random(f"{seed} {n}") for n in range(8)]

    def work():
        run_threads(
            lambda: use_in_thread(s, steps, generators[0], accounts[0]),
            lambda: use_in_thread(s, steps, generators[1], accounts[1], most=3),
            lambda: use_in_loop(s, steps // 4, generators[2], accounts),
            lambda: use_in_loop(s, steps // 4, generators[3], accounts),
            lambda: close_loops(s, 1 + steps // 50, generators[4], accounts[2]),
            lambda: raise_in_threads(s, 1 + steps // 100, generators[5], accounts[3]),
            timeout=DEADLINE,
        )

    others = threading.Thread(target=keep_error, args=(work, errors := []), daemon=True)
    others.start()
    mine = Account()
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        be_interrupted(s, steps // 10, generators[6], mine)
    others.join(2 * DEADLINE)
    assert not others.is_alive()
    if errors:
        raise errors[0]
    accounts.append(mine)
    gc.collect()
    assert (s.value, s.waiters) == (value, 0)
    assert sum(account.has for account in accounts) == 0
    totals = {name: sum(account[name] for account in accounts) for name in mine.done}
    return sum(totals.values()), totals


def keep_error(function, errors):
    try:
        function()
    except BaseException as error:
        errors.append(error)


@pytest.mark.parametrize("value", [1, 3])
def test_everything_at_once(new, value, eager_switching):
    operations, totals = 0, {}
    steps = max(20, min(400, rounds(400)))  # of each thread in a run
    for seed in range(rounds(4)):
        count, parts = mix(new, value, seed, steps)
        operations += count
        for name, n in parts.items():
            totals[name] = totals.get(name, 0) + n
    print(f"\n{operations} operations: {totals}")
    assert totals["acquired"]


def test_releases_of_several_for_patient_ones(new, eager_switching):
    """Givers and takers: as many permits come as are waited for, and nobody is rescued by a later release."""
    for seed in range(rounds(20)):
        # A bounded one begins full, and is emptied first.
        takers, each = 3, 16
        s = new(takers * each)
        for _ in range(takers * each):
            assert s.acquire(False)

        def give():
            generator = random.Random(f"give {seed}")
            left = takers * each
            while left:
                n = min(left, generator.randrange(1, 6))
                s.release(n)
                left -= n
                hold(generator)

        def take():
            for _ in range(each):
                s.acquire()

        async def take_in_tasks():
            await asyncio.gather(*(s.async_acquire() for _ in range(each)))

        def be_impatient():
            generator = random.Random(f"impatient {seed}")
            for _ in range(each):
                if s.acquire(timeout=generator.random() * 1e-4):
                    hold(generator)
                    s.release()

        run_threads(
            give,
            take,
            take,
            lambda: asyncio.run(take_in_tasks()),
            be_impatient,
            be_impatient,
            timeout=DEADLINE,
        )
        assert (s.value, s.waiters) == (0, 0)


def test_barging_or_not_everybody_gets_through(new, eager_switching):
    """One permit, many threads that want it again and again; each finds its turn."""
    s = new(1)
    each = rounds(300)
    counter = 0

    def work():
        nonlocal counter
        for _ in range(each):
            with s:
                counter += 1

    run_threads(*[work] * 5, timeout=DEADLINE)
    assert counter == 5 * each
    assert (s.value, s.waiters) == (1, 0)
    assert type(s) is Semaphore or s.acquire(False)
