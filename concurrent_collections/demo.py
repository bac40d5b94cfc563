"""The demonstration: threads build one ordered index of the files below a directory.

    python -m concurrent_collections.demo [PATH] [--threads 1,2,4,8] [--png FILE] ...

Every thread takes a file, reads it, finds its words (identifiers) and adds them to **one** index
that all threads share, from a word to the places where it occurs. The index is ordered, so when
it stands it answers what a ``dict`` cannot: which words lie between two others, which begin with
a prefix, which is nearest to one that does not occur.

The same program runs twice: on a lock-free `SkipListMap`, and on what people use today, a
``sortedcontainers.SortedDict`` with a ``threading.Lock``. Only `LockFreeIndex.writer` and
`LockedIndex.writer` differ.

What is measured
    *The whole job*: read, find words, and index, as a user would run it.
    *Building the index*: the same additions when the words are in memory already, each thread
    adding the files that it has read itself. An *addition* is one word of one file.
    Finding words is most of the whole job, and no map makes it faster; so both are shown.

How
    Each thread has a clock of its own. A run lasts from the first thread's start, behind a
    barrier, to the last thread's end. Both maps take turns, going first alternately; one round
    for each number of threads is a warm-up that is not counted. Shown are the median and the
    extremes. After each round, off the clock, both indexes are compared: every word, in order,
    with every place. Nothing draws while a clock runs. Python's cyclic garbage collector, which
    stops all threads, rests while an index alone is built (`timeit` does the same); in the whole
    job it works as always.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import re
import shutil
import statistics
import sys
import sysconfig
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import zip_longest
from pathlib import Path
from time import perf_counter, process_time
from types import TracebackType
from typing import Any, Protocol, TextIO, TypeAlias

from concurrent_collections import SkipListMap, get_build_info

Lines: TypeAlias = tuple[int, ...]
"""The lines of one file on which a word occurs."""

LinesByWord: TypeAlias = dict[str, Lines]
"""All words of one file."""

Places: TypeAlias = "tuple[int, Lines, Places | None]"
"""What the index holds for a word: a file's number, the lines there, and the places added before.

