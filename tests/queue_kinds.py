"""The queues that the queue tests run with: every class with every backend that this build and machine have."""

from __future__ import annotations

import pytest

from concurrent_collections import FastQueue, LockFreeQueue, WaitFreeQueue, config


class Kind:
    """Called like the class; a FastQueue gets its backend."""

    def __init__(self, cls, backend=None):
        self.cls = cls
        self.choice = backend
        self.__name__ = cls.__name__ if backend is None else f"{cls.__name__}-{backend}"

    def __call__(self, *arguments, **options):
        if self.choice is None:
            return self.cls(*arguments, **options)
        before = config.queue_backend
        config.queue_backend = self.choice
        try:
            return self.cls(*arguments, **options)
        finally:
            config.queue_backend = before

    def subclass(self, name="Subclass", **attributes):
        """The same with a Python subclass."""
        return Kind(type(name, (self.cls,), attributes), self.choice)

    def is_there(self):
        try:
            self()
        except RuntimeError:  # the algorithm does not run here
            return False
        return True


KINDS = [
    Kind(LockFreeQueue),
    *(Kind(FastQueue, backend) for backend in config.available_queue_backends if backend != "auto"),
    Kind(WaitFreeQueue),
]
KINDS = [kind for kind in KINDS if kind.is_there()]

each_queue = pytest.mark.parametrize("Queue", KINDS, ids=[kind.__name__ for kind in KINDS])
