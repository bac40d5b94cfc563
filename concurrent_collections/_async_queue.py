"""Coroutines that wait for a queue (`async_get`, `async_put` and what `async for` runs) or a stack (`async_pop`, `async_push`).

All that they do is done by the one awaitable in tasks.pxi. They are coroutine functions, and methods of the queues, so
that `inspect.iscoroutinefunction` knows them and whoever forgets to await them is warned. Nothing may be added between an
`await` here and its `return`: the item is in hand there, and the interpreter runs no handler of a signal as long as these are
the next two things to do.

The numbers are what a task waits for: 0, an item; 1, room (CC_FOR_AN_ITEM and CC_FOR_ROOM in object_store.h). They have no
names here, since looking up a global name would make each `await` slower.
"""

from concurrent_collections import _queues
from concurrent_collections._queues import _TaskWait


async def async_get(self):
    """Take the oldest item, as ``get`` does; the task waits, not the thread. O(1).

    Any number of asyncio event loops and threads can wait on one queue. A task that is cancelled or times out
    (``asyncio.timeout``) loses neither an item nor a wake-up that others need, and neither does one in which a signal
    handler raises. An item that is there is taken without yielding to other tasks.

    Raises
    ------
    ShutDown
        The queue has been shut down and is empty.
    RuntimeError
        The task would have to wait, and no asyncio loop is running; or the task is one of trio.
    """
    return await _TaskWait(self, 0, None)


async def async_put(self, item):
    """Put an item at the end, as ``put`` does; the task waits for room, not the thread. O(1).

    Raises ShutDown if the queue has been shut down. See ``async_get`` for the rest.
    """
    return await _TaskWait(self, 1, item)


async def async_pop(self):
    """Take the top item; wait for one while the stack is empty; the task waits, not the thread. O(1).

    Any number of asyncio event loops and threads can wait on one stack. A task that is cancelled or times out
    (``asyncio.timeout``) loses neither an item nor a wake-up that others need. An item that is there is taken without
    yielding to other tasks.

    Raises
    ------
    ShutDown
        The stack has been shut down and is empty.
    RuntimeError
        The task would have to wait, and no asyncio loop is running; or the task is one of trio.
    """
    return await _TaskWait(self, 0, None)


async def async_push(self, item):
    """Put an item on top; wait for room while the stack is full; the task waits, not the thread. O(1).

    Raises ShutDown if the stack has been shut down. See ``async_pop`` for the rest.
    """
    return await _TaskWait(self, 1, item)


class Items:
    """The asynchronous iterator over a queue."""

    __slots__ = ("_queue",)

    def __init__(self, queue):
        self._queue = queue

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await _TaskWait(self._queue, 0, None)
        except _queues.ShutDown:
            raise StopAsyncIteration from None
