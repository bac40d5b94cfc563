# The ordered containers over the B+tree. What they have in common with all ordered ones is in
# ordered_map.pxi and ordered_set.pxi.


cdef class TreeMap(_OrderedMap):
    """TreeMap(other=(), /, *, key=None, reverse=False, comparator=None, default_factory=None, backend="auto")\n--\n\nAn ordered map that any number of threads can use at once: a B+tree, with a lock for each of its nodes.

    Parameters
    ----------
    other, key, reverse, comparator, default_factory
        The entries to start with, the order of the keys, and what ``m[key]`` makes of a missing one, as for SkipListMap.
    backend : str
        The algorithm: ``"locked"``, which ``"auto"`` is, the B+tree; or ``"lockfree"``, a binary search tree without locks, which is
        not balanced. Copies, results of ``|`` and pickles keep it.

    Raises ValueError for another ``backend``.

    It has the methods and semantics of SkipListMap, takes the same keys, and is as linearizable. What differs is where it is
    fast, and who waits for whom.

    Entries stand side by side in small sorted arrays, so searches, scans and loads in order miss the cache less often than in a
    skip list, and an entry takes less memory. Every operation on one key takes O(log n); there is no index that finds keys in
    O(1). ``clear`` is atomic.

    **Not lock-free**, unless ``backend="lockfree"``. An operation that changes something locks the few entries around the key, for some stores. If the system
    stops a thread just then, whoever needs these entries waits until it goes on. Operations that only read lock nothing; they
    start over if the entries have changed meanwhile, and wait while entries there are being moved; but ``floor_key`` and
    its kind also tidy up after removals. ``snapshot`` holds up everybody who changes the map while it copies the entries, O(n).
    No lock is held while Python code runs, nor while a thread waits for another lock, but by ``snapshot``: there is no deadlock.

    **backend="lockfree"** is another tree: binary, each entry in a leaf of its own. Every operation is lock-free, nobody waits for
    a thread that was stopped, and ``snapshot`` holds nobody up; it begins again when the map is cleared meanwhile. But the tree is not balanced.
    Keys that come in no order make it O(log n) deep. Keys that are put one by one in order, ascending or descending, make
    a path of n nodes: each operation then takes O(n), and where Python code compares keys O(n ** 2), so that putting n of
    them takes O(n ** 3). What the constructor, ``update`` and ``from_sorted`` find in order behind the last key of a dict, list,
    set or map goes in as balanced parts of up to 4096 entries.

    Source: V. Leis, M. Haubenschild, T. Neumann, "Optimistic lock coupling" (2019), with the deviations that
    csrc/ordered/bptree.c lists; for ``"lockfree"`` A. Natarajan and N. Mittal, "Fast concurrent lock-free binary search trees" (2014),
    with those of csrc/ordered/bst.c.

    >>> m = TreeMap({"b": 2, "a": 1})
    >>> m.first_item(), m.floor_key("az")
    (('a', 1), 'a')
    """


cdef class TreeSet(_OrderedSet):
    """TreeSet(iterable=(), /, *, key=None, reverse=False, comparator=None, backend="auto")\n--\n\nAn ordered set that any number of threads can use at once: a B+tree, with a lock for each of its nodes.

    Parameters
    ----------
    iterable : iterable, optional
        The elements to start with.
    key, reverse, comparator, backend
        The order of the elements, and the algorithm, as for TreeMap.

    To SkipListSet it is what TreeMap is to SkipListMap: the same methods and semantics, searches and scans that miss the cache less
    often, less memory, O(log n) for every operation on one element; and **not lock-free**, unless ``backend="lockfree"``, as
    TreeMap says.

    Source: as of TreeMap.
    """


cc_container_class_add(<PyTypeObject *>TreeMap, &cc_object_map_kind, &cc_bptree_operations)
cc_container_type_publish(<PyTypeObject *>TreeMap, b"concurrent_collections.TreeMap", True)
cc_container_class_add(<PyTypeObject *>TreeSet, &cc_object_set_kind, &cc_bptree_operations)
cc_container_type_publish(<PyTypeObject *>TreeSet, b"concurrent_collections.TreeSet", False)
