from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, SupportsIndex, TypeAlias

from concurrent_collections.recipes._arguments import NotCopied

_Side: TypeAlias = Literal["buy", "sell"]

# Prices come back as Any: the kind of number that they had when they were submitted.
class Order(NamedTuple):
    number: int
    side: _Side
    price: Any
    quantity: int
    owner: Any

class Trade(NamedTuple):
    price: Any
    quantity: int
    bid: Order
    ask: Order

class Depth(NamedTuple):
    bids: list[tuple[Any, int]]
    asks: list[tuple[Any, int]]

class OrderBook(NotCopied):
    def __init__(self, on_trade: Callable[[Trade], object] | None = None) -> None: ...

    # ---- orders come and go ----
    def submit(
        self,
        side: _Side,
        price: float | Fraction | Decimal,
        quantity: SupportsIndex,
        *,
        owner: object = None,
    ) -> Order: ...
    def cancel(self, order: Order) -> int: ...
    def left(self, order: Order) -> int: ...

    # ---- trading ----
    def match(self) -> int: ...

    # ---- looking ----
    def orders(self, side: _Side) -> Iterator[tuple[Order, int]]: ...
    def best_bid(self) -> tuple[Any, int] | None: ...
    def best_ask(self) -> tuple[Any, int] | None: ...
    def depth(self, levels: SupportsIndex | None = None) -> Depth: ...
