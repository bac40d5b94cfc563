# AtomicCounter, StripedCounter, and Stats: striped counters by name.

cimport cython
from libc.stdint cimport INT64_MAX, INT64_MIN
from libc.stdlib cimport free, malloc

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1

cdef extern from *:
    """
    /* As dict.get without a default, which Cython makes of borrowed references: a new reference, or NULL with or
     * without an exception. */
    static PyObject *find_in_dict(PyObject *d, PyObject *key) {
        PyObject *found;
    #if PY_VERSION_HEX >= 0x030D0000
        (void)PyDict_GetItemRef(d, key, &found);
    #else
        found = PyDict_GetItemWithError(d, key);
        Py_XINCREF(found);
    #endif
        if (!found && !PyErr_Occurred()) {
            found = Py_NewRef(Py_None);
        }
        return found;
    }
    """
    object find_in_dict(object d, object key)


cdef int64_t number_from(str name, value) except? -1:
    cdef int overflow = 0
    cdef long long number
    if not isinstance(value, int):
        try:
            value = operator.index(value)
        except TypeError:
            raise TypeError(f"{name}: expected an int, got {type(value).__name__}") from None
    number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        raise OverflowError(f"{name}: expected an int from -2**63 to 2**63 - 1")
    return number


cdef int does_not_fit(counter, int64_t amount) except -1:
    raise OverflowError(f"{type(counter).__name__}: with {amount} more it would not be from -2**63 to 2**63 - 1; "
                        "nothing has changed")


cdef object no_copies(counter, str instead):
    name = type(counter).__name__
    article = "an" if name[0] in "AEIOU" else "a"
    return TypeError(f"cannot copy or pickle {article} {name}; pass on the object itself, or {instead}")


cdef object number_of(int64_t low, int64_t high):
    # Of 128 bits.
    if high == (-1 if low < 0 else 0):
        return low
    return (<object>high << 64) + <uint64_t>low


cdef void put_back(cc_striped_counter *counter, int64_t low, int64_t high) noexcept:
    # What has been taken out and cannot be handed over. What has more than 64 bits goes back a
    # cell's worth at a time.
    cdef int64_t piece
    while high != (-1 if low < 0 else 0):
        piece = INT64_MAX if high >= 0 else INT64_MIN
        cc_striped_counter_add(counter, piece)
        if high >= 0:
            high -= <uint64_t>low < <uint64_t>piece
        else:
            high += (<uint64_t>low >= <uint64_t>piece)
        low = <int64_t>(<uint64_t>low - <uint64_t>piece)
    cc_striped_counter_add(counter, low)


# ---------------------------------------------------------------- one word

