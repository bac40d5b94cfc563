"""Profiles: what containers do while a block of a program, or a whole script, runs.

    >>> from concurrent_collections import SkipListMap
    >>> from concurrent_collections.profiling import profile
    >>> m = SkipListMap()
    >>> with profile(m) as p:
    ...     m.update((n, str(n)) for n in range(1000))
    >>> p.views["skiplist"]["SkipListMap #1"]["entries"]
    1000

`p.report()` prints tables, `p.to_json()` returns everything as text, `p.plot()` draws. From the command line, without a change
to the script: ``python -m concurrent_collections.profiling script.py``. docs/profiling.md explains every figure.
"""

# What type checkers need stands in profiling.pyi: importing typing takes longer than all of this package.
import atexit
import builtins
import gc
import itertools
import json
import os
import sys
import threading
import time
import types
import weakref

from concurrent_collections import _profile_output, smr
from concurrent_collections._core import config, get_build_info
from concurrent_collections._ordered import (
    SkipListMap,
    SkipListSet,
    _levels,
    _OrderedMap,
    _OrderedSet,
)
from concurrent_collections._profile_samples import Series, Stalls
from concurrent_collections._queues import _Queue
from concurrent_collections._stack import LockFreeStack

__all__ = ["Profile", "profile"]

MOST_FOUND = 64  # containers that a profile finds by itself and describes; all are counted
MOST_TIME_FOR_FINDING = 0.02  # of the whole

# python/cpython issue 125859
_GET_OBJECTS_CRASHES = sys.version_info < (3, 13, 1) and "free-threading" in sys.version

_KINDS = (_OrderedMap, _OrderedSet, _Queue, LockFreeStack)

_OF_PROCESS = [
    "waiting",
    "waiting_bytes",
    "open_regions",
    "oldest_age",
    "oldest_thread",
    "eras",
    "node_bytes",
    "retries",
    "neutralizations",
    "refusals",
]
_OF_RECLAMATION = ["era", "waiting", "waiting_bytes", "oldest_age", "oldest_thread"]


def _difference(after, before):
    """What has been added to counts, whatever dicts they are in; what is no number is as it is after."""
    if isinstance(after, dict):
        of = before if isinstance(before, dict) else {}
        return {str(name): _difference(value, of.get(name)) for name, value in after.items()}
    if isinstance(after, bool) or not isinstance(after, (int, float)):
        return after if after is None or isinstance(after, str) else repr(after)
    return after - before if isinstance(before, (int, float)) else after


def _share(part, whole):
    return round(part / whole, 4) if whole else None


def _text_of(error):
    try:
        return repr(error)
    except Exception:  # of a user's class
        return type(error).__name__


def _rate(count, seconds):
    return round(count / seconds, 1) if seconds > 0 else None


