from collections.abc import Callable, Iterator
from types import GenericAlias
from typing import Any, Generic, NamedTuple, SupportsIndex, TypeVar, overload

from concurrent_collections.recipes._arguments import NotCopied

_E = TypeVar("_E")

class WindowStatistics(NamedTuple):
    # Of what is added up: ints, floats, Fractions, Decimals.
    count: int  # type: ignore[assignment]
    sum: Any
    mean: Any
    min: Any
    max: Any
    rate: float | None

class TimeWindow(NotCopied, Generic[_E]):
    # Without a bound on age, or on their number, there would be no window.
    @overload
    def __init__(
        self,
        max_age: float,
        max_count: SupportsIndex | None = None,
        *,
        clock: Callable[[], float] = ...,
        on_evict: Callable[[float, _E], object] | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        max_age: float | None = None,
        *,
        max_count: SupportsIndex,
        clock: Callable[[], float] = ...,
        on_evict: Callable[[float, _E], object] | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        max_age: float | None,
        max_count: SupportsIndex,
        *,
        clock: Callable[[], float] = ...,
        on_evict: Callable[[float, _E], object] | None = None,
    ) -> None: ...
    @property
    def max_age(self) -> float | None: ...
    @property
    def max_count(self) -> int | None: ...

    # ---- coming and going ----
    def add(self, event: _E = ..., *, at: float | None = None) -> float: ...
    def evict(self) -> int: ...
    def clear(self) -> None: ...

    # ---- looking ----
    def items(self, last: float | None = None) -> Iterator[tuple[float, _E]]: ...
    def __iter__(self) -> Iterator[_E]: ...
    def count(self, last: float | None = None) -> int: ...
    def __len__(self) -> int: ...
    def rate(self, last: float | None = None) -> float: ...
    def statistics(
        self, last: float | None = None, *, of: Callable[[_E], Any] | None = None
    ) -> WindowStatistics: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
