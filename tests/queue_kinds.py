"""The queues that the queue tests run with: every class with every backend that this build and machine have."""

from __future__ import annotations

import pytest

from concurrent_collections import (
    FastQueue,
    LockFreeLifoQueue,
    LockFreeQueue,
    LockFreeStack,
    ShutDown,
    WaitFreeQueue,
    _async_queue,
    config,
)


class Kind:
    """Called like the class; a FastQueue gets its backend, and `usual` is what calls do not say otherwise."""

    def __init__(self, cls, backend=None, name=None, **usual):
        self.cls = cls
        self.choice = backend
        self.usual = usual
        parts = [cls.__name__, backend, name]
        self.__name__ = "-".join(part for part in parts if part is not None)

    def __call__(self, *arguments, **options):
        for name, value in self.usual.items():
            if options.get(name) is None:
                options[name] = value
        if self.choice is None:
            return self.cls(*arguments, **options)
        before = config.queue_backend
        config.queue_backend = self.choice
        try:
            return self.cls(*arguments, **options)
        finally:
            config.queue_backend = before

    def subclass(self, name="Subclass", **attributes):
        """The same with a Python subclass. One with an __init__ of its own is called with its own parameters only."""
        usual = {} if "__init__" in attributes else self.usual
        return Kind(type(name, (self.cls,), attributes), self.choice, **usual)

    def is_there(self):
        try:
            self()
        except RuntimeError:  # the algorithm does not run here
            return False
        return True


# A FastQueue with LockFreeQueue's backend is LockFreeQueue by another name; so is, with a GIL, a WaitFreeQueue that is told no patience.
KINDS = [
    Kind(LockFreeQueue),
    *(
        Kind(FastQueue, backend)
        for backend in config.available_queue_backends
        if backend not in ("auto", "gil", LockFreeQueue().backend)
    ),
    Kind(WaitFreeQueue)
    if WaitFreeQueue().backend != "gil"
    else Kind(WaitFreeQueue, name="patient", patience=16),
]
KINDS = [kind for kind in KINDS if kind.is_there()]

# For threads that meet: also with as little of everything as there can be, so that rings end all the time and every
# operation takes the slow way.
KINDS_UNDER_LOAD = [
    *KINDS,
    Kind(LockFreeQueue, name="small", ring_size=1),
    Kind(FastQueue, "faa", name="small", ring_size=1),
    Kind(WaitFreeQueue, name="slow", ring_size=1, patience=0),
]


class StackAsQueue(LockFreeLifoQueue):
    """A stack under the names of a queue's methods: what they share comes from the same place (store.pxi, object_store.c,
    tasks.pxi), so the same tests hold, but for the order of items."""

    def __init__(self, maxsize=0, iterable=(), *, ring_size=None):
        super().__init__(maxsize, iterable)

    try_put = LockFreeStack.try_push
    try_get = LockFreeStack.try_pop
    put_many = LockFreeStack.push_many
    async_get = LockFreeStack.async_pop
    async_put = LockFreeStack.async_push
    async_get_many = LockFreeStack.async_pop_many
    async_put_many = LockFreeStack.async_push_many

    def get_many(self, max_items, block=True, timeout=None):
        if not block:
            timeout = None
        return self.pop_many(max_items, block, timeout)

    def __iter__(self):
        while True:
            try:
                yield self.get()
            except ShutDown:
                return

    def __aiter__(self):
        return _async_queue.Items(self)


STORES = [*KINDS, Kind(StackAsQueue)]


def each(kinds):
    return pytest.mark.parametrize("Queue", kinds, ids=[kind.__name__ for kind in kinds])


each_queue = each(KINDS)
each_queue_under_load = each(KINDS_UNDER_LOAD)
each_store = each(
    STORES
)  # queues and the stack; but not the stack in tests that are marked `queues_only`