A linked list, newest first, whose cells never change: adding a file is one new cell in front,
however many there are already, and readers need no lock.
"""

AddFile: TypeAlias = Callable[[int, LinesByWord], None]
"""Adds all words of the file with this number to an index."""

WORD = re.compile(r"\b[^\W\d]\w*")
DIRECTORIES_LEFT_OUT = frozenset({"__pycache__", "site-packages", "dist-packages"})
LARGEST_FILE = 16 * 1024 * 1024
DEFAULT_LIMIT = 250
QUICK_LIMIT = 100


class DemoError(Exception):
    """Carries the one sentence that tells the user what is wrong."""


# ---- the job: find files, read them, find words ----------------------------------------


class SkippedFile(Exception):
    """A file that is not text that we can read; the argument is the reason, in a few words."""


@dataclass
class FoundFiles:
    """The regular files below a directory, as sorted paths relative to it."""

    root: Path
    paths: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def find_files(root: Path, limit: int | None = None) -> FoundFiles:
    """List the files below `root`; with a limit, so many of them, spread evenly over the tree.

    Hidden directories, caches and installed packages are left out unless `root` is one; links to
    directories are not followed.
    """
    found = FoundFiles(root)
    directories = [""]
    while directories:
        directory = directories.pop()
        try:
            entries = list(os.scandir(root / directory))
        except OSError:
            found.skipped["unreadable directory"] += 1
            continue
        for entry in entries:
            path = os.path.join(directory, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name not in DIRECTORIES_LEFT_OUT:
                    directories.append(path)
            elif entry.is_file():
                found.paths.append(path)
            elif not entry.is_dir():
                found.skipped["not a regular file"] += 1
    found.paths.sort()
    if limit is not None and len(found.paths) > limit:
        count = len(found.paths)
        found.paths = [found.paths[position * count // limit] for position in range(limit)]
    return found


def text_of(path: str | Path) -> str:
    """Read one file, or raise `SkippedFile` when it is binary, unreadable or enormous."""
    try:
        with open(path, "rb") as file:
            start = file.read(8192)
            if b"\0" in start:
                raise SkippedFile("binary")
            content = start + file.read(LARGEST_FILE)
    except OSError:
        raise SkippedFile("unreadable") from None
    if len(content) > LARGEST_FILE:
        raise SkippedFile(f"larger than {LARGEST_FILE >> 20} MiB")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SkippedFile("not UTF-8") from None


def lines_of_words(text: str) -> LinesByWord:
    """Find the words of a text, each with the numbers of the lines that have it."""
    lines_of: dict[str, list[int]] = {}
    words_in = WORD.findall
    for number, line in enumerate(text.split("\n"), start=1):
        for word in words_in(line):
            lines = lines_of.get(word)
            if lines is None:
                lines_of[word] = [number]
            elif lines[-1] != number:
                lines.append(number)
    return {word: tuple(lines) for word, lines in lines_of.items()}


# ---- the index, on two maps ------------------------------------------------------------


class Index(Protocol):
    """An ordered index word → places that several threads may write at once."""

    name: str

    def __len__(self) -> int: ...

    def writer(self) -> AddFile:
        """The function with which the calling thread adds files.

        Each thread asks for its own, because a bound method that threads share would make them
        all count references to it in the same cache line.
        """

    def items(self) -> Iterable[tuple[str, Places]]:
        """All words in order."""

    def items_between(self, first: str, last: str) -> list[tuple[str, Places]]:
        """The words from `first` to `last`, both included."""

    def places_of(self, word: str) -> Places | None: ...

    def floor(self, word: str) -> str | None:
        """The greatest word that is not after this one."""

    def ceiling(self, word: str) -> str | None:
        """The smallest word that is not before this one."""


class LockFreeIndex:
    """The index on a `SkipListMap`: no locks, a compare-and-swap for each addition."""

    name = "SkipListMap"

    def __init__(self) -> None:
        self._places: SkipListMap[str, Places] = SkipListMap()

    def __len__(self) -> int:
        return len(self._places)

    def writer(self) -> AddFile:
        put_if_absent = self._places.put_if_absent
        replace_if = self._places.replace_if
        get = self._places.get

        def add_file(number: int, lines_of: LinesByWord) -> None:
            for word, lines in lines_of.items():
                known = put_if_absent(word, (number, lines, None))
                # The word was there: put our cell in front, unless another thread was faster.
                while known is not None and not replace_if(word, known, (number, lines, known)):
                    known = get(word)

        return add_file

    def items(self) -> Iterable[tuple[str, Places]]:
        return self._places.items()

    def items_between(self, first: str, last: str) -> list[tuple[str, Places]]:
        return list(self._places.items(first, last, inclusive=(True, True)))

    def places_of(self, word: str) -> Places | None:
        return self._places.get(word)

    def floor(self, word: str) -> str | None:
        return self._places.floor_key(word)

    def ceiling(self, word: str) -> str | None:
        return self._places.ceiling_key(word)


class LockedIndex:
    """The index on a `SortedDict` with a lock: one acquisition for each addition.

    The lock is held around the map's read, the new cell and the map's write, the least that is
    correct and the cheapest way for a lock: two separately locked operations would cost more.
    """

    name = "SortedDict + Lock"

    def __init__(self) -> None:
        self._places = new_sorted_dict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._places)

    def writer(self) -> AddFile:
        places = self._places
        lock = self._lock

        def add_file(number: int, lines_of: LinesByWord) -> None:
            for word, lines in lines_of.items():
                with lock:
                    # Not `places.get(word)`, which is many times slower here on CPython 3.13t.
                    known = places[word] if word in places else None  # noqa: SIM401
                    places[word] = (number, lines, known)

        return add_file

    def items(self) -> Iterable[tuple[str, Places]]:
        with self._lock:
            return list(self._places.items())

    def items_between(self, first: str, last: str) -> list[tuple[str, Places]]:
        with self._lock:
            return [(word, self._places[word]) for word in self._places.irange(first, last)]

    def places_of(self, word: str) -> Places | None:
        with self._lock:
            places: Places | None = self._places.get(word)
            return places

    def floor(self, word: str) -> str | None:
        with self._lock:
            return next(self._places.irange(maximum=word, reverse=True), None)

    def ceiling(self, word: str) -> str | None:
        with self._lock:
            return next(self._places.irange(minimum=word), None)


class LockedForFilesIndex(LockedIndex):
    """The same, but the lock is held while all words of a file go in (``--lock-for file``).

    It takes the lock a few hundred times less often. In exchange nobody else, no reader either,
    gets near the map in the meantime.
    """

    name = "SortedDict + Lock per file"

    def writer(self) -> AddFile:
        places = self._places
        lock = self._lock

        def add_file(number: int, lines_of: LinesByWord) -> None:
            with lock:
                for word, lines in lines_of.items():
                    known = places[word] if word in places else None  # noqa: SIM401
                    places[word] = (number, lines, known)

        return add_file


def new_sorted_dict() -> Any:
    """An empty `SortedDict`, which is not ours and has no annotations."""
    try:
        from sortedcontainers import SortedDict
    except ImportError:
        raise DemoError(
            "sortedcontainers, with which the demonstration compares, is not installed for "
            f"{sys.executable}."
        ) from None
    return SortedDict()


def sorted_places(places: Places | None) -> list[tuple[int, Lines]]:
    """The places of a word in order of files, whichever thread was first."""
    found = []
    while places is not None:
        number, lines, places = places
        found.append((number, lines))
    found.sort()
    return found


def require_equal(one: Index, other: Index) -> None:
    """Compare two indexes: the same words in the same order, each with the same places."""
    nothing: tuple[str, Places] = ("", (0, (), None))
    for (word, places), (other_word, other_places) in zip_longest(
        one.items(), other.items(), fillvalue=nothing
    ):
        if word != other_word or sorted_places(places) != sorted_places(other_places):
            raise DemoError(
                f"The two indexes differ: {one.name} has {word!r} where {other.name} has "
                f"{other_word!r}, or their places are not the same; did the files change?"
            )


# ---- questions ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """A question in words, and what the index says."""

    question: str
    answer: str


def listed(words: Sequence[str], most: int = 8) -> str:
    """A few words, and how many there are beside them."""
    if not words:
        return "none"
    more = f" ... and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def answers_from(index: Index, paths: Sequence[str]) -> list[Answer]:
    """Ask an index what only an ordered one can tell."""

    def place_names(word: str) -> list[str]:
        places = sorted_places(index.places_of(word))
        return [f"{paths[number]}:{line}" for number, lines in places for line in lines]

    between = [word for word, _ in index.items_between("async", "await")]
    prefix = "thread"
    # U+10FFFF sorts behind every character that a word can have.
    with_prefix = {
        word: len(sorted_places(places))
        for word, places in index.items_between(prefix, prefix + "\U0010ffff")
    }
    most_used = sorted(with_prefix, key=lambda word: (-with_prefix[word], word))
    absent = "lockfree"
    before, after = index.floor(absent), index.ceiling(absent)
    answers = [
        Answer("Words from 'async' to 'await'", f"{len(between)}: {listed(between)}"),
        Answer(
            f"Words that begin with '{prefix}', by files",
            listed([f"{word} ({with_prefix[word]})" for word in most_used], most=6),
        ),
        Answer(f"Nearest words around '{absent}'", f"{before} < {absent} < {after}"),
    ]
    if after is not None:
        answers.append(Answer(f"Places of '{after}'", listed(place_names(after), most=3)))
    return answers


# ---- measuring ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """One readable file: its number in the index, and how many words it adds."""

    number: int
    path: str
    bytes: int
    words: int


@dataclass
class Sources:
    """The input of every run."""

    root: Path
    paths: list[str]
    files: list[Source]
    skipped: Counter[str]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def additions(self) -> int:
        return sum(file.words for file in self.files)

    def in_shares(self, count: int) -> list[list[Source]]:
        """Deal the files out so that each share has about as many words, the largest first."""
        shares: list[list[Source]] = [[] for _ in range(count)]
        loads = [0] * count
        for file in sorted(self.files, key=lambda file: (-file.words, file.number)):
            lightest = loads.index(min(loads))
            shares[lightest].append(file)
            loads[lightest] += file.words
        return shares


class Team:
    """A fixed number of threads that run the same work together, each with its own clock."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size)

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def run(self, work: Callable[[], None]) -> float:
        """Let every thread do `work` once; return the seconds from first start to last end."""
        barrier = threading.Barrier(self.size)

        def timed() -> tuple[float, float]:
            barrier.wait()
            start = perf_counter()
            work()
            return start, perf_counter()

        # The barrier holds each thread, so that none of them takes two.
        clocks = [
            future.result() for future in [self._pool.submit(timed) for _ in range(self.size)]
        ]
        return max(end for _, end in clocks) - min(start for start, _ in clocks)


