from typing import Any

from concurrent_collections.smr import OpenRegion

__all__ = ["MOST_STALLS", "Series", "Stalls"]

MOST_STALLS: int

class Series:
    names: list[str]
    rows: list[tuple[float, ...]]
    count: int
    peaks: dict[str, int]
    sums: dict[str, int]
    last: dict[str, int]
    def __init__(self, names: list[str], most: int) -> None: ...
    def add(self, seconds: float, row: dict[str, int]) -> None: ...
    def mean(self, name: str) -> float: ...
    def table(self) -> dict[str, list[Any]]: ...

class Stalls:
    count: int
    longest: float
    described: list[dict[str, Any]]
    def __init__(self) -> None: ...
    def see(self, seconds: float, era: int, oldest: OpenRegion | None) -> None: ...
