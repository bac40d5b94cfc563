"""Queues under load, each run accounted for at its end: nothing lost, nothing doubled, each producer's order kept.

The hunt for lost wake-ups mixes threads and tasks that sleep, time out, are cancelled and shut down. Some ten
thousand sleeps in an ordinary run; CC_STRESS_SCALE=100 makes a million of them.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import threading
import time
import weakref

import pytest
from queue_kinds import each_queue
from support import Object, dead, in_background, rounds, run_copies, run_threads

from concurrent_collections import Empty, Full, ShutDown

pytestmark = each_queue


def check_everything_came_once(taken, producers, each):
    """`taken`: for each consumer its items (producer, number) in the order in which it got them."""
    counts = [0] * producers
    for part in taken:
        last = [-1] * producers
        for producer, number in part:
            assert number > last[producer], "one consumer sees one producer's items in their order"
            last[producer] = number
            counts[producer] += 1
    everything = {item for part in taken for item in part}
    assert len(everything) == sum(counts) == producers * each
    assert counts == [each] * producers


@pytest.mark.parametrize(
    ("producers", "consumers"), [(1, 1), (4, 4), (1, 6), (6, 1)], ids=lambda n: str(n)
)
@pytest.mark.parametrize("maxsize", [0, 1, 2, 16])
def test_producers_and_consumers(Queue, producers, consumers, maxsize, eager_switching):
    q = Queue(maxsize=maxsize)
    each = rounds(3000 if maxsize != 1 else 1000) // producers
    taken = [[] for _ in range(consumers)]
    left = itertools.count(producers - 1, -1)

    def produce(index):
        for number in range(each):
            q.put((index, number))
        if next(left) == 0:
            q.shutdown()

    def consume(index):
        for item in q:
            taken[index].append(item)
            q.task_done()

    run_threads(
        *(lambda i=i: produce(i) for i in range(producers)),
        *(lambda i=i: consume(i) for i in range(consumers)),
    )
    check_everything_came_once(taken, producers, each)
    assert q.unfinished_tasks == 0
    q.join()


def test_uniform_use_of_many_queues(Queue, eager_switching):
    queues = [Queue(maxsize=(0, 3)[n % 2]) for n in range(10)]
    each = rounds(8000)

    def work(index):
        generator = random.Random(index)
        balance = 0
        for _ in range(each):
            q = generator.choice(queues)
            if generator.random() < 0.5:
                balance += q.try_put(index)
            else:
                balance -= q.try_get() is not None
        return balance

    total = sum(run_copies(6, work))
    assert sum(map(len, queues)) == total
    assert sum(len(q.drain()) for q in queues) == total


def test_a_hot_spot_with_every_operation(Queue, eager_switching):
    # Everybody uses one small queue in every way; each item is an object that must die in the end.
    q = Queue(maxsize=8, ring_size=1)
    each = rounds(3000)
    references = [[] for _ in range(6)]

    def work(index):
        generator = random.Random(index)
        put = taken = 0
        for n in range(each):
            item = Object()
            if n % 8 == 0:
                references[index].append(weakref.ref(item))
            choice = generator.randrange(9)
            try:
                if choice == 0:
                    put += q.try_put(item)
                elif choice == 1:
                    q.put_nowait(item)
                    put += 1
                elif choice in (2, 3):
                    q.put(item, timeout=0.0001)
                    put += 1
                elif choice == 4:
                    taken += q.try_get() is not None
                elif choice == 5:
                    q.get(timeout=0.0001)
                    taken += 1
                elif choice == 6:
                    taken += len(q.get_many(3, timeout=0.0001))
                elif choice == 7:
                    taken += len(q.drain(2))
                else:
                    q.get_nowait()
                    taken += 1
            except (Empty, Full):
                pass
            assert len(q) <= 8
        return put - taken

    left = sum(run_copies(6, work))
    assert len(q) == left
    assert len(q.drain()) == left
    gc.collect()
    assert all(dead(reference) for row in references for reference in row)


def test_drains_and_clears_beside_puts(Queue, eager_switching):
    q = Queue()
    each = rounds(4000)
    stop = threading.Event()

    def produce(index):
        for number in range(each):
            q.put((index, number))

    def drain():
        taken = []
        while not stop.is_set() or not q.empty():
            part = q.drain(random.choice([None, 5]))
            taken += part
            for _ in part:
                q.task_done()
        return taken

    def finish():
        for _ in range(3):
            ended.acquire()
        stop.set()

    ended = threading.Semaphore(0)
    results = run_threads(
        *(lambda i=i: (produce(i), ended.release()) for i in range(3)), drain, drain, finish
    )
    check_everything_came_once(results[3:5], 3, each)
    q.join()
    q.put_many(range(100))
    with in_background(lambda: q.try_put(0)):
        for _ in range(20):
            q.clear()
    q.clear()
    assert q.unfinished_tasks == 0


def test_threads_come_and_go_in_the_middle_of_it(Queue, eager_switching):
    q = Queue(maxsize=20)
    references = []
    lock = threading.Lock()

    def short_life(number):
        for _ in range(20):
            item = Object()
            with lock:
                references.append(weakref.ref(item))
            q.put(item)
            q.get()

    with in_background(gc.collect):
        for _ in range(rounds(30)):
            threads = [threading.Thread(target=short_life, args=(n,)) for n in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert q.empty()
    gc.collect()
    assert all(map(dead, references))


def test_join_returns_when_and_only_when_all_is_done(Queue, eager_switching):
    q = Queue()
    done = [0] * 4
    stop = []

    def work(index):
        for _ in q:
            done[index] += 1
            q.task_done()

    def supervise():
        put = 0
        for n in range(rounds(400)):
            put += q.put_many(range(n % 7))
            q.join()
            assert sum(done) == put
        stop.append(1)
        q.shutdown()

    run_threads(*(lambda i=i: work(i) for i in range(4)), supervise)
    assert stop


# ---------------------------------------------------------------- lost wake-ups


def test_hunt_for_lost_wake_ups(Queue, eager_switching):
    # Items are tokens: as many as there are put are got, whoever sleeps, times out, or is cancelled meanwhile. If one
    # wake-up were lost, a patient thread would sleep beside a token, and the run would not end.
    for maxsize in (1, 3, 0):
        q = Queue(maxsize=maxsize)
        each = rounds(1000)
        patient, producers = 3, 3
        total = each * producers
        taken = [0] * 8
        finished = threading.Event()
        sleeps = [0] * 16

        def produce(index, q=q, each=each, sleeps=sleeps):
            generator = random.Random(index)
            for n in range(each):
                if index == 0 and generator.random() < 0.5:
                    while True:  # one that is impatient
                        sleeps[index] += 1
                        try:
                            q.put(n, timeout=generator.random() * 1e-4)
                            break
                        except Full:
                            pass
                else:
                    q.put(n)
                if generator.random() < 0.3:
                    time.sleep(generator.random() * 1e-4)

        def consume(index, q=q, taken=taken, sleeps=sleeps):
            for _ in q:
                taken[index] += 1
                sleeps[index + 4] += 1

        def consume_impatiently(index, q=q, taken=taken, sleeps=sleeps, finished=finished):
            generator = random.Random(100 + index)
            while not finished.is_set():
                sleeps[index + 4] += 1
                try:
                    q.get(timeout=generator.random() * 2e-4)
                    taken[index] += 1
                except Empty:
                    pass
                except ShutDown:
                    return

        def consume_in_tasks(index, q=q, taken=taken, sleeps=sleeps, finished=finished):
            generator = random.Random(200 + index)

            async def get():
                await q.async_get()
                taken[index] += 1  # in the same step as the get

            async def main():
                while not finished.is_set():
                    tasks = [asyncio.ensure_future(get()) for _ in range(4)]
                    await asyncio.sleep(generator.choice([0, 1e-4]))
                    for task in tasks:
                        sleeps[index + 4] += 1
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)

            asyncio.run(main())

        def watch(q=q, taken=taken, total=total, finished=finished):
            deadline = time.monotonic() + 100
            while sum(taken) < total:
                assert time.monotonic() < deadline, (
                    f"{sum(taken)} of {total}: somebody sleeps for ever"
                )
                time.sleep(0.001)
            finished.set()
            q.shutdown()

        run_threads(
            *(lambda i=i: produce(i) for i in range(producers)),
            *(lambda i=i: consume(i) for i in range(patient)),
            *(lambda i=i: consume_impatiently(i) for i in (3, 4)),
            *(lambda i=i: consume_in_tasks(i) for i in (5, 6)),
            watch,
        )
        assert sum(taken) == total
        assert q.empty()


def test_hunt_for_wake_ups_lost_at_shutdown(Queue, eager_switching):
    for n in range(rounds(150)):
        q = Queue(maxsize=(0, 1)[n % 2])

        def get_all(q=q):
            return len(list(q))

        def put_some(q=q):
            count = 0
            try:
                for _ in range(20):
                    q.put(1)
                    count += 1
            except ShutDown:
                pass
            return count

        def in_tasks(q=q):
            async def get_all():
                return len([item async for item in q])

            async def main():
                return sum(await asyncio.gather(get_all(), get_all()))

            return asyncio.run(main())

        def shut_down(q=q, n=n):
            time.sleep(n % 5 * 1e-4)
            q.shutdown()

        functions = [get_all, get_all, put_some, put_some, shut_down]
        if n % 5 == 0:
            functions.append(in_tasks)
        results = run_threads(*functions)
        got = results[0] + results[1] + (results[5] if n % 5 == 0 else 0)
        assert got == results[2] + results[3]
