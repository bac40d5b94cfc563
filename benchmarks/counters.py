"""Counters beside what Python has: a count, or an int, or a collections.Counter, behind a Lock.

    python benchmarks/counters.py [--quick] [--threads 1,2] [--repeats 9] [--seconds 0.2] [--patience 60]

All threads add 1 to one counter, whose methods are bound once per thread. Contestants take turns. Prints millions of adds
a second, processor nanoseconds of one, the ratio to the contestant with a lock, and how much faster more threads
are than one: medians over rounds, with the least and the most.
"""

import argparse
import collections
import itertools
import json
import threading

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


def measure(threads, options):
    """The results of each contestant, round by round."""
    found = {name: [] for name, *_ in CONTESTANTS}
    with harness.Team(threads) as team:
        for _ in range(options.repeats):
            for name, _, make, use, chunks in CONTESTANTS:
                counter = make()

                def prepare(_, counter=counter, use=use, chunks=chunks):
                    function, arguments = use(counter)
                    return function, arguments, chunks, {}

                def run(prepare=prepare):
                    return harness.window(team, prepare, options.seconds, options.seconds / 5)

                found[name].append(harness.undisturbed(run, threads, options))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="seconds: does it work?")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=0.0)
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds = 2, 0.02
    environment = harness.environment(concurrent_collections)
    harness.print_environment(environment)
    records, alone = [], None
    for threads in map(int, options.threads.split(",")):
        found = measure(threads, options)
        alone = alone or found
        rows = []
        for name, beside, *_ in CONTESTANTS:
            rates = harness.spread([result.rate for result in found[name]])
            processor = harness.spread([result.cpu_ns for result in found[name]])
            ratio = harness.ratios(found[name], found[beside]) if beside else None
            faster = harness.ratios(found[name], alone[name])
            rows.append(
                [
                    name,
                    harness.with_spread(rates),
                    harness.figures(processor[0]),
                    f"{harness.with_spread(ratio)} x {beside}" if ratio else "",
                    harness.with_spread(faster),
                ]
            )
            records.append(
                {
                    "threads": threads,
                    "name": name,
                    "rates": rates,
                    "ratio": ratio,
                    "scaling": faster,
                }
            )
        print(f"\n{threads} thread(s)\n")
        head = ["counter", "M adds/s", "CPU ns", "ratio", "to 1 thread"]
        print(harness.table(head, rows), flush=True)
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"environment": environment, "results": records}, f, indent=1)


if __name__ == "__main__":
    main()