def read_sources(root: Path, limit: int | None, progress: Progress) -> Sources:
    """Read every file once: it counts and skips, and it warms up the system's file cache."""
    found = find_files(root, limit)
    waiting = deque(enumerate(found.paths))
    readable: list[Source] = []
    skipped: list[str] = []

    def read() -> None:
        while True:
            try:
                number, path = waiting.popleft()
            except IndexError:
                return
            try:
                text = text_of(root / path)
            except SkippedFile as reason:
                skipped.append(str(reason))
            else:
                words = len(lines_of_words(text))
                readable.append(Source(number, path, len(text.encode()), words))

    progress.begin(f"Reading {len(found.paths)} files", len(found.paths))
    readers = [threading.Thread(target=read, daemon=True) for _ in range(os.cpu_count() or 1)]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        readers[-1].join(0.1)
        for reader in readers:
            if not reader.is_alive():
                reader.join()
        progress.reached(len(readable) + len(skipped))
    progress.reached(len(found.paths))

    readable.sort(key=lambda file: file.number)
    if not any(file.words for file in readable):
        raise DemoError(f"There is no text file with a word in {root}.")
    return Sources(root, found.paths, readable, found.skipped + Counter(skipped))


@dataclass
class Samples:
    """Seconds of the same run, repeated."""

    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def rate(self, amount: float) -> Rate:
        return Rate(amount / self.median, amount / max(self.seconds), amount / min(self.seconds))


