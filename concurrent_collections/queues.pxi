# Queues: the API of queue.Queue over cc_object_store, for every algorithm the same. Tasks of event
# loops wait through the classes in tasks.pxi and the coroutines in _async_queue.py.

import queue as standard_queue

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memset

cdef extern from "Python.h":
    int Py_AddPendingCall(int (*function)(void *) except -1, void *argument) noexcept
    void PyErr_WriteUnraisable(object where) noexcept
    void PyErr_SetObject(object type, object value) noexcept

include "store.pxi"
include "tasks.pxi"
include "many_tasks.pxi"

Empty = standard_queue.Empty
Full = standard_queue.Full
try:
    ShutDown = standard_queue.ShutDown
except AttributeError:  # before CPython 3.13
    class ShutDown(Exception):
        """Raised by put and get of a queue that has been shut down."""
    ShutDown.__module__ = "concurrent_collections"

cdef enum:
    MOST_RING_SLOTS = 1 << 20


cdef cc_container_kind QUEUE


cdef inline cc_object_store *inside(_Queue queue) except NULL:
    return store_at(queue, &queue.inner)


cdef int begin(_Queue queue, cc_object_queue_kind kind, iterable, maxsize, ring_size, patience) except -1:
    cdef cc_queue_options options
    memset(&options, 0, sizeof(options))  # whatever fields it has
    options.capacity = capacity_from(maxsize)
    if ring_size is not None:
        options.ring_slots = count_from("ring_size", ring_size, 1, MOST_RING_SLOTS)
    if patience is not None:
        options.patience = 1 + count_from("patience", patience, 0, (1 << 31) - 1)
    items = items_from(iterable)
    if cc_load_relaxed_uptr(&queue.inner):
        begun_already(queue)
    if not cc_object_queue_is_available(kind):
        raise RuntimeError(f"{type(queue).__name__}: the algorithm does not run on this machine")
    return begin_store(queue, &queue.inner, cc_object_queue_new(kind, &options), items, maxsize)


cdef object put_over(cc_object_store *s, item, default):
    cdef PyObject *taken = NULL
    cdef object oldest = None
    try:
        cc_object_store_put_overwriting(s, item, &taken)
    except BaseException as error:
        if taken != NULL:
            oldest = <object>taken
            Py_DECREF(oldest)  # ours
            set_attribute(error, "item_taken", oldest)
        raise
    if taken == NULL:
        return default
    oldest = <object>taken
    Py_DECREF(oldest)
    return oldest


