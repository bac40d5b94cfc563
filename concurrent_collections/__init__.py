"""Lock-free containers for Python threads.

SkipListMap and SkipListSet are ordered containers, FrozenSkipListMap and FrozenSkipListSet the same without changes, TreeMap
and TreeSet the same with locks;
LockFreeQueue, FastQueue and WaitFreeQueue are FIFO queues for threads and event loops, LockFreeStack and LockFreeLifoQueue
stacks, Semaphore and BoundedSemaphore what these wait for; AtomicCounter, StripedCounter, Stats and AccessTracker count.
Any number of threads can use one at once. `config` holds the settings of the process.
C-level users: see `get_include()` and `capi.pxd`.
"""

import importlib as _importlib
import os as _os
from importlib import machinery as _machinery
from importlib import util as _util


def _refuse_sub_interpreters() -> None:
    """The core's records and lists are the process's: one interpreter would drop another one's references.

    CPython refuses the extension module itself, but only where a sub-interpreter has a GIL of its own; one of the
    older kind could take the module away from the main interpreter. So this comes first.
    """
    for name in ("_interpreters", "_xxsubinterpreters"):  # 3.13 and later; before
        try:
            interpreters = _importlib.import_module(name)
            is_main = interpreters.get_current() == interpreters.get_main()
        except (ImportError, AttributeError):  # private modules: they may go
            continue
        if not is_main:
            raise ImportError(
                "concurrent_collections cannot be imported in a sub-interpreter, only in the main interpreter",
                name=__name__,
            )
        return


_refuse_sub_interpreters()


def _why_there_is_no_core() -> str:
    """What is wrong, and what to do about it, if the extension module is not found."""
    here = _os.path.dirname(_os.path.abspath(__file__))
    if _os.path.exists(_os.path.join(here, "_core.pyx")):
        return (
            f"{here} is the source of concurrent_collections, in which nothing is built. Install it (pip install"
            f" {_os.path.dirname(here)}) and start Python in another directory, or with the option -P: the"
            " current directory comes before what is installed"
        )
    wanted = "_core" + _machinery.EXTENSION_SUFFIXES[0]
    there = [
        name
        for name in sorted(_os.listdir(here))
        if name.startswith("_core.") and "py" not in name[-4:]
    ]
    return (
        f"concurrent_collections in {here} was built for another interpreter: this one needs {wanted}, and there is"
        f" {', '.join(there) or 'none of the kind'}. Install it with the pip of this interpreter"
    )


try:
    from concurrent_collections import _core as _core
except ImportError:
    if _util.find_spec("concurrent_collections._core") is not None:
        raise  # it is there, and says itself why it cannot be imported
    raise ImportError(_why_there_is_no_core(), name=__name__, path=__file__) from None

from concurrent_collections import smr  # noqa: E402
from concurrent_collections._core import (  # noqa: E402
    Config,
    config,
    flush,
    get_build_info,
    print_config,
)
from concurrent_collections._core import __version__ as __version__  # noqa: E402
from concurrent_collections._counters import (  # noqa: E402
    Access,  # noqa: F401  what AccessTracker.snapshot gives
    AccessTracker,
    AtomicCounter,
    Stats,
    StripedCounter,
)
from concurrent_collections._frozen import (  # noqa: E402
    FrozenSkipListMap,
    FrozenSkipListSet,
    _frozen_from,  # noqa: F401  pickles name it here
)
from concurrent_collections._interchange import columns, json_default  # noqa: E402
from concurrent_collections._ordered import (  # noqa: E402
    REMOVE,
    Comparator,
    SkipListMap,
    SkipListSet,
    TreeMap,
    TreeSet,
    _comparator_from,  # noqa: F401  pickles name these here
    _new_map,  # noqa: F401
    _new_set,  # noqa: F401
)
from concurrent_collections._queues import (  # noqa: E402
    Empty,
    FastQueue,
    Full,
    LockFreeQueue,
    ShutDown,
    WaitFreeQueue,
)
from concurrent_collections._stack import (  # noqa: E402
    LockFreeLifoQueue,
    LockFreeStack,
)
from concurrent_collections._sync import BoundedSemaphore, Semaphore  # noqa: E402

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