@dataclass(frozen=True)
class Rate:
    """Something a second: the median, and the slowest and fastest run."""

    median: float
    slowest: float
    fastest: float


@dataclass
class Measured:
    """What was measured for one map with one number of threads."""

    building: Samples = field(default_factory=Samples)
    whole_job: Samples = field(default_factory=Samples)
    indexing_share: list[float] = field(default_factory=list)
    """The part of the threads' time in the whole job that went into the index."""
    core_share: list[float] = field(default_factory=list)
    """How much of a core each thread had while the index was built."""


@dataclass
class Results:
    """What was measured, by number of threads and, where it matters, by map."""

    sources: Sources
    names: tuple[str, str]
    repeat: int
    reading: dict[int, Samples] = field(default_factory=dict)
    measured: dict[tuple[int, str], Measured] = field(default_factory=dict)
    comparisons: int = 0
    words: int = 0
    answers: list[Answer] = field(default_factory=list)

    @property
    def threads(self) -> list[int]:
        return list(self.reading)

    def building_rate(self, threads: int, name: str) -> Rate:
        return self.measured[threads, name].building.rate(self.sources.additions)

    def building_ratio(self, threads: int) -> float:
        ours, theirs = (self.measured[threads, name].building.median for name in self.names)
        return theirs / ours

    def core_share(self) -> float | None:
        """How much of a core each of our threads got where there was one for each of them.

        Threads that add to a `SkipListMap` never wait, so what is missing went to other programs.
        """
        shares = [
            share
            for (threads, name), measured in self.measured.items()
            if name == self.names[0] and threads <= (os.cpu_count() or 1)
            for share in measured.core_share
        ]
        return statistics.median(shares) if shares else None

    def was_disturbed(self) -> bool:
        """Whether other programs took so much of the cores that the figures mean little."""
        core_share = self.core_share()
        return not gil_is_enabled() and core_share is not None and core_share < 0.85

    def whole_job_rate(self, threads: int, name: str) -> Rate:
        return self.measured[threads, name].whole_job.rate(self.sources.bytes / 1e6)

    def whole_job_ratio(self, threads: int) -> float:
        ours, theirs = (self.measured[threads, name].whole_job.median for name in self.names)
        return theirs / ours


def measure(
    sources: Sources,
    index_types: tuple[Callable[[], Index], Callable[[], Index]],
    thread_counts: Sequence[int],
    repeat: int,
    progress: Progress,
) -> Results:
    """Run both programs with every number of threads, in turns, and compare what they built."""
    ours, theirs = (index_type() for index_type in index_types)
    results = Results(sources, (ours.name, theirs.name), repeat)
    for threads in thread_counts:
        progress.begin(
            f"Measuring with {threads} thread{'s' if threads > 1 else ''}", 1 + 2 * (repeat + 1)
        )
        with Team(threads) as team:
            pair = measure_with(team, sources, index_types, results, progress)
    results.words = len(pair[0])
    results.answers = answers_from(pair[0], sources.paths)
    if results.answers != answers_from(pair[1], sources.paths):
        raise DemoError("The two indexes answer the questions differently.")
    return results


