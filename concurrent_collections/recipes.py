"""Containers for particular purposes, made of the others. Read them: they are meant to be copied and changed, too.

They are plain Python over the public classes, and as safe between threads as these: each method says what is one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import GenericAlias
from typing import Any

from concurrent_collections._counters import AtomicCounter
from concurrent_collections._ordered import REMOVE, SkipListMap
from concurrent_collections._sync import Semaphore

__all__ = ["BoundedSkipListMap"]

_MISSING = object()


class BoundedSkipListMap:
    """An ordered map with at most `maxsize` entries: to put another one evicts one.

    Parameters
    ----------
    maxsize : int
        How many entries there are at most, at every instant. At least 1.
    evict : "smallest", "largest", "oldest" or "least recently used"
        Which entry goes: the one with the smallest or largest key, the one that was put in longest ago, or the one that was
        neither read nor written for the longest time.
    on_evict : callable, optional
        Called with key and value of each entry that has been evicted, by the thread that evicted it, after it is gone.

    Keys are those of `SkipListMap`. With "smallest" (or "largest"), a new key that is smaller (larger) than all in a full map is
    not stored: it is the one that goes, and it is reported like any other.

    Single calls on one key are atomic; that a full map evicts and then stores are two steps, between which it has room for
    one. If two threads put the same new key at once, one entry more than needed may be evicted. Entries that are put
    at the same time have the same age, and so may go in either order. Lock-free: nobody waits for a thread that stops.

    Example::

        cache = BoundedSkipListMap(1000, evict="least recently used")
        page = cache.get(url)
        if page is None:
            cache[url] = page = load(url)
    """

    __slots__ = ("_ages", "_clock", "_entries", "_evict", "_maxsize", "_on_evict", "_room")

    def __init__(
        self,
        maxsize: int,
        *,
        evict: str = "smallest",
        on_evict: Callable[[Any, Any], object] | None = None,
    ) -> None:
        if type(maxsize) is not int:
            raise TypeError(f"maxsize: expected an int, got {type(maxsize).__name__}")
        if maxsize < 1:
            raise ValueError(f"maxsize: expected at least 1, got {maxsize}")
        if evict not in ("smallest", "largest", "oldest", "least recently used"):
            raise ValueError(
                "evict: expected 'smallest', 'largest', 'oldest' or 'least recently used',"
                f" got {evict!r}"
            )
        if on_evict is not None and not callable(on_evict):
            raise TypeError(f"on_evict: expected a callable or None, got {type(on_evict).__name__}")
        self._maxsize = maxsize
        self._evict = evict
        self._on_evict = on_evict
        # Who puts an entry in takes room first, and who takes one out gives it back afterwards. So entries
        # and room together are never more than maxsize.
        self._room = Semaphore(maxsize)
        # Key: (value, number). Each number is given once. Of an entry that is complete, `ages` has the number;
        # numbers in `ages` that no entry has are left over, and mean nothing.
        self._entries: SkipListMap[Any, tuple[Any, int]] = SkipListMap()
        self._ages: SkipListMap[int, Any] = SkipListMap()
        self._clock = AtomicCounter()

    @property
    def maxsize(self) -> int:
        """How many entries there are at most."""
        return self._maxsize

    # ---- ages ----

    def _new_number(self) -> int:
        return self._clock.add(1) if self._evict in ("oldest", "least recently used") else 0

    def _note_age(self, key: Any, number: int) -> None:
        # Only now can it be evicted by age. If the entry has gone or was replaced meanwhile, its
        # number has to go again.
        if number:
            self._ages[number] = key
            entry = self._entries.get(key)
            if entry is None or entry[1] != number:
                self._ages.delete(number)

    def _forget_age(self, number: int) -> None:
        if number:
            self._ages.delete(number)

    # ---- one key ----

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of ``key``, or ``default``. With "least recently used" it counts as used. As for `SkipListMap.get`."""
        if self._evict != "least recently used":
            entry = self._entries.get(key)
            return default if entry is None else entry[0]
        number = self._new_number()
        before = 0

        def renew(entry: tuple[Any, int]) -> tuple[Any, int]:
            nonlocal before
            before = entry[1]
            return entry[0], number

        renewed = self._entries.compute_if_present(key, renew)
        if renewed is None:
            return default
        self._forget_age(before)
        self._note_age(key, number)
        return renewed[0]

    def __getitem__(self, key: Any) -> Any:
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        """Whether ``key`` is there. It does not count as used."""
        return key in self._entries

    def put(self, key: Any, value: Any) -> tuple[Any, Any] | None:
        """Store ``value`` under ``key``; return the entry that was evicted for it as a pair, or None.

        Replacing evicts nothing. Raises what `SkipListMap.put` raises, and what ``on_evict`` raises, after the entry is stored.
        """
        evicted: list[tuple[Any, Any]] = []
        try:
            self._put(key, value, evicted)
        finally:
            for gone in evicted:
                if self._on_evict is not None:
                    self._on_evict(*gone)
        return evicted[-1] if evicted else None

    def _put(self, key: Any, value: Any, evicted: list[tuple[Any, Any]]) -> None:
        while True:
            number = self._new_number()
            replaced = self._entries.replace(key, (value, number))
            if replaced is not None:
                self._forget_age(replaced[1])
                self._note_age(key, number)
                return
            if not self._room.acquire(blocking=False):
                if self._is_beyond_the_end(key):
                    evicted.append((key, value))
                    return
                gone = self._take_one()
                if gone is None:
                    continue
                evicted.append(gone)
            # We have room for one, whether free or taken from another entry.
            stored = False
            try:
                stored = self._entries.put_if_absent(key, (value, number)) is None
            finally:
                if not stored:
                    self._room.release()
            if stored:
                self._note_age(key, number)
                return

    def __setitem__(self, key: Any, value: Any) -> None:
        self.put(key, value)

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """Remove ``key`` and return its value; ``default``, or KeyError without one, if it is not there."""
        entry = self._entries.pop(key, None)
        if entry is None:
            if default is _MISSING:
                raise KeyError(key)
            return default
        self._room.release()
        self._forget_age(entry[1])
        return entry[0]

    def delete(self, key: Any) -> bool:
        """Remove ``key``; return whether it was there."""
        return self.pop(key, self) is not self

    def __delitem__(self, key: Any) -> None:
        self.pop(key)

    # ---- evicting ----

    def _is_beyond_the_end(self, key: Any) -> bool:
        if self._evict == "smallest":
            end = self._entries.first_key(_MISSING)
            return end is not _MISSING and key < end
        if self._evict == "largest":
            end = self._entries.last_key(_MISSING)
            return end is not _MISSING and end < key
        return False

    def _take_one(self) -> tuple[Any, Any] | None:
        """Take out one entry, and keep its room. None: there was none."""
        if self._evict in ("oldest", "least recently used"):
            while (aged := self._ages.pop_first(None)) is not None:
                number, key = aged
                entry = self._take_exactly(key, number)
                if entry is not None:
                    return key, entry[0]
            # All entries are being put by threads that have not come to noting their ages: any will do.
        pop = self._entries.pop_last if self._evict == "largest" else self._entries.pop_first
        end = pop(None)
        if end is None:
            return None
        key, (value, number) = end
        self._forget_age(number)
        return key, value

    def _take_exactly(self, key: Any, number: int) -> tuple[Any, int] | None:
        """Take out this entry, unless it has been used since it had the number."""
        taken: tuple[Any, int] | None = None

        def take(entry: tuple[Any, int] | None) -> Any:
            nonlocal taken  # what the last call says is what has happened
            taken = entry if entry is not None and entry[1] == number else None
            return entry if entry is not None and taken is None else REMOVE

        self._entries.compute(key, take)
        return taken

    # ---- order, and the whole ----

    def first_item(self, default: Any = _MISSING) -> tuple[Any, Any]:
        """Return the entry with the smallest key as a pair; ``default``, or KeyError without one, if there is none."""
        return self._without_number(self._entries.first_item(None), default)

    def last_item(self, default: Any = _MISSING) -> tuple[Any, Any]:
        """Return the entry with the largest key as a pair; ``default``, or KeyError without one, if there is none."""
        return self._without_number(self._entries.last_item(None), default)

    def pop_first(self, default: Any = _MISSING) -> tuple[Any, Any]:
        """Remove and return the entry with the smallest key; ``default``, or KeyError without one, if there is none."""
        return self._without_number(self._released(self._entries.pop_first(None)), default)

    def pop_last(self, default: Any = _MISSING) -> tuple[Any, Any]:
        """Remove and return the entry with the largest key; ``default``, or KeyError without one, if there is none."""
        return self._without_number(self._released(self._entries.pop_last(None)), default)

    def _released(
        self, item: tuple[Any, tuple[Any, int]] | None
    ) -> tuple[Any, tuple[Any, int]] | None:
        if item is not None:
            self._room.release()
            self._forget_age(item[1][1])
        return item

    @staticmethod
    def _without_number(item: tuple[Any, tuple[Any, int]] | None, default: Any) -> Any:
        if item is not None:
            return item[0], item[1][0]
        if default is _MISSING:
            raise KeyError("the container is empty")
        return default

    def __len__(self) -> int:
        return min(len(self._entries), self._maxsize)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def keys(
        self,
        start: Any = None,
        stop: Any = None,
        *,
        inclusive: Any = (True, False),
        reverse: bool = False,
    ) -> Iterator[Any]:
        """Iterate over keys. Arguments and promises as for `SkipListMap.keys`; no entry counts as used."""
        return iter(self._entries.keys(start, stop, inclusive=inclusive, reverse=reverse))

    def items(
        self,
        start: Any = None,
        stop: Any = None,
        *,
        inclusive: Any = (True, False),
        reverse: bool = False,
    ) -> Iterator[tuple[Any, Any]]:
        """Iterate over entries as pairs. Arguments and promises as for `SkipListMap.items`; no entry counts as used."""
        entries = self._entries.items(start, stop, inclusive=inclusive, reverse=reverse)
        return ((key, entry[0]) for key, entry in entries)

    def clear(self) -> None:
        """Remove the entries, one after another; nothing is reported."""
        for key in self._entries:
            self.delete(key)

    def __repr__(self) -> str:
        entries = ", ".join(f"{key!r}: {value!r}" for key, value in self.items())
        return f"{type(self).__name__}({self._maxsize}, evict={self._evict!r}: {{{entries}}})"

    __class_getitem__ = classmethod(GenericAlias)
