# The mapping protocol over cc_ordered, and its classes. The algorithms are in csrc/ordered.

cdef object MISSING = object()

cdef enum:
    MOST_COMPLETIONS = 10_000  # more are of no use at a prompt, and collecting them takes time


class _RemoveType:
    """The type of `REMOVE`, its only instance."""
    __slots__ = ()
    __module__ = "concurrent_collections"

    def __new__(cls):
        return REMOVE

    def __repr__(self):
        return "REMOVE"

    def __reduce__(self):
        return "REMOVE"  # copies and pickles are the object itself


# What a function returns to compute, compute_if_present or merge for an entry that is to go.
REMOVE = object.__new__(_RemoveType)
cdef PyObject *THE_REMOVE = <PyObject *>REMOVE  # also when somebody deletes the name
cdef object KEPT_REMOVE = REMOVE


cdef class _OrderedMap(_Container):
    """What every ordered map of objects has, whatever table of operations is behind it. Not to be instantiated.

    A class that derives from it is added with its table of operations (cc_container_class_add).
    """
    cdef cc_ordered *entries  # made with the instance
    cdef cc_atomic_uptr factories  # object_map.c's

    def __init__(
            self, other=(), /, *, key=None, reverse=False, comparator=None, default_factory=None, backend="auto", **entries):
        if entries:
            raise no_entries(self, entries)
        cc_object_map_check_backend(self.entries, backend)
        set_order(self, self.entries, key, reverse, comparator)
        set_factory(self, default_factory)
        self.update(other)

    @property
    def comparator(self):
        """The order of the keys, a Comparator. Read-only: a container keeps its order for life."""
        return _comparator_of(self)

    @property
    def backend(self):
        """The algorithm behind the container: ``"lockfree"`` or ``"locked"``. Read-only: a container keeps it for life."""
        return backend_of(self.entries)

    # ---- one key ----

    def __getitem__(self, key):
        cdef PyObject *prepared = NULL
        value = cc_object_map_get_or_prepare(self.entries, key, <PyObject *>MISSING, &prepared)
        return value if prepared == NULL else what_is_missing(self, taken(prepared))

    def __missing__(self, key):
        """What ``m[key]`` calls, as with a dict, if ``key`` is not there.

        Returns what ``compute_if_absent(key, default_factory)`` does, but takes whatever the factory returns as a value;
        raises KeyError without a factory. A subclass may have its own, which then decides what ``m[key]`` is.
        """
        factory = factory_of(self)
        if factory is None:
            raise KeyError(<object>cc_order_original(key))
        return cc_object_map_compute_if_absent(self.entries, key, factory, None, NULL)

    @property
    def default_factory(self):
        """What makes the value of a missing key for ``m[key]``, as in a ``collections.defaultdict``; None: nothing does.

        Can be set. Each factory that a map has had is kept as long as the map, since another thread may be calling it.
        """
        return factory_of(self)

    @default_factory.setter
    def default_factory(self, factory):
        set_factory(self, factory)

    def __setitem__(self, key, value):
        cc_object_map_set(self.entries, key, value)

    def __delitem__(self, key):
        if not cc_object_map_delete(self.entries, key):
            raise KeyError(<object>cc_order_original(key))

    def __contains__(self, key):
        return cc_object_map_contains(self.entries, key)

    def get(self, key, default=None):
        """Return the value of ``key``, or ``default``.

        A key that Python refuses to compare with the keys in the map counts as not there, as in a dict, if all of them are of
        exact built-in types; for other types the TypeError, or what ``<`` raises, is raised. Raises ValueError for a key that
        does not equal itself, such as NaN. Expected O(log n), and O(1) in a SkipListMap if the key is there and is an int, float,
        str or bytes. Lock-free in a SkipListMap.
        """
        return cc_object_map_get(self.entries, key, <PyObject *>default)

    def contains(self, key):
        """Return whether ``key`` is in the map; the same as ``key in m``. Costs and errors as for ``get``."""
        return cc_object_map_contains(self.entries, key)

    def put(self, key, value, default=None):
        """Store ``value`` under ``key``; return the previous value, or ``default`` if there was none.

        Pass ``default`` if the map may hold None. Raises TypeError for a key that cannot be compared, ValueError for one that
        does not equal itself, such as NaN, and MemoryError; the map is then unchanged. Expected O(log n), and O(1) in a
        SkipListMap for replacing under an int, float, str or bytes key. Lock-free in a SkipListMap.
        """
        return cc_object_map_put(self.entries, key, value, CC_PUT_ALWAYS, default)

    def put_if_absent(self, key, value, default=None):
        """Store ``value`` if ``key`` is not there; return the existing value, or ``default`` if stored.

        Atomic: if several threads call it, one stores. Errors and costs as for ``put``.
        """
        return cc_object_map_put(self.entries, key, value, CC_PUT_IF_ABSENT, default)

    def setdefault(self, key, default=None):
        """Return the value of ``key``; if it is not there, store and return ``default``. Atomic."""
        return cc_object_map_put(self.entries, key, default, CC_PUT_IF_ABSENT, default)

    def replace(self, key, value, default=None):
        """Store ``value`` only if ``key`` is there; return the previous value, or ``default``. Atomic."""
        return cc_object_map_put(self.entries, key, value, CC_PUT_IF_PRESENT, default)

    def replace_if(self, key, expected, value):
        """Store ``value`` if the current value is, or equals, ``expected``; return whether it did.

        Compare-and-swap: if the value changes while it is compared, it is compared again. ``==`` of the values is called outside
        the map, which nothing waits for meanwhile. Returns False if the key is not there. Lock-free in a SkipListMap.
        """
        return cc_object_map_replace_if(self.entries, key, expected, value)

    # ---- one key, by what is there ----

    def compute(self, key, f, default=None):
        """Replace the value of ``key`` by ``f(value)`` in one atomic step; return what is there afterwards.

        Parameters
        ----------
        f : callable
            Gets the value, or ``default`` if there is none, and returns the new one; or `REMOVE`, and the entry is removed.
        default : optional
            Stands for no value: what ``f`` then gets, and what is returned if the entry was removed.

        ``f`` runs outside the map, which nobody waits for meanwhile, and may use it. If the entry has changed when ``f``
        returns, ``f`` is called again with what is there now: at most once for each change. So it should have no effect of its
        own, and not change the old value in place. The value that is replaced is the very object that ``f`` got: ``==`` is
        not called. What ``f`` raises is raised, and the map is as it was. Errors as for ``put``, but that in a SkipListMap a key that is
        not there need not compare with the others if ``f`` returns `REMOVE` for it: then nothing is stored. Raises TypeError if ``f``
        is not callable. Expected O(log n), and O(1) in a SkipListMap under an int, float, str or bytes key that is there. Lock-free
        in a SkipListMap.

        Example::

            m.compute("hits", lambda n: n + 1, 0)
        """
        return cc_object_map_compute(self.entries, key, f, default, THE_REMOVE)

    def compute_if_present(self, key, f, default=None):
        """Replace the value of ``key``, if there is one, by ``f(value)``; return what is there afterwards, or ``default``.

        `REMOVE`, costs, and when ``f`` runs: as for ``compute``. Errors as for ``get``, also if the map has changed when ``f``
        returns: an entry that has gone is not there.

        Example::

            stock.compute_if_present("apples", lambda n: n - 1 if n > 1 else REMOVE)
        """
        return cc_object_map_compute_if_present(self.entries, key, f, default, THE_REMOVE)

    def compute_if_absent(self, key, f, default=None):
        """Return the value of ``key``; if it is not there, store ``f()`` and return that. Atomic.

        If another thread stores a value while ``f`` runs, that value stays, is returned, and what ``f`` has returned is
        dropped: ``f`` is called once at most. If it returns `REMOVE`, nothing is stored, and ``default`` is returned. Errors and costs
        as for ``compute``.

        Example::

            words.compute_if_absent("a", SkipListSet).add(3)
        """
        return cc_object_map_compute_if_absent(self.entries, key, f, default, THE_REMOVE)

    def merge(self, key, value, f, default=None):
        """Store ``value`` if ``key`` is not there, else ``f(old, value)``; return what is there afterwards.

        `REMOVE`, ``default``, errors, costs, and when ``f`` runs: as for ``compute``.

        Example::

            highest.merge("ann", 31, max)
        """
        return cc_object_map_merge(self.entries, key, value, f, default, THE_REMOVE)

    def increment(self, key, amount=1):
        """Add ``amount`` to the value of ``key``, or store it if there is none; return the new value. Atomic.

        The sum is ``value + amount``, which may be of any types, is made outside the map, and again if the entry has changed
        meanwhile. What ``+`` raises is raised, and the map is as it was. Errors and costs as for ``compute``. Lock-free in a SkipListMap.

        Example::

            hits.increment("index.html")
        """
        return cc_object_map_increment(self.entries, key, amount)

    def get_or_insert(self, key, value):
        """Return the value of ``key``; if it is not there, store and return ``value``. Atomic; as ``setdefault``."""
        return cc_object_map_put(self.entries, key, value, CC_PUT_IF_ABSENT, value)

    def delete(self, key):
        """Remove ``key``; return whether it was there. ``del m[key]`` raises KeyError instead. Lock-free in a SkipListMap.

        Errors as for ``get``. Expected O(log n).
        """
        return cc_object_map_delete(self.entries, key)

    def pop(self, key, /, *default):
        """Remove ``key`` and return its value; the default, or KeyError without one, if it is not there.

        If several threads pop the key, exactly one gets the value. Errors as for ``get``. Expected O(log n). Lock-free in a SkipListMap.
        """
        if not default:
            return cc_object_map_pop(self.entries, key, NULL)
        if len(default) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(default)}")
        return cc_object_map_pop(self.entries, key, <PyObject *>default[0])

    # ---- order ----

    def first_key(self, *default):
        """Return the smallest key; the default, or KeyError without one, if the map is empty.

        In a SkipListMap O(1) and lock-free, in a TreeMap O(log n).
        """
        return cc_object_map_neighbour(
            self.entries, NULL, CC_FIRST, CC_WANT_KEY, the_default(default, "first_key"))

    def last_key(self, *default):
        """Return the largest key; the default, or KeyError without one, if the map is empty. Expected O(log n). Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(
            self.entries, NULL, CC_LAST, CC_WANT_KEY, the_default(default, "last_key"))

    def floor_key(self, key):
        """Return the largest key <= ``key``, or None. Expected O(log n). Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(self.entries, <PyObject *>key, CC_FLOOR, CC_WANT_KEY, <PyObject *>None)

    def ceiling_key(self, key):
        """Return the smallest key >= ``key``, or None. Expected O(log n). Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(self.entries, <PyObject *>key, CC_CEILING, CC_WANT_KEY, <PyObject *>None)

    def lower_key(self, key):
        """Return the largest key < ``key``, or None. Expected O(log n). Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(self.entries, <PyObject *>key, CC_LOWER, CC_WANT_KEY, <PyObject *>None)

    def higher_key(self, key):
        """Return the smallest key > ``key``, or None. Expected O(log n). Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(self.entries, <PyObject *>key, CC_HIGHER, CC_WANT_KEY, <PyObject *>None)

    def first_item(self, *default):
        """Return the entry with the smallest key as a pair; the default, or KeyError without one, if the map is empty.

        In a SkipListMap O(1) and lock-free, in a TreeMap O(log n).
        """
        return cc_object_map_neighbour(
            self.entries, NULL, CC_FIRST, CC_WANT_ITEM, the_default(default, "first_item"))

    def last_item(self, *default):
        """Return the entry with the largest key as a pair; the default, or KeyError without one, if the map is empty.

        Expected O(log n). Lock-free in a SkipListMap.
        """
        return cc_object_map_neighbour(
            self.entries, NULL, CC_LAST, CC_WANT_ITEM, the_default(default, "last_item"))

    def floor_item(self, key):
        """Return the entry with the largest key <= ``key`` as a pair, or None. Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(self.entries, <PyObject *>key, CC_FLOOR, CC_WANT_ITEM, <PyObject *>None)

    def ceiling_item(self, key):
        """Return the entry with the smallest key >= ``key`` as a pair, or None. Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(self.entries, <PyObject *>key, CC_CEILING, CC_WANT_ITEM, <PyObject *>None)

    def lower_item(self, key):
        """Return the entry with the largest key < ``key`` as a pair, or None. Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(self.entries, <PyObject *>key, CC_LOWER, CC_WANT_ITEM, <PyObject *>None)

    def higher_item(self, key):
        """Return the entry with the smallest key > ``key`` as a pair, or None. Lock-free in a SkipListMap."""
        return cc_object_map_neighbour(self.entries, <PyObject *>key, CC_HIGHER, CC_WANT_ITEM, <PyObject *>None)

    def pop_first(self, *default):
        """Remove and return, as a pair, the entry that was first at some instant during the call.

        Returns the default, or raises KeyError without one, if the map is empty. Each entry goes to exactly one thread.
        Expected O(log n). Lock-free in a SkipListMap.
        """
        return cc_object_map_pop_end(self.entries, CC_FIRST, CC_WANT_ITEM, the_default(default, "pop_first"))

    def pop_last(self, *default):
        """Remove and return, as a pair, the entry that was last at some instant during the call.

        Returns the default, or raises KeyError without one, if the map is empty. Each entry goes to exactly one thread.
        Expected O(log n). Lock-free in a SkipListMap.
        """
        return cc_object_map_pop_end(self.entries, CC_LAST, CC_WANT_ITEM, the_default(default, "pop_last"))

    def popitem(self, last=True):
        """Remove and return the last entry as a pair, or the first one with ``last=False``; KeyError if there is none."""
        return cc_object_map_pop_end(self.entries, CC_LAST if last else CC_FIRST, CC_WANT_ITEM, NULL)

    # ---- iteration ----

    def __iter__(self):
        return iterate(self, self.entries, OPEN, OPEN, True, True, False, CC_WANT_KEY)

    def __reversed__(self):
        return iterate(self, self.entries, OPEN, OPEN, True, True, True, CC_WANT_KEY)

    def keys(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the keys from ``start`` to ``stop``, ascending, or descending with ``reverse``.

        Parameters
        ----------
        start, stop : keys, optional
            The smaller and the larger bound. Leave one out, or pass None, for no bound.
        inclusive : bool or pair of bools
            Whether the bounds themselves belong to the range: (start, stop), or one bool for both.
        reverse : bool
            Iterate from ``stop`` down to ``start``.

        Raises ValueError if a bound is NaN, and TypeError if it has no order. If it does not compare with the keys, using
        the view raises TypeError.

        The view is live: it shows later changes. Iterating it is weakly consistent, and costs O(log n) to begin and amortized
        O(1) per entry; ``len`` of a view with bounds walks over its entries.
        """
        return KEYS_VIEW(
            self, parse_bound(cc_order_of_map(self.entries), start, b"start"),
            parse_bound(cc_order_of_map(self.entries), stop, b"stop"), parse_inclusive(inclusive), reverse)

    def values(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the values in the order of their keys. Parameters and costs as for ``keys``."""
        return VALUES_VIEW(
            self, parse_bound(cc_order_of_map(self.entries), start, b"start"),
            parse_bound(cc_order_of_map(self.entries), stop, b"stop"), parse_inclusive(inclusive), reverse)

    def items(self, start=None, stop=None, *, inclusive=(True, False), reverse=False, consistent=False):
        """Return a view of the (key, value) pairs. Parameters and costs as for ``keys``.

        With ``consistent`` it is a view of ``snapshot(start, stop)``: all of it is of one instant of this call, and it does not change.
        O(n).
        """
        if consistent:
            return _OrderedMap.snapshot(self, start, stop, inclusive=inclusive).items(reverse=reverse)
        return ITEMS_VIEW(
            self, parse_bound(cc_order_of_map(self.entries), start, b"start"),
            parse_bound(cc_order_of_map(self.entries), stop, b"stop"), parse_inclusive(inclusive), reverse)

    def irange(self, minimum=None, maximum=None, inclusive=(True, True), reverse=False):
        """Return an iterator over the keys from ``minimum`` to ``maximum``, as ``SortedDict.irange`` does.

        Both bounds belong to the range unless ``inclusive`` says otherwise. Errors and costs as for iterating ``keys``.
        """
        return iter(self.keys(minimum, maximum, inclusive=inclusive, reverse=reverse))

    # ---- ranges: parameters as for keys() ----

    def count_range(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return how many keys lie from ``start`` to ``stop``: the length of ``keys(start, stop)``.

        Weakly consistent. O(entries between the bounds); O(1) without bounds. Errors as for ``submap``.
        """
        return _count_range(self, narrow(self, WHOLE, start, stop, inclusive, False))

    def clear_range(self, start=None, stop=None, *, inclusive=(True, False)):
        """Remove the entries from ``start`` to ``stop``; return how many this call has removed.

        Each entry by itself, in ascending order: not atomic. Entries that other threads put into the range meanwhile may or may not
        be removed. Errors as for ``submap``; if a comparison raises, the entries before it have been removed. O(log n) an
        entry. Lock-free in a SkipListMap.
        """
        return _clear_range(self, narrow(self, WHOLE, start, stop, inclusive, False))

    def pop_range(self, start=None, stop=None, max_items=None, *, inclusive=(True, False), reverse=False):
        """Remove entries from ``start`` to ``stop``, up to ``max_items`` of them; return them as a list of pairs.

        The smallest keys first, or the largest with ``reverse``. Each entry is removed by itself, as by ``pop``: if several threads
        call it at once, each entry goes to exactly one of them.

        Errors as for ``submap``, and ValueError for a negative ``max_items``. If a comparison or a signal handler raises after
        entries have been removed, these are the exception's attribute ``popped``. O(log n) an entry. Lock-free in a SkipListMap.
        """
        return _pop_range(self, narrow(self, WHOLE, start, stop, inclusive, False), max_items, reverse, True)

    def submap(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return a live map of the entries from ``start`` to ``stop``, with all methods of this one.

        What is changed in one is changed in the other. Reading a key outside of the bounds finds nothing, storing under it raises
        ValueError. ``submap(stop=x)`` is what Java calls headMap, ``submap(x)`` tailMap.

        Raises ValueError if a bound is NaN, and TypeError if it has no order. If it does not compare with the keys, using the
        view raises TypeError. If ``start`` is the larger one, the view is empty. O(1).
        """
        return SUB_MAP(self, narrow(self, WHOLE, start, stop, inclusive, False), False)

    def descending(self):
        """Return a live map of the same entries in the opposite order: see ``submap``. O(1).

        There, the first entry is the one with the largest key, ``floor_key(k)`` the smallest key >= ``k``, and a range starts at its
        larger bound.
        """
        return SUB_MAP(self, WHOLE, True)

    def split(self, n):
        """Return a list of up to ``n`` live maps (``submap``) of about equal size, which have all keys, in order.

        So that threads can each iterate over one. They stay disjoint, and have every key, whatever changes afterwards; their sizes are
        equal where there are few entries (2048, or 64 a part), else differ by some percent. At least one, fewer than ``n`` where
        there are fewer entries. Looks at upper levels only: O(n log n), whatever the size of the map.

        Raises TypeError if ``n`` is not an int, ValueError if it is less than 1.
        """
        return SUB_MAP(self, WHOLE, False).split(n)

    def map_parts(self, function, n=None, *, executor=None):
        """Call ``function`` with each part of ``split(n)``, in threads; return the list of its results, in the order of the keys.

        Parameters
        ----------
        function : callable
            Gets one live map.
        n : int, optional
            How many parts; as many as the process has processors.
        executor : concurrent.futures.Executor, optional
            Where to call; otherwise in a pool of threads that ends with the call.

        If calls raise, all end first, and then the exception of the first part that has one is raised. More threads than one
        help only on a free-threaded build, or where ``function`` waits.
        """
        return SUB_MAP(self, WHOLE, False).map_parts(function, n, executor=executor)

    # ---- the whole ----

    def __len__(self):
        return cc_ordered_length(self.entries)

    def __bool__(self):
        return cc_ordered_length(self.entries) != 0

    def clear(self):
        """Remove all entries that are there when the call begins. O(n), compares no keys.

        In a TreeMap it is atomic. In a SkipListMap it is lock-free, but not atomic: entries that other threads insert meanwhile may or
        may not be removed.
        """
        cc_object_map_clear(self.entries)

    def update(self, other=(), /, **kwargs):
        """Store the entries of a mapping or of an iterable of pairs, then the keyword arguments.

        One put after another: if one raises, the entries before it have been stored. O(k log n). If a generator over this map
        adds keys ahead of itself, it meets them again, so such an update may never end. Signal handlers run meanwhile.
        """
        if isinstance(other, _OrderedMap) and type(other).items is MAP_ITEMS:
            cc_object_map_update(self.entries, (<_OrderedMap>other).entries, False)
        else:
            fill_map(self.entries, other)
        if kwargs:
            fill_map(self.entries, kwargs)

    @classmethod
    def fromkeys(cls, iterable, value=None, *, key=None, reverse=False, comparator=None, backend="auto"):
        """Return a new map with the elements of ``iterable`` as keys, all with the same ``value``.

        The other keywords name the order and the backend, and go to the constructor if they are given.
        """
        cdef Py_ssize_t count = 0
        result = cls(**chosen_order(key, reverse, comparator, backend))
        if isinstance(result, _OrderedMap) and type(result).__setitem__ is MAP_SETITEM:
            fill_keys((<_OrderedMap>result).entries, iterable, value, CC_PUT_ALWAYS)
            return result
        for key in iterable:
            result[key] = value
            count_item(&count)
        return result

    @classmethod
    def from_sorted(cls, items, /, *, key=None, reverse=False, comparator=None, backend="auto"):
        """Return a new map of pairs whose keys ascend in the order that the keywords name; all as for the constructor.

        Raises ValueError, with the position, if a key does not come after the one before it. Does not call ``__init__``. O(n), where
        the keys are of exact built-in types; else O(n log n).
        """
        from concurrent_collections._frozen import FrozenSkipListMap
        result = new_with_backend(cls, backend)
        frozen = FrozenSkipListMap.from_sorted(items, key=key, reverse=reverse, comparator=comparator)
        cc_order_set(entries_of(result), order_in(frozen))
        cc_frozen_thaw(cc_frozen_in(frozen), entries_of(result))
        return result

    def copy(self):
        """Return a new map of the same class with the same entries (a shallow, weakly consistent copy).

        Like ``set.copy``, it does not call ``__init__``; ``copy.copy`` also copies what a subclass adds. It has the same
        default factory, as have the results of ``|``.
        """
        result = map_like(self)
        _OrderedMap.update(result, self)
        return result

    def snapshot(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return a FrozenSkipListMap, in the map's order, with the entries of one instant from ``start`` to ``stop``.

        Parameters
        ----------
        start, stop, inclusive
            As for ``keys``. All keys are cut at the one instant; what lies between the bounds is kept.

        Raises what ``keys`` raises for a bound, what a comparison raises, and MemoryError; the map is as it was.

        Point-in-time: the snapshot is the content at one instant during the call, in one order with every other operation, but
        ``clear``, ``update`` and calls on ranges, which are many steps. O(n) time and memory, also for a range.

        In a SkipListMap nobody waits for it, nor it for anybody. Threads that take snapshots at once share their work, and get the
        same content. Others go on meanwhile, but more slowly: each first touch of an entry is noted. It compares keys where entries
        have come meanwhile, with the bounds, and, if only Python can compare the keys, O(log n) times a thousand entries. Lock-free:
        it begins again if more than four changes an entry are made meanwhile, with twice the room.

        In a TreeMap it locks all nodes, copies the entries, and gives the locks back one after the other: who changes the map
        waits meanwhile, who reads it does not. It compares keys with the bounds only.

        >>> m = SkipListMap({"a": 1, "b": 2})
        >>> before = m.snapshot()
        >>> m["a"] = 3
        >>> before["a"], m["a"]
        (1, 3)

        Source: in a SkipListMap a shared collector after Petrank and Timnat (2013), with values; in a TreeMap two-phase locking.
        """
        from concurrent_collections._frozen import FrozenSkipListMap
        return FrozenSkipListMap(table_of_snapshot(self.entries, True, start, stop, inclusive))

    def frozen(self):
        """Return a FrozenSkipListMap with the same entries: ``FrozenSkipListMap(m)``.

        One scan, which compares nothing: weakly consistent while others change the map. O(n).
        """
        from concurrent_collections._frozen import FrozenSkipListMap
        return FrozenSkipListMap(self)

    def to_dict(self):
        """Return a dict with the same entries, in their order (weakly consistent). O(n)."""
        return dict(iterate(self, self.entries, OPEN, OPEN, True, True, False, CC_WANT_ITEM))

    def __reduce__(self):
        factory = factory_of(self)
        told = order_and_backend(self, self.entries)
        if told:
            make, arguments = _new_map, (type(self), factory, *told)
        elif factory is not None:
            make, arguments = _new_map, (type(self), factory)
        else:
            make, arguments = NEW_OBJECT, (type(self),)
        return make, arguments, self.__getstate__(), None, iter(self.items())

    def flush(self):
        """Drop the references of removed entries that wait for readers, as far as possible; return how many still wait.

        Normally the operation that removes an entry drops its references. They wait only if another thread is inside an
        operation that may have seen them.
        """
        return cc_ordered_flush(self.entries)

    def statistics(self):
        """Return how keys were compared while ``config.enable_statistics`` was set, as a dict. O(types of keys).

        ``{"comparisons": {type: {path: count}}}``: by the name of the type of the key that an operation was given, as long as there are
        no more than 64 ('...' counts the rest), and by the path. 'native': by the keys' bytes, in C. 'memo': by what Python had told the
        same operation before. 'python': by ``<`` or a function in Python. 'c': by a function of ``Comparator.from_c``.

        A comparison by a comparator of several parts counts once, by the first part that the keys' bytes do not decide. Not counted are
        comparisons that the first 8 bytes of two keys decide, nearly all of int and float keys; those of snapshots, of entries that are
        appended when the map is filled with many at once, of a map's first key, and between two chunks of an iteration; and those with the
        bounds of a range. Exact while no thread works. Of a name, the first 127 bytes are kept. While statistics are off, an operation
        pays a load and a branch.
        """
        return {"comparisons": cc_tally_of(self.entries)}

    @property
    def smr_scheme(self):
        """How this container reclaims removed entries: 'ibr' or 'debra'. See `config.smr_scheme`."""
        return SMR_SCHEMES[cc_ordered_scheme(self.entries)]

    # One method: Cython 3.3 does not compile __eq__ in a class whose base class is in C.
    def __richcmp__(self, other, int op):
        if op != Py_EQ and op != Py_NE:
            return NotImplemented
        is_equal = map_equals(self, other)
        return not is_equal if op == Py_NE and is_equal is not NotImplemented else is_equal

    __hash__ = None

    def __or__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        result = self.copy()
        result.update(other)
        return result

    def __ror__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        result = map_like(self)
        _OrderedMap.update(result, other)
        _OrderedMap.update(result, self)
        return result

    def __ior__(self, other):
        self.update(other)
        return self

    def __repr__(self):
        name = type(self).__name__
        if Py_ReprEnter(self):
            return f"{name}({{...}})"
        try:
            entries = ", ".join([f"{key!r}: {value!r}" for key, value in self.items()])
            return _shown(name, entries, settings_of(self))
        finally:
            Py_ReprLeave(self)

    def _repr_pretty_(self, printer, bint cycle):
        """For IPython: as repr, but in lines that fit, and cut after as many entries as IPython likes."""
        if cycle or self:
            PRINT_MAP(printer, type(self).__name__, self.items(), cycle, settings_of(self))
        else:
            printer.text(repr(self))

    def _ipython_key_completions_(self):
        """For IPython: what it offers after ``m[``; the first keys of a large map."""
        cdef list keys = []
        for key in self:
            if len(keys) == MOST_COMPLETIONS:
                break
            keys.append(key)
        return keys

    def __sizeof__(self):
        return object.__sizeof__(self) + cc_ordered_bytes(self.entries) + cc_tally_bytes(self.entries)

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)


# A subclass may have its own, and then means that.
cdef object MAP_ITEMS = _OrderedMap.items
cdef object MAP_SETITEM = _OrderedMap.__setitem__
cdef object MAP_MISSING = _OrderedMap.__missing__


cdef object factory_of(_OrderedMap self):
    cdef PyObject *factory = cc_object_map_default_factory(self)
    return <object>factory if factory else None


cdef int set_factory(_OrderedMap self, factory) except -1:
    if factory is not None and not callable(factory):
        raise TypeError(f"default_factory: expected a callable or None, got {type(factory).__name__}")
    return cc_object_map_set_default_factory(self, NULL if factory is None else <PyObject *>factory)


cdef list settings_of(_OrderedMap self):
    # What repr shows besides the entries.
    factory = factory_of(self)
    return _order_settings(_comparator_of(self)) + ([] if factory is None else [f"default_factory={factory!r}"])


cdef object taken(PyObject *o):
    result = <object>o
    Py_DECREF(result)
    return result


cdef object what_is_missing(_OrderedMap self, key):
    # The key may be prepared. The __missing__ of the class, never one of the instance, as with a
    # dict.
    cls = type(self)
    if cls.__missing__ is MAP_MISSING:
        return _OrderedMap.__missing__(self, key)
    for base in cls.__mro__:
        if "__missing__" in base.__dict__:
            method = base.__dict__["__missing__"]
            break
    return (method.__get__(self, cls) if hasattr(method, "__get__") else method)(<object>cc_order_original(key))


cdef object maps_of_one_order_are_equal(_OrderedMap self, _OrderedMap other):
    cdef bint is_natural = is_plain(self.entries)
    if len(self) != len(other):
        return False
    for (a, x), (b, y) in zip(self.items(), other.items()):
        if not (cc_key_equal(a, b) if is_natural else a is b or a == b) or not (x is y or x == y):
            return False
    return True


cdef object map_equals(self, other):
    if self is other:
        return True
    if isinstance(other, _OrderedMap) and isinstance(self, _OrderedMap) and cc_order_is_same(
            cc_order_of_map((<_OrderedMap>self).entries), cc_order_of_map((<_OrderedMap>other).entries)):
        return maps_of_one_order_are_equal(self, other)
    if not isinstance(other, Mapping):
        return NotImplemented
    if len(self) != len(other):
        return False
    for key, value in self.items():
        try:
            if key not in other:  # not other[key] alone: a defaultdict would make one up
                return False
        except (TypeError, OverflowError):  # a key that they cannot even look for
            return False
        try:
            theirs = other[key]
        except KeyError:  # gone since
            return False
        if not (theirs is value or theirs == value) or not keeps_equal(key, other):
            return False
    return True


cdef class SkipListMap(_OrderedMap):
    """SkipListMap(other=(), /, *, key=None, reverse=False, comparator=None, default_factory=None, backend="auto")\n--\n\nA lock-free ordered map that any number of threads can use at once.

    Parameters
    ----------
    other : mapping or iterable of pairs, optional
        The entries to start with.
    key : callable, optional
        Order keys by ``<`` of what this function makes of each. An operation on one key or on a range calls it once for each key and
        bound that it is given; live views keep what it has returned for their bounds. Set algebra and ``==`` may call it more often.
    reverse : bool
        Order keys the other way round, at the same costs: "smaller" and "ascending" below then mean what comes first.
    comparator : Comparator, optional
        Order keys by this, instead of ``key``.
    default_factory : callable, optional
        What ``m[key]`` stores and returns for a key that is not there, as in a ``collections.defaultdict``; atomically.
    backend : str
        The algorithm: ``"lockfree"``, which ``"auto"`` is, or ``"locked"``, whose insertions and removals lock the nodes that they
        change. Copies, results of ``|`` and pickles keep it.

    Raises ValueError for another ``backend``.

    Keys are ordered by ``<`` and need no hash: ints of any size, floats (no NaN), str, bytes, tuples, and
    any objects with a consistent ``<``. Two keys are the same if neither is less: ``1``, ``1.0`` and ``True`` are one key. An
    exact int that fits 64 bits, and a float, are kept by value: the key object that you get back is equal, not identical.

    Every operation is linearizable and lock-free; with ``backend="locked"`` reads, scans and replacing values are lock-free, and
    insertions and removals wait for locks. An operation takes O(log n) expected time; ``m[k]``, ``get``, ``in`` and replacing take
    O(1) if the key is there and is an int, float, str or bytes. Iteration is weakly consistent: it never raises because of
    changes, yields keys in ascending order, each at most once, yields every key that is there throughout, and may or may not
    show what changes meanwhile. ``len``, ``==``, ``repr``, ``copy`` and ``clear`` take many steps and are not atomic.

    Source: K. Fraser, "Practical lock-freedom" (2004), with the deviations that csrc/ordered/skiplist.c
    lists; for ``"locked"`` M. Herlihy, Y. Lev, V. Luchangco and N. Shavit, "A simple optimistic skiplist algorithm" (2007), with
    those of csrc/ordered/skiplist_locked.c. A search may call ``<`` of keys that are not of exact built-in types, but never while it holds anything that
    other threads wait for.
    """


cc_container_class_add(<PyTypeObject *>SkipListMap, &cc_object_map_kind, &cc_skiplist_operations)
cc_container_type_publish(<PyTypeObject *>SkipListMap, b"concurrent_collections.SkipListMap", True)
cc_container_type_close(<PyTypeObject *>_OrderedMap)
MutableMapping.register(_OrderedMap)

from concurrent_collections._pretty import print_elements, print_map
cdef object PRINT_MAP = print_map, PRINT_ELEMENTS = print_elements

from concurrent_collections._submaps import SkipListSubMap, SkipListSubSet
cdef object SUB_MAP = SkipListSubMap, SUB_SET = SkipListSubSet

from concurrent_collections._views import SkipListItemsView, SkipListKeysView, SkipListValuesView
cdef object KEYS_VIEW = SkipListKeysView, VALUES_VIEW = SkipListValuesView, ITEMS_VIEW = SkipListItemsView
