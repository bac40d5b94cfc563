"""Lock-free containers for Python threads.

SkipListMap and SkipListSet are ordered containers, LockFreeQueue, FastQueue and WaitFreeQueue are FIFO queues for
threads and event loops; any number of threads may use one at once. `config` holds the settings of the process.
C-level users: see `get_include()` and `capi.pxd`.
"""

import os as _os

from concurrent_collections._core import (
    Config,
    Empty,
    FastQueue,
    Full,
    LockFreeQueue,
    ShutDown,
    SkipListMap,
    SkipListSet,
    WaitFreeQueue,
    config,
    get_build_info,
    print_config,
)

__version__ = "0.1.0.dev0"

__all__ = [
    "Config",
    "Empty",
    "FastQueue",
    "Full",
    "LockFreeQueue",
    "ShutDown",
    "SkipListMap",
    "SkipListSet",
    "WaitFreeQueue",
    "config",
    "get_build_info",
    "get_include",
    "print_config",
]


def get_include() -> str:
    """Return the directory to put on a C compiler's include path: headers are <concurrent_collections/...>."""
    return _os.path.join(_os.path.dirname(_os.path.abspath(__file__)), "include")


def _read_environment() -> None:
    for name, attribute, kind in (
        ("CONCURRENT_COLLECTIONS_QUEUE_BACKEND", "queue_backend", str),
        ("CONCURRENT_COLLECTIONS_SMR_SCHEME", "smr_scheme", str),
        ("CONCURRENT_COLLECTIONS_SMR_SIGNAL", "smr_signal", int),
    ):
        value = _os.environ.get(name)
        if value:
            try:
                setattr(config, attribute, kind(value))
            except ValueError as error:
                raise ValueError(f"environment variable {name}: {error}") from None


_read_environment()
