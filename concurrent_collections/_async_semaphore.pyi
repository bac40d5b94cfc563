# The coroutine that waits for a semaphore. Users get it as async_acquire().
from typing import Literal

from concurrent_collections._sync import Semaphore

async def async_acquire(self: Semaphore) -> Literal[True]: ...
