# AccessTracker: a dict from keys to cells, and atomic words in the cells. A key's cell stays the
# same until the key is removed, so whoever has found it can count in it and forget the dict.

import heapq
import math
import time
from collections import namedtuple
from types import GenericAlias

from libc.math cimport INFINITY, exp2, isfinite, log1p, log2
from libc.string cimport memcpy

cdef double ONE_BY_LOG_2 = 1 / math.log(2)

Access = namedtuple("Access", "accesses last_access score")
Access.__module__ = "concurrent_collections"
Access.__doc__ = "What an AccessTracker knows of a key."
cdef object ACCESS = Access


cdef inline uint64_t bits_of(double number) noexcept:
    cdef uint64_t bits
    memcpy(&bits, &number, sizeof(bits))
    return bits


cdef inline double double_of(uint64_t bits) noexcept:
    cdef double number
    memcpy(&number, &bits, sizeof(bits))
    return number


@cython.final
cdef class _AccessCell:
    cdef cc_atomic_u64 count  # int64_t
    cdef cc_atomic_u64 last  # bits of a double: the latest time
    # Bits of a double, -inf at first: the binary logarithm of the sum, over accesses, of
    # amount * 2 ** (age of the tracker at the access / half_life). The sum itself would leave the
    # range of a double after 1024 half-lives. To its logarithm an access is added by one
    # compare-and-swap, and time passes without touching it.
    cdef cc_atomic_u64 weight

    def __cinit__(self, double now):
        cc_store_relaxed_u64(&self.last, bits_of(now))
        cc_store_relaxed_u64(&self.weight, bits_of(-INFINITY))


cdef void raise_to(cc_atomic_u64 *word, double number) noexcept:
    cdef uint64_t seen = cc_load_seq_cst_u64(word)
    while double_of(seen) < number and not cc_cas_seq_cst_u64(word, &seen, bits_of(number)):
        pass


cdef void add_logarithm(cc_atomic_u64 *word, double more) noexcept:
    cdef uint64_t seen = cc_load_seq_cst_u64(word)
    cdef double there, high, low
    while True:
        there = double_of(seen)
        high, low = (more, there) if more > there else (there, more)
        if cc_cas_seq_cst_u64(word, &seen, bits_of(high + log1p(exp2(low - high)) * ONE_BY_LOG_2)):
            return


cdef double seconds_from(str name, value) except? -1:
    cdef double seconds
    try:
        seconds = value
    except TypeError:
        raise TypeError(f"{name}: expected a number of seconds, got {type(value).__name__}") from None
    except OverflowError:
        seconds = INFINITY
    if not isfinite(seconds):
        raise ValueError(f"{name}: expected a finite number of seconds, got {seconds}")
    return seconds


