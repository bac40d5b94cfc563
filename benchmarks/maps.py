"""SkipListMap, lock-free and with locks, and TreeMap beside what people use today: SortedDict + Lock, dict, dict + Lock, AtomicDict.

    python benchmarks/maps.py [--quick] [--keys 10000,100000,1000000] [--threads 1,2,8]
                              [--repeats 5] [--seconds 0.4] [--patience 0] [--only NAME,...] [--json FILE]

docs/benchmarks.md says what is measured and how to read it. Everything runs in one process, the
contestants in turn. One map is shared by all threads of a team.
"""

import argparse
import gc
import random
import sys
import threading
from collections import namedtuple
from functools import partial

import harness
from sortedcontainers import SortedDict

import concurrent_collections
from concurrent_collections import SkipListMap, TreeMap

try:
    from cereggii import AtomicDict
except ImportError:
    AtomicDict = None

GET, SET, POP = 0, 1, 2

# ---- what a thread does: one plain loop per way to call -------------------------------------


def get_bound(get, keys):
    for k in keys:
        get(k)


def get_locked(lock, get, keys):
    for k in keys:
        with lock:
            get(k)


def get_looked_up(m, keys):
    for k in keys:
        m.get(k)


def mixed_bound(get, put, pop, operations):
    for op, k, v in operations:
        if op == GET:
            get(k)
        elif op == SET:
            put(k, v)
        else:
            pop(k, None)


def mixed_locked(lock, get, put, pop, operations):
    for op, k, v in operations:
        if op == GET:
            with lock:
                get(k)
        elif op == SET:
            with lock:
                put(k, v)
        else:
            with lock:
                pop(k, None)


def mixed_looked_up(m, operations):
    for op, k, v in operations:
        if op == GET:
            m.get(k)
        elif op == SET:
            m[k] = v
        else:
            m.pop(k, None)


def mixed_without_pop(get, put, delete, operations):
    for op, k, v in operations:
        if op == GET:
            get(k)
        elif op == SET:
            put(k, v)
        else:
            try:
                delete(k)
            except KeyError:
                pass


def set_bound(put, pairs):
    for k, v in pairs:
        put(k, v)


def set_locked(lock, put, pairs):
    for k, v in pairs:
        with lock:
            put(k, v)


def floor_locked(lock, bisect_right, key_at, keys):
    for k in keys:
        with lock:
            i = bisect_right(k)
            if i:
                key_at[i - 1]


def scan_keys(keys, bounds):
    for a, b in bounds:
        list(keys(a, b))


def scan_keys_locked(lock, irange, bounds):
    for a, b in bounds:
        with lock:
            list(irange(a, b, (True, False)))


def scan_items(items, bounds):
    for a, b in bounds:
        list(items(a, b))


def scan_items_locked(lock, irange, get, bounds):
    for a, b in bounds:
        with lock:
            [(k, get(k)) for k in irange(a, b, (True, False))]


def repeat(work, operations):
    for _ in operations:
        work()


# ---- contestants ----------------------------------------------------------------------------

# `loops` gives for each workload: map -> (function, arguments), called in the thread that uses it.
Contestant = namedtuple("Contestant", "name make items loops")


LOCKS = {}  # one for each map that needs one


def locked(m):
    return LOCKS.setdefault(id(m), threading.Lock())


def items_of(m):
    return dict(m.items())


def whole(cls):
    """What is done with a map as a whole: nobody changes it meanwhile, so nobody takes a lock."""
    return {
        "iterate keys": lambda m: (repeat, (partial(list, m),)),
        "iterate items": lambda m: (repeat, (partial(list, m.items()),)),
        "copy": lambda m: (repeat, (m.copy,)),
        "build": lambda m: (repeat, (partial(cls, items_of(m)),)),
    }


OUR_LOOPS = {
    "get": lambda m: (get_bound, (m.get,)),
    "mixed": lambda m: (mixed_bound, (m.get, m.__setitem__, m.pop)),
    "insert": lambda m: (set_bound, (m.__setitem__,)),
    "floor": lambda m: (get_bound, (m.floor_key,)),
    "scan keys": lambda m: (scan_keys, (m.keys,)),
    "scan items": lambda m: (scan_items, (m.items,)),
}


def ours(name, make):
    return Contestant(name, make, items_of, OUR_LOOPS | whole(make))


