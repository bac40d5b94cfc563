"""Queues with two faces: `sync_q` for threads, which looks like `queue.Queue`, and `async_q` for tasks, like `asyncio.Queue`.

Every queue of this package has both. The names here are those of the janus package, so that its users change one line:
`from concurrent_collections import mixed as janus`. docs/queues.md says what differs.
"""

import sys
import types
from asyncio import QueueEmpty as AsyncQueueEmpty
from asyncio import QueueFull as AsyncQueueFull
from typing import Protocol, TypeVar

from concurrent_collections import _async_queue, _queues, _stack
from concurrent_collections._queues import Empty as SyncQueueEmpty
from concurrent_collections._queues import Full as SyncQueueFull
from concurrent_collections._queues import ShutDown as SyncQueueShutDown

if sys.version_info >= (3, 13):
    from asyncio import QueueShutDown as AsyncQueueShutDown
else:

    class AsyncQueueShutDown(Exception):
        """Raised by put and get of the face for tasks when the queue has been shut down."""


__all__ = [
    "AsyncQueue",
    "AsyncQueueEmpty",
    "AsyncQueueFull",
    "AsyncQueueShutDown",
    "LifoQueue",
    "Queue",
    "SyncQueue",
    "SyncQueueEmpty",
    "SyncQueueFull",
    "SyncQueueShutDown",
]

_TaskWait = _queues._TaskWait
_I = TypeVar("_I")


class AsyncQueue:
    """A queue as tasks see it: the API of asyncio.Queue. `queue.async_q` makes it.

    Parameters
    ----------
    queue : LockFreeQueue, FastQueue, WaitFreeQueue or LockFreeLifoQueue
        The queue whose face it is. It has nothing of its own: two faces of one queue are equal.

    Unlike an asyncio.Queue, it may be used in any number of event loops at once, next to threads that use the queue itself. It
    raises the exceptions of asyncio: QueueEmpty, QueueFull, and QueueShutDown (before CPython 3.13, ``AsyncQueueShutDown`` of
    this module).

    Examples
    --------
    >>> import asyncio
    >>> from concurrent_collections import LockFreeQueue
    >>> q = LockFreeQueue(iterable=["from a thread"])
    >>> asyncio.run(q.async_q.get())
    'from a thread'
    """

    __slots__ = ("_queue",)

    def __init__(self, queue):
        if not isinstance(queue, (_queues._Queue, _stack.LockFreeLifoQueue)):
            raise TypeError(
                f"queue: expected a queue of concurrent_collections, got {type(queue).__name__}"
            )
        self._queue = queue

    __class_getitem__ = classmethod(types.GenericAlias)

    # ---- items ----

    async def put(self, item):
        """Put an item; wait for room while the queue is full. O(1). Raises QueueShutDown after shutdown."""
        try:
            return await _TaskWait(self._queue, 1, item)
        except SyncQueueShutDown:
            raise AsyncQueueShutDown from None

    def put_nowait(self, item):
        """Put an item if there is room now, else raise QueueFull. O(1). Raises QueueShutDown after shutdown."""
        try:
            self._queue.put_nowait(item)
        except SyncQueueFull:
            raise AsyncQueueFull from None
        except SyncQueueShutDown:
            raise AsyncQueueShutDown from None

    async def get(self):
        """Take an item; wait for one while there is none. O(1). Raises QueueShutDown if shut down and empty."""
        try:
            return await _TaskWait(self._queue, 0, None)
        except SyncQueueShutDown:
            raise AsyncQueueShutDown from None

    def get_nowait(self):
        """Take an item if there is one now, else raise QueueEmpty. O(1). Raises QueueShutDown if shut down and empty."""
        try:
            return self._queue.get_nowait()
        except SyncQueueEmpty:
            raise AsyncQueueEmpty from None
        except SyncQueueShutDown:
            raise AsyncQueueShutDown from None

    # ---- finished tasks, and the end ----

    def task_done(self):
        """Say that the work on one item is finished. Raises ValueError if there was none. O(threads)."""
        self._queue.task_done()

    async def join(self):
        """Wait until ``task_done`` has been called for every item that was put. O(threads) for each look."""
        await _async_queue.async_join(self._queue)

    def shutdown(self, immediate=False):
        """Accept no more items, and wake everybody who waits, threads too; with ``immediate``, drop what is inside."""
        self._queue.shutdown(immediate)

    @property
    def closed(self):
        """Whether the queue has been shut down."""
        return self._queue.is_shutdown

    # ---- the whole ----

    @property
    def maxsize(self):
        """How many items the queue holds at most; 0 if there is no bound. It can be set, if there is one."""
        return self._queue.maxsize

    @maxsize.setter
    def maxsize(self, maxsize):
        self._queue.maxsize = maxsize

    @property
    def unfinished_tasks(self):
        """How many items were put for which ``task_done`` has not been called. O(threads)."""
        return self._queue.unfinished_tasks

    def qsize(self):
        """Return the number of items. The answer may be out of date when you get it. O(threads)."""
        return self._queue.qsize()

    def empty(self):
        """Return whether there is no item. The answer may be out of date when you get it. O(threads)."""
        return self._queue.empty()

    def full(self):
        """Return whether there are ``maxsize`` items. The answer may be out of date when you get it. O(threads)."""
        return self._queue.full()

    def __eq__(self, other):
        return isinstance(other, AsyncQueue) and self._queue is other._queue

    def __hash__(self):
        return hash((AsyncQueue, id(self._queue)))

    def __repr__(self):
        return f"<AsyncQueue of {self._queue!r}>"


