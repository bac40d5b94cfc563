"""Run both programs in turns, with several numbers of threads, and compare what they built.

What is measured
    *The whole job*: read, find words, and index, as a user would run it.
    *Building the index*: the same additions when the words are in memory already, each thread
    adding the files that it has read itself. An *addition* is one word of one file.
    Finding words is most of the whole job, and no map makes it faster; so both are shown.

How
    The threads, their clocks and the ratios are those of the benchmarks (benchmarks/harness.py).
    Both maps take turns, going first alternately; one round for each number of threads is a
    warm-up that is not counted. After each round, off the clock, both indexes are compared: every
    word, in order, with every place. Nothing draws while a clock runs. Python's cyclic garbage
    collector, which stops all threads, rests while an index alone is built (`timeit` does the
    same); in the whole job it works as always.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from .index import Index, require_equal
from .questions import Answer, answers_from
from .words import DemoError, FileWords, Source, Sources, words_of

sys.path.append(str(Path(__file__).resolve().parents[3] / "benchmarks"))
import harness as harness

if TYPE_CHECKING:
    from .showing import Progress

IndexTypes: TypeAlias = tuple[Callable[[], Index], Callable[[], Index]]


@dataclass
class Measured:
    """The rounds of one map with one number of threads, as `harness.Result`s: "ops" are additions or bytes."""

    building: list[Any] = field(default_factory=list)
    whole_job: list[Any] = field(default_factory=list)


@dataclass
class Results:
    """What was measured, by number of threads and, where it matters, by map."""

    sources: Sources
    names: tuple[str, str]
    repeat: int
    reading: dict[int, Any] = field(default_factory=dict)
    measured: dict[tuple[int, str], Measured] = field(default_factory=dict)
    comparisons: int = 0
    words: int = 0
    answers: list[Answer] = field(default_factory=list)

    @property
    def threads(self) -> list[int]:
        return list(self.reading)

    def rates(self, what: str, threads: int, name: str) -> tuple[float, float, float]:
        """Median, slowest and fastest: million additions, or MB of text, a second."""
        rounds = getattr(self.measured[threads, name], what)
        spread: tuple[float, float, float] = harness.spread([result.rate for result in rounds])
        return spread

    def ratios(self, what: str, threads: int) -> tuple[float, float, float]:
        """How many times faster ours was, round by round: median, smallest, largest."""
        ours, theirs = (getattr(self.measured[threads, name], what) for name in self.names)
        spread: tuple[float, float, float] = harness.ratios(ours, theirs)
        return spread

    def indexing_share(self, threads: int, name: str) -> float:
        """The part of the threads' time in the whole job that went into the index."""
        rounds = self.measured[threads, name].whole_job
        return float(statistics.median(result["indexing"] for result in rounds))

    def disturbance(self) -> float:
        """What other programs took of the processors while an index was built, at worst."""
        shares = [
            statistics.median(result["others"] for result in one.building) - harness.quiet(threads)
            for (threads, _), one in self.measured.items()
        ]
        return float(max(0.0, *shares))


def measure(
    sources: Sources,
    index_types: IndexTypes,
    thread_counts: Sequence[int],
    repeat: int,
    progress: Progress,
) -> Results:
    """Run both programs with every number of threads, in turns, and compare what they built."""
    ours, theirs = (index_type() for index_type in index_types)
    results = Results(sources, (ours.name, theirs.name), repeat)
    for threads in thread_counts:
        title = f"Measuring with {threads} thread{'s' if threads > 1 else ''}"
        progress.begin(title, 1 + 2 * (repeat + 1))
        with harness.Team(threads) as team:
            pair = measure_with(team, sources, index_types, results, progress)
    results.words = len(pair[0])
    results.answers = answers_from(pair[0], sources.paths)
    if results.answers != answers_from(pair[1], sources.paths):
        raise DemoError("The two indexes answer the questions differently.")
    return results


def measure_with(
    team: harness.Team,
    sources: Sources,
    index_types: IndexTypes,
    results: Results,
    progress: Progress,
) -> tuple[Index, Index]:
    """Run all rounds with one team; return the last two indexes."""
    for name in results.names:
        results.measured[team.size, name] = Measured()
    # The whole job first, while nothing is kept in memory that a user would not have there.
    for what in ("whole_job", "building"):
        if what == "building":
            results.reading[team.size] = read_shares(team, sources)
            progress.advance()
        for round_number in range(1 + results.repeat):
            pair = (index_types[0](), index_types[1]())
            gc.collect()
            for index in pair if round_number % 2 else reversed(pair):
                run = build if what == "building" else do_the_whole_job
                result = run(team, sources, index)
                if round_number > 0:  # the first one is a warm-up
                    getattr(results.measured[team.size, index.name], what).append(result)
            require_equal(*pair)
            results.comparisons += 1
            progress.advance()
    return pair


def read_shares(team: harness.Team, sources: Sources) -> Any:
    """Let each thread read its share of the files and keep the words; "ops" are bytes.

    Objects belong to the thread that made them on free-threaded Python, and others pay more to
    count references to them; as in the whole job, each thread adds its own.
    """
    shares = sources.in_shares(team.size)
    start = threading.Barrier(team.size)

    def work(i: int) -> tuple[int, float, float, float]:
        kept: list[FileWords] = []
        team.memory[i]["files"] = kept
        start.wait()
        cpu, began = time.thread_time(), time.perf_counter()
        for file in shares[i]:
            kept.append(words_of(sources.root, file))
        cpu, ended = time.thread_time() - cpu, time.perf_counter()
        return sum(file.bytes for file in shares[i]), began, ended, cpu

    return harness.gather(team.each(work))


def build(team: harness.Team, sources: Sources, index: Index) -> Any:
    """Add the words that the threads have kept; "ops" are additions."""
    return harness.once(team, lambda i: (index.writer(), (), team.memory[i]["files"], None))


def do_the_whole_job(team: harness.Team, sources: Sources, index: Index) -> Any:
    """Read files, find words and index them, each thread the next file that is left; "ops" are bytes."""
    # The largest first, so that no thread is left alone with one at the end.
    waiting = deque(sources.in_shares(1)[0])
    start = threading.Barrier(team.size)
    shares: list[tuple[float, float]] = []  # of each thread: seconds in the index, seconds in all

    def next_file() -> Source | None:
        try:
            return waiting.popleft()
        except IndexError:
            return None

    def work(i: int) -> tuple[int, float, float, float]:
        add_file = index.writer()
        bytes_read, indexing = 0, 0.0
        start.wait()
        cpu, began = time.thread_time(), time.perf_counter()
        while file := next_file():
            words = words_of(sources.root, file)
            before = time.perf_counter()
            add_file(words)
            indexing += time.perf_counter() - before
            bytes_read += file.bytes
        cpu, ended = time.thread_time() - cpu, time.perf_counter()
        shares.append((indexing, ended - began))
        return bytes_read, began, ended, cpu

    result = harness.gather(team.each(work))
    result["indexing"] = sum(part for part, _ in shares) / sum(whole for _, whole in shares)
    return result


def gil_is_enabled() -> bool:
    """Whether this interpreter runs one thread at a time, now, whatever it was built for."""
    is_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return is_enabled()


def cores() -> int:
    return os.cpu_count() or 1