OURS = ours("SkipListMap", SkipListMap)
OURS_WITH_LOCKS = ours("SkipListMap with locks", partial(SkipListMap, backend="locked"))
TREE = ours("TreeMap", TreeMap)
OURS_LOOKED_UP = Contestant(
    "SkipListMap, m.get(k)",
    SkipListMap,
    items_of,
    {"get": lambda m: (get_looked_up, (m,)), "mixed": lambda m: (mixed_looked_up, (m,))},
)
SORTED = Contestant(
    "SortedDict + Lock",
    SortedDict,
    items_of,
    {
        "get": lambda m: (get_locked, (locked(m), m.get)),
        "mixed": lambda m: (mixed_locked, (locked(m), m.get, m.__setitem__, m.pop)),
        "insert": lambda m: (set_locked, (locked(m), m.__setitem__)),
        "floor": lambda m: (floor_locked, (locked(m), m.bisect_right, m.keys())),
        "scan keys": lambda m: (scan_keys_locked, (locked(m), m.irange)),
        "scan items": lambda m: (scan_items_locked, (locked(m), m.irange, m.get)),
        **whole(SortedDict),
    },
)
DICT = Contestant(
    "dict",
    dict,
    items_of,
    {
        "get": lambda m: (get_bound, (m.get,)),
        "mixed": lambda m: (mixed_bound, (m.get, m.__setitem__, m.pop)),
        "insert": lambda m: (set_bound, (m.__setitem__,)),
    },
)
DICT_LOOKED_UP = Contestant(
    "dict, d.get(k)",
    dict,
    items_of,
    {"get": lambda m: (get_looked_up, (m,)), "mixed": lambda m: (mixed_looked_up, (m,))},
)
DICT_LOCKED = Contestant(
    "dict + Lock",
    dict,
    items_of,
    {
        "get": lambda m: (get_locked, (locked(m), m.get)),
        "mixed": lambda m: (mixed_locked, (locked(m), m.get, m.__setitem__, m.pop)),
        "insert": lambda m: (set_locked, (locked(m), m.__setitem__)),
    },
)
CONTESTANTS = [
    OURS,
    OURS_WITH_LOCKS,
    TREE,
    SORTED,
    DICT,
    DICT_LOCKED,
    OURS_LOOKED_UP,
    DICT_LOOKED_UP,
]
if AtomicDict is not None:
    CONTESTANTS.append(
        Contestant(
            "AtomicDict",
            AtomicDict,
            lambda m: dict(m.fast_iter()),
            {
                "get": lambda m: (get_bound, (m.get,)),
                "mixed": lambda m: (mixed_without_pop, (m.get, m.__setitem__, m.__delitem__)),
                "insert": lambda m: (set_bound, (m.__setitem__,)),
            },
        )
    )

# ---- keys and operations --------------------------------------------------------------------


def int_keys(n):
    return range(1000, 1000 + 2 * n, 2)


def str_keys(n):
    return (f"https://example.org/item/{i:07}" for i in range(n))


