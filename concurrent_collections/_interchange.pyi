from typing import Any, Literal

from concurrent_collections._frozen import FrozenSkipListMap
from concurrent_collections._ordered import _OrderedMap
from concurrent_collections._submaps import SkipListSubMap
from concurrent_collections._views import SkipListItemsView

def json_default(o: object) -> dict[Any, Any] | list[Any]: ...
def columns(
    items: _OrderedMap[Any, Any]
    | FrozenSkipListMap[Any, Any]
    | SkipListSubMap[Any, Any]
    | SkipListItemsView[Any, Any],
    /,
    *,
    keys: Literal["q", "d"] | None = None,
    values: Literal["q", "d"] | None = None,
) -> tuple[memoryview, memoryview]: ...