cdef class AccessTracker:
    """AccessTracker(*, half_life=None, clock=None)\n--\n\nCounts accesses by key, from any number of threads: how often, when last, and which keys are used most.

    Parameters
    ----------
    half_life : float, optional
        Seconds after which an access counts half as much for ``score`` and ``top``. Without it, the score is the count.
    clock : callable, optional
        Returns the time in seconds; time.monotonic by default.

    The score of a key at the time ``now`` is the sum, over its accesses, of ``amount * 2 ** ((t - now) / half_life)``, where ``t`` is
    the time of the access. It is a float, and rounded.

    Keys are hashable objects. The tracker keeps a key until ``forget``, ``prune`` or ``clear`` drops it. No access is lost beside
    others to the same key; one that runs at the same time as ``forget`` may be forgotten with the key. Count, time and score of a
    key are exact each by itself; read while others record, they need not be of the same moment.

    >>> tracker = AccessTracker()
    >>> tracker.record("a"), tracker.record("b"), tracker.record("a")
    (1, 1, 2)
    >>> tracker.top(1)
    [('a', 2.0)]

    Source: forward decay, Cormode, Shkapenyuk, Srivastava and Xu (ICDE 2009).
    """
    cdef dict cells  # key -> _AccessCell
    cdef object clock  # this and the next two: written once, by __init__
    cdef double seconds_of_half_life  # 0: none
    cdef double started
    cdef cc_atomic_u32 has_begun
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.cells = {}

    def __init__(self, *, half_life=None, clock=None):
        cdef double seconds = 0
        if half_life is not None:
            seconds = seconds_from("half_life", half_life)
            if seconds <= 0:
                raise ValueError(f"half_life: expected a positive number of seconds, got {half_life!r}")
        if clock is None:
            clock = time.monotonic
        elif not callable(clock):
            raise TypeError(f"clock: expected a callable, got {type(clock).__name__}")
        cdef double started = seconds_from("clock", clock())
        if cc_exchange_acq_rel_u32(&self.has_begun, 1):
            raise RuntimeError(f"{type(self).__name__}: __init__ has already been called")
        self.seconds_of_half_life = seconds
        self.started = started
        self.clock = clock

    def record(self, key, amount=1):
        """Count an access to a key, or ``amount`` of them; return the new count. O(1).

        Raises
        ------
        TypeError
            ``key`` is not hashable, or ``amount`` is not an int.
        ValueError
            ``amount`` is less than 1, or the clock did not return a finite number.
        OverflowError
            The count would have more than 64 bits, or ``amount`` has. Nothing has changed.
        """
        cdef int64_t more = number_from("amount", amount), count = 0
        cdef double now
        cdef _AccessCell cell
        if more < 1:
            raise ValueError(f"amount: expected an int from 1 on, got {more}")
        now = time_of(self)
        found = find_in_dict(self.cells, key)
        if found is None:
            found = self.cells.setdefault(key, _AccessCell(now))
        cell = <_AccessCell>found
        if not cc_checked_add(&cell.count, more, &count):
            does_not_fit(self, more)
        raise_to(&cell.last, now)
        if self.seconds_of_half_life:
            add_logarithm(&cell.weight, log2(<double>more) + (now - self.started) / self.seconds_of_half_life)
        return count

    def count(self, key):
        """Return how many accesses to a key have been recorded; 0 if there was none. O(1)."""
        found = find_in_dict(self.cells, key)
        return 0 if found is None else count_of(<_AccessCell>found)

    def last_access(self, key, default=None):
        """Return the time of the latest access to a key, or ``default`` if there was none. O(1)."""
        found = find_in_dict(self.cells, key)
        return default if found is None else double_of(cc_load_seq_cst_u64(&(<_AccessCell>found).last))

    def score(self, key):
        """Return the score of a key now; 0.0 if there was no access. O(1)."""
        cdef double now = time_of(self)
        found = find_in_dict(self.cells, key)
        return 0.0 if found is None else score_of(self, <_AccessCell>found, now)

    def top(self, k=10):
        """Return the ``k`` keys with the highest scores, as a list of (key, score), highest first. O(n log k).

        All scores are of one time. Keys with equal scores are in the order in which they were first recorded. Raises ValueError if
        ``k`` is negative, TypeError if it is not an int.
        """
        cdef int64_t most = number_from("k", k)
        if most < 0:
            raise ValueError(f"k: expected an int from 0 on, got {most}")
        cdef double now = time_of(self)
        cdef dict cells = self.cells.copy()
        pairs = [(key, score_of(self, <_AccessCell>cell, now)) for key, cell in cells.items()]
        return heapq.nlargest(min(most, len(pairs)), pairs, key=SECOND)

    def snapshot(self):
        """Return a dict from each key to a named tuple (accesses, last_access, score). O(n).

        The keys are those of one instant, and the scores of one time; counts go on meanwhile.
        """
        cdef double now = time_of(self)
        cdef dict cells = self.cells.copy()
        return {key: ACCESS(count_of(<_AccessCell>cell), double_of(cc_load_seq_cst_u64(&(<_AccessCell>cell).last)),
                            score_of(self, <_AccessCell>cell, now))
                for key, cell in cells.items()}

    def forget(self, key):
        """Drop a key and what is known of it; return whether there was anything. O(1)."""
        return self.cells.pop(key, None) is not None

    def prune(self, below):
        """Drop the keys whose score is less than ``below``; return how many. O(n).

        An access that runs at the same time may be dropped with its key. Raises TypeError if ``below`` is not a number.
        """
        cdef double least, now = time_of(self)
        cdef Py_ssize_t dropped = 0
        cdef dict cells = self.cells.copy()
        try:
            least = below
        except TypeError:
            raise TypeError(f"below: expected a number, got {type(below).__name__}") from None
        for key, cell in cells.items():
            if score_of(self, <_AccessCell>cell, now) < least:
                dropped += self.cells.pop(key, None) is not None
        return dropped

    def clear(self):
        """Drop everything. O(n)."""
        self.cells.clear()

    @property
    def half_life(self):
        """Seconds after which an access counts half as much, or None. Read-only."""
        return self.seconds_of_half_life or None

    def __len__(self):
        return len(self.cells)

    def __contains__(self, key):
        return key in self.cells

    def __iter__(self):
        """Iterate over the keys that there are now, in the order in which they were first recorded."""
        return iter(list(self.cells.copy()))

    def __repr__(self):
        return f"<{type(self).__name__} keys={len(self.cells)} half_life={self.half_life}>"

    def __reduce_ex__(self, protocol):
        raise no_copies(self, "its numbers: tracker.snapshot()")

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)


SECOND = operator.itemgetter(1)


cdef double time_of(AccessTracker tracker) except? -1:
    clock = tracker.clock
    if clock is None:
        raise RuntimeError(f"{type(tracker).__name__}: call __init__ of the base class first")
    return seconds_from("clock", clock())


cdef int64_t count_of(_AccessCell cell) noexcept:
    return <int64_t>cc_load_seq_cst_u64(&cell.count)


cdef double score_of(AccessTracker tracker, _AccessCell cell, double now) noexcept:
    if not tracker.seconds_of_half_life:
        return <double>count_of(cell)
    return exp2(double_of(cc_load_seq_cst_u64(&cell.weight)) - (now - tracker.started) / tracker.seconds_of_half_life)


# What users see of the classes that are no containers of the core.
cc_container_type_publish(<PyTypeObject *>Stats, b"concurrent_collections.Stats", False)
cc_container_type_publish(<PyTypeObject *>AccessTracker, b"concurrent_collections.AccessTracker", False)