cdef class AtomicCounter(_Container):
    """AtomicCounter(value=0, /)\n--\n\nAn integer of 64 bits that any number of threads can change at once, each change in one step.

    Parameters
    ----------
    value : int, optional
        What it begins with.

    Every operation is linearizable, O(1) and lock-free: no update is lost, and ``add`` returns what it has made of the number. The
    number never wraps: what does not fit in -2**63 .. 2**63 - 1 is an OverflowError and changes nothing. If only the sum counts and
    many threads add, a StripedCounter is faster.

    ``int(counter)`` is ``counter.get()``. Two counters are equal only if they are the same object.

    >>> c = AtomicCounter(5)
    >>> c.add(2), c.compare_and_set(7, 0), c.get()
    (7, True, 0)

    Source: the AtomicLong of java.util.concurrent, but for the overflow.
    """
    cdef cc_atomic_counter *inner  # first: what the base class has made

    def __init__(self, value=0, /):
        cc_atomic_counter_set(self.inner, number_from("value", value))

    def get(self):
        """Return the number. O(1), wait-free."""
        return cc_atomic_counter_get(self.inner)

    def set(self, value):
        """Make it this number, whatever it was. O(1), wait-free.

        Raises TypeError if ``value`` is not an int, OverflowError if it has more than 64 bits.
        """
        cc_atomic_counter_set(self.inner, number_from("value", value))

    def add(self, amount=1):
        """Add an int, which may be negative, and return the new number. O(1), lock-free.

        Raises
        ------
        OverflowError
            The new number would have more than 64 bits, or ``amount`` has. Nothing has changed.
        TypeError
            ``amount`` is not an int.
        """
        cdef int64_t more = number_from("amount", amount), now = 0
        if cc_atomic_counter_add(self.inner, more, &now) != CC_COUNTER_OK:
            does_not_fit(self, more)
        return now

    def get_and_set(self, value):
        """Make it this number and return what it was, in one step. O(1), wait-free. Errors as for ``set``."""
        return cc_atomic_counter_get_and_set(self.inner, number_from("value", value))

    def compare_and_set(self, expected, value):
        """Make it ``value`` if it is ``expected``, in one step; return whether it was. O(1), wait-free.

        Raises TypeError if an argument is not an int, OverflowError if it has more than 64 bits.
        """
        cdef int64_t before = number_from("expected", expected)
        return cc_atomic_counter_compare_and_set(self.inner, before, number_from("value", value)) != 0

    def __int__(self):
        return cc_atomic_counter_get(self.inner)

    def __repr__(self):
        return f"{type(self).__name__}({cc_atomic_counter_get(self.inner)})"

    def __sizeof__(self):
        return object.__sizeof__(self) + cc_atomic_counter_bytes()

    def __reduce_ex__(self, protocol):
        raise no_copies(self, "its number: counter.get()")


# ---------------------------------------------------------------- striped

cdef class StripedCounter(_Container):
    """StripedCounter(value=0, /)\n--\n\nA sum to which any number of threads can add without getting in each other's way.

    Parameters
    ----------
    value : int, optional
        What it begins with.

    Each thread adds to a cell of its own (as long as there are not more threads than processors), so an ``add`` takes as long
    as if it were alone; ``sum`` adds up the cells. No add is lost and none is counted twice. A sum is exact while nobody adds.
    If somebody does, it has every add that ended before, and some of those that ran beside it; if all amounts are 1, it is
    linearizable. ``add`` does not know the sum: where you need it at once, use an AtomicCounter.

    ``int(counter)`` is ``counter.sum()``. Memory: a cache line for each processor, 64 at most.

    >>> c = StripedCounter()
    >>> c.add(), c.add(2), c.sum()
    (None, None, 3)

    Source: the LongAdder of java.util.concurrent, but for the overflow.
    """
    cdef cc_striped_counter *inner  # first: what the base class has made

    def __init__(self, value=0, /):
        cdef int64_t begin = number_from("value", value), before
        cc_striped_counter_sum_then_reset(self.inner, &before, NULL)
        cc_striped_counter_add(self.inner, begin)

    def add(self, amount=1):
        """Add an int, which may be negative. O(1), lock-free.

        Raises
        ------
        OverflowError
            No cell has room for it: the sum would have more than 64 bits. Or ``amount`` has. Nothing has changed.
        TypeError
            ``amount`` is not an int.
        """
        cdef int64_t more = number_from("amount", amount)
        if cc_striped_counter_add(self.inner, more) != CC_COUNTER_OK:
            does_not_fit(self, more)

    def increment(self):
        """Add 1. O(1), lock-free. Raises OverflowError as ``add`` does."""
        if cc_striped_counter_add(self.inner, 1) != CC_COUNTER_OK:
            does_not_fit(self, 1)

    def decrement(self):
        """Add -1. O(1), lock-free. Raises OverflowError as ``add`` does."""
        if cc_striped_counter_add(self.inner, -1) != CC_COUNTER_OK:
            does_not_fit(self, -1)

    def sum(self):
        """Return the sum of all adds. O(processors), wait-free.

        Exact while nobody adds. It may have more than 64 bits: only cells are bounded.
        """
        cdef int64_t low, high
        cc_striped_counter_sum(self.inner, &low, &high)
        return number_of(low, high)

    def sum_then_reset(self):
        """Return the sum and take it out of the counter. O(processors), wait-free.

        Each add is in the answer of exactly one call, or still in the counter.
        """
        cdef int64_t low, high
        cc_striped_counter_sum_then_reset(self.inner, &low, &high)
        try:
            return number_of(low, high)
        except MemoryError:
            put_back(self.inner, low, high)
            raise

    def reset(self):
        """Make it 0. O(processors), wait-free. An add at the same time is dropped or left."""
        cdef int64_t low
        cc_striped_counter_sum_then_reset(self.inner, &low, NULL)

    def __int__(self):
        return self.sum()

    def __repr__(self):
        return f"{type(self).__name__}({self.sum()})"

    def __sizeof__(self):
        return object.__sizeof__(self) + cc_striped_counter_bytes(self.inner)

    def __reduce_ex__(self, protocol):
        raise no_copies(self, "its number: counter.sum()")