class _Subject:
    """One container: what is known of it. Held weakly."""

    def __init__(self, container, label, most):
        self.ref = weakref.ref(container)
        self.label = label
        self.failure = None  # what its class has raised, perhaps a user's subclass
        self.levels = None
        self.comparisons = None
        self.is_ordered = isinstance(container, (_OrderedMap, _OrderedSet))
        self.is_skip_list = isinstance(container, (SkipListMap, SkipListSet))
        self.is_queue = isinstance(container, _Queue)
        self.is_stack = isinstance(container, LockFreeStack)
        self.has_domain = _has_domain(container)
        self.scheme = smr.stats(container).scheme if self.has_domain else None
        self.backend = container.backend if self.is_queue else None
        self.counts_before = {}  # of one that is made while the profile runs
        self.counts = self._counts_of(container)
        names = ["length"]
        names += _OF_RECLAMATION if self.has_domain else []
        if self.is_queue:
            names += ["puts", "gets", "waiting_getters", "waiting_putters"]
        elif self.is_stack:
            names += ["pushes", "pops", "lost", "offers", "eliminated"]
        self.series = Series(names, most)
        self.maxsize = 0
        self.full = self.empty = 0
        self.stalls = Stalls()

    def _counts_of(self, container):
        # Stacks and queues have it; of ordered containers, those that count comparisons.
        ask = getattr(container, "statistics", None)
        return ask() if callable(ask) else {}

    def begin(self):
        """What has been counted until now does not count."""
        container = self.ref()
        if container is not None:
            self.counts_before = self._counts_of(container)

    def sample(self, seconds):
        container = self.ref()
        if container is None or self.failure:
            return
        try:
            self._sample(container, seconds)
        except Exception as error:  # of a subclass
            self.failure = _text_of(error)

    def seen(self, figures, *arguments):
        """Figures of a view; of what a subclass has counted otherwise, what is wrong with them."""
        try:
            return figures(*arguments)
        except Exception as error:
            return {"failure": _text_of(error)}

    def _sample(self, container, seconds):
        row = {"length": len(container)}
        if self.has_domain:
            of = smr.stats(container)
            row["era"] = of.era
            row["waiting"] = of.waiting
            row["waiting_bytes"] = of.waiting_bytes
            row["oldest_age"], row["oldest_thread"] = of.oldest or (0, 0)
            self.stalls.see(seconds, of.era, of.oldest)
        self.counts = self._counts_of(container)
        if self.is_queue:
            row["puts"], row["gets"] = self.counts["puts"], self.counts["gets"]
            row["waiting_getters"] = container.waiting_getters
            row["waiting_putters"] = container.waiting_putters
        elif self.is_stack:
            row.update({name: self.counts[name] for name in self.series.names if name not in row})
        if self.is_queue or self.is_stack:
            self.maxsize = container.maxsize
            self.full += bool(self.maxsize and row["length"] >= self.maxsize)
            self.empty += row["length"] == 0
        self.series.add(seconds, row)

    def note_levels(self):
        container = self.ref()
        if container is not None and self.is_ordered:
            self.levels = _levels(container)

    def compare(self, probe):
        """This runs what the keys define, which may also interrupt everything."""
        container = self.ref()
        if container is None or not self.is_ordered:
            return
        try:
            self.comparisons = _time_comparisons(container, probe)
        except Exception as error:  # of a subclass
            self.failure = _text_of(error)

    # ---- views ----

    def comparator(self):
        view = dict(self.comparisons or {})
        if self.counts:
            view["counted"] = _difference(self.counts, self.counts_before)
        return view

    def reclamation(self):
        series = self.series
        first = (
            dict(zip(series.names, series.rows[0][1:], strict=True)) if series.rows else series.last
        )
        return {
            "scheme": self.scheme,
            "eras": series.last["era"] - first["era"],
            "waiting": series.last["waiting"],
            "most_waiting": series.peaks["waiting"],
            "most_waiting_bytes": series.peaks["waiting_bytes"],
            "oldest_age_seen": series.peaks["oldest_age"],
            "stalls": self.stalls.count,
            "longest_stall_seconds": round(self.stalls.longest, 6),
            "stalled": list(self.stalls.described),
        }

    def skip_list(self):
        levels = self.levels or []
        above = [*levels[1:], 0]
        return {
            "entries": self.series.last["length"],
            "levels": levels,
            "towers_by_height": {
                str(height): max(count - more, 0)
                for height, (count, more) in enumerate(zip(levels, above, strict=False), 1)
            },
        }

    def queue(self, seconds):
        counts = _difference(self.counts, self.counts_before)
        return {
            "backend": self.backend,
            "puts": counts["puts"],
            "gets": counts["gets"],
            "puts_per_second": _rate(counts["puts"], seconds),
            "gets_per_second": _rate(counts["gets"], seconds),
            **self._filling(),
            "mean_waiting_getters": round(self.series.mean("waiting_getters"), 3),
            "mean_waiting_putters": round(self.series.mean("waiting_putters"), 3),
            "most_waiting_getters": self.series.peaks["waiting_getters"],
            "most_waiting_putters": self.series.peaks["waiting_putters"],
        }

    def _filling(self):
        series = self.series
        return {
            "maxsize": self.maxsize,
            "length": series.last["length"],
            "most_length": series.peaks["length"],
            "mean_length": round(series.mean("length"), 2),
            "utilization": _share(series.mean("length"), self.maxsize),
            "share_of_samples_full": _share(self.full, series.count),
            "share_of_samples_empty": _share(self.empty, series.count),
        }

    def wcq(self):
        counts = _difference(self.counts, self.counts_before)
        operations = counts["puts"] + counts["gets"]
        return {
            "operations": operations,
            "tries_before_a_request": self.counts["patience"],
            "requests": counts["requests"],
            "requests_per_operation": counts["requests"] / operations if operations else None,
            "steps_at_most": self.counts["most_steps"] or None,
        }

    def stack(self, seconds):
        counts = _difference(self.counts, self.counts_before)
        operations = counts["pushes"] + counts["pops"]
        return {
            **counts,
            "operations_per_second": _rate(operations, seconds),
            **self._filling(),
            "offers_taken": _share(counts["eliminated"], counts["offers"]),
            "operations_eliminated": _share(2 * counts["eliminated"], operations),
        }


