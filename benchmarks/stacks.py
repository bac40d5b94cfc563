"""The stack beside what is used today: a list behind a Lock, and a deque. Queues for comparison.

    python benchmarks/stacks.py [--quick] [--threads 1,2,8] [--repeats 9] [--seconds 0.2] [--patience 60]

All threads push an item and pop one, on one stack, whose methods are bound once per thread. Contestants take turns. Prints
millions of pairs a second, processor nanoseconds of one, the ratios to the others, and how much faster more threads are than
one: medians over rounds, with the least and the most. For the stack also how operations have met (its statistics).
"""

import collections
import threading

import harness

import concurrent_collections
from concurrent_collections import FastQueue, LockFreeStack


def pairs(push, pop, chunk):
    for item in chunk:
        push(item)
        pop()


def pairs_with_lock(lock, items, chunk):
    for item in chunk:
        with lock:
            items.append(item)
        with lock:
            items.pop()


NUMBERS = [list(range(1000, 1000 + harness.SWITCH_CHUNK))]

# name, beside whom, what makes it, what a thread does with it: a function and its first arguments, and chunks
CONTESTANTS = (
    ("list + Lock", "", lambda: (threading.Lock(), []), lambda both: (pairs_with_lock, both), NUMBERS),
    ("deque", "list + Lock", collections.deque, lambda d: (pairs, (d.append, d.pop)), NUMBERS),
    ("FastQueue", "deque", FastQueue, lambda q: (pairs, (q.put, q.get)), NUMBERS),
    ("LockFreeStack", "deque", LockFreeStack, lambda s: (pairs, (s.push, s.pop)), NUMBERS),
    ("LockFreeStack ", "list + Lock", LockFreeStack, lambda s: (pairs, (s.push, s.pop)), NUMBERS),
)  # fmt: skip


MET = collections.Counter()  # the statistics of all stacks, added up


def note_statistics(made):
    if isinstance(made, LockFreeStack):
        MET.update(made.statistics())


def print_statistics():
    print("\nhow operations of the stack have met:", MET, flush=True)
    MET.clear()


def main():
    options = harness.contest_options(__doc__.splitlines()[0], "1,2,8")
    environment = harness.environment(concurrent_collections)
    harness.print_environment(environment)
    records = harness.contest(
        CONTESTANTS, options, "", "M pairs/s", note_statistics, print_statistics
    )
    harness.save(options.json, environment=environment, results=records)


if __name__ == "__main__":
    main()
