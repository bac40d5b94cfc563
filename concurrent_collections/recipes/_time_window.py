"""TimeWindow: what has happened lately, and statistics of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from time import monotonic
from types import GenericAlias
from typing import Any, NamedTuple

from concurrent_collections._counters import AtomicCounter
from concurrent_collections._ordered import SkipListMap
from concurrent_collections.recipes._arguments import (
    NotCopied,
    count,
    finite_number,
    optional_callable,
    seconds,
)
from concurrent_collections.recipes._bounded_map import BoundedSkipListMap

_GONE = object()


class WindowStatistics(NamedTuple):
    """What `TimeWindow.statistics` returns.

    ``mean``, ``min`` and ``max`` are None where there is no event, and ``rate``, in events a second, where the window has no
    length.
    """

    count: int
    sum: Any
    mean: Any
    min: Any
    max: Any
    rate: float | None


class TimeWindow(NotCopied):
    """Events in the order of their times: those of the last `max_age` seconds, or the last `max_count`, or both.

    Parameters
    ----------
    max_age : number, optional
        How old an event gets, in seconds, or whatever unit `clock` has. More than 0. An event that is exactly as old is out:
        with one event a second, a window of ten seconds has ten.
    max_count : int, optional
        How many events there are at most, at every instant: a new one takes the place of the earliest. At least 1. One of
        the two is needed.
    clock : callable, optional
        Returns the time as a number; `time.monotonic` by default.
    on_evict : callable, optional
        Called with time and event of each event that leaves because of its age or of the bound, by the thread that takes it out,
        after it is gone.

    Raises TypeError, ValueError or OverflowError for arguments that are none of these.

    An event is any object: a number, or something that `of` makes a number of. Any number of events may have one time; they are
    kept in the order in which they came.

    Who evicts: `add`, all that is too old, and `evict`. Nothing else does, but no method shows an event that is too old, whether it has
    been evicted or not. There is no thread in the background.

    `add` stores in one atomic step, and each event leaves once. With `max_count` the bound holds at every instant, and storing and evicting are
    two steps, as in `BoundedSkipListMap`. `statistics`, `count` and iterating are weakly consistent: they have all events that
    were added before the call, and are in the window until its end, each once, and may or may not have those that are
    added meanwhile. Nothing is lost: what one misses, the next one has.

    Lock-free, but for what `BoundedSkipListMap` says of a small `max_count`. If a signal handler raises in a call, an event that it was
    just evicting may go without `on_evict` being called. `add` is O(log n), and O(log n) more for each event that it evicts.

    Example::

        requests = TimeWindow(60)
        requests.add(0.023)                      # seconds that it took
        lately = requests.statistics(last=10)
        print(lately.rate, lately.mean, lately.max)
    """

    __slots__ = ("_clock", "_events", "_max_age", "_max_count", "_number", "_on_evict")
    _instead = "its clock goes on; list(w.items()) has times and events"

    def __init__(
        self,
        max_age: Any = None,
        max_count: Any = None,
        *,
        clock: Callable[[], Any] = monotonic,
        on_evict: Callable[[Any, Any], object] | None = None,
    ) -> None:
        if max_age is None and max_count is None:
            raise TypeError("max_age: needed, where there is no max_count")
        if max_age is not None and seconds(max_age, "max_age") <= 0:
            raise ValueError(f"max_age: expected more than 0, got {max_age}")
        if max_count is not None and count(max_count, "max_count", 1) >= 2**63:
            raise OverflowError("max_count: expected at most 2**63 - 1")
        if not callable(clock):
            raise TypeError(f"clock: expected a callable, got {type(clock).__name__}")
        self._max_age = max_age
        self._max_count = None if max_count is None else count(max_count, "max_count")
        self._clock = clock
        self._on_evict = optional_callable(on_evict, "on_evict")
        self._number = AtomicCounter()
        # By (time, number): each number is given once, so that events of one time are different keys.
        self._events: Any = SkipListMap()
        if self._max_count is not None:
            self._events = BoundedSkipListMap(self._max_count, on_evict=self._report)

    @property
    def max_age(self) -> Any:
        """How old an event gets, or None."""
        return self._max_age

    @property
    def max_count(self) -> int | None:
        """How many events there are at most, or None."""
        return self._max_count

    # ---- coming and going ----

    def add(self, event: Any = 1, *, at: Any = None) -> Any:
        """Add an event that happens now, or at the time ``at``; return its time.

        Then evicts what is too old, perhaps the event itself. Raises TypeError or ValueError for a time that is no finite
        number, and what the clock raises: nothing is added then. Raises what ``on_evict`` raises, after the event is in.
        """
        now = self._now() if at is None else None
        time = now if at is None else finite_number(at, "at")
        oldest = self._oldest(now)
        self._events.put((time, self._number.add(1)), event)
        self._evict(oldest)
        return time

    def _oldest(self, now: Any = None) -> Any:
        """What is as old as this, or older, is out; None: nothing is."""
        if self._max_age is None:
            return None
        return (self._now() if now is None else now) - self._max_age

    def evict(self) -> int:
        """Remove what is too old; return how many events this call has removed. O(log n) for each."""
        return self._evict(self._oldest())

    def _evict(self, oldest: Any) -> int:
        removed = 0
        if oldest is None:
            return removed
        while (item := self._events.first_item(None)) is not None and item[0][0] <= oldest:
            event = self._events.pop(item[0], _GONE)
            if event is not _GONE:  # else another thread was faster
                removed += 1
                self._report(item[0], event)
        return removed

    def clear(self) -> None:
        """Remove all events, one after another; nothing is reported."""
        self._events.clear()

    def _report(self, key: Any, event: Any) -> None:
        if self._on_evict is not None:
            self._on_evict(key[0], event)

    def _now(self) -> Any:
        return finite_number(self._clock(), "clock")

    # ---- looking ----

    def _length(self, last: Any) -> Any:
        if last is None:
            return self._max_age
        if seconds(last, "last") <= 0:
            raise ValueError(f"last: expected more than 0, got {last}")
        if self._max_age is not None and last > self._max_age:
            raise ValueError(f"last: the window keeps {self._max_age}, got {last}")
        return last

    def _start(self, last: Any) -> Any:
        length = self._length(last)
        return None if length is None else (self._now() - length, inf)

    def items(self, last: Any = None) -> Iterator[tuple[Any, Any]]:
        """Iterate over (time, event) pairs, the earliest first: all, or those of the last so many seconds.

        The call decides what is too old, not the steps of the iterator. Raises TypeError or ValueError if ``last`` is no
        number, not more than 0, or more than `max_age`.
        """
        return ((key[0], event) for key, event in self._events.items(self._start(last)))

    def __iter__(self) -> Iterator[Any]:
        return (event for _, event in self.items())

    def count(self, last: Any = None) -> int:
        """Return how many events there are. Argument and errors as for `items`. O(events counted)."""
        return self._events.count_range(self._start(last))  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return self.count()

    def rate(self, last: Any = None) -> float:
        """Return how many events a second there were. Argument and errors as for `items`; ValueError also without any length."""
        length = self._length(last)
        if length is None:
            raise ValueError("last: needed, where the window has no max_age")
        return self.count(last) / length  # type: ignore[no-any-return]

    def statistics(
        self, last: Any = None, *, of: Callable[[Any], Any] | None = None
    ) -> WindowStatistics:
        """Return count, sum, mean, min, max and rate, all of the same events, as a `WindowStatistics`.

        ``of`` makes a number of an event; without it, the events are numbers. Argument ``last`` and errors as for `items`; raises
        also what ``of`` and adding raise. O(events).
        """
        optional_callable(of, "of")
        length = self._length(last)
        values = [event if of is None else of(event) for _, event in self.items(last)]
        total = sum(values)
        return WindowStatistics(
            len(values),
            total,
            total / len(values) if values else None,
            min(values, default=None),
            max(values, default=None),
            None if length is None else len(values) / length,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} max_age={self._max_age} max_count={self._max_count}: {len(self)} events>"

    __class_getitem__ = classmethod(GenericAlias)
