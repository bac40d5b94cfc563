"""Queues under load, each run accounted for at its end: nothing lost, nothing doubled, each producer's order kept.

The hunt for lost wake-ups mixes threads and tasks that sleep, time out, are cancelled and shut down, until they
have slept ten thousand times. `tools/soak 10 lost-wake-ups` makes it a million.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import itertools
import random
import threading
import time
import types
import weakref

import pytest
from queue_kinds import each_queue_under_load
from support import Object, dead, in_background, rounds, run_copies, run_threads, times_asleep

from concurrent_collections import Empty, Full, ShutDown

pytestmark = each_queue_under_load


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
        try:
            for number in range(each):
                q.put((index, number))
        finally:
            ended.release()

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
    results = run_threads(*(functools.partial(produce, i) for i in range(3)), drain, drain, finish)
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

    with in_background(gc.collect, pause=1e-3):
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


#
# A lost wake-up shows only when nothing comes later that wakes the sleeper: no further put, nobody impatient who takes
# the item, no shutdown, no look at the queue twice a second. So there are many short runs, each on a queue of its own.
# The patient ones get as many items as there are; everybody else has a limited amount of work, and puts back what it
# has taken. Each run has a deadline of its own, far beyond what it takes.

EACH = 16  # items of a patient consumer in a run
DEADLINE = 100


@types.coroutine
def counted(coroutine, sleeps):
    """Await the coroutine; `sleeps[0]` counts how often its task falls asleep."""
    step, argument = coroutine.send, None
    while True:
        try:
            future = step(argument)
        except StopIteration as end:
            return end.value
        sleeps[0] += 1
        try:
            step, argument = coroutine.send, (yield future)
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:
            step, argument = coroutine.throw, error


def put_in_any_way(q, item, generator):
    if generator.random() < 0.5:
        q.put(item)
        return
    while True:
        try:
            return q.put(item, timeout=generator.random() * 1e-4)
        except Full:
            pass


def pause(generator):
    """Now and then time for the others to fall asleep."""
    if generator.random() < 0.3:
        time.sleep(generator.random() * 1e-4)


def hunt_among_threads(Queue, maxsize, seed):
    """Patient threads are never rescued here: without tasks they sleep until they are woken."""
    q = Queue(maxsize=maxsize)
    patient, producers = 3, 2

    def produce(index):
        generator = random.Random(f"produce {seed} {index}")
        for n in range(patient * EACH // producers):
            put_in_any_way(q, n, generator)
            pause(generator)

    def consume():
        for _ in range(EACH):
            q.get()

    def be_impatient(index):
        generator = random.Random(f"impatient {seed} {index}")
        for _ in range(EACH):
            try:
                item = q.get(timeout=generator.random() * 1e-4)
            except Empty:
                continue
            pause(generator)
            put_in_any_way(q, item, generator)

    run_threads(
        *(lambda i=i: produce(i) for i in range(producers)),
        *([consume] * patient),
        *(lambda i=i: be_impatient(i) for i in range(2)),
        timeout=DEADLINE,
    )
    assert q.empty()
    return times_asleep(q)


def hunt_among_tasks(Queue, maxsize, seed):
    """Only tasks wait for items, in several loops, one of which is closed under its task."""
    q = Queue(maxsize=maxsize)
    patient = 3
    sleeps = [[0] for _ in range(4)]

    def run(index, main):
        asyncio.run(main(sleeps[index], random.Random(f"task {seed} {index}")))

    async def put(item, count, generator):
        while True:
            try:
                async with asyncio.timeout(None if generator.random() < 0.5 else 1e-4):
                    return await counted(q.async_put(item), count)
            except TimeoutError:
                pass

    async def produce(count, generator):
        async def some():
            for n in range(patient * EACH // 4):
                await put(n, count, generator)
                if generator.random() < 0.3:
                    await asyncio.sleep(generator.random() * 1e-4)

        await asyncio.gather(some(), some())

    def produce_in_a_thread():
        generator = random.Random(f"produce {seed}")
        for n in range(patient * EACH // 2):
            put_in_any_way(q, n, generator)
            pause(generator)

    async def consume(count, generator):
        async def some():
            for _ in range(EACH):
                await counted(q.async_get(), count)

        await asyncio.gather(*(some() for _ in range(patient)))

    async def get(taken, count, limit=None):
        async with asyncio.timeout(limit):
            taken.append(await counted(q.async_get(), count))  # in the same step

    async def be_impatient(count, generator):
        for _ in range(EACH // 4):
            taken = []
            limits = [None, None, generator.random() * 1e-4]
            tasks = [asyncio.ensure_future(get(taken, count, limit)) for limit in limits]
            await asyncio.sleep(generator.choice([0, 0, 1e-4]))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for item in taken:
                await put(item, count, generator)

    def end_under_a_task():
        generator = random.Random(f"end {seed}")
        taken = []
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        task = loop.create_task(get(taken, sleeps[3]))
        for _ in range(generator.randrange(1, 4)):
            loop.run_until_complete(asyncio.sleep(0))
        if generator.random() < 0.3:
            task.cancel()
        loop.close()
        del task, loop
        gc.collect()  # a task that was told and did not get to it passes that on when it dies
        for item in taken:
            put_in_any_way(q, item, generator)

    run_threads(
        lambda: run(0, produce),
        lambda: run(1, consume),
        lambda: run(2, be_impatient),
        produce_in_a_thread,
        end_under_a_task,
        timeout=DEADLINE,
    )
    assert q.empty()
    return times_asleep(q) + sum(count for (count,) in sleeps)


def hunt_with_a_shutdown_in_the_middle(Queue, maxsize, seed):
    """Everybody works without end, until everybody is woken and has to find out."""
    q = Queue(maxsize=maxsize)
    sleeps = [[0] for _ in range(2)]
    generators = [random.Random(f"shutdown {seed} {index}") for index in range(8)]
    is_immediate = seed % 3 == 0

    def produce(generator):
        for n in itertools.count():
            try:
                put_in_any_way(q, n, generator)
            except ShutDown:
                return n
            pause(generator)

    def produce_in_tasks(generator):
        async def some():
            for n in itertools.count():
                try:
                    await counted(q.async_put(n), sleeps[0])
                except ShutDown:
                    return n
                await asyncio.sleep(generator.choice([0, 1e-4]))

        async def main():
            return sum(await asyncio.gather(some(), some()))

        return asyncio.run(main())

    def consume(generator):
        return sum(1 for _ in q)

    def be_impatient(generator):
        taken = 0
        while True:
            try:
                q.get(timeout=generator.random() * 1e-4)
                taken += 1
            except Empty:
                pass
            except ShutDown:
                return taken

    def consume_in_tasks(generator):
        async def some():
            taken = 0
            while True:
                try:
                    await counted(q.async_get(), sleeps[1])
                    taken += 1
                except ShutDown:
                    return taken

        async def main():
            return sum(await asyncio.gather(some(), some(), some()))

        return asyncio.run(main())

    def shut_down(generator):
        time.sleep(0.002 + generator.random() * 0.004)
        q.shutdown(is_immediate)

    work = [produce, produce, produce_in_tasks, consume, consume, be_impatient, consume_in_tasks]
    results = run_threads(
        *(functools.partial(f, g) for f, g in zip([*work, shut_down], generators, strict=True)),
        timeout=DEADLINE,
    )
    assert q.empty()
    put, taken = sum(results[:3]), sum(results[3:7])
    assert q.unfinished_tasks == taken, "what has been dropped is done"
    assert taken == put or (is_immediate and taken < put)
    return times_asleep(q) + sum(count for (count,) in sleeps)


def test_hunt_for_lost_wake_ups(Queue, eager_switching):
    hunts = (hunt_among_threads, hunt_among_tasks, hunt_with_a_shutdown_in_the_middle)
    wanted = rounds(10_000)
    slept = dict.fromkeys(hunts, 0)
    runs = 0
    while min(slept.values()) < wanted // 10 or sum(slept.values()) < wanted:
        for hunt in hunts:
            slept[hunt] += hunt(Queue, (1, 3, 0)[runs % 3], runs)
        runs += 1
    parts = ", ".join(f"{hunt.__name__} {count}" for hunt, count in slept.items())
    print(f"\n{Queue.__name__}: {sum(slept.values())} sleeps in {3 * runs} runs ({parts})")


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
