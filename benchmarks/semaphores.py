"""The semaphores beside threading's: what a permit costs that is free, and what it costs to hand one over.

    python benchmarks/semaphores.py [--quick] [--only pairs,with,contended,ping-pong] [--threads 1,2,8] [--repeats 7]
                                    [--seconds 0.3] [--patience 0] [--json FILE]

pairs      an acquire and a release; there is a permit for every thread
with       the same by the `with` statement
contended  the same with one permit for all threads: the others wait
ping-pong  two threads wake each other by turns, each by a semaphore that the other waits for

Everything runs in one process, the contestants in turn; a semaphore is shared by all threads, and every thread
binds its methods once. A pair, or one hand-over, counts once.
"""

import argparse
import statistics
import sys
import threading
from collections import namedtuple
from functools import partial

import harness

import concurrent_collections
from concurrent_collections import BoundedSemaphore, Semaphore

Contestant = namedtuple("Contestant", "name make")

PEER = "threading.Semaphore"
CONTESTANTS = [
    Contestant(PEER, threading.Semaphore),
    Contestant("threading.BoundedSemaphore", threading.BoundedSemaphore),
    Contestant("Semaphore", Semaphore),
    Contestant("BoundedSemaphore", BoundedSemaphore),
    Contestant("Semaphore fair", partial(Semaphore, fair=True)),
]


# ---- what a thread does -----------------------------------------------------------------------


def pairs(s, times):
    acquire, release = s.acquire, s.release
    for _ in times:
        acquire()
        release()


def with_statement(s, times):
    for _ in times:
        with s:
            pass


def ping_pong(release, acquire, times):
    for _ in times:
        release()
        acquire()


# ---- measuring ----------------------------------------------------------------------------------


def measure_together(loop, threads, value, players, options):
    results = {c.name: [] for c in players}
    states = {c.name: [{} for _ in range(threads)] for c in players}
    made = {c.name: c.make(value) for c in players}
    chunks = harness.chunked([None] * (16 * harness.SWITCH_CHUNK))
    with harness.Team(threads) as team:

        def run(c):
            def prepare(i):
                return loop, (made[c.name],), chunks, states[c.name][i]

            return harness.window(team, prepare, options.seconds, options.seconds / 5)

        for _ in range(options.repeats):
            for c in players:
                results[c.name].append(harness.undisturbed(partial(run, c), threads, options))
    return results


def measure_ping_pong(players, options):
    results = {c.name: [] for c in players}
    chunks = harness.chunked([None] * options.hand_overs)
    with harness.Team(2) as team:

        def run(c):
            # Two permits: a thread may be back with the next one before the other has taken the last one.
            sides = c.make(2), c.make(2)
            for side in sides * 2:
                side.acquire()

            def prepare(i):
                return ping_pong, (sides[i].release, sides[1 - i].acquire), chunks, {}

            return harness.once(team, prepare)

        for c in players:  # a visit that does not count
            run(c)
        for _ in range(options.repeats):
            for c in players:
                results[c.name].append(harness.undisturbed(partial(run, c), 2, options))
    return results


# ---- reporting ----------------------------------------------------------------------------------


def report(title, results, records):
    rows = []
    for name, ours in results.items():
        rates = harness.spread([r.rate for r in ours])
        cpu = f"{statistics.median(r.cpu_ns for r in ours):.0f}"
        ratio = harness.with_spread(harness.ratios(ours, results[PEER]))
        rows.append([name, harness.with_spread(rates), cpu, ratio])
        records.append({"workload": title, "name": name, "rates": [r.rate for r in ours]})
    print(f"\n## {title}\n")
    print(harness.table(["semaphore", "M/s", "CPU ns", f"against {PEER}"], rows), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="does it work?")
    parser.add_argument("--only", default="pairs,with,contended,ping-pong")
    parser.add_argument("--threads", default="1,2,8")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--hand-overs", type=int, default=5000)
    parser.add_argument("--patience", type=float, default=0.0)
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds, options.hand_overs = 3, 0.05, 1000
    environment = harness.environment(concurrent_collections)
    harness.print_environment(environment)
    records = []
    for name in options.only.split(","):
        if name == "ping-pong":
            report(name, measure_ping_pong(CONTESTANTS, options), records)
            continue
        if name not in ("pairs", "with", "contended"):
            sys.exit(f"semaphores: no workload is called {name!r}")
        for threads in map(int, options.threads.split(",")):
            if name == "contended" and threads == 1:
                continue
            loop = with_statement if name == "with" else pairs
            value = 1 if name == "contended" else threads
            results = measure_together(loop, threads, value, CONTESTANTS, options)
            report(f"{name}, {threads} threads", results, records)
    harness.save(options.json, environment=environment, results=records)


if __name__ == "__main__":
    main()