class SyncQueue(Protocol[_I]):
    """What annotations say of the face for threads: the methods of queue.Queue. `queue.sync_q` is the queue itself."""

    def put(self, item, block=True, timeout=None):
        """Put an item; wait for room."""

    def put_nowait(self, item):
        """Put an item if there is room now, else raise Full."""

    def get(self, block=True, timeout=None):
        """Take an item; wait for one."""

    def get_nowait(self):
        """Take an item if there is one now, else raise Empty."""

    def task_done(self):
        """Say that the work on one item is finished."""

    def join(self, timeout=None):
        """Wait until all items are finished; return whether they are."""

    def shutdown(self, immediate=False):
        """Accept no more items, and wake everybody who waits."""

    @property
    def maxsize(self):
        """How many items the queue holds at most; 0 if there is no bound."""

    @property
    def unfinished_tasks(self):
        """How many items were put for which ``task_done`` has not been called."""

    def qsize(self):
        """Return the number of items."""

    def empty(self):
        """Return whether there is no item."""

    def full(self):
        """Return whether there are ``maxsize`` items."""


class _Closing:
    # What janus' queues have and the standard library's have not.
    __slots__ = ()

    @property
    def closed(self):
        """Whether the queue has been shut down."""
        return self.is_shutdown

    def close(self):
        """Shut the queue down, and drop what is inside: ``shutdown(immediate=True)``."""
        self.shutdown(immediate=True)

    async def wait_closed(self):
        """Return: there is nothing that a closed queue waits for. Raises RuntimeError if it has not been closed."""
        if not self.is_shutdown:
            raise RuntimeError("wait_closed: call close() or shutdown() first")

    async def aclose(self):
        """The same as ``close``, for ``await``."""
        self.shutdown(immediate=True)


class Queue(_Closing, _queues.LockFreeQueue):
    """A LockFreeQueue that has also `close`, `aclose`, `wait_closed` and `closed`, as janus.Queue.

    Parameters
    ----------
    maxsize, iterable, ring_size
        As for LockFreeQueue.

    Examples
    --------
    >>> import asyncio
    >>> from concurrent_collections import mixed as janus
    >>> async def main():
    ...     queue = janus.Queue(maxsize=10)
    ...     await asyncio.to_thread(queue.sync_q.put, "from a thread")
    ...     item = await queue.async_q.get()
    ...     await queue.aclose()
    ...     return item
    >>> asyncio.run(main())
    'from a thread'
    """


class LifoQueue(_Closing, _stack.LockFreeLifoQueue):
    """A LockFreeLifoQueue that has also `close`, `aclose`, `wait_closed` and `closed`, as janus.LifoQueue.

    Parameters
    ----------
    maxsize, iterable
        As for LockFreeLifoQueue.
    """
