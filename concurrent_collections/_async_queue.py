"""Coroutines that wait for a queue: what async_get, async_put and `async for` run.

A task waits for a future of its own, and gets nothing by it but the advice to try again: so a task that is
cancelled has nothing to give back but that advice, which `leave` passes on to the next one in line.
csrc/sync/event_count.h has the protocol, queue_tasks.pxi the way from a notifying thread into the loop.
"""

import threading
import weakref

from concurrent_collections import _core

_NOTHING = object()


class _OfThread(threading.local):
    """The port of the loop that ran here last. Two threads that run one loop in turn make two ports."""

    # A weak reference: who waits has a strong one. What is stranded in a dead loop's port must not live on here.
    find_port = staticmethod(lambda: None)


_here = _OfThread()


def _port_of(loop):
    port = _here.find_port()
    if port is None or port.loop is not loop:
        port = _core._LoopPort(loop)
        _here.find_port = weakref.ref(port)
    return port


async def _try_until_it_works(queue, attempt, argument, failed, for_room):
    """Return what `attempt(argument)` answers as soon as that is something else than `failed`."""
    import asyncio  # whoever awaits has it; the others need not load it

    loop = asyncio.get_running_loop()
    waiter = None
    while True:
        waiter = _core._TaskWaiter(queue, _port_of(loop), loop.create_future(), for_room, waiter)
        future = waiter.future
        waiter.enqueue()
        try:
            # Once more, now that nobody can bring it about without our hearing of it.
            answer = attempt(argument)
            if answer is not failed:
                return answer
            await future
            answer = attempt(argument)
            waiter.accept()
            if answer is not failed:
                return answer
        finally:
            # After an answer without a notification, and after exceptions: CancelledError, ShutDown,
            # GeneratorExit when the task is collected.
            waiter.leave()


async def get(queue):
    item = queue.try_get(_NOTHING)
    if item is _NOTHING:
        item = await _try_until_it_works(queue, queue.try_get, _NOTHING, _NOTHING, False)
    return item


async def put(queue, item):
    if not queue.try_put(item):
        await _try_until_it_works(queue, queue.try_put, item, False, True)


class Items:
    """The asynchronous iterator over a queue."""

    __slots__ = ("_queue",)

    def __init__(self, queue):
        self._queue = queue

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await get(self._queue)
        except _core.ShutDown:
            raise StopAsyncIteration from None
