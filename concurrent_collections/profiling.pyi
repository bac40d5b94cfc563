from types import TracebackType
from typing import Any, Self

from _typeshed import SupportsWrite

from concurrent_collections._ordered import _OrderedMap, _OrderedSet
from concurrent_collections._queues import _Queue
from concurrent_collections._stack import LockFreeStack

__all__ = ["Profile", "profile"]

class Profile:
    def __init__(
        self,
        containers: tuple[object, ...],
        period: float,
        samples: int,
        probe: int,
        find: bool,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        *exception: type[BaseException] | BaseException | TracebackType | None,
    ) -> None: ...
    @property
    def seconds(self) -> float: ...
    @property
    def views(self) -> dict[str, dict[str, dict[str, Any]]]: ...
    @property
    def timelines(self) -> dict[str, dict[str, list[Any]]]: ...
    def to_json(self, indent: int | None = None) -> str: ...
    def report(self, file: SupportsWrite[str] | None = None) -> None: ...
    def plot(self) -> Any: ...  # a matplotlib.figure.Figure

def profile(
    *containers: _OrderedMap[Any, Any] | _OrderedSet[Any] | _Queue[Any] | LockFreeStack[Any],
    period: float = 0.05,
    samples: int = 512,
    probe: int = 256,
    find: bool = False,
) -> Profile: ...
