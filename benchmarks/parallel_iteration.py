"""How much faster two threads go through a map than one: `split`.

    python benchmarks/parallel_iteration.py [--entries 1000000] [--parts 2] [--repeats 9]

Each round goes through all entries with one thread, and with as many as there are parts, each with a part of its own; the threads
wait at a barrier beforehand. Ratios are taken within a round. The loop adds up values, as a program would do something with them.
"""

import argparse
import gc
import threading
import time

import harness

import concurrent_collections
from concurrent_collections import SkipListMap


def add_up(part):
    total = 0
    for value in part.values():
        total += value
    return total


def seconds(parts):
    """From when all threads are ready to when the last one has ended."""
    barrier = threading.Barrier(len(parts) + 1)
    sums = []

    def work(part):
        barrier.wait()
        sums.append(add_up(part))

    threads = [threading.Thread(target=work, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began, sum(sums)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--parts", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    harness.print_environment(harness.environment(concurrent_collections))
    m = SkipListMap((i, i) for i in range(options.entries))
    right = options.entries * (options.entries - 1) // 2
    gc.collect()
    gc.disable()
    alone, together = [], []
    for _ in range(options.repeats):
        for parts, times in ((m.split(1), alone), (m.split(options.parts), together)):
            taken, total = seconds(parts)
            assert total == right, "entries are missing"
            times.append(taken)
    rows = [
        [threads, harness.with_spread(harness.spread([options.entries / t / 1e6 for t in times]))]
        for threads, times in ((1, alone), (options.parts, together))
    ]
    print(harness.table(["threads", "M entries/s"], rows))
    ratios = harness.spread([one / many for one, many in zip(alone, together, strict=True)])
    print(f"\n{options.parts} threads are {harness.with_spread(ratios)} times as fast as one.")


if __name__ == "__main__":
    main()
