"""The queues beside what people use today: SimpleQueue, queue.Queue, deque, culsans, janus.

    python benchmarks/queues.py [--quick] [--only pairs,bursts,1:1,4:4,wake-up] [--threads 1,2,8] [--repeats 7]
                                [--seconds 0.3] [--items 200000] [--patience 0] [--json FILE]

docs/benchmarks.md says what is measured and how to read it. Everything runs in one process, the
contestants in turn; one queue is shared by all threads. Every thread binds its methods once.
"""

import argparse
import asyncio
import queue
import statistics
import sys
import threading
import time
from collections import deque, namedtuple
from functools import partial

import harness

import concurrent_collections
from concurrent_collections import FastQueue, LockFreeQueue, WaitFreeQueue, config

try:
    import culsans
except ImportError:
    culsans = None
try:
    import janus
except ImportError:
    janus = None

# ---- what a thread does -----------------------------------------------------------------------


def pairs(put, get, items):
    for item in items:
        put(item)
        get()


def bursts(put, get, items):
    for item in items:
        put(item)
    for _ in items:
        get()


def produce(put, items):
    for item in items:
        put(item)


def consume(get, items):
    for _ in items:
        get()


# ---- contestants --------------------------------------------------------------------------------

# make() -> a queue; put and get: the names of its methods. `blocks`: get waits on an empty queue.
Contestant = namedtuple("Contestant", "name make put get blocks", defaults=("put", "get", True))


def bound(contestant, q):
    """Methods for the calling thread alone: threads that share a bound method pay for its reference
    count with every call, whatever the queue is."""
    return getattr(q, contestant.put), getattr(q, contestant.get)


def make_culsans():
    return culsans.Queue().sync_q


def make_janus():
    async def make():
        return janus.Queue()

    return asyncio.run(make()).sync_q


def fast_queue_of(backend):
    with harness.configured(config, queue_backend=backend):
        return FastQueue()


class CallsAlone:
    """What the loops, the calls and the items cost without a queue: built-in methods that do nothing.

    Nothing is shared, so with several threads it is no bound for a queue; with one thread it is.
    """

    put = property(lambda self: ().count)
    get = property(lambda self: "".isspace)


CONTESTANTS = [
    Contestant("SimpleQueue", queue.SimpleQueue),
    Contestant("calls alone", CallsAlone, blocks=False),
    Contestant("queue.Queue", queue.Queue),
    Contestant("deque", deque, "append", "popleft", blocks=False),
    *([Contestant("culsans", make_culsans)] if culsans else []),
    *([Contestant("janus", make_janus)] if janus else []),
    Contestant("LockFreeQueue", LockFreeQueue),
    # Longer than all bursts together: else all would wait for room, and nobody take anything.
    Contestant("LockFreeQueue(4000)", partial(LockFreeQueue, maxsize=4000)),
    Contestant("FastQueue", FastQueue),
    *(
        Contestant(f"FastQueue {b}", partial(fast_queue_of, b))
        for b in config.available_queue_backends
        if b != "auto"
    ),
    Contestant("WaitFreeQueue", WaitFreeQueue),
    Contestant("wCQ", lambda *maxsize: WaitFreeQueue(*maxsize, patience=16)),
]

# ---- measuring ----------------------------------------------------------------------------------


def items_of_thread(i, count):
    return [object() for _ in range(count)]


def measure_together(loop, threads, players, options):
    """Every thread puts and gets. An item counts once, with its put and its get."""
    results = {c.name: [] for c in players}
    states = {c.name: [{} for _ in range(threads)] for c in players}
    made = {c.name: c.make() for c in players}
    with harness.Team(threads) as team:
        team.each(
            lambda i: team.memory[i].update(chunks=harness.chunked(items_of_thread(i, 16 * 256)))
        )

        def run(c):
            def prepare(i):
                return loop, bound(c, made[c.name]), team.memory[i]["chunks"], states[c.name][i]

            return harness.window(team, prepare, options.seconds, options.seconds / 5)

        for _ in range(options.repeats):
            for c in players:
                results[c.name].append(harness.undisturbed(partial(run, c), threads, options))
        team.each(lambda i: team.memory[i].clear())
    return results


