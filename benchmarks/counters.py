"""Counters beside what Python has: a count, or an int, or a collections.Counter, behind a Lock.

    python benchmarks/counters.py [--quick] [--threads 1,2] [--repeats 9] [--seconds 0.2] [--patience 60]

All threads add 1 to one counter, whose methods are bound once per thread. Contestants take turns. Prints millions of adds
a second, processor nanoseconds of one, the ratio to the contestant with a lock, and how much faster more threads
are than one: medians over rounds, with the least and the most.

On a busy machine two threads rarely run at once, and then nobody is in anybody's way. So the last table has the processor time of
adds while two threads both had a processor, and what that makes of the speed of one.
"""

import bisect
import collections
import itertools
import statistics
import threading
import time

import harness

import concurrent_collections
from concurrent_collections import AccessTracker, AtomicCounter, Stats, StripedCounter

KEYS = [f"/page/{i}" for i in range(16)]  # in chunks of keys each thread has its own order


def call(add, chunk):
    for _ in chunk:
        add()


def call_with(add, argument, chunk):
    for _ in chunk:
        add(argument)


def call_with_keys(add, chunk):
    for key in chunk:
        add(key)


def next_with_lock(lock, count, chunk):
    for _ in chunk:
        with lock:
            next(count)


def add_with_lock(lock, box, chunk):
    for _ in chunk:
        with lock:
            box[0] += 1


def count_keys_with_lock(lock, counter, chunk):
    for key in chunk:
        with lock:
            counter[key] += 1


NUMBERS = [range(harness.SWITCH_CHUNK)]
SOME_KEYS = [KEYS * (harness.SWITCH_CHUNK // len(KEYS))]

# name, beside whom, what makes the counter, what a thread does with it: a function and its first arguments, and chunks
CONTESTANTS = (
    ("calls alone", "", lambda: None, lambda _: (call, (threading.get_ident,)), NUMBERS),
    ("count + Lock", "", lambda: (threading.Lock(), itertools.count()),
     lambda both: (next_with_lock, both), NUMBERS),
    ("int + Lock", "count + Lock", lambda: (threading.Lock(), [0]),
     lambda both: (add_with_lock, both), NUMBERS),
    ("AtomicCounter.add", "count + Lock", AtomicCounter, lambda c: (call, (c.add,)), NUMBERS),
    ("StripedCounter.add", "count + Lock", StripedCounter, lambda c: (call, (c.add,)), NUMBERS),
    ("StripedCounter.increment", "count + Lock", StripedCounter, lambda c: (call, (c.increment,)), NUMBERS),
    ("Stats.add", "count + Lock", Stats, lambda s: (call_with, (s.add, "hits")), NUMBERS),
    ("Counter + Lock", "", lambda: (threading.Lock(), collections.Counter()),
     lambda both: (count_keys_with_lock, both), SOME_KEYS),
    ("AccessTracker.record", "Counter + Lock", AccessTracker,
     lambda t: (call_with_keys, (t.record,)), SOME_KEYS),
    ("AccessTracker.record, decay", "Counter + Lock", lambda: AccessTracker(half_life=60),
     lambda t: (call_with_keys, (t.record,)), SOME_KEYS),
)  # fmt: skip


ADDS_IN_A_SLICE = 2000  # some ten microseconds to some hundred


def slices(team, add_of, seconds):
    """For each thread: begin, end (ns) and processor ns of each slice in which it kept its processor."""
    start = threading.Barrier(team.size)

    def work(_):
        add, numbers = add_of(), range(ADDS_IN_A_SLICE)
        wall, processor = time.perf_counter_ns, time.thread_time_ns
        found = []
        start.wait()
        until = wall() + int(seconds * 1e9)
        while wall() < until:
            used, began = -processor(), wall()
            for _ in numbers:
                add()
            ended, used = wall(), used + processor()
            if ended - began < 1.1 * used:
                found.append((began, ended, used))
        return found

    return team.each(work)


def covered(one, others):
    """The slices of one thread during which the other one kept its processor, too."""
    begins = [began for began, _, _ in others]
    for began, ended, used in one:
        i = bisect.bisect_right(begins, began) - 1
        at = others[i][1] if i >= 0 else 0
        while at < ended and 0 <= i < len(others) - 1 and others[i + 1][0] - at < 3000:
            i += 1
            at = others[i][1]
        if at >= ended:
            yield used


def while_both_run(name, make, options):
    """A row of the last table."""
    alone, both = [], []
    for _ in range(options.repeats):
        counter = make()
        with harness.Team(1) as team:
            alone += [used for *_, used in slices(team, lambda: counter.add, options.seconds)[0]]
        with harness.Team(2) as team:
            both += covered(*slices(team, lambda: counter.add, 4 * options.seconds))
    if not alone or not both:
        return [name, "", "", len(both), "they never ran at once"]
    times = [statistics.median(x) / ADDS_IN_A_SLICE for x in (alone, both)]
    scaling = harness.figures(2 * times[0] / times[1])
    return [name, *map(harness.figures, times), len(both), scaling]


def main():
    options = harness.contest_options(__doc__.splitlines()[0], "1,2")
    environment = harness.environment(concurrent_collections)
    harness.print_environment(environment)
    records = harness.contest(CONTESTANTS, options, "counter", "M adds/s")
    head = ["counter", "CPU ns alone", "while both run", "slices", "speed, to 1 thread"]
    kinds = (("AtomicCounter.add", AtomicCounter), ("StripedCounter.add", StripedCounter))
    rows = [while_both_run(name, make, options) for name, make in kinds]
    print(f"\n2 threads that both have a processor\n\n{harness.table(head, rows)}", flush=True)
    harness.save(options.json, environment=environment, results=records, both_run=rows)


if __name__ == "__main__":
    main()
