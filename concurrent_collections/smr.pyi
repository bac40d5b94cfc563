from typing import Any, NamedTuple, overload

from concurrent_collections._ordered import _OrderedMap, _OrderedSet
from concurrent_collections._stack import LockFreeStack

__all__ = ["ContainerStats", "NodeBlocks", "OpenRegion", "Stats", "node_blocks", "stats"]

class OpenRegion(NamedTuple):
    age: int
    thread_id: int

class Stats(NamedTuple):
    containers: int
    eras: int
    waiting: int
    waiting_bytes: int
    open_regions: int
    oldest: OpenRegion | None
    threads: int
    retired: int
    released: int
    scans: int
    retries: int
    neutralizations: int
    refusals: int
    node_bytes: int

class ContainerStats(NamedTuple):
    scheme: str
    era: int
    waiting: int
    waiting_bytes: int
    open_regions: int
    oldest: OpenRegion | None

@overload
def stats(container: None = None) -> Stats: ...
@overload
def stats(
    container: _OrderedMap[Any, Any] | _OrderedSet[Any] | LockFreeStack[Any],
) -> ContainerStats: ...

class NodeBlocks(NamedTuple):
    block_bytes: int
    slabs: int
    blocks: int
    free: int

def node_blocks() -> list[NodeBlocks]: ...
