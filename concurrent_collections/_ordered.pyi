# Keys are bound to what sorted() takes: `<` or `>` with something. So str, int, tuples, dates, ordered
# dataclasses and user classes with __lt__ pass, None, complex and plain enums do not, as at run time.
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, MutableSet
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor
from types import GenericAlias
from typing import (
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    Never,
    Self,
    SupportsIndex,
    TypeAlias,
    TypeVar,
    overload,
    type_check_only,
)

from _typeshed import SupportsKeysAndGetItem, SupportsRichComparison
from typing_extensions import Buffer, CapsuleType, disjoint_base

from concurrent_collections._core import _Container
from concurrent_collections._frozen import FrozenSkipListMap, FrozenSkipListSet
from concurrent_collections._submaps import (
    SkipListSubMap,
    SkipListSubSet,
    _TreeSubMap,
    _TreeSubSet,
)
from concurrent_collections._views import SkipListItemsView, SkipListKeysView, SkipListValuesView

_K = TypeVar("_K", bound=SupportsRichComparison)
_K2 = TypeVar("_K2", bound=SupportsRichComparison)
_V = TypeVar("_V")
_V2 = TypeVar("_V2")
_D = TypeVar("_D")
_R = TypeVar("_R")
_T = TypeVar("_T", bound=SupportsRichComparison)
_T2 = TypeVar("_T2", bound=SupportsRichComparison)
_Backend: TypeAlias = Literal["auto", "lockfree", "locked"]

class _RemoveType:
    def __new__(cls) -> Self: ...
    def __reduce__(self) -> str: ...

REMOVE: Final[_RemoveType]

@disjoint_base
class Comparator:
    @staticmethod
    def natural() -> Comparator: ...
    @staticmethod
    def by_key(function: Callable[[Any], SupportsRichComparison], /) -> Comparator: ...
    @staticmethod
    def from_c(
        function: int | CapsuleType,
        /,
        context: int | CapsuleType | Buffer | None = None,
        *,
        keys: Literal["objects", "int64s"] | None = None,
    ) -> Comparator: ...
    @staticmethod
    def from_function(function: Callable[[Any, Any], float], /) -> Comparator: ...
    def reversed(self) -> Comparator: ...
    def then(self, other: Comparator, /) -> Comparator: ...
    def __call__(self, a: Any, b: Any, /) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...

@type_check_only
class _MapOrder(Generic[_K, _V]):
    """What maps know of the order of their keys, whether they can change or not."""

    @overload
    def first_key(self) -> _K: ...
    @overload
    def first_key(self, default: _D, /) -> _K | _D: ...
    @overload
    def last_key(self) -> _K: ...
    @overload
    def last_key(self, default: _D, /) -> _K | _D: ...
    def floor_key(self, key: _K) -> _K | None: ...
    def ceiling_key(self, key: _K) -> _K | None: ...
    def lower_key(self, key: _K) -> _K | None: ...
    def higher_key(self, key: _K) -> _K | None: ...
    @overload
    def first_item(self) -> tuple[_K, _V]: ...
    @overload
    def first_item(self, default: _D, /) -> tuple[_K, _V] | _D: ...
    @overload
    def last_item(self) -> tuple[_K, _V]: ...
    @overload
    def last_item(self, default: _D, /) -> tuple[_K, _V] | _D: ...
    def floor_item(self, key: _K) -> tuple[_K, _V] | None: ...
    def ceiling_item(self, key: _K) -> tuple[_K, _V] | None: ...
    def lower_item(self, key: _K) -> tuple[_K, _V] | None: ...
    def higher_item(self, key: _K) -> tuple[_K, _V] | None: ...

