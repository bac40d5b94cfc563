"""The index, on two maps: a lock-free `SkipListMap`, and a `SortedDict` with a lock.

Only `writer` differs between them in more than a name. It is what threads do all the time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any, Protocol, TypeAlias

from concurrent_collections import SkipListMap

from .words import DemoError, FileWords, Lines

Places: TypeAlias = "tuple[int, Lines, Places | None]"
"""What the index holds for a word: a file's number, the lines there, and the places added before.

A linked list, newest first, whose cells never change: adding a file is one new cell in front,
however many there are already, and readers need no lock.
"""

AddFile: TypeAlias = Callable[[FileWords], None]
"""Adds all words of a file to an index."""


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

        def add_file(file: FileWords) -> None:
            number = file.number
            for word, lines in file.items():
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

        def add_file(file: FileWords) -> None:
            number = file.number
            for word, lines in file.items():
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

        def add_file(file: FileWords) -> None:
            number = file.number
            with lock:
                for word, lines in file.items():
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
