"""The coroutine that waits for a semaphore; a method of the semaphores. What _async_queue.py says of its own holds here, too."""

from concurrent_collections._queues import _TaskWait


async def async_acquire(self):
    """Take a permit, as ``acquire`` does; the task waits, not the thread. Returns True. O(1).

    Any number of asyncio event loops and threads can wait for one semaphore. A task that is cancelled or times out
    (``asyncio.timeout``) has no permit, and loses none that others need. A permit that is free is taken without yielding to
    other tasks. ``async with`` is this and a ``release``.

    Raises RuntimeError if the task would have to wait and no asyncio loop is running, or is a task of trio.
    """
    return await _TaskWait(self, 0, None)