def _has_domain(container):
    try:
        smr.stats(container)
    except TypeError:
        return False
    return True


def _kinds(a, b):
    return " and ".join(sorted({type(a).__qualname__, type(b).__qualname__}))


def _time_comparisons(container, probe):
    """Compare neighbouring keys by the container's order, one by one, on the clock."""
    import statistics

    compare = getattr(container, "comparator", None)
    if compare is None or not probe:
        return None
    keys, times, raised = [], {}, 0
    try:
        keys.extend(itertools.islice(container, min(probe, sys.maxsize)))
    except Exception:  # of the keys, which going from one chunk to the next compares
        raised += 1
    if len(keys) < 2 and not raised:
        return None
    clock = time.perf_counter_ns
    for a, b in itertools.pairwise(keys):
        before = clock()
        try:
            compare(a, b)
        except Exception:  # that is the affair of the keys' users
            raised += 1
            continue
        took = clock() - before
        times.setdefault(_kinds(a, b), []).append(took)
    empty = []
    for _ in range(max(len(keys), 1)):
        before = clock()
        empty.append(clock() - before)
    return {
        "nanoseconds_by_type": {
            kinds: {"comparisons": len(of), "median": int(statistics.median(of)), "most": max(of)}
            for kinds, of in times.items()
        },
        "clock_nanoseconds": int(statistics.median(empty)),
        "comparisons_that_raised": raised,
    }


# ---------------------------------------------------------------- settings

_settings_lock = threading.Lock()
_running = set()  # profiles
_settings_before = (False, False)


def _begin_counting(p):
    global _settings_before
    with _settings_lock:
        if not _running:
            _settings_before = config.enable_statistics, config.enable_contention_stats
        _running.add(p)
        config.enable_statistics = config.enable_contention_stats = True


def _end_counting(p):
    """As often as one likes: after an interrupt, say."""
    with _settings_lock:
        if _running == {p}:
            config.enable_statistics, config.enable_contention_stats = _settings_before
        _running.discard(p)


# ---------------------------------------------------------------- the profile


