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
from concurrent_collections._ordered import SkipListMap, SkipListSet
from concurrent_collections._queues import (
    Empty,
    FastQueue,
    Full,
    LockFreeQueue,
    ShutDown,
    WaitFreeQueue,
)

__all__ = [
    "AccessTracker",
    "AtomicCounter",
    "Config",
    "Empty",
    "FastQueue",
    "Full",
    "LockFreeQueue",
    "ShutDown",
    "SkipListMap",
    "SkipListSet",
    "Stats",
    "StripedCounter",
    "WaitFreeQueue",
    "config",
    "flush",
    "get_build_info",
    "get_include",
    "print_config",
    "smr",
]

__version__: str

def get_include() -> str: ...
