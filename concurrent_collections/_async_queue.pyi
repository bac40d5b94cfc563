# Coroutines that wait for a queue. Users get them as async_get(), async_put() and `async for`.
from collections.abc import AsyncIterator
from typing import TypeVar

from concurrent_collections._queues import _Queue

_I = TypeVar("_I")

async def async_get(self: _Queue[_I]) -> _I: ...
async def async_put(self: _Queue[_I], item: _I) -> None: ...

class Items(AsyncIterator[_I]):
    def __init__(self, queue: _Queue[_I]) -> None: ...
    async def __anext__(self) -> _I: ...
