"""Coroutines that wait for a queue (`async_get` and its like, and what `async for` runs) or a stack (`async_pop` and its like).

All that they do is done by the one awaitable in tasks.pxi. They are coroutine functions, and methods of the queues, so
that `inspect.iscoroutinefunction` knows them and whoever forgets to await them is warned. Nothing may be added between an
`await` here and its `return`: the item is in hand there, and the interpreter runs no handler of a signal as long as these are
the next two things to do. (Nor may there be a loop inside a `try`: its jump back is not covered by the `except`, and is where handlers run.)

The numbers are what a task waits for (CC_FOR_AN_ITEM and its like in object_store.h): 0, an item; 1, room; 2, that all is
finished; 3, items; 4, room for many. They have no names here, since looking up a global name would make each `await` slower.
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


async def async_get_many(self, max_items):
    """Take 1 to ``max_items`` items, as a list, as ``get_many`` does; the task waits for the first one. O(k).

    At most 1024 at a time, so that a loop is not held up; whoever wants more calls again. Not atomic: others may take items in
    between. A task that is cancelled or times out has taken nothing. See ``async_get`` for the rest.

    Raises
    ------
    ShutDown
        The queue has been shut down and is empty.
    ValueError, TypeError
        ``max_items`` is less than 1, or not an int.
    """
    return await _TaskWait(self, 3, _queues._most_for_task(max_items))


async def async_put_many(self, iterable):
    """Put the items of an iterable one after the other, as ``put_many`` does; return how many. O(k).

    The task waits for room, not the thread. Other tasks get a turn after every 1024 items, also if there is always room. Not
    atomic: others may put items in between.

    Raises
    ------
    ShutDown
        The queue has been shut down, before anything was taken from the iterable or meanwhile.
    TypeError
        ``iterable`` is not iterable. (It is not an asynchronous one.)

    What is put stays put. Every exception says how far the call came, also the CancelledError of a task that is cancelled: the
    attribute ``items_put`` is the number of items that were put; and ``item_not_put``, if there is one, was taken from the
    iterable but not put. A ShutDown or Full that the iterable itself raises is passed on unchanged.
    """
    puts = _queues._TaskPuts(iterable)
    try:
        return await _TaskWait(self, 4, puts)
    except BaseException as error:
        puts.say_how_far(error)
        raise


async def async_join(self):
    """Wait until ``task_done`` has been called for every item that was put, as ``join``; the task waits, not the thread.

    O(threads) for each look. Any number of asyncio event loops and threads can wait. For a time limit, use asyncio's.

    Raises RuntimeError if the task would have to wait, and no asyncio loop is running; or if it is a task of trio.
    """
    await _TaskWait(self, 2, None)


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


async def async_pop_many(self, max_items):
    """Take 1 to ``max_items`` items, as a list, top first; the task waits for the first one. O(k).

    At most 1024 at a time, so that a loop is not held up; whoever wants more calls again. Not atomic: others may push and pop
    in between. A task that is cancelled or times out has taken nothing. See ``async_pop`` for the rest.

    Raises
    ------
    ShutDown
        The stack has been shut down and is empty.
    ValueError, TypeError
        ``max_items`` is less than 1, or not an int.
    """
    return await _TaskWait(self, 3, _queues._most_for_task(max_items))


async def async_push_many(self, iterable):
    """Push the items of an iterable one after the other, the last one on top; return how many. O(k).

    The task waits for room, not the thread. Other tasks get a turn after every 1024 items, also if there is always room. Not
    atomic: others may push and pop in between.

    Raises
    ------
    ShutDown
        The stack has been shut down, before anything was taken from the iterable or meanwhile.
    TypeError
        ``iterable`` is not iterable. (It is not an asynchronous one.)

    What is pushed stays pushed. Every exception says how far the call came, also the CancelledError of a task that is cancelled:
    the attribute ``items_put`` is the number of items that were pushed; and ``item_not_put``, if there is one, was taken from the
    iterable but not pushed. A ShutDown or Full that the iterable itself raises is passed on unchanged.
    """
    return await async_put_many(self, iterable)


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