def measure_with(
    team: Team,
    sources: Sources,
    index_types: tuple[Callable[[], Index], Callable[[], Index]],
    results: Results,
    progress: Progress,
) -> tuple[Index, Index]:
    """Run all rounds with one team; return the last two indexes."""
    measured = {name: Measured() for name in results.names}
    results.measured.update({(team.size, name): measured[name] for name in results.names})
    kept = Kept(sources, team.size)

    def build(index: Index) -> None:
        processor_time = process_time()
        with no_garbage_collection():
            seconds = team.run(lambda: kept.add_own_share(index))
        one = measured[index.name]
        one.building.seconds.append(seconds)
        one.core_share.append((process_time() - processor_time) / (seconds * team.size))

    def do_the_whole_job(index: Index) -> None:
        job = WholeJob(sources, index)
        seconds = team.run(job.work)
        measured[index.name].whole_job.seconds.append(seconds)
        measured[index.name].indexing_share.append(sum(job.indexing) / sum(job.working))

    # The whole job first, while nothing is kept in memory that a user would not have there.
    for run in (do_the_whole_job, build):
        if run is build:
            results.reading[team.size] = Samples([team.run(kept.read_own_share)])
            progress.advance()
        for round_number in range(1 + results.repeat):
            pair = (index_types[0](), index_types[1]())
            gc.collect()
            for index in pair if round_number % 2 else reversed(pair):
                run(index)
            require_equal(*pair)
            results.comparisons += 1
            progress.advance()
            if round_number == 0:  # the warm-up
                for one in measured.values():
                    samples = one.building if run is build else one.whole_job
                    shares = one.core_share if run is build else one.indexing_share
                    samples.seconds.clear()
                    shares.clear()
    return pair


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Let the cyclic garbage collector rest, if it was at work."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Kept:
    """The words of all files in memory, each share held by the thread that read it.

    Objects belong to the thread that made them on free-threaded Python, and others pay more to
    count references to them; as in the whole job, each thread adds its own.
    """

    def __init__(self, sources: Sources, threads: int) -> None:
        self._root = sources.root
        self._shares = deque(sources.in_shares(threads))
        self._own = threading.local()

    def read_own_share(self) -> None:
        own = self._own.files = []
        for file in self._shares.popleft():
            try:
                own.append((file.number, lines_of_words(text_of(self._root / file.path))))
            except SkippedFile:
                raise DemoError(f"{file.path} has become unreadable meanwhile.") from None

    def add_own_share(self, index: Index) -> None:
        add_file = index.writer()
        for number, lines_of in self._own.files:
            add_file(number, lines_of)


class WholeJob:
    """Read files, find words and index them; every thread takes the next file that is left."""

    def __init__(self, sources: Sources, index: Index) -> None:
        # The largest first, so that no thread is left alone with one at the end.
        self._waiting = deque(sources.in_shares(1)[0])
        self._root = sources.root
        self._index = index
        self.indexing: list[float] = []
        self.working: list[float] = []

    def work(self) -> None:
        add_file = self._index.writer()
        next_file = self._waiting.popleft
        indexing = 0.0
        started = perf_counter()
        while True:
            try:
                file = next_file()
            except IndexError:
                break
            try:
                lines_of = lines_of_words(text_of(self._root / file.path))
            except SkippedFile:
                raise DemoError(f"{file.path} has become unreadable meanwhile.") from None
            before = perf_counter()
            add_file(file.number, lines_of)
            indexing += perf_counter() - before
        self.indexing.append(indexing)
        self.working.append(perf_counter() - started)


# ---- showing -----------------------------------------------------------------------------


