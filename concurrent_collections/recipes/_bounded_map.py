"""BoundedSkipListMap: at most n entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, starmap
from operator import lt
from time import sleep
from types import GenericAlias
from typing import Any

from concurrent_collections._counters import AtomicCounter
from concurrent_collections._ordered import REMOVE, SkipListMap
from concurrent_collections._sync import Semaphore

_MISSING = object()
_NOT_THERE = object()

# How long `put` waits, in seconds, before each try to find room: none, and then about 10 ms in all.
_PAUSES = (0.0, *(1e-5 * 2**n for n in range(10)))

# Interrupts. What a signal handler raises, such as KeyboardInterrupt, arrives when a call has returned, and
# before its result is assigned. `(result,) = starmap(f, [arguments])` is one step: nothing arrives between
# the effect of a call of the classes of this package and the assignment. So what has happened is known
# afterwards; and a `finally` that calls nothing before `release` cannot be interrupted before it.


def _empty(cls: type[Any], *arguments: Any) -> Any:
    """A new map of a class: for copies and pickles, which call no ``__init__`` of a subclass."""
    result = cls.__new__(cls)
    BoundedSkipListMap._begin(result, *arguments)
    return result


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

    Raises TypeError or ValueError for arguments that are none of these, OverflowError if `maxsize` is 2**63 or more.

    Keys are those of `SkipListMap`. With "smallest" (or "largest"), a new key that is smaller (larger) than all in a full map is
    not stored: it is the one that goes, and it is reported like any other.

    Single calls on one key are atomic; that a full map evicts and then stores are two steps, between which it has room for
    one. If two threads put the same new key at once, one entry more than needed may be evicted. Entries that are put
    at the same time have the same age, and so may go in either order.

    Lock-free: nobody waits for a thread that stops. If all room belongs to calls that are under way (in a small map, or
    if a key's ``<`` puts something into the map that it is put into), `put` sleeps ten times, about 10 ms in all; if there
    is no room then, the new entry is the one that goes, as if it had been put just before the others.

    If a signal handler raises in a call, the call has had its effect or not; no room is lost. But the entry may have lost its
    age: then it goes after all that have one, or gets a new one when it is used.

    ``copy``, the module copy and pickle make a map with the same bound, rule, ``on_evict`` and entries, in the order of their
    ages: a weakly consistent copy. It has at most `maxsize` entries, and nothing is reported.

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
        if maxsize >= 2**63:
            raise OverflowError("maxsize: expected at most 2**63 - 1")
        if evict not in ("smallest", "largest", "oldest", "least recently used"):
            raise ValueError(
                "evict: expected 'smallest', 'largest', 'oldest' or 'least recently used',"
                f" got {evict!r}"
            )
        if on_evict is not None and not callable(on_evict):
            raise TypeError(f"on_evict: expected a callable or None, got {type(on_evict).__name__}")
        self._begin(maxsize, evict, on_evict)

    def _begin(
        self, maxsize: int, evict: str, on_evict: Callable[[Any, Any], object] | None
    ) -> None:
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

        Evicts one entry at most, which may be the new one; replacing evicts none, but if another thread stores the same key just
        then. Raises what `SkipListMap.put` raises, and what ``on_evict`` raises, after the entry is stored. ``key`` is compared
        with itself and with others before anything is evicted. If a comparison raises only afterwards, nothing is
        stored, but the entry that was evicted is gone; it is reported.
        """
        taken: list[Any] = [None]  # an entry that went
        try:
            if not self._put(key, value, taken):
                taken = [(key, (value, 0))]
        finally:
            if taken[0] is not None and self._on_evict is not None:
                self._on_evict(taken[0][0], taken[0][1][0])
        return (taken[0][0], taken[0][1][0]) if taken[0] is not None else None

    def _put(self, key: Any, value: Any, taken: list[Any]) -> bool:
        """False: the new entry is the one that goes. In `taken`: an entry that was evicted for it."""
        free = [False]  # whether room that was free is ours
        before: Any = _MISSING  # None: stored
        try:
            while True:
                number = self._new_number()
                replaced = self._entries.replace(key, (value, number))
                if replaced is not None:
                    self._forget_age(replaced[1])
                    self._note_age(key, number)
                    return True
                # Room that was not needed in the last round is kept for this one.
                if not (free[0] or taken[0] or self._find_room(key, free, taken)):
                    return False
                (before,) = starmap(self._entries.put_if_absent, [(key, (value, number))])
                if before is None:
                    self._note_age(key, number)
                    return True
        finally:
            if before is not None and (free[0] or taken[0]):
                self._room.release()

    def _find_room(self, key: Any, free: list[Any], taken: list[Any]) -> bool:
        """Get room for one: `free` is [True], or in `taken` is an entry that has been taken out. False: `key` goes."""
        for pause in _PAUSES:
            if pause:
                sleep(pause)
            (free[0],) = starmap(self._room.acquire, [(False,)])
            if free[0]:
                return True
            if self._is_beyond_the_end(key):
                return False
            lt(key, key)  # what it raises, it raises before an entry has gone
            self._take_one(taken)
            if taken[0]:
                return True
        return False

    def __setitem__(self, key: Any, value: Any) -> None:
        self.put(key, value)

    def pop(self, key: Any, default: Any = _MISSING) -> Any:
        """Remove ``key`` and return its value; ``default``, or KeyError without one, if it is not there."""
        entry = self._remove(self._entries.pop, key, None)
        if entry is not None:
            self._forget_age(entry[1])
            return entry[0]
        if default is _MISSING:
            raise KeyError(key)
        return default

    def delete(self, key: Any) -> bool:
        """Remove ``key``; return whether it was there."""
        return self.pop(key, _NOT_THERE) is not _NOT_THERE

    def _remove(self, remove: Callable[..., Any], *arguments: Any) -> Any:
        """Call one of the methods of `_entries` that remove, and give back the room of what it returns, unless it is None."""
        removed = None
        try:
            (removed,) = starmap(remove, [arguments])
        finally:
            if removed is not None:
                self._room.release()
        return removed

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

    def _take_one(self, taken: list[Any]) -> None:
        """Take out one entry, if there is any, and keep its room: it is in `taken`, as a pair of key and (value, number)."""
        if self._evict in ("oldest", "least recently used"):
            while (aged := self._ages.pop_first(None)) is not None:
                number, key = aged
                try:
                    self._take_exactly(key, number, taken)
                except BaseException:
                    self._ages[number] = key  # it may still be there
                    raise
                if taken[0]:
                    return
            # All entries are being put by threads that have not come to noting their ages: any will do.
        pop = self._entries.pop_last if self._evict == "largest" else self._entries.pop_first
        (taken[0],) = starmap(pop, [(None,)])
        if taken[0]:
            self._forget_age(taken[0][1][1])

    def _take_exactly(self, key: Any, number: int, taken: list[Any]) -> None:
        """Take out this entry, unless it has been used since it had the number."""
        seen: Any = None

        def take(entry: tuple[Any, int] | None) -> Any:
            nonlocal seen  # what the last call says is what has happened
            is_it = entry is not None and entry[1] == number
            seen = (key, entry) if is_it else None
            return REMOVE if is_it or entry is None else entry

        (_,) = starmap(self._entries.compute, [(key, take)])
        taken[0] = seen

    # ---- order, and the whole ----

    def first_item(self, default: Any = _MISSING) -> tuple[Any, Any]:
        """Return the entry with the smallest key as a pair; ``default``, or KeyError without one, if there is none."""
        return self._without_number(self._entries.first_item(None), default)

    def last_item(self, default: Any = _MISSING) -> tuple[Any, Any]:
        """Return the entry with the largest key as a pair; ``default``, or KeyError without one, if there is none."""
        return self._without_number(self._entries.last_item(None), default)

    def pop_first(self, default: Any = _MISSING) -> tuple[Any, Any]:
        """Remove and return the entry with the smallest key; ``default``, or KeyError without one, if there is none."""
        return self._pop_end(self._entries.pop_first, default)

    def pop_last(self, default: Any = _MISSING) -> tuple[Any, Any]:
        """Remove and return the entry with the largest key; ``default``, or KeyError without one, if there is none."""
        return self._pop_end(self._entries.pop_last, default)

    def _pop_end(self, pop: Callable[..., Any], default: Any) -> Any:
        item = self._remove(pop, None)
        if item is not None:
            self._forget_age(item[1][1])
        return self._without_number(item, default)

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

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._entries)

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

    def values(
        self,
        start: Any = None,
        stop: Any = None,
        *,
        inclusive: Any = (True, False),
        reverse: bool = False,
    ) -> Iterator[Any]:
        """Iterate over values, in the order of their keys. Arguments and promises as for `SkipListMap.values`; none counts as used."""
        entries = self._entries.values(start, stop, inclusive=inclusive, reverse=reverse)
        return (entry[0] for entry in entries)

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

    def count_range(
        self, start: Any = None, stop: Any = None, *, inclusive: Any = (True, False)
    ) -> int:
        """Return how many keys lie between two bounds. Arguments and promises as for `SkipListMap.count_range`."""
        return self._entries.count_range(start, stop, inclusive=inclusive)

    def to_dict(self) -> dict[Any, Any]:
        """Return a dict with the same entries, in the order of their keys; no entry counts as used. Weakly consistent."""
        return dict(self.items())

    def update(self, other: Any = (), /, **kwargs: Any) -> None:
        """Put the entries of a mapping or of an iterable of pairs, then the keyword arguments: one `put` after another."""
        is_mapping = hasattr(other, "keys")
        pairs = ((key, other[key]) for key in other) if is_mapping else other
        for key, value in chain(pairs, kwargs.items()):
            self.put(key, value)

    def popitem(self, last: bool = True) -> tuple[Any, Any]:
        """Remove and return the entry with the largest key as a pair, or with ``last=False`` the smallest; KeyError if there is none."""
        return self.pop_last() if last else self.pop_first()

    def clear(self) -> None:
        """Remove the entries, one after another; nothing is reported."""
        for key in self._entries:
            self.delete(key)

    def copy(self) -> BoundedSkipListMap:
        """Return a new map of the same class, as ``copy.copy`` does, but without what a subclass adds."""
        result = _empty(type(self), self._maxsize, self._evict, self._on_evict)
        for key, value in self._youngest_last():
            BoundedSkipListMap.put(result, key, value)
        return result  # type: ignore[no-any-return]

    def _youngest_last(self) -> list[tuple[Any, Any]]:
        """The entries, what goes first in front; never more than maxsize, whatever others do."""
        entries = list(self._entries.items())
        if self._evict == "largest":
            entries.reverse()
        elif self._evict != "smallest":
            entries.sort(key=lambda item: item[1][1])
        return [(key, entry[0]) for key, entry in entries[-self._maxsize :]]

    def __reduce__(self) -> tuple[Any, ...]:
        added, slots = object.__getstate__(self)  # type: ignore[misc]
        slots = {k: v for k, v in slots.items() if k not in BoundedSkipListMap.__slots__}
        arguments = type(self), self._maxsize, self._evict, self._on_evict
        state = (added, slots) if slots else added
        return _empty, arguments, state, None, iter(self._youngest_last())

    def __repr__(self) -> str:
        entries = ", ".join(f"{key!r}: {value!r}" for key, value in self.items())
        return f"{type(self).__name__}({self._maxsize}, evict={self._evict!r}: {{{entries}}})"

    __class_getitem__ = classmethod(GenericAlias)
