"""A SkipListMap of each backend, one thread: what a call takes, in short loops that take turns.

    python benchmarks/backends.py [--rounds 300] [--keys 10000]

A loop of 500 calls is over before the system takes the processor away, as a rule; so the fastest tenth of the rounds is
of use on a loaded machine, too. How the backends do with several threads, maps.py measures.
"""

import argparse
import gc
import random
import time

import harness

from concurrent_collections import SkipListMap

CALLS = 500


def get(m, keys):
    f = m.get
    for k in keys:
        f(k)


def replace(m, keys):
    f = m.__setitem__
    for k in keys:
        f(k, k)


def floor_key(m, keys):
    f = m.floor_key
    for k in keys:
        f(k + 1)


def remove_and_insert(m, keys):
    remove, insert = m.pop, m.__setitem__
    for k in keys:
        remove(k)
        insert(k, k)


def pop_first_and_insert(m, keys):
    pop, insert = m.pop_first, m.__setitem__
    for _ in keys:
        insert(*pop())


def fastest_tenth(times):
    return sorted(times)[len(times) // 10]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--keys", type=int, default=10_000)
    options = parser.parse_args()
    gc.disable()
    keys = list(range(0, 2 * options.keys, 2))
    random.Random(1).shuffle(keys)
    maps = {
        backend: SkipListMap(((k, k) for k in keys), backend=backend)
        for backend in ("lockfree", "locked")
    }
    rows = []
    for work in (get, replace, floor_key, remove_and_insert, pop_first_and_insert):
        times = {backend: [] for backend in maps}
        for _ in range(options.rounds):
            some = random.sample(keys, CALLS)
            for backend, m in maps.items():
                start = time.perf_counter_ns()
                work(m, some)
                times[backend].append((time.perf_counter_ns() - start) / CALLS)
        free, locked = (fastest_tenth(times[backend]) for backend in maps)
        rows.append([work.__name__, f"{free:.0f}", f"{locked:.0f}", f"{locked / free:.2f}"])
    print(harness.table(["", "lockfree, ns", "locked, ns", "locked / lockfree"], rows))


if __name__ == "__main__":
    main()
