from concurrent_collections._core import (
    Config,
    SkipListMap,
    SkipListSet,
    config,
    get_build_info,
    print_config,
)

__all__ = [
    "Config",
    "SkipListMap",
    "SkipListSet",
    "config",
    "get_build_info",
    "get_include",
    "print_config",
]

__version__: str

def get_include() -> str: ...