def measure_apart(producers, consumers, players, options):
    """Half of the threads put, the others get. An item counts once."""
    threads = producers + consumers
    results = {c.name: [] for c in players}
    each = options.items // producers
    with harness.Team(threads) as team:
        team.each(
            lambda i: team.memory[i].update(
                chunks=harness.chunked(
                    items_of_thread(i, each if i < producers else producers * each // consumers)
                )
            )
        )

        def run(c):
            q = c.make()

            def prepare(i):
                put, get = bound(c, q)
                chunks = team.memory[i]["chunks"]
                return (
                    (produce, (put,), chunks, {})
                    if i < producers
                    else (consume, (get,), chunks, {})
                )

            result = harness.once(team, prepare)
            result["ops"] //= 2
            return result

        for c in players:  # a visit that does not count
            run(c)
        for _ in range(options.repeats):
            for c in players:
                results[c.name].append(harness.undisturbed(partial(run, c), threads, options))
        team.each(lambda i: team.memory[i].clear())
    return results


def measure_wake_up(players, options):
    """Seconds from before a put to after the get of a thread that has been asleep for a millisecond."""
    results = {c.name: [] for c in players}
    for _ in range(options.repeats):
        for c in players:
            put, get = bound(c, c.make())
            count = 100 if options.quick else 300
            delays = []

            def sleep_and_wake(get=get, delays=delays, count=count):
                for _ in range(count):
                    sent = get()
                    delays.append(time.perf_counter() - sent)

            harness.wait_until_quiet(min(options.patience, 5), 2)
            sleeper = threading.Thread(target=sleep_and_wake)
            sleeper.start()
            for _ in range(count):
                time.sleep(0.001)
                put(time.perf_counter())
            sleeper.join()
            results[c.name].append(statistics.median(delays))
    return results


# ---- reporting ----------------------------------------------------------------------------------


def report(title, results, records):
    simple, slow = results["SimpleQueue"], results["queue.Queue"]
    rows = []
    for name, ours in results.items():
        rates = harness.spread([r.rate for r in ours])
        row = [name, harness.with_spread(rates), f"{statistics.median(r.cpu_ns for r in ours):.0f}"]
        row.append(harness.with_spread(harness.ratios(ours, simple)))
        row.append(harness.with_spread(harness.ratios(ours, slow)))
        rows.append(row)
        records.append({"workload": title, "name": name, "rates": [r.rate for r in ours]})
    print(f"\n## {title}\n")
    print(
        harness.table(
            ["queue", "M items/s", "CPU ns", "against SimpleQueue", "against queue.Queue"], rows
        ),
        flush=True,
    )


def report_wake_up(results, records):
    simple = results["SimpleQueue"]
    rows = []
    for name, ours in results.items():
        ratio = harness.spread([a / b for a, b in zip(ours, simple, strict=True)])
        rows.append(
            [
                name,
                harness.with_spread(harness.spread([x * 1e6 for x in ours])),
                harness.with_spread(ratio),
            ]
        )
        records.append({"workload": "wake-up", "name": name, "seconds": ours})
    print("\n## wake-up, medians of the rounds\n")
    print(harness.table(["queue", "microseconds", "against SimpleQueue"], rows), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a minute: does it work?")
    parser.add_argument("--only", default="pairs,bursts,1:1,4:4,wake-up")
    parser.add_argument("--threads", default="1,2,8")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--patience", type=float, default=0.0)
    parser.add_argument("--names", help="only these contestants, beside the two that ratios need")
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds, options.items = 3, 0.05, 40_000
    players = CONTESTANTS
    if options.names:
        wanted = {"SimpleQueue", "queue.Queue", *options.names.split(",")}
        players = [c for c in CONTESTANTS if c.name in wanted]
    environment = harness.environment(concurrent_collections)
    harness.print_environment(environment)
    wide = FastQueue(), WaitFreeQueue()
    print(f"FastQueue: {wide[0].backend}; WaitFreeQueue: {wide[1].backend}")
    records = []
    for name in options.only.split(","):
        if name in ("pairs", "bursts"):
            loop = pairs if name == "pairs" else bursts
            for threads in map(int, options.threads.split(",")):
                results = measure_together(loop, threads, players, options)
                report(f"{name}, {threads} threads", results, records)
        elif name == "wake-up":
            report_wake_up(measure_wake_up([c for c in players if c.blocks], options), records)
        elif ":" in name:
            producers, consumers = map(int, name.split(":"))
            blocking = [c for c in players if c.blocks]
            results = measure_apart(producers, consumers, blocking, options)
            report(f"{producers} producers, {consumers} consumers", results, records)
        else:
            sys.exit(f"queues: no workload is called {name!r}")
    harness.save(options.json, environment=environment, results=records)


if __name__ == "__main__":
    main()
