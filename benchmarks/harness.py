"""What the benchmarks share: a team of threads, windows of time, tables of ratios.

Two things make numbers of different containers comparable on a machine that does other work too.
Contestants take turns in one process (A B C A B C ...), so that a noisy second hits all of them.
And a ratio is taken within a round, between neighbours in time; its median and its spread over the
rounds are what a table shows.
"""

import argparse
import contextlib
import gc
import json
import os
import platform
import statistics
import sys
import threading
import time

SWITCH_CHUNK = 256  # operations between two looks at the clock


def environment(package):
    """What has to stand beside every number."""
    ask = getattr(sys, "_is_gil_enabled", None)
    model = ""
    try:
        with open("/proc/cpuinfo") as f:
            model = next((x.split(":", 1)[1].strip() for x in f if x.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    return {
        "python": platform.python_version()
        + ("t" if ask and "free-threading" in sys.version else ""),
        "gil": ask() if ask else True,
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "build": package.get_build_info(),
    }


def print_environment(env):
    b = env["build"]
    print(
        f"CPython {env['python']}, GIL {'on' if env['gil'] else 'off'}; {env['cpus']} x {env['cpu']}; load {env['load_at_start']}"
    )
    print(
        f"core: {b['arch']}, {b['compiler']}, {b['allocator']}, {'/'.join(b['smr_schemes'])}; gc off while measuring"
    )


@contextlib.contextmanager
def configured(config, **settings):
    """Containers made within get these settings, for example configured(config, smr_scheme="debra")."""
    before = {name: getattr(config, name) for name in settings}
    try:
        for name, value in settings.items():
            setattr(config, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(config, name, value)


class Team:
    """Threads that live as long as the team and do the same thing at the same time.

    They live on, because a thread should own the keys and lists that it works with: on free-threaded
    builds every touch of another thread's object costs an atomic instruction.
    """

    def __init__(self, size):
        self.size = size
        self.barrier = threading.Barrier(size + 1)
        self.task = None
        self.results = [None] * size
        self.memory = [{} for _ in range(size)]  # each thread's own, between its tasks
        self.threads = [
            threading.Thread(target=self._live, args=(i,), daemon=True) for i in range(size)
        ]
        for t in self.threads:
            t.start()

    def _live(self, i):
        while True:
            self.barrier.wait()
            task = self.task
            if task is None:
                return
            try:
                self.results[i] = task(i)
            except BaseException as e:
                self.results[i] = e
            task = None
            self.barrier.wait()

    def each(self, task):
        """Run task(thread number) in every thread; return what they returned."""
        self.task = task
        self.barrier.wait()
        self.barrier.wait()
        errors = [r for r in self.results if isinstance(r, BaseException)]
        # Those who were not waited for any more have only followed somebody else's error.
        causes = [e for e in errors if not isinstance(e, threading.BrokenBarrierError)]
        for error in causes or errors:
            raise error
        return list(self.results)

    def close(self):
        self.task = None
        self.barrier.wait()
        for t in self.threads:
            t.join()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Others:
    """What other processes take of the CPUs, where /proc/stat says so: 0 is a quiet machine, 1 a full one."""

    def __init__(self):
        self.wall, self.own, self.busy = time.perf_counter(), time.process_time(), self.read()

    @staticmethod
    def read():
        try:
            with open("/proc/stat") as f:
                ticks = [int(x) for x in f.readline().split()[1:9]]
        except OSError:
            return None
        return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf(
            "SC_CLK_TCK"
        )  # all but idle and iowait

    def share(self):
        if self.busy is None:
            return 0.0
        wall = time.perf_counter() - self.wall
        others = self.read() - self.busy - (time.process_time() - self.own)
        return max(0.0, others / (wall * os.cpu_count()))


def quiet(threads):
    """What others may take of the CPUs without being in the way of so many threads."""
    return 0.08 + max(0.0, 1 - threads / os.cpu_count())


def wait_until_quiet(patience, threads):
    """Wait until others leave enough CPUs alone, at most `patience` seconds; return what was waited."""
    began = time.perf_counter()
    while time.perf_counter() - began < patience:
        others = Others()
        time.sleep(0.15)
        if others.share() < quiet(threads):
            break
    return time.perf_counter() - began


def undisturbed(run, threads, options):
    """The first result of run() that others have not disturbed, while options.patience (s) lasts."""
    while True:
        options.patience -= wait_until_quiet(options.patience, threads)
        began = time.perf_counter()
        result = run()
        if options.patience <= 0 or result["others"] < quiet(threads):
            return result
        options.patience -= time.perf_counter() - began


class Result(dict):
    """ops, wall (s, first start to last end), cpu (s, all threads), others: M/s and CPU ns per operation."""

    @property
    def rate(self):
        return self["ops"] / self["wall"] / 1e6

    @property
    def cpu_ns(self):
        return self["cpu"] / self["ops"] * 1e9


def gather(results):
    return Result(
        ops=sum(r[0] for r in results),
        wall=max(r[2] for r in results) - min(r[1] for r in results),
        cpu=sum(r[3] for r in results),
    )


@contextlib.contextmanager
def before(start):
    """What a thread does before a common start (a barrier). If it raises, nobody waits for the thread."""
    try:
        yield
    except BaseException:
        start.abort()
        raise


def window(team, prepare, seconds, warm_seconds):
    """Let every thread repeat its work for `seconds`, after `warm_seconds` of the same untimed.

    prepare(i) runs in thread i and returns (function, its first arguments, chunks, state): called as
    function(*arguments, chunk) for chunk after chunk. state["at"] remembers where to go on.
    """
    start = threading.Barrier(team.size)

    def work(i):
        clock = time.perf_counter
        with before(start):
            function, arguments, chunks, state = prepare(i)
            at, count = state.get("at", 0), len(chunks)
            if "at" not in state:  # the first visit: everything once, whatever it takes
                for chunk in chunks:
                    function(*arguments, chunk)
            until = clock() + warm_seconds
            while clock() < until:
                function(*arguments, chunks[at])
                at = (at + 1) % count
        start.wait()
        done = 0
        cpu = time.thread_time()
        began = now = clock()
        until = began + seconds
        while now < until:
            chunk = chunks[at]
            function(*arguments, chunk)
            done += len(chunk)
            at += 1
            if at == count:
                at = 0
            now = clock()
        cpu = time.thread_time() - cpu
        state["at"] = at
        return done, began, now, cpu

    return quietly(team, work)


def once(team, prepare):
    """Let every thread do its work once, from a common start. prepare(i) as for `window`."""
    start = threading.Barrier(team.size)

    def work(i):
        with before(start):
            function, arguments, chunks, _ = prepare(i)
        clock = time.perf_counter
        start.wait()
        cpu = time.thread_time()
        began = clock()
        for chunk in chunks:
            function(*arguments, chunk)
        now = clock()
        return sum(map(len, chunks)), began, now, time.thread_time() - cpu

    return quietly(team, work)


def quietly(team, work):
    gc.disable()
    others = Others()
    try:
        result = gather(team.each(work))
    finally:
        gc.enable()
    result["others"] = others.share()
    return result


def chunked(operations):
    return [operations[i : i + SWITCH_CHUNK] for i in range(0, len(operations), SWITCH_CHUNK)]


def spread(values):
    return statistics.median(values), min(values), max(values)


def ratios(ours, theirs):
    """Ratio of two rates, round by round: median, smallest, largest."""
    return spread([a.rate / b.rate for a, b in zip(ours, theirs, strict=True)])


def figures(x):
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def with_spread(triple):
    middle, low, high = triple
    return f"{figures(middle)} ({figures(low)}-{figures(high)})"


def table(header, rows):
    """A table that is both readable in a terminal and Markdown."""
    cells = [[str(c) for c in r] for r in [header, *rows]]
    widths = [max(len(r[i]) for r in cells) for i in range(len(header))]

    def line(row):
        return "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"

    return "\n".join(
        [line(cells[0]), "|" + "|".join("-" * (w + 2) for w in widths) + "|", *map(line, cells[1:])]
    )


def save(path, **what):
    """Write it as JSON, if there is a path."""
    if path:
        with open(path, "w") as f:
            json.dump(what, f, indent=1)


# ---- contestants, each with one thing that all threads use ----------------------------------------


def contest_options(description, threads):
    """The command line of a program that measures contestants; `threads` is the default, such as "1,2,8"."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="seconds: does it work?")
    parser.add_argument("--threads", default=threads)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--patience", type=float, default=0.0)
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds = 2, 0.02
    return options


def measure_contestants(contestants, threads, options, done):
    """The results of each contestant, round by round. done(made) is called after each."""
    found = {name: [] for name, *_ in contestants}
    with Team(threads) as team:
        for _ in range(options.repeats):
            for name, _, make, use, chunks in contestants:
                made = make()

                def prepare(_, made=made, use=use, chunks=chunks):
                    function, arguments = use(made)
                    return function, arguments, chunks, {}

                def run(prepare=prepare):
                    return window(team, prepare, options.seconds, options.seconds / 5)

                found[name].append(undisturbed(run, threads, options))
                done(made)
    return found


def contest(
    contestants, options, what, per_second, done=lambda made: None, afterwards=lambda: None
):
    """Measure them with each number of threads, print a table for each, and return what was found for `save`.

    A contestant is (name, beside whom, what makes it, what a thread does with it: a function and its first arguments,
    chunks). afterwards() is called behind each table.
    """
    records, alone = [], None
    for threads in map(int, options.threads.split(",")):
        found = measure_contestants(contestants, threads, options, done)
        alone = alone or found
        rows = []
        for name, beside, *_ in contestants:
            rates = spread([result.rate for result in found[name]])
            processor = spread([result.cpu_ns for result in found[name]])
            ratio = ratios(found[name], found[beside]) if beside else None
            faster = ratios(found[name], alone[name])
            rows.append(
                [
                    name,
                    with_spread(rates),
                    figures(processor[0]),
                    f"{with_spread(ratio)} x {beside}" if ratio else "",
                    with_spread(faster),
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
        print(table([what, per_second, "CPU ns", "ratio", "to 1 thread"], rows), flush=True)
        afterwards()
    return records
