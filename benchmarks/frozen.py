"""FrozenSkipListMap beside SkipListMap, SortedDict, and bisect over a sorted list: one thread.

    python benchmarks/frozen.py [--quick] [--entries 1000000] [--repeats 7] [--json FILE]

Contestants take turns. Prints millions of entries a second of the thread's own processor time, medians over the rounds with
the least and the most, for int and str keys: making, looking up keys in random order, scanning, merging; and bytes an entry.
"""

import argparse
import gc
import random
import statistics
import sys
import time
from bisect import bisect_left

import harness
from sortedcontainers import SortedDict

import concurrent_collections
from concurrent_collections import FrozenSkipListMap, FrozenSkipListSet, SkipListMap

KEYS = {"int": int, "str": "{:09}".format}


def call_each(operation, keys):
    for key in keys:
        operation(key)


def found_in_list(keys, values):
    def get(key):
        i = bisect_left(keys, key)
        return values[i] if i < len(keys) and keys[i] == key else None

    return get


def programs(kind, entries, asked):
    """(workload, contestant, entries that are handled, function): what is measured."""
    generator = random.Random(1)
    in_order = [KEYS[kind](2 * i) for i in range(entries)]
    shuffled = generator.sample(in_order, entries)
    pairs = [(key, None) for key in shuffled]
    in_pairs = [(key, None) for key in in_order]
    wanted = generator.sample(in_order, asked)
    changing, peer = SkipListMap(in_pairs), SortedDict(in_pairs)
    frozen, values = changing.frozen(), [None] * entries
    some, others = (
        FrozenSkipListSet(in_order),
        FrozenSkipListSet([KEYS[kind](3 * i) for i in range(entries)]),
    )
    some_builtin, others_builtin = set(some), set(others)
    low, high = in_order[entries // 4], in_order[3 * entries // 4]
    middle = 3 * entries // 4 - entries // 4
    return [
        ("make, sorted", "frozen", entries, lambda: FrozenSkipListMap(in_pairs)),
        ("make, sorted", "SkipListMap", entries, lambda: SkipListMap(in_pairs)),
        ("make, sorted", "SortedDict", entries, lambda: SortedDict(in_pairs)),
        ("make, shuffled", "frozen", entries, lambda: FrozenSkipListMap(pairs)),
        ("make, shuffled", "SkipListMap", entries, lambda: SkipListMap(pairs)),
        ("make, shuffled", "SortedDict", entries, lambda: SortedDict(pairs)),
        ("freeze", "frozen()", entries, changing.frozen),
        ("freeze", "dict(m.items())", entries, lambda: dict(changing.items())),
        ("thaw", "thaw()", entries, frozen.thaw),
        ("get", "frozen", asked, lambda: call_each(frozen.get, wanted)),
        ("get", "SkipListMap", asked, lambda: call_each(changing.get, wanted)),
        ("get", "SortedDict", asked, lambda: call_each(peer.get, wanted)),
        (
            "get",
            "bisect, list",
            asked,
            lambda: call_each(found_in_list(in_order, values), wanted),
        ),
        ("position", "frozen", asked, lambda: call_each(frozen.bisect_left, wanted)),
        ("position", "SortedDict", asked, lambda: call_each(peer.bisect_left, wanted)),
        (
            "position",
            "bisect, list",
            asked,
            lambda: call_each(lambda key: bisect_left(in_order, key), wanted),
        ),
        ("keys of a range", "frozen", middle, lambda: list(frozen.keys(low, high))),
        ("keys of a range", "SkipListMap", middle, lambda: list(changing.keys(low, high))),
        ("keys of a range", "SortedDict", middle, lambda: list(peer.irange(low, high))),
        ("all items", "frozen", entries, lambda: list(frozen.items())),
        ("all items", "SkipListMap", entries, lambda: list(changing.items())),
        ("all items", "SortedDict", entries, lambda: list(peer.items())),
        ("union", "frozen", 2 * entries, lambda: some | others),
        ("union", "set, then sorted", 2 * entries, lambda: sorted(some_builtin | others_builtin)),
    ], {
        "frozen": sys.getsizeof(frozen) / entries,
        "SkipListMap": sys.getsizeof(changing) / entries,
    }


def million_a_second(count, function):
    gc.collect()
    began = time.thread_time()
    result = function()
    seconds = time.thread_time() - began
    del result
    return count / seconds / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few entries, one round")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", help="where to save every figure")
    arguments = parser.parse_args()
    entries = 10_000 if arguments.quick else arguments.entries
    repeats = 1 if arguments.quick else arguments.repeats
    environment = harness.environment(concurrent_collections)
    harness.print_environment(environment)
    gc.disable()
    rows = []
    for kind in KEYS:
        todo, sizes = programs(kind, entries, min(entries, 200_000))
        figures = [[] for _ in todo]
        for _ in range(repeats):
            for figure, (_, _, count, function) in zip(figures, todo, strict=True):
                figure.append(million_a_second(count, function))
        print(f"\n{kind} keys, {entries} entries: millions a second of processor time")
        for figure, (workload, contestant, _, _) in zip(figures, todo, strict=True):
            median = statistics.median(figure)
            rows.append((kind, workload, contestant, median, min(figure), max(figure)))
            print(
                f"  {workload:16} {contestant:16} {median:8.2f}   {min(figure):.2f} to {max(figure):.2f}"
            )
        for name, size in sizes.items():
            print(f"  bytes an entry   {name:16} {size:8.1f}")
    harness.save(arguments.json, environment=environment, entries=entries, rows=rows)


if __name__ == "__main__":
    main()
