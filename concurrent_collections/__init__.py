"""Lock-free containers for Python threads.

SkipListMap and SkipListSet are ordered containers that any number of threads may use at once. `config`
holds the settings of the process. C-level users: see `get_include()` and `capi.pxd`.
"""

import os as _os

from concurrent_collections._core import (
    Config,
    SkipListMap,
    SkipListSet,
    config,
    get_build_info,
    print_config,
)

__version__ = "0.1.0.dev0"

__all__ = [
    "Config",
    "SkipListMap",
    "SkipListSet",
    "config",
    "get_build_info",
    "get_include",
    "print_config",
]


def get_include() -> str:
    """Return the directory to put on a C compiler's include path: headers are <concurrent_collections/...>."""
    return _os.path.join(_os.path.dirname(_os.path.abspath(__file__)), "include")


def _read_environment() -> None:
    for name, attribute in (
        ("CONCURRENT_COLLECTIONS_QUEUE_BACKEND", "queue_backend"),
        ("CONCURRENT_COLLECTIONS_SMR_SCHEME", "smr_scheme"),
    ):
        value = _os.environ.get(name)
        if value:
            try:
                setattr(config, attribute, value)
            except ValueError as error:
                raise ValueError(f"environment variable {name}: {error}") from None


_read_environment()
