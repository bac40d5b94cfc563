# The event loop that runs here, and where its tasks are told.
from asyncio import AbstractEventLoop

from concurrent_collections._queues import _LoopPort

def running_loop() -> AbstractEventLoop: ...
def port_of(loop: AbstractEventLoop) -> _LoopPort: ...
