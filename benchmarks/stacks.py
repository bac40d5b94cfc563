"""The stack beside what is used today: a list behind a Lock, and a deque. Queues for comparison.

    python benchmarks/stacks.py [--quick] [--threads 1,2,8] [--repeats 9] [--seconds 0.2] [--patience 60]

All threads push an item and pop one, on one stack, whose methods are bound once per thread. Contestants take turns. Prints
millions of pairs a second, processor nanoseconds of one, the ratios to the others, and how much faster more threads are than
one: medians over rounds, with the least and the most. For the stack also how operations have met (its statistics).
"""

import argparse
import collections
import json
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


def measure(threads, options):
    """The results of each contestant, round by round."""
    found = {name: [] for name, *_ in CONTESTANTS}
    with harness.Team(threads) as team:
        for _ in range(options.repeats):
            for name, _, make, use, chunks in CONTESTANTS:
                made = make()

                def prepare(_, made=made, use=use, chunks=chunks):
                    function, arguments = use(made)
                    return function, arguments, chunks, {}

                def run(prepare=prepare):
                    return harness.window(team, prepare, options.seconds, options.seconds / 5)

                found[name].append(harness.undisturbed(run, threads, options))
                if isinstance(made, LockFreeStack):
                    MET.update(made.statistics())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="seconds: does it work?")
    parser.add_argument("--threads", default="1,2,8")
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
        head = ["", "M pairs/s", "CPU ns", "ratio", "to 1 thread"]
        print(harness.table(head, rows), flush=True)
        print("\nhow operations of the stack have met:", MET, flush=True)
        MET.clear()
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"environment": environment, "results": records}, f, indent=1)


if __name__ == "__main__":
    main()