class Progress:
    """A progress bar: drawn with rich if it is installed, plainly if not, and where standard
    error is no terminal one line for each stage. It draws only when it is told to, never from a
    thread of its own, for that would disturb the measurement.
    """

    def __init__(self, stream: TextIO, *, rich: bool = True) -> None:
        self._stream = stream
        self._total = self._done = 0
        self._title = ""
        self._bar: Any = None
        self._task: Any = None
        self._on_terminal = stream.isatty()
        if rich and self._on_terminal:
            self._bar = rich_progress(stream)

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()
        elif self._on_terminal and self._total:
            self._stream.write("\n")

    def begin(self, title: str, total: int) -> None:
        """Start a stage of so many steps."""
        if self._on_terminal and not self._bar and self._total:
            self._stream.write("\n")
        self._title, self._total, self._done = title, max(total, 1), 0
        if self._bar:
            self._task = self._bar.add_task(title, total=self._total)
        elif not self._on_terminal:
            self._stream.write(f"{title} ...\n")
            self._stream.flush()
        self._draw()

    def advance(self) -> None:
        """One step further."""
        self.reached(self._done + 1)

    def reached(self, done: int) -> None:
        """So many steps of this stage are done."""
        self._done = done
        self._draw()

    def _draw(self) -> None:
        if self._bar:
            self._bar.update(self._task, completed=self._done)
            self._bar.refresh()
        elif self._on_terminal:
            filled = 30 * self._done // self._total
            bar = "#" * filled + "." * (30 - filled)
            self._stream.write(f"\r{self._title:<30} [{bar}] {self._done}/{self._total}")
            self._stream.flush()


def rich_progress(stream: TextIO) -> Any:
    """A bar drawn by rich, or None where it is not installed."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress
    except ImportError:
        return None
    return RichProgress(
        TextColumn("{task.description:<30}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(file=stream),
        auto_refresh=False,
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table whose columns stand right-aligned under their heads."""
    rows = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for cells in (head, ["-" * width for width in widths], *rows):
        yield "  " + "   ".join(
            cell.rjust(width) for cell, width in zip(cells, widths, strict=True)
        )


def bars(
    results: Results, rate_of: Callable[[int, str], Rate], width: int, full: str
) -> Iterator[str]:
    """Lines of a bar chart: a bar for each map under each number of threads."""
    rates = {
        (threads, name): rate_of(threads, name).median
        for threads in results.threads
        for name in results.names
    }
    longest = max(rates.values())
    name_width = max(map(len, results.names))
    room = max(10, width - name_width - 24)
    for threads in results.threads:
        label = f"{threads} thread{'s' if threads > 1 else ''}"
        for name in results.names:
            rate = rates[threads, name]
            bar = full * max(1, round(room * rate / longest))
            yield f"  {label:<10}  {name:<{name_width}}  {bar} {amount(rate)}"
            label = ""


def amount(number: float) -> str:
    """A number with about three digits that matter."""
    return (
        f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"
    )


def with_spread(rate: Rate, scale: float = 1.0) -> str:
    """A rate and, when there was more than one run, the slowest and fastest."""
    text = amount(rate.median / scale)
    if rate.slowest != rate.fastest:
        text += f" ({amount(rate.slowest / scale)}-{amount(rate.fastest / scale)})"
    return text


def gil_is_enabled() -> bool:
    """Whether this interpreter runs one thread at a time, now, whatever it was built for."""
    is_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return is_enabled()


def circumstances() -> str:
    """The interpreter and the machine, in one line; ratios mean little without."""
    gil = "GIL on" if gil_is_enabled() else "GIL off"
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {gil}, "
        f"{os.cpu_count()} cores, {platform.machine()}"
    )


def build_circumstances(build_info: Mapping[str, object]) -> str:
    """How concurrent_collections itself was built, in one line."""
    facts = {
        "allocator": "allocator",
        "smr_schemes": "reclamation",
        "compiler": "compiled by",
        "checks_invariants": "checks its invariants (slow):",
    }
    return ", ".join(
        f"{words} {' '.join(value) if isinstance(value, tuple) else value}"
        for name, words in facts.items()
        if (value := build_info.get(name))
    )


