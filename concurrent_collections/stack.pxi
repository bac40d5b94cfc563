# Stacks: push and pop over cc_object_store, and the same with the names of queue.LifoQueue.

cimport cython
from libc.string cimport memset

include "store.pxi"

cdef cc_container_kind STACK


cdef inline cc_object_store *inside(LockFreeStack stack) except NULL:
    return store_at(stack, &stack.inner)


cdef int begin(LockFreeStack stack, maxsize, iterable) except -1:
    cdef cc_stack_options options
    memset(&options, 0, sizeof(options))  # whatever fields it has
    options.capacity = capacity_from(maxsize)
    items = items_from(iterable)
    if cc_load_relaxed_uptr(&stack.inner):
        begun_already(stack)
    return begin_store(stack, &stack.inner, cc_object_stack_new(&options), items, maxsize)


cdef uint64_t deadline_from(block, timeout) except? 1:
    # Of methods that do not wait unless asked to.
    cdef uint64_t deadline = CC_NOT_AT_ALL
    if not block and timeout is not None:
        raise ValueError("timeout: has no meaning without block=True")
    if block:
        cc_deadline_of(block, timeout, &deadline)
    return deadline


cdef class LockFreeStack(_Container):
    """LockFreeStack(maxsize=0, iterable=())\n--\n\nA lock-free LIFO stack for any number of threads and event loops.

    Parameters
    ----------
    maxsize : int, optional
        How many items it holds at most; no bound if not positive, infinite, or more than memory can hold.
    iterable : iterable, optional
        The items to start with; the last one is on top.

    ``push``, ``pop``, ``peek``, ``snapshot`` and ``shutdown`` are linearizable, and lock-free unless they have to wait: whatever
    happens to one thread, the others go on. Two threads of which one pushes and one pops, and which are in each other's way, hand
    the item over directly. In a bounded stack a pop takes its item and then makes room, so a ``push`` at the same time may still
    find the stack full. Any object can be an item, None too. A stack is true if it is not empty.

    Sources: Treiber, Systems Programming: Coping with Parallelism (1986); Hendler, Shavit and Yerushalmi, A Scalable Lock-Free
    Stack Algorithm (SPAA 2004).

    Examples
    --------
    >>> stack = LockFreeStack(iterable="abc")
    >>> stack.push("d")
    >>> stack.pop(), stack.peek(), list(stack)
    ('d', 'c', ['c', 'b', 'a'])
    """
    cdef cc_atomic_uptr inner  # cc_object_store *

    def __init__(self, maxsize=0, iterable=()):
        begin(self, maxsize, iterable)

    # ---- one item ----

    def push(self, item, block=False, timeout=None):
        """Put an item on top. O(1).

        With ``block``, waits for room while the stack is full: for ever, or for ``timeout`` seconds. A waiting thread sleeps and
        lets others run. Signal handlers run; if one raises, the wait ends with nothing pushed.

        Raises
        ------
        Full
            There is no room, or there was none in time. An unfinished pop still takes up room.
        ShutDown
            The stack has been shut down.
        ValueError, TypeError
            ``timeout`` is negative, NaN, or not a number; or it is given without ``block``.
        """
        cc_object_store_put(inside(self), item, deadline_from(block, timeout))

    def try_push(self, item):
        """Put an item on top if there is room; return whether it did. Raises ShutDown after shutdown. O(1)."""
        return cc_object_store_try_put(inside(self), item)

    def pop(self, block=False, timeout=None):
        """Take the top item and return it. O(1).

        With ``block``, waits for an item while the stack is empty: for ever, or for ``timeout`` seconds. A waiting thread sleeps
        and lets others run. Signal handlers run; if one raises, the wait ends with nothing taken.

        Raises
        ------
        Empty
            There is no item, or none came in time.
        ShutDown
            The stack has been shut down and is empty.
        ValueError, TypeError
            ``timeout`` is negative, NaN, or not a number; or it is given without ``block``.
        """
        return cc_object_store_get(inside(self), deadline_from(block, timeout))

    def try_pop(self, default=None):
        """Take the top item if there is one, else return ``default``. Raises ShutDown if shut down and empty. O(1)."""
        return cc_object_store_try_get(inside(self), default)

    def peek(self, default=None):
        """Return the top item, which stays, or ``default`` if there is none. O(1).

        Another thread may have taken it by the time you get the answer. An item that is popped while somebody looks at it may
        live a little longer than it would otherwise.
        """
        return cc_object_stack_peek(inside(self), default)

    # ---- many ----

    def push_many(self, iterable, block=True, timeout=None):
        """Push the items of an iterable one after the other, the last one on top; return how many. O(k).

        Not atomic: other threads may push and pop in between. Unlike ``push`` it waits for room, unless told otherwise: for ever,
        or for ``timeout`` seconds in all.

        Raises
        ------
        Full
            There was no room in time; or, without ``block``, when it was needed.
        ShutDown
            The stack has been shut down, before anything was taken from the iterable or meanwhile.
        TypeError
            ``iterable`` is not iterable, or ``timeout`` is not a number.
        ValueError
            ``timeout`` is negative or NaN.

        An exception in the middle (also one from a signal handler or from the iterable) has the attribute ``items_put``, the
        number of items that were pushed; and ``item_not_put``, if an item was taken from the iterable but not pushed.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if block is not True or timeout is not None:
            cc_deadline_of(block, timeout, &deadline)
        return put_items(inside(self), iterable, deadline)

    def pop_many(self, max_items, block=False, timeout=None):
        """Take 1 to ``max_items`` items, as a list, top first. O(k).

        The first item as ``pop`` takes it, which may raise; further items if they are there. Not atomic: other threads may push
        and pop in between. If a signal handler raises in the middle, the exception has the attribute ``items_taken``, a list of
        the items taken.
        """
        return get_items(inside(self), max_items, deadline_from(block, timeout))

    def drain(self, max_items=None):
        """Take what is there, at most ``max_items`` items, as a list, top first, which may be empty. O(k).

        Never waits, and does not raise ShutDown. Takes no more items than there were when it began. If a signal handler raises in
        the middle, the exception has the attribute ``items_taken``, a list of the items taken.
        """
        return drain_items(inside(self), max_items)

    def clear(self):
        """Drop as many items as there are when it begins. O(n).

        If a signal handler raises in the middle, some items have been dropped and the rest are left.
        """
        cc_object_store_clear(inside(self))

    def snapshot(self):
        """Return a list of all items that were inside at one instant, top first. O(n).

        Other threads go on meanwhile. What they pop while the list is made lives at least as long as that takes.
        """
        return cc_object_stack_snapshot(inside(self))

    def __iter__(self):
        """Iterate over a snapshot, top first. Takes nothing."""
        return iter(cc_object_stack_snapshot(inside(self)))

    # ---- the end; async_pop and its like are in _async_queue.py ----

    def shutdown(self, immediate=False):
        """Accept no more items, and wake everybody who waits.

        From now on ``push`` raises ShutDown; ``pop`` takes what is left and then raises ShutDown. With ``immediate``, what is left
        is dropped instead. Idempotent. If a signal handler raises while many items are dropped, the stack is shut down all the
        same, and another call drops the rest.
        """
        cc_object_store_shut_down(inside(self), immediate)

    @property
    def is_shutdown(self):
        """Whether the stack has been shut down."""
        return cc_object_store_is_closed(inside(self))

    # ---- the whole ----

    @property
    def maxsize(self):
        """How many items the stack holds at most; 0 if there is no bound, whatever it was made with.

        Set it to change the bound of a stack that was made with one: raising wakes those who wait for room, and so does 0, for no
        bound. Lowering it below the number of items drops none; nobody can add one until enough have been taken. O(1).

        Raises
        ------
        ValueError
            The stack was made without a bound.
        TypeError
            It is not an int.
        """
        return cc_object_store_capacity(inside(self))

    @maxsize.setter
    def maxsize(self, maxsize):
        set_bound(self, inside(self), "stack", maxsize)

    def __len__(self):
        return cc_object_store_length(inside(self))

    def empty(self):
        """Return whether there is no item. The answer may be out of date when you get it. O(threads)."""
        return cc_object_store_length(inside(self)) == 0

    def full(self):
        """Return whether there are ``maxsize`` items. The answer may be out of date when you get it. O(threads)."""
        cdef cc_object_store *s = inside(self)
        return cc_object_store_capacity(s) != 0 and cc_object_store_length(s) >= cc_object_store_capacity(s)

    def statistics(self):
        """Return how threads have met, since the stack was made, as a dict. O(threads).

        'pushes', 'pops': how many have succeeded. 'lost': how often another thread was faster at the top. 'offers': how often a
        push has then offered its item in the elimination array. 'eliminated': how many of these a pop has taken there, so that
        neither of the two had to touch the stack. Exact while no thread works.
        """
        cdef cc_stack_statistics s
        cc_stack_get_statistics(cc_object_stack_core(inside(self)), &s)
        return {"pushes": s.pushes, "pops": s.pops, "lost": s.lost, "offers": s.offers, "eliminated": s.eliminated}

    def __repr__(self):
        return describe_store(self, &self.inner)

    def __sizeof__(self):
        return object.__sizeof__(self) + cc_object_store_bytes(inside(self))

    def __reduce_ex__(self, protocol):
        refuse_to_pickle(self, "stack")

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)


cdef class LockFreeLifoQueue(LockFreeStack):
    """LockFreeLifoQueue(maxsize=0, iterable=())\n--\n\nA LockFreeStack with the methods of queue.LifoQueue, which it can replace.

    Parameters
    ----------
    maxsize, iterable
        As for LockFreeStack.

    ``put`` and ``get`` wait by default. Everything else is as for LockFreeStack, whose methods it has too.
    """

    def put(self, item, block=True, timeout=None):
        """Put an item on top, as ``push``; wait for room, unless ``block`` is false. O(1).

        Raises Full if there was none in time, ShutDown after shutdown.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if block is not True or timeout is not None:
            cc_deadline_of(block, timeout, &deadline)
        cc_object_store_put(inside(self), item, deadline)

    def put_nowait(self, item):
        """Put an item on top if there is room now, else raise Full. Raises ShutDown after shutdown. O(1)."""
        cc_object_store_put(inside(self), item, CC_NOT_AT_ALL)

    def get(self, block=True, timeout=None):
        """Take the top item, as ``pop``; wait for one, unless ``block`` is false. O(1).

        Raises Empty if none came in time, ShutDown if shut down and empty.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if block is not True or timeout is not None:
            cc_deadline_of(block, timeout, &deadline)
        return cc_object_store_get(inside(self), deadline)

    def get_nowait(self):
        """Take the top item if there is one now, else raise Empty. Raises ShutDown if shut down and empty. O(1)."""
        return cc_object_store_get(inside(self), CC_NOT_AT_ALL)

    def qsize(self):
        """Return the number of items: exact while no other thread works, never above ``maxsize``. O(threads)."""
        return cc_object_store_length(inside(self))

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

    @property
    def unfinished_tasks(self):
        """How many items were put for which ``task_done`` has not been called. O(threads)."""
        return cc_object_store_unfinished(inside(self))

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
    def waiting_getters(self):
        """How many threads and tasks are in line for an item. It may be out of date when you get it."""
        return cc_object_store_waiting(inside(self), CC_FOR_AN_ITEM)

    @property
    def waiting_putters(self):
        """How many threads and tasks are in line for room. It may be out of date when you get it."""
        return cc_object_store_waiting(inside(self), CC_FOR_ROOM)


# ---------------------------------------------------------------- types

cdef cc_object_store *store_in(PyObject *self) noexcept:
    return <cc_object_store *>cc_load_acquire_uptr(&(<LockFreeStack>self).inner)


cdef int traverse_stack(PyObject *self, visitproc visit, void *argument) noexcept:
    return cc_object_store_traverse(store_in(self), visit, argument)


cdef void clear_stack(PyObject *self) noexcept:
    cc_object_store_clear_for_gc(store_in(self))


cdef void free_stack(PyObject *self) noexcept:
    cc_object_store_free(store_in(self))


cdef cc_smr_domain *domain_of_stack(PyObject *self) noexcept:
    return cc_object_stack_domain(store_in(self))


cdef int find_waitable_of_stack(PyObject *self, int what, cc_waitable *found) except -1:
    # `what` is one of object_store.h's, which _async_queue.py writes as numbers.
    found[0] = cc_object_store_waitable(inside(<LockFreeStack>self), what)
    return 0


STACK.traverse = traverse_stack
STACK.clear = clear_stack
STACK.free = free_stack
STACK.domain = domain_of_stack
STACK.find_waitable = find_waitable_of_stack
cc_container_class_add(<PyTypeObject *>LockFreeStack, &STACK, NULL)

cc_container_type_publish(<PyTypeObject *>LockFreeStack, b"concurrent_collections.LockFreeStack", False)
cc_container_type_publish(<PyTypeObject *>LockFreeLifoQueue, b"concurrent_collections.LockFreeLifoQueue", False)


def _init_subclass(cls, **kwargs):
    """Warn if a subclass defines what only queue.LifoQueue would call. __init_subclass__ of LockFreeLifoQueue."""
    super(LockFreeLifoQueue, cls).__init_subclass__(**kwargs)
    warn_of_hooks(cls, LockFreeLifoQueue, "queue")


cdef extern from "Python.h":
    ctypedef struct type_with_dict "PyTypeObject":  # some fields
        PyObject *tp_dict
    void PyType_Modified(PyTypeObject *type)


cdef int install_methods() except -1:
    cdef LockFreeStack probe = LockFreeStack.__new__(LockFreeStack)
    cdef Py_ssize_t offset = <char *>&probe.inner - <char *><PyObject *>probe
    cc_object_store_install_methods(<PyTypeObject *>LockFreeStack, offset)
    # Cython takes no __init_subclass__ for such a class.
    members = <object>(<type_with_dict *>LockFreeLifoQueue).tp_dict
    members["__init_subclass__"] = classmethod(_init_subclass)
    PyType_Modified(<PyTypeObject *>LockFreeLifoQueue)
    return 0


install_methods()
from concurrent_collections import _async_queue  # noqa: E402
cdef object coroutine
for coroutine in (_async_queue.async_pop, _async_queue.async_push, _async_queue.async_pop_many, _async_queue.async_push_many):
    cc_object_store_install_coroutine(<PyTypeObject *>LockFreeStack, coroutine.__name__.encode(), coroutine)
cc_object_store_install_coroutine(<PyTypeObject *>LockFreeLifoQueue, b"async_join", _async_queue.async_join)
