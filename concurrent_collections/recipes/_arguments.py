"""What several recipes do with their arguments, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from numbers import Real
from operator import index
from typing import Any, NoReturn


def is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def finite_number(value: Any, name: str, *kinds: type) -> Any:
    """The value, if it is a number of one of these kinds (by default a real one), no bool, no NaN, and not infinite."""
    if not isinstance(value, kinds or Real) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    if not (value.is_finite() if isinstance(value, Decimal) else is_finite(value)):
        raise ValueError(f"{name}: expected a finite number, got {value!r}")
    return value


def seconds(value: Any, name: str) -> Any:
    """A finite number that can be subtracted from a float."""
    try:
        float(finite_number(value, name))
    except OverflowError:
        raise OverflowError(f"{name}: too large for a float") from None
    return value


def count(value: Any, name: str, least: int = 0) -> int:
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an int, got {type(value).__name__}") from None
    if number < least:
        raise ValueError(f"{name}: expected at least {least}, got {number}")
    return number


def pairs(iterable: Any, name: str) -> Iterator[Any]:
    try:
        elements = iter(iterable)
    except TypeError:
        raise TypeError(
            f"{name}: expected a mapping or an iterable of pairs, got {type(iterable).__name__}"
        ) from None
    for i, pair in enumerate(elements):
        try:
            first, second = pair
        except (TypeError, ValueError) as error:
            error.add_note(f"{name}: element {i} is no pair")
            raise
        yield first, second


def optional_callable(value: Any, name: str) -> Callable[..., Any] | None:
    if value is not None and not callable(value):
        raise TypeError(f"{name}: expected a callable or None, got {type(value).__name__}")
    return value  # type: ignore[no-any-return]


class NotCopied:
    """For what is made of several containers: a copy of these, one after another, would not fit together."""

    __slots__ = ()
    _instead = ""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"cannot copy or pickle a {type(self).__name__}: {self._instead}")