# ---------------------------------------------------------------- types

cdef void *make_atomic(const void *how, PyObject *names) except NULL:
    cdef cc_atomic_counter *made = cc_atomic_counter_new(0)
    if made == NULL:
        raise MemoryError
    return made


cdef void *make_striped(const void *how, PyObject *names) except NULL:
    cdef cc_striped_counter *made = cc_striped_counter_new(0)
    if made == NULL:
        raise MemoryError
    return made


cdef void unmake_atomic(void *inside) noexcept:
    cc_atomic_counter_free(<cc_atomic_counter *>inside)


cdef void unmake_striped(void *inside) noexcept:
    cc_striped_counter_free(<cc_striped_counter *>inside)


cdef int no_objects(PyObject *self, visitproc visit, void *argument) noexcept:
    return 0


cdef void nothing_to_clear(PyObject *self) noexcept:
    pass


cdef void free_atomic(PyObject *self) noexcept:
    cc_atomic_counter_free((<AtomicCounter>self).inner)


cdef void free_striped(PyObject *self) noexcept:
    cc_striped_counter_free((<StripedCounter>self).inner)


cdef cc_container_kind ATOMIC, STRIPED
ATOMIC.make = make_atomic
ATOMIC.unmake = unmake_atomic
ATOMIC.traverse = no_objects
ATOMIC.clear = nothing_to_clear
ATOMIC.free = free_atomic
STRIPED.make = make_striped
STRIPED.unmake = unmake_striped
STRIPED.traverse = no_objects
STRIPED.clear = nothing_to_clear
STRIPED.free = free_striped
cc_container_class_add(<PyTypeObject *>AtomicCounter, &ATOMIC, NULL)
cc_container_class_add(<PyTypeObject *>StripedCounter, &STRIPED, NULL)
cc_container_type_publish(<PyTypeObject *>AtomicCounter, b"concurrent_collections.AtomicCounter", False)
cc_container_type_publish(<PyTypeObject *>StripedCounter, b"concurrent_collections.StripedCounter", False)


# ---------------------------------------------------------------- by name

cdef str name_from(name):
    # An exact one: then no dict ever calls Python code.
    if type(name) is str:
        return name
    if isinstance(name, str):
        return str.__str__(name)
    raise TypeError(f"name: expected a str, got {type(name).__name__}")