@type_check_only
class _MapMethods(_MapOrder[_K, _V], MutableMapping[_K, _V]):
    """What maps have that can change, and live parts of them."""

    # ---- one key ----
    def __getitem__(self, key: _K, /) -> _V: ...
    def __missing__(self, key: _K) -> _V: ...
    @property
    def default_factory(self) -> Callable[[], _V] | None: ...
    @default_factory.setter
    def default_factory(self, factory: Callable[[], _V] | None, /) -> None: ...
    def __setitem__(self, key: _K, value: _V, /) -> None: ...
    def __delitem__(self, key: _K, /) -> None: ...
    def __contains__(self, key: object, /) -> bool: ...
    def contains(self, key: _K) -> bool: ...
    @overload
    def get(self, key: _K, default: None = None) -> _V | None: ...
    @overload
    def get(self, key: _K, default: _V) -> _V: ...
    @overload
    def get(self, key: _K, default: _D) -> _V | _D: ...
    @overload
    def put(self, key: _K, value: _V, default: None = None) -> _V | None: ...
    @overload
    def put(self, key: _K, value: _V, default: _V) -> _V: ...
    @overload
    def put(self, key: _K, value: _V, default: _D) -> _V | _D: ...
    @overload
    def put_if_absent(self, key: _K, value: _V, default: None = None) -> _V | None: ...
    @overload
    def put_if_absent(self, key: _K, value: _V, default: _V) -> _V: ...
    @overload
    def put_if_absent(self, key: _K, value: _V, default: _D) -> _V | _D: ...
    @overload
    def setdefault(
        self: _MapMethods[_K, _V2 | None], key: _K, default: None = None
    ) -> _V2 | None: ...
    @overload
    def setdefault(self, key: _K, default: _V) -> _V: ...
    @overload
    def replace(self, key: _K, value: _V, default: None = None) -> _V | None: ...
    @overload
    def replace(self, key: _K, value: _V, default: _V) -> _V: ...
    @overload
    def replace(self, key: _K, value: _V, default: _D) -> _V | _D: ...
    def replace_if(self, key: _K, expected: object, value: _V) -> bool: ...

    # ---- one key, by what is there ----
    @overload
    def compute(
        self, key: _K, f: Callable[[_V | None], _V | _RemoveType], default: None = None
    ) -> _V | None: ...
    @overload
    def compute(self, key: _K, f: Callable[[_V], _V], default: _V) -> _V: ...
    @overload
    def compute(
        self, key: _K, f: Callable[[_V | _D], _V | _RemoveType], default: _D
    ) -> _V | _D: ...
    @overload
    def compute_if_present(
        self, key: _K, f: Callable[[_V], _V | _RemoveType], default: None = None
    ) -> _V | None: ...
    @overload
    def compute_if_present(
        self, key: _K, f: Callable[[_V], _V | _RemoveType], default: _D
    ) -> _V | _D: ...
    @overload
    def compute_if_absent(self, key: _K, f: Callable[[], _V], default: object = None) -> _V: ...
    @overload
    def compute_if_absent(
        self, key: _K, f: Callable[[], _V | _RemoveType], default: None = None
    ) -> _V | None: ...
    @overload
    def compute_if_absent(
        self, key: _K, f: Callable[[], _V | _RemoveType], default: _D
    ) -> _V | _D: ...
    @overload
    def merge(
        self, key: _K, value: _V, f: Callable[[_V, _V], _V], default: object = None
    ) -> _V: ...
    @overload
    def merge(
        self, key: _K, value: _V, f: Callable[[_V, _V], _V | _RemoveType], default: None = None
    ) -> _V | None: ...
    @overload
    def merge(
        self, key: _K, value: _V, f: Callable[[_V, _V], _V | _RemoveType], default: _D
    ) -> _V | _D: ...
    def increment(self, key: _K, amount: _V = ...) -> _V: ...
    def get_or_insert(self, key: _K, value: _V) -> _V: ...

    # ---- one key, removed ----
    def delete(self, key: _K) -> bool: ...
    @overload
    def pop(self, key: _K, /) -> _V: ...
    @overload
    def pop(self, key: _K, default: _V, /) -> _V: ...
    @overload
    def pop(self, key: _K, default: _D, /) -> _V | _D: ...

    # ---- ends ----
    @overload
    def pop_first(self) -> tuple[_K, _V]: ...
    @overload
    def pop_first(self, default: _D, /) -> tuple[_K, _V] | _D: ...
    @overload
    def pop_last(self) -> tuple[_K, _V]: ...
    @overload
    def pop_last(self, default: _D, /) -> tuple[_K, _V] | _D: ...
    def popitem(self, last: bool = True) -> tuple[_K, _V]: ...

    # ---- iteration ----
    def __iter__(self) -> Iterator[_K]: ...
    def __reversed__(self) -> Iterator[_K]: ...
    def keys(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
        reverse: bool = False,
    ) -> SkipListKeysView[_K]: ...
    def values(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
        reverse: bool = False,
    ) -> SkipListValuesView[_V]: ...
    def items(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
        reverse: bool = False,
        consistent: bool = False,
    ) -> SkipListItemsView[_K, _V]: ...
    def irange(
        self,
        minimum: _K | None = None,
        maximum: _K | None = None,
        inclusive: bool | tuple[bool, bool] = (True, True),
        reverse: bool = False,
    ) -> Iterator[_K]: ...

    # ---- ranges ----
    def count_range(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> int: ...
    def clear_range(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> int: ...
    def pop_range(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        max_items: SupportsIndex | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
        reverse: bool = False,
    ) -> list[tuple[_K, _V]]: ...
    def submap(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> SkipListSubMap[_K, _V]: ...
    def descending(self) -> SkipListSubMap[_K, _V]: ...
    def split(self, n: SupportsIndex) -> list[SkipListSubMap[_K, _V]]: ...
    def map_parts(
        self,
        function: Callable[[SkipListSubMap[_K, _V]], _R],
        n: SupportsIndex | None = None,
        *,
        executor: Executor | None = None,
    ) -> list[_R]: ...

    # ---- the whole ----
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def clear(self) -> None: ...
    def snapshot(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> FrozenSkipListMap[_K, _V]: ...
    def frozen(self) -> FrozenSkipListMap[_K, _V]: ...
    def to_dict(self) -> dict[_K, _V]: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class _OrderedMap(_Container, _MapMethods[_K, _V]):
    def __init__(
        self,
        other: Any = (),
        /,
        *,
        key: Callable[[Any], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        default_factory: Any = None,
        backend: _Backend = "auto",
        **entries: Never,
    ) -> None: ...
    @property
    def comparator(self) -> Comparator: ...
    @property
    def backend(self) -> Literal["lockfree", "locked"]: ...
    @overload
    def update(self, other: SupportsKeysAndGetItem[_K, _V], /) -> None: ...
    @overload
    def update(
        self: _OrderedMap[str, _V], other: SupportsKeysAndGetItem[str, _V], /, **kwargs: _V
    ) -> None: ...
    @overload
    def update(self, other: Iterable[tuple[_K, _V]], /) -> None: ...
    @overload
    def update(
        self: _OrderedMap[str, _V], other: Iterable[tuple[str, _V]], /, **kwargs: _V
    ) -> None: ...
    @overload
    def update(self: _OrderedMap[str, _V], /, **kwargs: _V) -> None: ...
    @classmethod
    def from_sorted(
        cls,
        items: Iterable[tuple[_K, _V]],
        /,
        *,
        key: Callable[[_K], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> Self: ...
    def copy(self) -> Self: ...
    def flush(self) -> int: ...
    def statistics(self) -> dict[str, dict[str, dict[str, int]]]: ...
    @property
    def smr_scheme(self) -> str: ...
    @overload
    def __ior__(self, other: SupportsKeysAndGetItem[_K, _V], /) -> Self: ...
    @overload
    def __ior__(self, other: Iterable[tuple[_K, _V]], /) -> Self: ...
    def __sizeof__(self) -> int: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

class SkipListMap(_OrderedMap[_K, _V]):
    # What makes a map, perhaps with other types than its own, says so for each class.
    @overload
    def __init__(
        self,
        *,
        key: Callable[[_K], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        default_factory: Callable[[], _V] | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    def __init__(
        self,
        other: SupportsKeysAndGetItem[_K, _V],
        /,
        *,
        key: Callable[[_K], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        default_factory: Callable[[], _V] | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    def __init__(
        self,
        other: Iterable[tuple[_K, _V]],
        /,
        *,
        key: Callable[[_K], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        default_factory: Callable[[], _V] | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    @classmethod
    def fromkeys(
        cls,
        iterable: Iterable[_K2],
        value: None = None,
        *,
        key: Callable[[_K2], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> SkipListMap[_K2, Any | None]: ...
    @overload
    @classmethod
    def fromkeys(
        cls,
        iterable: Iterable[_K2],
        value: _V2,
        *,
        key: Callable[[_K2], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> SkipListMap[_K2, _V2]: ...
    @overload
    def __or__(self, other: Mapping[_K, _V], /) -> Self: ...
    @overload
    def __or__(self, other: Mapping[_K2, _V2], /) -> SkipListMap[_K | _K2, _V | _V2]: ...
    @overload
    def __ror__(self, other: Mapping[_K, _V], /) -> Self: ...
    @overload
    def __ror__(self, other: Mapping[_K2, _V2], /) -> SkipListMap[_K | _K2, _V | _V2]: ...

@type_check_only
class _SetMethods(MutableSet[_T]):
    """What sets have, and live parts of them."""

    # ---- one element ----
    def __contains__(self, element: object, /) -> bool: ...
    def add(self, element: _T, /) -> None: ...
    def discard(self, element: _T, /) -> None: ...
    def remove(self, element: _T, /) -> None: ...

    # ---- order ----
    @overload
    def first(self) -> _T: ...
    @overload
    def first(self, default: _D, /) -> _T | _D: ...
    @overload
    def last(self) -> _T: ...
    @overload
    def last(self, default: _D, /) -> _T | _D: ...
    def floor(self, element: _T, /) -> _T | None: ...
    def ceiling(self, element: _T, /) -> _T | None: ...
    def lower(self, element: _T, /) -> _T | None: ...
    def higher(self, element: _T, /) -> _T | None: ...
    @overload
    def pop_first(self) -> _T: ...
    @overload
    def pop_first(self, default: _D, /) -> _T | _D: ...
    @overload
    def pop_last(self) -> _T: ...
    @overload
    def pop_last(self, default: _D, /) -> _T | _D: ...
    def pop(self) -> _T: ...

    # ---- iteration ----
    def __iter__(self) -> Iterator[_T]: ...
    def __reversed__(self) -> Iterator[_T]: ...
    def range(
        self,
        start: _T | None = None,
        stop: _T | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
        reverse: bool = False,
    ) -> SkipListKeysView[_T]: ...
    def irange(
        self,
        minimum: _T | None = None,
        maximum: _T | None = None,
        inclusive: bool | tuple[bool, bool] = (True, True),
        reverse: bool = False,
    ) -> Iterator[_T]: ...

    # ---- ranges ----
    def count_range(
        self,
        start: _T | None = None,
        stop: _T | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> int: ...
    def clear_range(
        self,
        start: _T | None = None,
        stop: _T | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> int: ...
    def pop_range(
        self,
        start: _T | None = None,
        stop: _T | None = None,
        max_items: SupportsIndex | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
        reverse: bool = False,
    ) -> list[_T]: ...
    def subset(
        self,
        start: _T | None = None,
        stop: _T | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> SkipListSubSet[_T]: ...
    def descending(self) -> SkipListSubSet[_T]: ...
    def split(self, n: SupportsIndex) -> list[SkipListSubSet[_T]]: ...
    def map_parts(
        self,
        function: Callable[[SkipListSubSet[_T]], _R],
        n: SupportsIndex | None = None,
        *,
        executor: Executor | None = None,
    ) -> list[_R]: ...

    # ---- the whole ----
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def clear(self) -> None: ...
    def snapshot(
        self,
        start: _T | None = None,
        stop: _T | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> FrozenSkipListSet[_T]: ...
    def frozen(self) -> FrozenSkipListSet[_T]: ...

    # ---- algebra: named methods take any iterables, operators take sets ----
    def update(self, *others: Iterable[_T]) -> None: ...
    def intersection_update(self, *others: Iterable[Any]) -> None: ...
    def difference_update(self, *others: Iterable[Any]) -> None: ...
    def symmetric_difference_update(self, other: Iterable[_T], /) -> None: ...
    def isdisjoint(self, other: Iterable[Any], /) -> bool: ...
    def issubset(self, other: Iterable[Any], /) -> bool: ...
    def issuperset(self, other: Iterable[Any], /) -> bool: ...
    def __ior__(self, other: AbstractSet[_T], /) -> Self: ...  # type: ignore[override,misc]
    def __iand__(self, other: AbstractSet[Any], /) -> Self: ...
    def __isub__(self, other: AbstractSet[Any], /) -> Self: ...
    def __ixor__(self, other: AbstractSet[_T], /) -> Self: ...  # type: ignore[override,misc]

    # ---- comparing ----
    def __eq__(self, other: object, /) -> bool: ...
    def __le__(self, other: AbstractSet[Any], /) -> bool: ...
    def __lt__(self, other: AbstractSet[Any], /) -> bool: ...
    def __ge__(self, other: AbstractSet[Any], /) -> bool: ...
    def __gt__(self, other: AbstractSet[Any], /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class _OrderedSet(_Container, _SetMethods[_T]):
    def __init__(
        self,
        iterable: Any = (),
        /,
        *,
        key: Callable[[Any], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @property
    def comparator(self) -> Comparator: ...
    @property
    def backend(self) -> Literal["lockfree", "locked"]: ...
    @classmethod
    def from_sorted(
        cls,
        elements: Iterable[_T],
        /,
        *,
        key: Callable[[_T], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> Self: ...
    def copy(self) -> Self: ...
    def flush(self) -> int: ...
    def statistics(self) -> dict[str, dict[str, dict[str, int]]]: ...
    @property
    def smr_scheme(self) -> str: ...

    # ---- algebra that makes new sets ----
    def intersection(self, *others: Iterable[Any]) -> Self: ...
    def difference(self, *others: Iterable[Any]) -> Self: ...
    def __and__(self, other: AbstractSet[Any], /) -> Self: ...
    def __rand__(self, other: AbstractSet[Any], /) -> Self: ...
    def __sub__(self, other: AbstractSet[Any], /) -> Self: ...
    def __rsub__(self, other: AbstractSet[_T], /) -> Self: ...
    def __sizeof__(self) -> int: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

class SkipListSet(_OrderedSet[_T]):
    @overload
    def __init__(
        self,
        *,
        key: Callable[[_T], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    def __init__(
        self,
        iterable: Iterable[_T],
        /,
        *,
        key: Callable[[_T], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    # MutableSet promises `|` with sets of anything; ours must have an order.
    @overload
    def union(self, *others: Iterable[_T]) -> Self: ...
    @overload
    def union(self, *others: Iterable[_T2]) -> SkipListSet[_T | _T2]: ...
    @overload
    def symmetric_difference(self, other: Iterable[_T], /) -> Self: ...
    @overload
    def symmetric_difference(self, other: Iterable[_T2], /) -> SkipListSet[_T | _T2]: ...
    @overload  # type: ignore[override]
    def __or__(self, other: AbstractSet[_T], /) -> Self: ...
    @overload
    def __or__(self, other: AbstractSet[_T2], /) -> SkipListSet[_T | _T2]: ...
    @overload
    def __ror__(self, other: AbstractSet[_T], /) -> Self: ...
    @overload
    def __ror__(  # type: ignore[misc]
        self, other: AbstractSet[_T2], /
    ) -> SkipListSet[_T | _T2]: ...
    @overload  # type: ignore[override]
    def __xor__(self, other: AbstractSet[_T], /) -> Self: ...
    @overload
    def __xor__(self, other: AbstractSet[_T2], /) -> SkipListSet[_T | _T2]: ...
    @overload
    def __rxor__(self, other: AbstractSet[_T], /) -> Self: ...
    @overload
    def __rxor__(  # type: ignore[misc]
        self, other: AbstractSet[_T2], /
    ) -> SkipListSet[_T | _T2]: ...

class TreeMap(_OrderedMap[_K, _V]):
    def submap(
        self,
        start: _K | None = None,
        stop: _K | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> _TreeSubMap[_K, _V]: ...
    def descending(self) -> _TreeSubMap[_K, _V]: ...
    def split(self, n: SupportsIndex) -> list[_TreeSubMap[_K, _V]]: ...  # type: ignore[override]
    def map_parts(
        self,
        function: Callable[[_TreeSubMap[_K, _V]], _R],
        n: SupportsIndex | None = None,
        *,
        executor: Executor | None = None,
    ) -> list[_R]: ...
    @overload
    def __init__(
        self,
        *,
        key: Callable[[_K], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        default_factory: Callable[[], _V] | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    def __init__(
        self,
        other: SupportsKeysAndGetItem[_K, _V],
        /,
        *,
        key: Callable[[_K], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        default_factory: Callable[[], _V] | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    def __init__(
        self,
        other: Iterable[tuple[_K, _V]],
        /,
        *,
        key: Callable[[_K], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        default_factory: Callable[[], _V] | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    @classmethod
    def fromkeys(
        cls,
        iterable: Iterable[_K2],
        value: None = None,
        *,
        key: Callable[[_K2], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> TreeMap[_K2, Any | None]: ...
    @overload
    @classmethod
    def fromkeys(
        cls,
        iterable: Iterable[_K2],
        value: _V2,
        *,
        key: Callable[[_K2], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> TreeMap[_K2, _V2]: ...
    @overload
    def __or__(self, other: Mapping[_K, _V], /) -> Self: ...
    @overload
    def __or__(self, other: Mapping[_K2, _V2], /) -> TreeMap[_K | _K2, _V | _V2]: ...
    @overload
    def __ror__(self, other: Mapping[_K, _V], /) -> Self: ...
    @overload
    def __ror__(self, other: Mapping[_K2, _V2], /) -> TreeMap[_K | _K2, _V | _V2]: ...

class TreeSet(_OrderedSet[_T]):
    def subset(
        self,
        start: _T | None = None,
        stop: _T | None = None,
        *,
        inclusive: bool | tuple[bool, bool] = (True, False),
    ) -> _TreeSubSet[_T]: ...
    def descending(self) -> _TreeSubSet[_T]: ...
    def split(self, n: SupportsIndex) -> list[_TreeSubSet[_T]]: ...  # type: ignore[override]
    def map_parts(
        self,
        function: Callable[[_TreeSubSet[_T]], _R],
        n: SupportsIndex | None = None,
        *,
        executor: Executor | None = None,
    ) -> list[_R]: ...
    @overload
    def __init__(
        self,
        *,
        key: Callable[[_T], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    def __init__(
        self,
        iterable: Iterable[_T],
        /,
        *,
        key: Callable[[_T], Any] | None = None,
        reverse: bool = False,
        comparator: Comparator | None = None,
        backend: _Backend = "auto",
    ) -> None: ...
    @overload
    def union(self, *others: Iterable[_T]) -> Self: ...
    @overload
    def union(self, *others: Iterable[_T2]) -> TreeSet[_T | _T2]: ...
    @overload
    def symmetric_difference(self, other: Iterable[_T], /) -> Self: ...
    @overload
    def symmetric_difference(self, other: Iterable[_T2], /) -> TreeSet[_T | _T2]: ...
    @overload  # type: ignore[override]
    def __or__(self, other: AbstractSet[_T], /) -> Self: ...
    @overload
    def __or__(self, other: AbstractSet[_T2], /) -> TreeSet[_T | _T2]: ...
    @overload
    def __ror__(self, other: AbstractSet[_T], /) -> Self: ...
    @overload
    def __ror__(self, other: AbstractSet[_T2], /) -> TreeSet[_T | _T2]: ...  # type: ignore[misc]
    @overload  # type: ignore[override]
    def __xor__(self, other: AbstractSet[_T], /) -> Self: ...
    @overload
    def __xor__(self, other: AbstractSet[_T2], /) -> TreeSet[_T | _T2]: ...
    @overload
    def __rxor__(self, other: AbstractSet[_T], /) -> Self: ...
    @overload
    def __rxor__(self, other: AbstractSet[_T2], /) -> TreeSet[_T | _T2]: ...  # type: ignore[misc]
