from typing import Any

from _typeshed import SupportsWrite

__all__ = ["draw", "print_tables"]

_Views = dict[str, dict[str, dict[str, Any]]]

def print_tables(views: _Views, seconds: float, file: SupportsWrite[str]) -> None: ...
def draw(
    views: _Views, timelines: dict[str, dict[str, list[Any]]]
) -> Any: ...  # a matplotlib.figure.Figure