cdef class Stats:
    """Stats(names=(), /)\n--\n\nStriped counters by name, and one look at all of them.

    Parameters
    ----------
    names : iterable of str, optional
        Counters that are there from the beginning, in this order.

    A counter is made when its name is first used, and is never removed. Adds are those of StripedCounter. In a loop, get the
    counter once and call its ``add``.

    ``snapshot()`` promises this. It has every add that ended before it began, and none that begins after it has ended. Each
    counter is looked at after the counters that were made later. So if a thread adds to an earlier counter and then to a later one,
    no snapshot shows the second add without the first: there are never more answers than requests. While nobody adds, it is exact.
    It is not one instant of all counters: adds in the opposite order can be torn apart.

    >>> stats = Stats(["requests", "errors"])
    >>> stats.add("requests"); stats.add("requests", 2)
    >>> stats.snapshot()
    {'requests': 3, 'errors': 0}
    """
    cdef dict counters  # str -> StripedCounter, in the order in which they were made
    cdef object __weakref__

    def __cinit__(self, *args, **kwargs):
        self.counters = {}

    def __init__(self, names=(), /):
        if isinstance(names, str):
            raise TypeError("names: expected an iterable of str, got a str")
        try:
            names = iter(names)
        except TypeError as error:
            raise TypeError(f"names: expected an iterable of str, got {type(names).__name__}") from error
        for name in names:
            counter_in(self, name)

    def counter(self, name):
        """Return the StripedCounter of this name; it is made if there is none. O(1).

        The same object each time, for all threads. Raises TypeError if ``name`` is not a str.
        """
        return counter_in(self, name)

    def add(self, name, amount=1):
        """Add to the counter of this name, which is made if there is none. O(1).

        Raises TypeError and OverflowError as StripedCounter.add does, and TypeError if ``name`` is not a str.
        """
        cdef int64_t more = number_from("amount", amount)
        cdef StripedCounter counter = counter_in(self, name)
        if cc_striped_counter_add(counter.inner, more) != CC_COUNTER_OK:
            does_not_fit(counter, more)

    def snapshot(self):
        """Return a dict with the sum of each counter, in the order in which they were made. O(counters * processors).

        The class says what it promises.
        """
        return sums_of(self, False)

    def snapshot_then_reset(self):
        """Return what ``snapshot`` does, and take it out of the counters. O(counters * processors).

        Each add is in the answer of exactly one call, or still in its counter. What ``snapshot`` promises about order holds for
        all that the calls so far have taken out together.
        """
        return sums_of(self, True)

    def __getitem__(self, name):
        """Return the sum of the counter of this name. Raises KeyError if there is none."""
        counter = find_in_dict(self.counters, name_from(name))
        if counter is None:
            raise KeyError(name)
        return counter.sum()

    def __contains__(self, name):
        return isinstance(name, str) and find_in_dict(self.counters, name_from(name)) is not None

    def __iter__(self):
        """Iterate over the names that there are now, in the order in which the counters were made."""
        return iter(list(self.counters.copy()))

    def __len__(self):
        return len(self.counters)

    def __repr__(self):
        return f"<{type(self).__name__} {self.snapshot()!r}>"

    def __reduce_ex__(self, protocol):
        raise no_copies(self, "its numbers: stats.snapshot()")


cdef StripedCounter counter_in(Stats stats, name):
    name = name_from(name)
    counter = find_in_dict(stats.counters, name)
    if counter is None:
        counter = stats.counters.setdefault(name, StripedCounter())
    return counter


cdef dict sums_of(Stats stats, bint resets):
    cdef dict now = stats.counters.copy()  # in one step; keeps the counters
    cdef dict sums = {}
    cdef Py_ssize_t i = 0, count = len(now)
    cdef cc_striped_counter **counters = <cc_striped_counter **>malloc((count + 1) * sizeof(cc_striped_counter *))
    cdef int64_t *lows = <int64_t *>malloc((count + 1) * sizeof(int64_t))
    cdef int64_t *highs = <int64_t *>malloc((count + 1) * sizeof(int64_t))
    try:
        if counters == NULL or lows == NULL or highs == NULL:
            raise MemoryError
        for counter in now.values():
            counters[i] = (<StripedCounter>counter).inner
            i += 1
        if resets:
            cc_striped_counter_sum_all_then_reset(counters, count, lows, highs)
        else:
            cc_striped_counter_sum_all(counters, count, lows, highs)
        try:
            i = 0
            for name in now:
                sums[name] = number_of(lows[i], highs[i])
                i += 1
        except MemoryError:
            for i in range(count if resets else 0):
                put_back(counters[i], lows[i], highs[i])
            raise
        return sums
    finally:
        free(counters)
        free(lows)
        free(highs)