class Profile:
    """What `profile` returns: a context manager, and afterwards what it has seen. May be read while it runs, too.

    Beside other threads: any thread may read; one thread enters and leaves. No operation on a container ever waits for a
    profile. Runs once.
    """

    def __init__(self, containers, period, samples, probe, find):
        self._period = period
        self._samples = samples
        self._probe = probe
        self._find = find
        self._subjects = []
        self._by_id = {}  # the last one at each address
        self._numbers = {}
        self._not_described = 0
        self._next_find = 0.0
        self._series = Series(_OF_PROCESS, samples)
        self._began = self._ended = None
        self._before = self._after = None
        self._error = None
        self._blocks = None
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._sample_on_and_on, name="concurrent_collections.profiling", daemon=True
        )
        for container in containers:
            self._add(container)

    def _add(self, container):
        known = self._by_id.get(id(container))
        if known is not None and known.ref() is container:
            return
        name = type(container).__name__
        number = self._numbers.get(name, 0) + 1
        subject = _Subject(container, f"{name} #{number}", self._samples)
        self._numbers[name] = number
        self._subjects.append(subject)
        self._by_id[id(container)] = subject

    def __enter__(self):
        if self._began is not None:
            raise RuntimeError("a profile runs once: make another one")
        try:
            _begin_counting(self)
            self._before = smr.stats()
            self._began = time.monotonic()
            given = list(self._subjects)
            for subject in given:
                subject.begin()
            self._sample()
            for subject in self._subjects[len(given) :]:  # that are there, too
                subject.begin()
            self._thread.start()
        except BaseException:
            self._stop.set()
            _end_counting(self)
            raise
        return self

    def __exit__(self, *exception):
        try:
            self._stop.set()
            self._thread.join()
        finally:  # also when it is interrupted
            try:
                self._next_find = (
                    0.0  # what is there at the end is found, however short the block was
                )
                self._sample()
                self._ended = time.monotonic()
                self._after = smr.stats()
                self._blocks = smr.node_blocks()
            finally:
                _end_counting(self)
        for subject in list(self._subjects):
            subject.note_levels()
        for subject in list(self._subjects):
            subject.compare(self._probe)

    def _sample_on_and_on(self):
        try:
            while not self._stop.wait(self._period):
                self._sample()
        except BaseException as error:  # MemoryError, say: shown, not swallowed
            self._error = _text_of(error)  # it would keep what it has met alive

    def _sample(self):
        seconds = time.monotonic() - self._began
        if self._find and seconds >= self._next_find:
            self._look_for_containers()
            taken = time.monotonic() - self._began - seconds
            self._next_find = seconds + taken / MOST_TIME_FOR_FINDING
        of = smr.stats()
        age, thread = of.oldest or (0, 0)
        row = {name: getattr(of, name, 0) for name in _OF_PROCESS}
        row["oldest_age"], row["oldest_thread"] = age, thread
        self._series.add(seconds, row)
        for subject in list(self._subjects):
            subject.sample(seconds)

    def _look_for_containers(self):
        found = [o for o in gc.get_objects() if issubclass(type(o), _KINDS)]
        for o in found:
            if len(self._subjects) >= MOST_FOUND:
                described = sum(subject.ref() is not None for subject in self._subjects)
                self._not_described = max(self._not_described, len(found) - described)
                return
            try:
                self._add(o)
            except Exception:  # just being made: the next look finds it
                continue

    # ---- what there is to read ----

    @property
    def seconds(self):
        """How long the block has taken, or has run until now."""
        if self._began is None:
            return 0.0
        return (self._ended or time.monotonic()) - self._began

    @property
    def views(self):
        """What has been seen, by view and subject: a dict of dicts of dicts of figures. O(containers and threads).

        The views are 'memory', 'smr', 'debra', 'comparator', 'skiplist', 'queue', 'wcq' and 'stack', the subjects 'process' and
        containers, such as 'SkipListMap #1'. A view without a subject is left out.
        """
        if self._began is None:
            return {}
        subjects = list(self._subjects)
        seconds = self.seconds
        after = self._after or smr.stats()
        views = {
            "memory": {"process": self._memory(after)},
            "smr": {"process": self._reclamation(after)},
            "debra": {"process": self._neutralization(after)},
            "comparator": {
                s.label: s.seen(s.comparator)
                for s in subjects
                if s.is_ordered and s.seen(s.comparator)
            },
            "skiplist": {s.label: s.skip_list() for s in subjects if s.is_skip_list},
            "queue": {s.label: s.seen(s.queue, seconds) for s in subjects if s.is_queue},
            "wcq": {s.label: s.seen(s.wcq) for s in subjects if s.backend == "wcq"},
            "stack": {s.label: s.seen(s.stack, seconds) for s in subjects if s.is_stack},
        }
        views["smr"].update(
            {s.label: s.reclamation() for s in subjects if s.has_domain and s.series.count}
        )
        if views["skiplist"]:
            views["skiplist"]["process"] = {"retries": after.retries - self._before.retries}
        return {name: view for name, view in views.items() if view}

    @property
    def timelines(self):
        """The samples: by subject, ``{'names': [...], 'rows': [[...], ...]}``. O(samples)."""
        of = {"process": self._series.table()}
        of.update({s.label: s.series.table() for s in list(self._subjects)})
        return of

    def _memory(self, after):
        before = self._before
        blocks = smr.node_blocks() if self._blocks is None else self._blocks
        had = sum(of.blocks * of.block_bytes for of in blocks)
        free = sum(of.free * of.block_bytes for of in blocks)
        retired, released = after.retired - before.retired, after.released - before.released
        return {
            "node_bytes": after.node_bytes,
            "node_bytes_before": before.node_bytes,
            "most_node_bytes": self._series.peaks["node_bytes"],
            "blocks_in_use_by_bytes": {str(of.block_bytes): of.blocks - of.free for of in blocks},
            "blocks_free_by_bytes": {str(of.block_bytes): of.free for of in blocks},
            "fragmentation": _share(free, had),
            "containers": after.containers,
            "containers_before": before.containers,
            "retired": retired,
            "released": released,
            "neither_released_nor_waiting": retired - released - (after.waiting - before.waiting),
        }

    def _reclamation(self, after):
        before = self._before
        return {
            "eras": after.eras - before.eras if after.eras >= before.eras else None,
            "waiting": after.waiting,
            "most_waiting": self._series.peaks["waiting"],
            "most_waiting_bytes": self._series.peaks["waiting_bytes"],
            "scans": after.scans - before.scans,
            "threads": after.threads,
            "containers_not_described": self._not_described,
            "samples": self._series.count,
            "failures": self._failures(),
        }

    def _neutralization(self, after):
        before = self._before
        return {
            "scheme_of_new_containers": config.smr_scheme_in_use,
            "neutralizations": after.neutralizations - before.neutralizations,
            "refusals": after.refusals - before.refusals,
        }

    def _failures(self):
        failures = {s.label: s.failure for s in self._subjects if s.failure}
        if self._error is not None:
            failures["sampler"] = self._error
        return failures

    def to_json(self, indent=None):
        """Return everything as JSON text: seconds, period, the build, `views` and `timelines`.

        Parameters
        ----------
        indent : int, optional
            As for `json.dumps`.
        """
        return json.dumps(
            {
                "seconds": self.seconds,
                "period": self._period,
                "build": get_build_info(),
                "views": self.views,
                "timelines": self.timelines,
            },
            indent=indent,
            default=str,
        )

    def report(self, file=None):
        """Print a table for each view: by rich if it is installed, else as plain text.

        Parameters
        ----------
        file : text file, optional
            Where to print; standard output by default.
        """
        _profile_output.print_tables(self.views, self.seconds, sys.stdout if file is None else file)

    def plot(self):
        """Return a matplotlib Figure with a panel for each view that has something to draw.

        It is made without pyplot, so any thread may call this; `savefig` writes it, and notebooks show it.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        return _profile_output.draw(self.views, self.timelines)


def profile(*containers, period=0.05, samples=512, probe=256, find=False):
    """Return a `Profile`, a context manager: ``with profile(m, q) as p:``, then ``p.report()``.

    Parameters
    ----------
    containers : SkipListMap, SkipListSet, LockFreeQueue, FastQueue, WaitFreeQueue, LockFreeStack, LockFreeLifoQueue
        What to look at, beside the process as a whole. They are held weakly.
    period : float, optional
        Seconds between two samples, which a thread of the profile takes.
    samples : int, optional
        How many samples of each container are kept, at least 4. When there are as many, every second one is dropped and
        from then on every second one is kept: so memory is bounded, and the whole time is covered.
    probe : int, optional
        How many keys of each ordered container are compared at the end, to see how long comparisons take: the first ones.
        This calls what the keys define; 0 does not.
    find : bool, optional
        Look for other containers of the process, too, by `gc.get_objects`: at the beginning, now and then, and at the end.

    Raises
    ------
    TypeError
        One of the containers is none of these, or an argument has another type.
    ValueError
        ``period`` is not positive, or ``samples`` or ``probe`` too small.
    RuntimeError
        ``find``, on a free-threaded CPython 3.13.0: its `gc.get_objects` can crash beside a collection.

    While it runs, `config.enable_statistics` and `config.enable_contention_stats` are set; afterwards they are as before.
    A sample is O(containers and threads of the process), takes no lock that an operation takes, and stops nobody. The end
    of the block walks the upper levels of each ordered container.
    """
    for container in containers:
        if not isinstance(container, _KINDS):
            raise TypeError(
                "containers: expected ordered maps or sets, queues or stacks of this package, got"
                f" {type(container).__name__}"
            )
    if isinstance(period, bool) or not isinstance(period, (int, float)):
        raise TypeError(f"period: expected a number of seconds, got {period!r}")
    if not 0 < period <= threading.TIMEOUT_MAX:
        raise ValueError(f"period: expected a positive number of seconds, got {period!r}")
    for name, value, least in (("samples", samples, 4), ("probe", probe, 0)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name}: expected an int, got {value!r}")
        if value < least:
            raise ValueError(f"{name}: expected at least {least}, got {value!r}")
    if find and _GET_OBJECTS_CRASHES:
        raise RuntimeError(
            "find: gc.get_objects can crash on a free-threaded CPython before 3.13.1"
        )
    return Profile(containers, period, samples, probe, bool(find))


# ---------------------------------------------------------------- the command


def _run(source, script, arguments):
    """Run a script as `python script.py` does, in a process that has nothing else to do."""
    code = compile(source, script, "exec")
    main = types.ModuleType("__main__")
    main.__file__ = script
    main.__builtins__ = builtins
    sys.argv = [script, *arguments]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def _main(arguments=None):
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m concurrent_collections.profiling",
        description="Run a script and profile the containers that it makes.",
    )
    parser.add_argument("--period", type=float, default=0.05, help="seconds between samples (0.05)")
    parser.add_argument(
        "--probe", type=int, default=256, help="keys of a container to compare at the end (256)"
    )
    parser.add_argument("--json", metavar="FILE", help="write everything there, too")
    parser.add_argument(
        "--plot", metavar="FILE", help="draw a picture there, too (needs matplotlib)"
    )
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    try:
        p = profile(period=given.period, probe=given.probe, find=True)
        with open(given.script, "rb") as file:
            source = file.read()
    except (ValueError, OSError, RuntimeError) as error:
        parser.error(str(error))
    if given.plot:
        p.plot()  # what it needs can no longer be imported at the end

    def finish():
        p.__exit__(None, None, None)
        p.report(sys.stderr)
        if given.json:
            with open(given.json, "w", encoding="utf-8") as file:
                file.write(p.to_json(indent=1))
        if given.plot:
            p.plot().savefig(given.plot)

    p.__enter__()
    atexit.register(finish)  # behind the script's threads, which end as they do without a profile
    _run(source, given.script, given.arguments)


if __name__ == "__main__":
    # Not the copy that is __main__: the script may use profiles, too.
    from concurrent_collections.profiling import _main as main

    main()
