"""Thousands of threads that wait in one queue: how long they take to fall asleep, and to be ended.

    python benchmarks/many_waiters.py [--threads 5000] [--repeats 3]

LockFreeQueue beside queue.Queue, each in a process of its own, the contestants in turn. They are ended by `shutdown`
(where queue.Queue has it, from CPython 3.13 on), or by one put for each. Prints seconds of the wall clock and of the
processors, medians with the least and the most. docs/benchmarks.md has the last figures.
"""

import argparse
import contextlib
import queue
import resource
import statistics
import subprocess
import sys
import threading
import time

import harness

import concurrent_collections
from concurrent_collections import LockFreeQueue, ShutDown

KINDS = {"LockFreeQueue": LockFreeQueue, "queue.Queue": queue.Queue}
ENDINGS = ("shutdown", "puts")


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run_once(kind, ending, threads):
    """In a process of its own: print four numbers."""
    threading.stack_size(1 << 16)
    q = KINDS[kind]()
    begun = []

    def wait():
        begun.append(None)
        with contextlib.suppress(ShutDown):
            q.get()

    workers = [threading.Thread(target=wait) for _ in range(threads)]
    moments = [(time.perf_counter(), processor_seconds())]
    for worker in workers:
        worker.start()
    while len(begun) < threads:
        time.sleep(0.001)
    moments.append((time.perf_counter(), processor_seconds()))
    time.sleep(0.5)  # the last ones fall asleep
    moments.append((time.perf_counter(), processor_seconds()))
    if ending == "shutdown":
        q.shutdown()
    else:
        for _ in workers:
            q.put(None)
    for worker in workers:
        worker.join()
    moments.append((time.perf_counter(), processor_seconds()))
    began, waiting, ending_began, ended = moments
    numbers = [b - a for a, b in zip(began, waiting, strict=True)]
    numbers += [b - a for a, b in zip(ending_began, ended, strict=True)]
    print(*numbers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--once", nargs=2, metavar=("KIND", "ENDING"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        run_once(*arguments.once, arguments.threads)
        return
    harness.print_environment(harness.environment(concurrent_collections))
    print(f"{arguments.threads} threads; seconds, median (least - most)")
    for ending in ENDINGS:
        if ending == "shutdown" and not hasattr(queue.Queue, "shutdown"):
            print("shutdown: this interpreter's queue.Queue has none")
            continue
        runs = {kind: [] for kind in KINDS}
        for _ in range(arguments.repeats):
            for kind in KINDS:
                command = [sys.executable, __file__, "--threads", str(arguments.threads)]
                output = subprocess.check_output([*command, "--once", kind, ending], text=True)
                runs[kind].append([float(number) for number in output.split()])
        for kind, rows in runs.items():
            columns = [
                f"{what} {statistics.median(column):.2f} ({min(column):.2f} - {max(column):.2f})"
                for what, column in zip(
                    ("start", "CPU", "end", "CPU"), zip(*rows, strict=True), strict=True
                )
            ]
            print(f"ended by {ending:9} {kind:14} " + "  ".join(columns), flush=True)


if __name__ == "__main__":
    main()
