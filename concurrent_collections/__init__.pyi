from concurrent_collections import smr as smr
from concurrent_collections._core import Config, config, flush, get_build_info, print_config
from concurrent_collections._counters import (
    Access as Access,
)
from concurrent_collections._counters import (
    AccessTracker,
    AtomicCounter,
    Stats,
    StripedCounter,
)
from concurrent_collections._frozen import FrozenSkipListMap, FrozenSkipListSet
from concurrent_collections._interchange import columns, json_default
from concurrent_collections._ordered import (
    REMOVE,
    Comparator,
    SkipListMap,
    SkipListSet,
    TreeMap,
    TreeSet,
)
from concurrent_collections._queues import (
    Empty,
    FastQueue,
    Full,
    LockFreeQueue,
    ShutDown,
    WaitFreeQueue,
)
from concurrent_collections._stack import LockFreeLifoQueue, LockFreeStack
from concurrent_collections._sync import BoundedSemaphore, Semaphore

__all__ = [
    "REMOVE",
    "AccessTracker",
    "AtomicCounter",
    "BoundedSemaphore",
    "Comparator",
    "Config",
    "Empty",
    "FastQueue",
    "FrozenSkipListMap",
    "FrozenSkipListSet",
    "Full",
    "LockFreeLifoQueue",
    "LockFreeQueue",
    "LockFreeStack",
    "Semaphore",
    "ShutDown",
    "SkipListMap",
    "SkipListSet",
    "Stats",
    "StripedCounter",
    "TreeMap",
    "TreeSet",
    "WaitFreeQueue",
    "columns",
    "config",
    "flush",
    "get_build_info",
    "get_include",
    "json_default",
    "print_config",
    "smr",
]

__version__: str

def get_include() -> str: ...