cdef class _Queue(_Container):
    """What LockFreeQueue, FastQueue and WaitFreeQueue have in common: all but the algorithm."""
    cdef cc_atomic_uptr inner  # cc_object_store *

    def __init__(self):
        raise TypeError(f"{type(self).__name__} cannot be instantiated; use LockFreeQueue, FastQueue "
                        "or WaitFreeQueue")

    # ---- one item ----

    def put(self, item, block=True, timeout=None):
        """Put an item at the end. O(1).

        While the queue is full, waits for room: for ever, or for ``timeout`` seconds. Without ``block`` it does not wait. A waiting
        thread sleeps and lets others run. Signal handlers run; if one raises, the wait ends with nothing put.

        Raises
        ------
        Full
            There was no room in time. An unfinished get still takes up room.
        ShutDown
            The queue has been shut down.
        ValueError, TypeError
            ``timeout`` is negative, NaN, or not a number.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if block is not True or timeout is not None:
            cc_deadline_of(block, timeout, &deadline)
        cc_object_store_put(inside(self), item, deadline)

    def put_nowait(self, item):
        """Put an item at the end if there is room now, else raise Full. Raises ShutDown after shutdown. O(1)."""
        cc_object_store_put(inside(self), item, CC_NOT_AT_ALL)

    def try_put(self, item):
        """Put an item at the end if there is room now; return whether it did. Raises ShutDown after shutdown. O(1)."""
        return cc_object_store_try_put(inside(self), item)

    def put_overwriting(self, item, default=None):
        """Put an item and, if the queue is full, drop the oldest one for it; return that, or ``default`` if none was. O(1).

        One item is dropped at most, whatever other threads do: nobody else gets its place. It counts as ``task_done``, so that
        ``join`` does not wait for it. Never waits for room; an unbounded queue drops nothing. The queue is never longer than
        ``maxsize``. Two steps: a reader may see the queue without the oldest item and not yet with the new one. Lock-free, but
        that it waits a moment for other threads that are in the middle of a put or get when the queue has neither room nor an
        item. As ``deque(maxlen=n).append``.

        Raises
        ------
        ShutDown
            The queue is shut down. If that happens in the middle, the exception has the attribute ``item_taken``: the oldest
            item, which is no longer in the queue. (So has a MemoryError.)

        Example
        -------
        >>> last = LockFreeQueue(maxsize=2, iterable=["a", "b"])
        >>> last.put_overwriting("c")
        'a'
        >>> last.drain()
        ['b', 'c']
        """
        return put_over(inside(self), item, default)

    def get(self, block=True, timeout=None):
        """Take the oldest item and return it. O(1).

        While the queue is empty, waits for an item: for ever, or for ``timeout`` seconds. Without ``block`` it does not wait. A
        waiting thread sleeps and lets others run. Signal handlers run; if one raises, the wait ends with nothing taken.

        Raises
        ------
        Empty
            No item came in time.
        ShutDown
            The queue has been shut down and is empty.
        ValueError, TypeError
            ``timeout`` is negative, NaN, or not a number.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if block is not True or timeout is not None:
            cc_deadline_of(block, timeout, &deadline)
        return cc_object_store_get(inside(self), deadline)

    def get_nowait(self):
        """Take the oldest item if there is one now, else raise Empty. Raises ShutDown if shut down and empty. O(1)."""
        return cc_object_store_get(inside(self), CC_NOT_AT_ALL)

    def try_get(self, default=None):
        """Take the oldest item if there is one now, else return ``default``. Raises ShutDown if shut down and empty. O(1)."""
        return cc_object_store_try_get(inside(self), default)

    # ---- many ----

    def put_many(self, iterable, block=True, timeout=None):
        """Put the items of an iterable one after the other, as ``put`` does; return how many. O(k).

        Not atomic: other threads may put items in between. Waits for room as often as it is needed: for ever, or for ``timeout``
        seconds in all. Without ``block`` it does not wait.

        Raises
        ------
        Full
            There was no room in time; or, without ``block``, when it was needed.
        ShutDown
            The queue has been shut down, before anything was taken from the iterable or meanwhile.
        TypeError
            ``iterable`` is not iterable, or ``timeout`` is not a number.
        ValueError
            ``timeout`` is negative or NaN.

        An exception in the middle (also one from a signal handler or from the iterable) has the attribute ``items_put``, the
        number of items that were put; and ``item_not_put``, if an item was taken from the iterable but not put. A ShutDown or Full
        that the iterable itself raises, for example because it uses another queue, is passed on unchanged.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if block is not True or timeout is not None:
            cc_deadline_of(block, timeout, &deadline)
        return put_items(inside(self), iterable, deadline)

    def get_many(self, max_items, block=True, timeout=None):
        """Take 1 to ``max_items`` items, as a list. O(k).

        Waits for the first item as ``get`` does, and raises what ``get`` raises; takes further items if they are there. Not
        atomic: other threads may take items in between. If a signal handler raises in the middle, the exception has the
        attribute ``items_taken``, a list of the items taken.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if block is not True or timeout is not None:
            cc_deadline_of(block, timeout, &deadline)
        return get_items(inside(self), max_items, deadline)

    def drain(self, max_items=None):
        """Take what is there, at most ``max_items`` items, as a list, which may be empty. O(k).

        Never waits, and does not raise ShutDown. Items put after it has begun are mostly left. Call ``task_done`` for each item
        yourself. If a signal handler raises in the middle, the exception has the attribute ``items_taken``, a list of the items
        taken.
        """
        return drain_items(inside(self), max_items)

    def clear(self):
        """Drop what is there. Counts as ``task_done`` for each item, so that ``join`` ends. O(n).

        Items put after it has begun are mostly left. If a signal handler raises in the middle, some items have been dropped
        (and counted) and the rest are left.
        """
        cc_object_store_clear(inside(self))

    def __iter__(self):
        """Take items until the queue is shut down and empty; wait while it is empty."""
        inside(self)
        return _QueueIterator(self)

    def __contains__(self, item):
        # Without this, `in` would take items out of the queue, one by one.
        raise TypeError(f"{type(self).__name__}: a queue cannot be searched with `in`")

    # ---- tasks; async_get and its like are in _async_queue.py ----

    def __aiter__(self):
        """``async for item in queue``: take items until the queue is shut down and empty."""
        inside(self)
        return ASYNC_ITEMS(self)

    # ---- finished tasks, and the end ----

    def task_done(self):
        """Say that the work on one item is finished; call it once for each item. O(threads).

        Raises ValueError if it is called more often than items were put.
        """
        cc_object_store_task_done(inside(self))

    def join(self, timeout=None):
        """Wait until ``task_done`` has been called for every item that was put; return whether it was.

        For ever, and then True; or for ``timeout`` seconds. O(threads) for each look.

        Raises ValueError or TypeError if ``timeout`` is negative, NaN, or not a number.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if timeout is not None:
            cc_deadline_of(True, timeout, &deadline)
        return cc_object_store_join(inside(self), deadline) == 1

    def shutdown(self, immediate=False):
        """Accept no more items, and wake everybody who waits.

        From now on ``put`` raises ShutDown; ``get`` takes what is left and then raises ShutDown. With ``immediate``, what is left
        is dropped instead, and counted as ``task_done`` for each item. A put that runs at the same time either raises ShutDown,
        or its item can be taken. Idempotent. If a signal handler raises while many items are dropped, the queue is shut down
        all the same, and another call drops the rest.
        """
        cc_object_store_shut_down(inside(self), immediate)

    @property
    def is_shutdown(self):
        """Whether the queue has been shut down."""
        return cc_object_store_is_closed(inside(self))

    @property
    def unfinished_tasks(self):
        """How many items were put for which ``task_done`` has not been called. O(threads)."""
        return cc_object_store_unfinished(inside(self))

    # ---- the whole ----

    @property
    def maxsize(self):
        """How many items the queue holds at most; 0 if there is no bound, whatever it was made with.

        Set it to change the bound of a queue that was made with one: raising wakes those who wait for room, and so does 0, for no
        bound. Lowering it below the number of items drops none; nobody can add one until enough have been taken. O(1).

        Raises
        ------
        ValueError
            The queue was made without a bound, or it is a bounded WaitFreeQueue whose places are part of it.
        TypeError
            It is not an int.
        """
        return cc_object_store_capacity(inside(self))

    @maxsize.setter
    def maxsize(self, maxsize):
        set_bound(self, inside(self), "queue", maxsize)

    @property
    def sync_q(self):
        """The queue as threads see it, with the API of queue.Queue: the queue itself."""
        inside(self)
        return self

    @property
    def async_q(self):
        """The queue as tasks see it, with the API and the exceptions of asyncio.Queue: a ``mixed.AsyncQueue``."""
        from concurrent_collections import mixed  # which needs asyncio

        inside(self)
        return mixed.AsyncQueue(self)

    @property
    def backend(self):
        """The algorithm: 'scq', 'faa', 'lcrq', 'wcq' or 'crturn'; or 'gil', a plain list of items that the GIL protects."""
        return (<bytes>cc_object_queue_backend(inside(self))).decode()

    def statistics(self):
        """Return what operations have come to, since the queue was made, as a dict. O(threads).

        'puts', 'gets': how many have succeeded. Exact while no thread works. What follows is of the algorithm 'wcq', and 0 in
        others: 'requests', how often an operation has used up its tries on the fast path and asked other threads for help, which
        it does at most twice; 'patience', how many tries that are; 'most_steps', how many steps (accesses to shared memory) an
        operation may take with as many threads as have used the queue, or 0 where no number is known: of all but a wCQ that is one ring.
        """
        cdef cc_queue_statistics s
        cc_object_queue_get_statistics(inside(self), &s)
        return {"puts": s.puts, "gets": s.gets, "requests": s.requests, "patience": s.patience, "most_steps": s.most_steps}

    @property
    def waiting_getters(self):
        """How many threads and tasks are in line for an item. It may be out of date when you get it."""
        return cc_object_store_waiting(inside(self), CC_FOR_AN_ITEM)

    @property
    def waiting_putters(self):
        """How many threads and tasks are in line for room. It may be out of date when you get it."""
        return cc_object_store_waiting(inside(self), CC_FOR_ROOM)

    def qsize(self):
        """Return the number of items: exact while no other thread works, never above ``maxsize``. O(threads)."""
        return cc_object_store_length(inside(self))

    def __len__(self):
        return cc_object_store_length(inside(self))

    def empty(self):
        """Return whether there is no item. The answer may be out of date when you get it. O(threads)."""
        return cc_object_store_length(inside(self)) == 0

    def full(self):
        """Return whether there are ``maxsize`` items. The answer may be out of date when you get it. O(threads)."""
        cdef cc_object_store *s = inside(self)
        return cc_object_store_capacity(s) != 0 and cc_object_store_length(s) >= cc_object_store_capacity(s)

    def __repr__(self):
        return describe_store(self, &self.inner)

    def __sizeof__(self):
        return object.__sizeof__(self) + cc_object_store_bytes(inside(self))

    def __reduce_ex__(self, protocol):
        refuse_to_pickle(self, "queue")

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)


cdef class LockFreeQueue(_Queue):
    """LockFreeQueue(maxsize=0, iterable=(), *, ring_size=None)\n--\n\nA lock-free FIFO queue for any number of threads and event loops, with the API of queue.Queue.

    Parameters
    ----------
    maxsize : int, optional
        How many items it holds at most; no bound if not positive, infinite, or more than memory can hold.
    iterable : iterable, optional
        The items to start with.
    ring_size : int, optional
        Slots of one ring, rounded up to a power of two. For experiments; the default is right.

    ``put`` and ``get`` are linearizable, O(1), and lock-free unless they have to wait: whatever happens to one thread, the others
    go on. In a bounded queue a get takes its item and then makes room, so a ``put_nowait`` at the same time may still find the
    queue full. Waking a sleeping thread takes a short lock among the waiters. Any object can be an item, None too. A queue is
    true if it is not empty.

    On builds with a GIL ``backend`` is 'gil': a thread that has the GIL, without which no Python code runs, puts or gets in one
    step, and nobody takes a lock. There the GIL is all that one thread can hold another up with.

    Source: Nikolaev, A Scalable, Portable, and Memory-Efficient Lock-Free FIFO Queue (DISC 2019), for 'scq'.
    """
    def __init__(self, maxsize=0, iterable=(), *, ring_size=None):
        begin(self, usual_kind(), iterable, maxsize, ring_size, None)


cdef class FastQueue(_Queue):
    """FastQueue(maxsize=0, iterable=(), *, ring_size=None)\n--\n\nA LockFreeQueue with the fastest algorithm that the machine can run. It makes the same promises.

    Parameters
    ----------
    maxsize, iterable, ring_size
        As for LockFreeQueue.

    ``config.queue_backend`` chooses the algorithm when the queue is made: 'scq'; 'faa'; 'lcrq' if the processor can swap 16 bytes
    at once; 'gil' on builds with a GIL; or 'auto', which is 'gil' if available, and else 'faa'. ``backend`` says which one it is.

    Source: Correia and Ramalhete, FAAArrayQueue (Concurrency Freaks, 2016), for 'faa'; Morrison and Afek, Fast Concurrent Queues
    for x86 Processors (PPoPP 2013), for 'lcrq'.
    """
    def __init__(self, maxsize=0, iterable=(), *, ring_size=None):
        begin(self, chosen_fast_kind(), iterable, maxsize, ring_size, None)


cdef class WaitFreeQueue(_Queue):
    """WaitFreeQueue(maxsize=0, iterable=(), *, ring_size=None, patience=None)\n--\n\nA wait-free FIFO queue: each put and get finishes within a bounded number of the thread's own steps.

    Parameters
    ----------
    maxsize, iterable, ring_size
        As for LockFreeQueue.
    patience : int, optional
        How often an operation tries the fast path before it asks other threads for help. For experiments; such a queue has
        another backend than 'gil'.

    ``wait_free`` says whether all of the queue is wait-free. With wCQ, a bounded queue is (up to 65536 items); an unbounded one is
    only lock-free when it links a new ring. With CRTurn, an unbounded queue is; a bound is kept by a lock-free counter. A
    thread's first call, allocation, and waiting itself are lock-free everywhere. Otherwise like LockFreeQueue.

    On builds with a GIL ``backend`` is 'gil', as for LockFreeQueue, and ``wait_free`` is true with any bound: a thread that has the
    GIL finishes in O(1) steps. It waits for the GIL, as all Python code does there, whatever the algorithm.

    Source: Nikolaev and Ravindran, wCQ: A Fast Wait-Free Queue with Bounded Memory Usage (SPAA 2022); where the
    processor cannot swap 16 bytes at once, Correia and Ramalhete's CRTurn queue (2017).
    """
    def __init__(self, maxsize=0, iterable=(), *, ring_size=None, patience=None):
        begin(self, wait_free_kind(patience), iterable, maxsize, ring_size, patience)

    @property
    def wait_free(self):
        """Whether puts and gets of all threads are wait-free, unless they have to wait."""
        return cc_object_queue_is_wait_free(inside(self))


@cython.final
cdef class _QueueIterator:
    cdef _Queue queue
    cdef cc_atomic_u32 steps  # of whoever steps it; some may be forgotten

    def __cinit__(self, _Queue queue not None):
        self.queue = queue

    def __iter__(self):
        return self

    def __next__(self):
        # What calls this may be a loop in C (list, sum), which a get that finds an item never
        # interrupts.
        cdef uint32_t steps = cc_load_relaxed_u32(&self.steps) + 1
        cc_store_relaxed_u32(&self.steps, steps)
        if steps % CC_ITEMS_PER_LOOK == 0:
            cc_let_interpreter_in()
        try:
            return cc_object_store_get(inside(self.queue), CC_FOR_EVER)
        except ShutDown:
            raise StopIteration from None


# ---------------------------------------------------------------- types

cdef cc_object_queue_kind usual_kind() noexcept:
    return (CC_OBJECT_QUEUE_GIL if cc_object_queue_is_available(CC_OBJECT_QUEUE_GIL)
            else CC_OBJECT_QUEUE_SCQ)


cdef cc_object_queue_kind wait_free_kind(patience) noexcept:
    # 'gil' has no fast path to be patient with.
    if usual_kind() == CC_OBJECT_QUEUE_GIL and patience is None:
        return CC_OBJECT_QUEUE_GIL
    return CC_OBJECT_QUEUE_WAIT_FREE


cdef cc_object_queue_kind chosen_fast_kind() except *:
    name = config.queue_backend
    if name == "scq":
        return CC_OBJECT_QUEUE_SCQ
    if name == "lcrq":
        return CC_OBJECT_QUEUE_LCRQ
    # 'auto' without a GIL: the fastest one of benchmarks/core_queue.c (docs/benchmarks.md).
    # A put and a get of it take three locked instructions of 8 bytes; of LCRQ's one has 16, and
    # SCQ's are four or more.
    if name == "faa" or usual_kind() == CC_OBJECT_QUEUE_SCQ:
        return CC_OBJECT_QUEUE_FAA
    return usual_kind()


cdef cc_object_store *store_in(PyObject *self) noexcept:
    return <cc_object_store *>cc_load_acquire_uptr(&(<_Queue>self).inner)


cdef int traverse_queue(PyObject *self, visitproc visit, void *argument) noexcept:
    return cc_object_store_traverse(store_in(self), visit, argument)


cdef void clear_queue(PyObject *self) noexcept:
    cc_object_store_clear_for_gc(store_in(self))


cdef void free_queue(PyObject *self) noexcept:
    cc_object_store_free(store_in(self))


cdef int find_waitable_of_queue(PyObject *self, int what, cc_waitable *found) except -1:
    # `what` is one of object_store.h's, which _async_queue.py writes as numbers.
    found[0] = cc_object_store_waitable(inside(<_Queue>self), what)
    return 0


QUEUE.traverse = traverse_queue
QUEUE.clear = clear_queue
QUEUE.free = free_queue
QUEUE.find_waitable = find_waitable_of_queue
cc_container_class_add(<PyTypeObject *>_Queue, &QUEUE, NULL)

cc_container_type_publish(<PyTypeObject *>LockFreeQueue, b"concurrent_collections.LockFreeQueue", False)
cc_container_type_publish(<PyTypeObject *>FastQueue, b"concurrent_collections.FastQueue", False)
cc_container_type_publish(<PyTypeObject *>WaitFreeQueue, b"concurrent_collections.WaitFreeQueue", False)


def _init_subclass(cls, **kwargs):
    """Warn if a subclass defines what only queue.Queue would call. __init_subclass__ of the queues."""
    super(_Queue, cls).__init_subclass__(**kwargs)
    warn_of_hooks(cls, _Queue, "queue")


cdef extern from "Python.h":
    ctypedef struct type_with_dict "PyTypeObject":  # some fields
        PyObject *tp_dict
    void PyType_Modified(PyTypeObject *type)


cdef int install_methods() except -1:
    cdef _Queue probe = _Queue.__new__(_Queue)
    cdef Py_ssize_t offset = <char *>&probe.inner - <char *><PyObject *>probe
    cc_object_store_install_methods(<PyTypeObject *>_Queue, offset)
    # Cython takes no __init_subclass__ for such a class.
    members = <object>(<type_with_dict *>_Queue).tp_dict
    members["__init_subclass__"] = classmethod(_init_subclass)
    PyType_Modified(<PyTypeObject *>_Queue)
    return 0


install_methods()
cc_object_stores_begin(Empty, Full, ShutDown, get_many_for_task, put_many_for_task)
from concurrent_collections import _async_queue  # noqa: E402
cdef object ASYNC_ITEMS = _async_queue.Items
cdef object coroutine
for coroutine in (_async_queue.async_get, _async_queue.async_put, _async_queue.async_get_many, _async_queue.async_put_many,
                  _async_queue.async_join):
    cc_object_store_install_coroutine(<PyTypeObject *>_Queue, coroutine.__name__.encode(), coroutine)
