# Live views of a part of an ordered container. Users get them from keys(), values(), items() and
# range(), and need these names only in annotations.
from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from typing import Any, Generic, TypeVar

from _typeshed import SupportsRichComparison

from concurrent_collections._frozen import FrozenSkipListMap, FrozenSkipListSet
from concurrent_collections._ordered import SkipListSet, _OrderedMap, _OrderedSet

_K = TypeVar("_K", bound=SupportsRichComparison)
_K2 = TypeVar("_K2", bound=SupportsRichComparison)
_V = TypeVar("_V")
_T_co = TypeVar("_T_co", covariant=True)

class _Bounds(Generic[_T_co]):
    def __init__(
        self,
        container: _OrderedMap[Any, Any]
        | _OrderedSet[Any]
        | FrozenSkipListMap[Any, Any]
        | FrozenSkipListSet[Any],
        start: Any,
        stop: Any,
        inclusive: tuple[bool, bool],
        reverse: bool,
    ) -> None: ...
    def __iter__(self) -> Iterator[_T_co]: ...
    def __reversed__(self) -> Iterator[_T_co]: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...

class SkipListKeysView(_Bounds[_K], KeysView[_K]):
    def __contains__(self, key: object) -> bool: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any: ...
    # The base class promises built-in sets; those would lose the order, and need hashes.
    def __and__(self, other: Iterable[Any]) -> SkipListSet[_K]: ...  # type: ignore[override]
    def __rand__(self, other: Iterable[_K2]) -> SkipListSet[_K2]: ...  # type: ignore[override]
    def __or__(self, other: Iterable[_K2]) -> SkipListSet[_K | _K2]: ...  # type: ignore[override]
    def __ror__(self, other: Iterable[_K2]) -> SkipListSet[_K | _K2]: ...  # type: ignore[override]
    def __sub__(self, other: Iterable[Any]) -> SkipListSet[_K]: ...  # type: ignore[override]
    def __rsub__(self, other: Iterable[_K2]) -> SkipListSet[_K2]: ...  # type: ignore[override]
    def __xor__(self, other: Iterable[_K2]) -> SkipListSet[_K | _K2]: ...  # type: ignore[override]
    def __rxor__(self, other: Iterable[_K2]) -> SkipListSet[_K | _K2]: ...  # type: ignore[override]

class SkipListValuesView(_Bounds[_V], ValuesView[_V]):
    def __contains__(self, value: object) -> bool: ...
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any: ...

class SkipListItemsView(_Bounds[tuple[_K, _V]], ItemsView[_K, _V]):
    def __contains__(self, item: object) -> bool: ...
