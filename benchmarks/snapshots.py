"""What a snapshot costs: who takes it, and who writes beside it.

    python benchmarks/snapshots.py [--entries 1000000] [--writers 2] [--seconds 20] [--json FILE]

Alone: `snapshot()` beside `frozen()` and `dict(m.items())`, in milliseconds. Then with writers, which replace values under random
keys all the while: `snapshot()` in a loop, and what each writer does in a second, before and while snapshots are being taken. All of
it by processor time of the thread and by the clock: on a machine that does other work the former says more.
"""

import argparse
import gc
import json
import statistics
import threading
import time

import harness

import concurrent_collections
from concurrent_collections import SkipListMap

REPLACEMENTS = 100  # between two looks at the clock


def timed(call):
    """Milliseconds of processor time, and by the clock; and of processor time to free the result."""
    cpu, clock = time.thread_time(), time.perf_counter()
    result = call()
    made, end = time.thread_time(), time.perf_counter()
    del result
    return 1000 * (made - cpu), 1000 * (end - clock), 1000 * (time.thread_time() - made)


def median_of(times):
    return [round(statistics.median(column), 1) for column in zip(*times, strict=True)]


def shown(times):
    return (
        f"{times[0]} ms of processor time, {times[1]} by the clock; {times[2]} to free what it made"
    )


class Writer(threading.Thread):
    """Replaces values; `progress` is what it has done, with its processor time and the clock's."""

    def __init__(self, m, entries, seed, stop):
        super().__init__()
        self.m, self.entries, self.state, self.stop = m, entries, seed, stop
        self.progress = 0, 0.0, time.perf_counter()

    def run(self):
        put, entries, x, done = self.m.put, self.entries, self.state, 0
        began = time.thread_time()
        while not self.stop.is_set():
            for _ in range(REPLACEMENTS):
                x = (x * 1103515245 + 12345) & 0x7FFFFFFF
                put(x % entries, x)
            done += REPLACEMENTS
            self.progress = done, time.thread_time() - began, time.perf_counter()


def rates(before, after):
    """Replacements a second: of the writers' processor time, and by the clock, summed."""
    by_cpu = statistics.mean(
        (b[0] - a[0]) / (b[1] - a[1]) for a, b in zip(before, after, strict=True)
    )
    by_clock = sum((b[0] - a[0]) / (b[2] - a[2]) for a, b in zip(before, after, strict=True))
    return round(by_cpu), round(by_clock)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json")
    options = parser.parse_args()
    env = harness.environment(concurrent_collections)
    harness.print_environment(env)
    m = SkipListMap.from_sorted((n, n) for n in range(options.entries))
    gc.collect()
    gc.freeze()
    gc.disable()
    results = {}
    for name, call in (
        ("dict(m.items())", lambda: dict(m.items())),
        ("frozen()", m.frozen),
        ("snapshot()", m.snapshot),
    ):
        results[name] = median_of([timed(call) for _ in range(5)])
        print(f"alone: {name}: {shown(results[name])}")
    stop = threading.Event()
    writers = [Writer(m, options.entries, seed, stop) for seed in range(options.writers)]
    for writer in writers:
        writer.start()
    time.sleep(1)
    marks = [[writer.progress for writer in writers]]
    time.sleep(options.seconds / 4)
    marks.append([writer.progress for writer in writers])
    taken, end = [], time.perf_counter() + options.seconds
    while time.perf_counter() < end:
        taken.append(timed(m.snapshot))
    marks.append([writer.progress for writer in writers])
    stop.set()
    for writer in writers:
        writer.join()
    beside = median_of(taken)
    alone, meanwhile = rates(marks[0], marks[1]), rates(marks[1], marks[2])
    results |= {"beside": beside, "writers alone": alone, "writers meanwhile": meanwhile}
    print(f"beside {options.writers} writers: snapshot(), {len(taken)} times: {shown(beside)}")
    print(
        f"replacements a second: {alone[0]:,} of a writer's processor time, {alone[1]:,} by the clock;"
        f" beside snapshots {meanwhile[0]:,} ({meanwhile[0] / alone[0]:.0%}), {meanwhile[1]:,} ({meanwhile[1] / alone[1]:.0%})"
    )
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"environment": env, "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