def report(results: Results, width: int, full_block: str) -> Iterator[str]:
    """The lines that the user reads at the end."""
    sources, (ours, theirs) = results.sources, results.names
    skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(sources.skipped.items()))
    yield ""
    yield f"Index of {sources.root}"
    yield (
        f"  {len(sources.files):,} files, {sources.bytes / 1e6:.1f} MB, {results.words:,} words, "
        f"{sources.additions:,} additions (one word of one file each)"
    )
    yield f"  skipped: {skipped or 'nothing'}"
    yield f"  {circumstances()}"
    yield f"  concurrent_collections: {build_circumstances(get_build_info())}"
    yield ""
    yield "Questions to the ordered index"
    for answer in results.answers:
        yield f"  {answer.question}:"
        yield f"      {answer.answer}"
    yield ""
    yield "Building the index, the words being in memory: thousand additions a second"
    yield from table(
        ["threads", ours, theirs, "ratio"],
        (
            [
                str(threads),
                with_spread(results.building_rate(threads, ours), 1e3),
                with_spread(results.building_rate(threads, theirs), 1e3),
                f"{results.building_ratio(threads):.1f}x",
            ]
            for threads in results.threads
        ),
    )
    yield ""
    yield from bars(
        results,
        lambda threads, name: scaled(results.building_rate(threads, name), 1e-3),
        width,
        full_block,
    )
    yield ""
    yield "The whole job, reading and finding words included: MB of text a second"
    yield from table(
        ["threads", "no index", ours, "in index", theirs, "in index", "ratio"],
        (
            [
                str(threads),
                with_spread(results.reading[threads].rate(sources.bytes / 1e6)),
                with_spread(results.whole_job_rate(threads, ours)),
                indexing_share(results.measured[threads, ours]),
                with_spread(results.whole_job_rate(threads, theirs)),
                indexing_share(results.measured[threads, theirs]),
                f"{results.whole_job_ratio(threads):.1f}x",
            ]
            for threads in results.threads
        ),
    )
    yield "  (no index: reading and finding words alone; in index: that part of the threads' time)"
    yield ""
    yield from bars(results, results.whole_job_rate, width, full_block)
    yield ""
    yield (
        f"Medians of {results.repeat} run{'s' if results.repeat > 1 else ''} (slowest-fastest). "
        f"Both indexes were equal, every word in order with every place, in all "
        f"{results.comparisons} comparisons."
    )
    if results.was_disturbed():
        yield (
            "Other programs were using the machine: a thread of ours had "
            f"{results.core_share():.0%} of a core, so the figures are too low and uneven."
        )
    if gil_is_enabled():
        yield (
            "The GIL is on, so one thread runs at a time and none of this can scale; "
            "a free-threaded Python shows what it is for."
        )


def scaled(rate: Rate, factor: float) -> Rate:
    """The same rate in another unit."""
    return Rate(rate.median * factor, rate.slowest * factor, rate.fastest * factor)


def indexing_share(measured: Measured) -> str:
    """The part of the threads' time that went into the index, in percent."""
    return f"{statistics.median(measured.indexing_share):.0%}"


def draw_png(results: Results, path: Path) -> None:
    """Draw both charts with matplotlib, whose ImportError is the caller's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.2), dpi=130, layout="constrained")
    figure.suptitle("One ordered index, many threads", fontsize=15, fontweight="bold")
    charts = figure.subplots(1, 2)
    panels: list[tuple[str, str, Callable[[int, str], Rate], Callable[[int], float]]] = [
        (
            "Building the index (words in memory)",
            "thousand additions per second",
            lambda threads, name: scaled(results.building_rate(threads, name), 1e-3),
            results.building_ratio,
        ),
        (
            "The whole job (read, find words, index)",
            "MB of text per second",
            results.whole_job_rate,
            results.whole_job_ratio,
        ),
    ]
    for chart, (title, unit, rate_of, ratio_of) in zip(charts, panels, strict=True):
        highest = [0.0] * len(results.threads)
        for name, colour, shift in zip(
            results.names, ("#1f77b4", "#b8b8b8"), (-0.2, 0.2), strict=True
        ):
            rates = [rate_of(threads, name) for threads in results.threads]
            chart.bar(
                [position + shift for position in range(len(rates))],
                [rate.median for rate in rates],
                width=0.38,
                color=colour,
                label=name,
                yerr=[
                    [rate.median - rate.slowest for rate in rates],
                    [rate.fastest - rate.median for rate in rates],
                ],
                error_kw={"elinewidth": 1, "capsize": 3, "ecolor": "#444444"},
            )
            highest = [max(top, rate.fastest) for top, rate in zip(highest, rates, strict=True)]
        for position, threads in enumerate(results.threads):
            chart.annotate(
                f"{ratio_of(threads):.1f}x",
                (position, highest[position]),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=11,
                fontweight="bold",
            )
        chart.set_title(title, fontsize=12)
        chart.set_xlabel("threads")
        chart.set_ylabel(unit)
        chart.set_xticks(range(len(results.threads)), [str(count) for count in results.threads])
        chart.set_ylim(0, max(highest) * 1.3)  # room for the legend
        chart.legend(loc="upper center", ncols=2, frameon=False, fontsize=11)
        chart.grid(axis="y", alpha=0.3)
        chart.set_axisbelow(True)
        chart.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(
        f"{circumstances()}  ·  {len(results.sources.files):,} files, "
        f"{results.sources.additions:,} additions, {results.words:,} words\n"
        "bars: medians; lines: slowest and fastest run; bold: ratio of the medians"
        + ("\nother programs were using the machine meanwhile" if results.was_disturbed() else ""),
        fontsize=9,
        color="#555555",
    )
    figure.savefig(path)


# ---- the command -------------------------------------------------------------------------


def counts_of_threads(text: str) -> list[int]:
    """The numbers of ``--threads``, each once, in the order given."""
    counts = list(dict.fromkeys(int(part) for part in text.split(",")))
    if min(counts) < 1:
        raise ValueError(text)
    return counts


def positive(text: str) -> int:
    """A number of at least one."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