def tuple_keys(n):
    return ((i // 100, i % 100) for i in range(n))


class Keys:
    """Key and value objects, the same for all contestants, made by the main thread, in random order.

    That the very key objects which a dict holds are used to ask it is the best case for dicts: they
    find by identity. SkipListMap keeps no int objects.
    """

    def __init__(self, make, n):
        self.sorted = list(make(n))
        self.keys = self.sorted[:]
        random.Random(1).shuffle(self.keys)
        self.values = [-i - 1000 for i in range(n)]

    def pairs(self):
        return zip(self.keys, self.values, strict=True)

    def touch(self):
        """Read every object in a thread that has not made it.

        On 3.13t the first such read of an object, when it is a dict that leads to it, costs 20
        microseconds; through a list it costs 26 ns, and the later ones are fast everywhere. No
        contestant shall pay for, or profit from, that.
        """
        for _ in self.keys:
            pass
        for _ in self.values:
            pass


def get_operations(keys, i, threads):
    n = len(keys.keys)
    return random.Random(i).sample(keys.keys, n if n <= 100_000 else n // threads)


# Keys like those that are there, none of which is.
ABSENT = {
    int: lambda k: k + 1,
    str: lambda k: k + "x",
    tuple: lambda k: (k[0], -1 - k[1]),
}


def absent_operations(keys, i, threads):
    return [ABSENT[type(k)](k) for k in get_operations(keys, i, threads)]


def operations_per_thread(n, threads):
    return max(20_000, min(1_000_000, 4 * n) // threads)


def uniform_operations(keys, i, threads):
    """80 % get, 10 % set, 10 % pop, each of a key drawn uniformly from the key set.

    Half of the key set is in the map on average, and at the start.
    """
    r = random.Random(100 + i)
    n = len(keys.keys)
    result = []
    for _ in range(operations_per_thread(n, threads)):
        j = r.randrange(n)
        x = r.randrange(10)
        result.append((GET if x < 8 else SET if x == 8 else POP, keys.keys[j], keys.values[j]))
    return result


def returning_operations(keys, i, threads):
    """80/10/10 where a thread sets the key that it has popped before: all keys stay in the map."""
    r = random.Random(200 + i)
    n = len(keys.keys)
    result = []
    gone = None
    for _ in range(operations_per_thread(n, threads)):
        if r.randrange(10) < 8:
            j = r.randrange(n)
            result.append((GET, keys.keys[j], keys.values[j]))
        elif gone is None:
            gone = r.randrange(i, n, threads)  # no other thread's
            result.append((POP, keys.keys[gone], None))
        else:
            result.append((SET, keys.keys[gone], keys.values[gone]))
            gone = None
    if gone is not None:
        result.append((SET, keys.keys[gone], keys.values[gone]))
    return result


def insert_operations(keys, i, threads):
    return list(keys.pairs())[i::threads]


def scan_operations(keys, i, threads):
    r = random.Random(300 + i)
    n = len(keys.sorted)
    return [
        (keys.sorted[j], keys.sorted[j + 100]) for j in (r.randrange(n - 100) for _ in range(4000))
    ]


def whole_operations(keys, i, threads):
    return [None] * 4


Workload = namedtuple("Workload", "title loop operations start fresh")
WORKLOADS = {
    "get": Workload("get, all hits", "get", get_operations, 1.0, False),
    "miss": Workload("get of keys that are absent", "get", absent_operations, 1.0, False),
    "mixed": Workload(
        "80/10/10 get/set/pop, uniform, half of the gets miss",
        "mixed",
        uniform_operations,
        0.5,
        False,
    ),
    "returning": Workload(
        "80/10/10 get/set/pop, popped keys come back, gets hit",
        "mixed",
        returning_operations,
        1.0,
        False,
    ),
    "insert": Workload(
        "insert of new keys into an empty map, random order", "insert", insert_operations, 0.0, True
    ),
    "floor": Workload("floor_key", "floor", get_operations, 1.0, False),
    "scan keys": Workload("scan of 100 keys", "scan keys", scan_operations, 1.0, False),
    "scan items": Workload(
        "scan of 100 (key, value) pairs", "scan items", scan_operations, 1.0, False
    ),
    "iterate keys": Workload("list of all keys", "iterate keys", whole_operations, 1.0, False),
    "iterate items": Workload("list of all pairs", "iterate items", whole_operations, 1.0, False),
    "copy": Workload("copy", "copy", whole_operations, 1.0, False),
    "build": Workload("new map of a dict in order", "build", whole_operations, 1.0, False),
}
MAIN = ("get", "miss", "mixed", "returning")
WHOLE = ("iterate keys", "iterate items", "copy", "build")
KINDS = {"int": int_keys, "str": str_keys, "tuple": tuple_keys}

# ---- measuring ------------------------------------------------------------------------------


def check_contents(contestant, m, keys, exact=None):
    """No invariant is broken, and the map holds nothing but what was put there."""
    hooks = getattr(concurrent_collections._core, "_test_hooks", None)  # in builds for tests
    if hooks and isinstance(m, (SkipListMap, TreeMap)):
        hooks.check(m)
    found = contestant.items(m)
    right = dict(keys.pairs())
    if exact is not None:
        assert found == exact, f"{contestant.name}: contents are wrong"
    else:
        assert all(right.get(k) == v for k, v in found.items()), (
            f"{contestant.name}: a value is wrong"
        )
    assert len(found) == (len(m) if hasattr(m, "__len__") else len(found)), contestant.name


def measure(kind, n, threads, name, options):
    """All contestants in turn, round after round. Returns {contestant name: [Result, ...]}."""
    work = WORKLOADS[name]
    keys = Keys(KINDS[kind], n)
    start = dict(list(keys.pairs())[: int(n * work.start)])
    players = [c for c in CONTESTANTS if work.loop in c.loops]
    maps = {}
    results = {c.name: [] for c in players}
    states = {c.name: [{} for _ in range(threads)] for c in players}

    def get_ready(i):
        keys.touch()
        team.memory[i]["chunks"] = harness.chunked(work.operations(keys, i, threads))

    with harness.Team(threads) as team:
        team.each(get_ready)
        for c in players:
            maps[c.name] = c.make(start)
        gc.collect()

        def run(c):
            if work.fresh:
                maps[c.name] = c.make({})
            m = maps[c.name]

            def prepare(i):
                return *c.loops[work.loop](m), team.memory[i]["chunks"], states[c.name][i]

            if work.fresh:
                return harness.once(team, prepare)
            return harness.window(team, prepare, options.seconds, options.seconds / 5)

        for _ in range(options.repeats):
            for c in players:
                results[c.name].append(harness.undisturbed(partial(run, c), threads, options))
        team.each(lambda i: team.memory[i].clear())
    for c in players:
        exact = dict(keys.pairs()) if work.fresh else start if work.loop != "mixed" else None
        check_contents(c, maps[c.name], keys, exact)
    LOCKS.clear()
    return results


def report(kind, n, name, by_threads):
    print(f"\n## {WORKLOADS[name].title}; {n} {kind} keys\n")
    rows = []
    for threads, results in by_threads.items():
        for c, rounds in results.items():
            row = [threads, c, harness.with_spread(harness.spread([r.rate for r in rounds]))]
            row.append(harness.figures(harness.spread([r.cpu_ns for r in rounds])[0]))
            for peer in ("SortedDict + Lock", "dict"):
                has = c.startswith(("SkipListMap", "TreeMap")) and peer in results
                row.append(
                    harness.with_spread(harness.ratios(rounds, results[peer])) if has else ""
                )
            rows.append(row)
    print(
        harness.table(
            ["threads", "", "M/s", "CPU ns/op", "times SortedDict + Lock", "times dict"], rows
        )
    )
    if 1 in by_threads and 2 in by_threads:
        scaling = [
            f"{c} {harness.figures(harness.spread([r.rate for r in by_threads[2][c]])[0] / harness.spread([r.rate for r in by_threads[1][c]])[0])}"
            for c in by_threads[1]
        ]
        print("\n1 to 2 threads: " + ", ".join(scaling))
    disturbed = [
        r["others"]
        for results in by_threads.values()
        for rounds in results.values()
        for r in rounds
    ]
    print(
        f"\nOther processes took {100 * harness.spread(disturbed)[0]:.0f} % of the CPUs meanwhile, at most {100 * max(disturbed):.0f} %."
    )
    sys.stdout.flush()


def scaling(kind, n, name, options):
    """One thread and two, in turn, so that both see the same noise: the only fair way to a ratio."""
    work = WORKLOADS[name]
    keys = Keys(KINDS[kind], n)
    start = dict(list(keys.pairs())[: int(n * work.start)])
    rounds = {c.name: ([], []) for c in (OURS, OURS_LOOKED_UP, DICT)}
    teams = [harness.Team(1), harness.Team(2)]
    try:
        for team in teams:

            def get_ready(i, team=team):
                keys.touch()
                team.memory[i]["chunks"] = harness.chunked(work.operations(keys, i, team.size))

            team.each(get_ready)
        gc.collect()
        for c in (OURS, OURS_LOOKED_UP, DICT):
            m = c.make(start)
            states = [[{} for _ in range(t.size)] for t in teams]

            def run(team, state, c=c, m=m):
                def prepare(i):
                    return *c.loops[work.loop](m), team.memory[i]["chunks"], state[i]

                return harness.window(team, prepare, options.seconds, options.seconds / 5)

            for _ in range(options.repeats * 2):
                for team, state, out in zip(teams, states, rounds[c.name], strict=True):
                    out.append(harness.undisturbed(partial(run, team, state), team.size, options))
            check_contents(c, m, keys, None if work.loop == "mixed" else start)
    finally:
        for team in teams:
            team.close()
    return rounds


def report_scaling(kind, n, options):
    rows = []
    collected = {}
    for name in MAIN:
        for c, (one, two) in scaling(kind, n, name, options).items():
            collected[f"{name} {c}"] = {"1": one, "2": two}
            rows.append(
                [
                    WORKLOADS[name].title,
                    c,
                    harness.with_spread(harness.spread([r.rate for r in one])),
                    harness.with_spread(harness.spread([r.rate for r in two])),
                    harness.with_spread(harness.ratios(two, one)),
                    f"{100 * harness.spread([r['others'] for r in one + two])[0]:.0f} %",
                ]
            )
    print(f"\n## One thread and two, in turn; {n} {kind} keys\n")
    print(
        harness.table(["", "", "M/s, 1 thread", "M/s, 2", "scales", "CPUs taken by others"], rows)
    )
    sys.stdout.flush()
    return collected


def header(cls):
    return cls.__basicsize__


def memory(n):
    """Bytes per entry: what the structure has allocated, key and value objects not counted."""
    keys = Keys(int_keys, n)
    rows = []
    for how, pairs in (("ascending", sorted(keys.pairs())), ("random order", list(keys.pairs()))):
        m, d, s = SkipListMap(), {}, SortedDict()
        for k, v in pairs:
            m[k] = v
            d[k] = v
            s[k] = v
        inner = s._list
        lists = [inner._lists, inner._maxes, inner._index, *inner._lists]
        size = {
            "SkipListMap": m.__sizeof__() - header(SkipListMap),
            "dict": d.__sizeof__() - header(dict),
            "SortedDict": dict.__sizeof__(s) - header(dict) + sum(x.__sizeof__() for x in lists),
        }
        rows.append([n, how, *(f"{x / n:.1f}" for x in size.values())])
        if how == "random order":
            r = random.Random(2)
            for _ in range(2):
                for k, v in pairs:
                    if r.random() < 0.5:
                        m.pop(k, None)
                        m[k] = v
            m.flush()
            rows.append(
                [
                    n,
                    "and half popped and set again, twice",
                    f"{(m.__sizeof__() - header(SkipListMap)) / n:.1f}",
                    "",
                    "",
                ]
            )
    return rows


def verify(threads):
    """The same operations on every contestant, each thread writing its own keys: equal contents."""
    keys = Keys(int_keys, 3000)
    lists = []
    model = {}
    for i in range(threads):
        r = random.Random(400 + i)
        mine = []
        for _ in range(20_000):
            x = r.randrange(10)
            j = r.randrange(len(keys.keys)) if x < 4 else r.randrange(i, len(keys.keys), threads)
            op = GET if x < 4 else SET if x < 7 else POP
            mine.append((op, keys.keys[j], keys.values[j]))
            if op == SET:
                model[keys.keys[j]] = keys.values[j]
            elif op == POP:
                model.pop(keys.keys[j], None)
        lists.append(mine)
    with harness.Team(threads) as team:
        for c in CONTESTANTS:
            m = c.make({})
            harness.once(
                team, lambda i, c=c, m=m: (*c.loops["mixed"](m), harness.chunked(lists[i]), {})
            )
            check_contents(c, m, keys, model)
    LOCKS.clear()


def main():
    def numbers(text):
        return [int(x) for x in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a minute, to see that it works")
    parser.add_argument("--keys", type=numbers, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--threads", type=numbers, default=[1, 2, 8])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of one window")
    parser.add_argument(
        "--patience",
        type=float,
        default=0,
        help="seconds that may be spent, in all, on waiting for other processes to be quiet",
    )
    parser.add_argument(
        "--only",
        default="",
        help="memory, scaling, get, miss, mixed, returning, other, whole; comma-separated",
    )
    parser.add_argument("--json", help="write every single measurement there")
    options = parser.parse_args()
    if options.quick:
        options.keys, options.threads = [10_000], [t for t in options.threads if t <= 2] or [1]
        options.repeats, options.seconds = 2, 0.05
    parts = (
        options.only.split(",") if options.only else ["memory", "scaling", *MAIN, "other", "whole"]
    )
    env = harness.environment(concurrent_collections)
    harness.print_environment(env)
    print(
        f"median (min-max) of {options.repeats} rounds of {options.seconds} s; ratios within a round"
    )
    saved = []

    def run(kind, n, name, all_threads):
        by_threads = {t: measure(kind, n, t, name, options) for t in all_threads}
        report(kind, n, name, by_threads)
        saved.append({"kind": kind, "keys": n, "workload": name, "threads": by_threads})

    for t in options.threads:
        verify(t)
    print("checked: all contestants end with the same contents after the same operations")
    middle = 100_000 if 100_000 in options.keys else options.keys[0]
    if "memory" in parts:
        print("\n## Bytes per entry, int keys (key and value objects not counted)\n")
        rows = [row for n in options.keys for row in memory(n)]
        print(harness.table(["entries", "filled", "SkipListMap", "dict", "SortedDict"], rows))
        saved.append({"memory": rows})
    if "scaling" in parts:
        saved.append({"scaling": report_scaling("int", middle, options)})
    for name in MAIN:
        for n in options.keys if name in parts else ():
            run("int", n, name, options.threads)
    if "other" in parts:
        few = [t for t in options.threads if t <= 2]
        for name in ("insert", "floor", "scan keys", "scan items"):
            run("int", middle, name, few)
        for kind in ("str", "tuple"):
            for name in ("get", "mixed"):
                run(kind, middle, name, few)
    for name in WHOLE if "whole" in parts else ():
        run("int", middle, name, [1])
    harness.save(options.json, environment=env, options=vars(options), measurements=saved)


if __name__ == "__main__":
    gc.freeze()
    main()