# argparse names the function in its message.
counts_of_threads.__name__ = "list of thread counts"
positive.__name__ = "positive number"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m concurrent_collections.demo",
        description="Threads build one ordered index of the files below a directory, on a "
        "lock-free SkipListMap and on a SortedDict with a lock.",
    )
    parser.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        type=Path,
        help="the directory to index (default: this Python's own standard library)",
    )
    parser.add_argument(
        "--threads",
        metavar="N,N,...",
        type=counts_of_threads,
        help="how many threads to measure with (default: 1,2,4,8)",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=positive,
        help=f"index at most N files, spread evenly over the tree (default: {DEFAULT_LIMIT})",
    )
    parser.add_argument(
        "--repeat", metavar="N", type=positive, help="measure each run N times (default: 3)"
    )
    parser.add_argument(
        "--lock-for",
        choices=("word", "file"),
        default="word",
        help="hold the SortedDict's lock for one word (default), or for all words of a file",
    )
    parser.add_argument(
        "--png",
        metavar="FILE",
        type=Path,
        help="where to draw the chart (default: in the directory for temporary files)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"a few seconds: {QUICK_LIMIT} files, 1 and 2 threads, one run each",
    )
    return parser


def run(options: argparse.Namespace) -> None:
    """Do what the command line says, or raise `DemoError`."""
    root: Path = options.path or Path(sysconfig.get_path("stdlib"))
    if not root.exists():
        raise DemoError(f"{root} does not exist.")
    if not root.is_dir():
        raise DemoError(f"{root} is not a directory.")
    png: Path = options.png or Path(tempfile.gettempdir()) / "concurrent_collections_demo.png"
    if not png.absolute().parent.is_dir():
        raise DemoError(f"There is no directory {png.absolute().parent} to draw the chart in.")
    quick: bool = options.quick
    thread_counts = options.threads or ([1, 2] if quick else [1, 2, 4, 8])
    limit = options.limit or (QUICK_LIMIT if quick else DEFAULT_LIMIT)
    repeat = options.repeat or (1 if quick else 3)
    locked = LockedForFilesIndex if options.lock_for == "file" else LockedIndex
    new_sorted_dict()  # is it there at all?

    # A word that this terminal cannot write must not end the demonstration.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with Progress(sys.stderr) as progress:
        sources = read_sources(root, limit, progress)
        results = measure(sources, (LockFreeIndex, locked), thread_counts, repeat, progress)

    for line in report(results, shutil.get_terminal_size().columns, block_for(sys.stdout)):
        print(line)
    # Only now: an extension module that matplotlib imports may turn the GIL on.
    try:
        draw_png(results, png)
    except ImportError:
        print("matplotlib is not installed, so there is no chart as a PNG.")
    except OSError as error:
        raise DemoError(f"The chart cannot be written to {png}: {error.strerror}.") from None
    else:
        print(f"The chart is in {png}")


def block_for(stream: TextIO) -> str:
    """What to draw bars with: a full block where the stream can write one."""
    try:
        "█".encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return "#"
    return "█"


def main(command_line: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = arguments().parse_args(command_line)
    try:
        run(options)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("demo: interrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
