"""OrderBook: orders to buy and to sell, and how they meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import islice, starmap
from sys import maxsize
from typing import Any, NamedTuple

from concurrent_collections._counters import AtomicCounter
from concurrent_collections._ordered import REMOVE, SkipListMap
from concurrent_collections._queues import LockFreeQueue
from concurrent_collections.recipes._arguments import (
    NotCopied,
    count,
    finite_number,
    optional_callable,
)


class Order(NamedTuple):
    """An order, as `OrderBook.submit` returns it. ``number`` counts the orders of a book; a smaller one came earlier."""

    number: int
    side: str
    price: Any
    quantity: int
    owner: Any


class Trade(NamedTuple):
    """What two orders have exchanged, at the price of the one that came earlier."""

    price: Any
    quantity: int
    bid: Order
    ask: Order


class Depth(NamedTuple):
    """(price, quantity) pairs of both sides, the best prices first."""

    bids: list[tuple[Any, int]]
    asks: list[tuple[Any, int]]


# How two orders trade in one step. They lie in two maps, and no operation changes two maps. So whoever matches them makes a claim,
# puts it onto the ask and then onto the bid, and then decides it: a compare-and-set of one word. Until then both
# orders are as they were; from then on both have less. What a claim is on stays in its level until the claim is
# decided, and whoever finds one there decides it:
#
#  - who wants to match, by finishing what the other thread has begun. A claim on a bid is on its ask, too, and so
#    can be decided as traded. One on an ask is first put onto its bid, if that is as it was; else nothing is traded;
#  - who wants to cancel, by deciding that nothing is traded.
#
# A record is never changed but replaced, and is in its level once. So a claim that comes late, with a record that has been
# replaced, comes onto nothing, and none is traded twice.
_OPEN, _TRADED, _DROPPED = range(3)


class _Record:
    """An order in its level, with what is left of it, and the claim on that, if any."""

    __slots__ = ("claim", "left", "order")

    def __init__(self, order: Order, left: int, claim: _Claim | None = None) -> None:
        self.order = order
        self.left = left
        self.claim = claim

    def now_left(self) -> int:
        """What is left at this instant; of a claim that is open, nothing has been traded."""
        claim = self.claim
        if claim is None or claim.state.get() != _TRADED:
            return self.left
        return self.left - claim.trade.quantity


class _Claim:
    """That two records shall trade."""

    __slots__ = ("ask", "bid", "state", "trade")

    def __init__(self, bid: _Record, ask: _Record) -> None:
        earlier = min(bid.order, ask.order, key=lambda order: order.number)
        quantity = min(bid.left, ask.left)
        self.bid = bid
        self.ask = ask
        self.trade = Trade(earlier.price, quantity, bid.order, ask.order)
        self.state = AtomicCounter(_OPEN)


# The orders at one price: a tuple of records, the earliest first. Only the first one ever has a claim. No level is empty.
_Level = tuple[_Record, ...]


class OrderBook(NotCopied):
    """Limit orders to buy and to sell, which trade by price and then by time: the matching of an exchange.

    Parameters
    ----------
    on_trade : callable, optional
        Called with each `Trade`, once, by the thread that made it, when that thread has matched all that it could.

    Raises TypeError if ``on_trade`` is not callable.

    The highest bid and the lowest ask are the best ones. Where the best bid is not lower than the best ask, they trade, as much as the
    smaller one has, at the price of the earlier one; of orders with one price the earlier one goes first.

    What is atomic: that an order comes into the book; each trade, in which both orders lose the quantity at one instant; `cancel`, which
    returns exactly what is then not traded. So for each order, at every instant: its quantity is what has been traded, what
    has been cancelled and what is left. `submit` is many steps: the order comes in, and then trades one after another. In between, others
    see it, and may trade with it, and the best bid may be above the best ask. When no `submit` or `match` is under way, it is not, unless
    one has been interrupted by an exception of a signal handler: then `match` makes up for it. An order that comes while two
    others are being matched may be too late for them, even with a better price.

    `best_bid`, `best_ask`, `depth`, `orders` and `left` see each order with a quantity that it had at some instant of the call; several
    orders, or both sides, perhaps not at the same one.

    Lock-free: a thread that stops in the middle of a call holds nobody up; others finish its trade, or cancel it. A step on a price takes
    O(log(prices) + orders at that price), and is repeated if another thread has changed the orders at that price meanwhile.

    If a signal handler raises in a call, the call has had its effect or not. Its trades are reported all the same; those that it can no
    longer report, since the handler has raised while it was reporting, the next `submit` or `match` reports. What `on_trade` raises,
    `submit` and `match` raise, when all trades have been reported.

    Example::

        book = OrderBook(on_trade=print)
        order = book.submit("buy", 99.5, 100)
        book.submit("sell", 99, 30)              # Trade(price=99.5, quantity=30, ...)
        book.cancel(order)                       # 70
    """

    __slots__ = ("_asks", "_bids", "_number", "_on_trade", "_unreported")
    _instead = "orders go on trading; list(b.orders('buy')) has those of a side"

    def __init__(self, on_trade: Callable[[Trade], object] | None = None) -> None:
        self._on_trade = optional_callable(on_trade, "on_trade")
        self._number = AtomicCounter()
        # Price: level. The best price is the first one.
        self._bids: SkipListMap[Any, _Level] = SkipListMap(reverse=True)
        self._asks: SkipListMap[Any, _Level] = SkipListMap()
        self._unreported: LockFreeQueue[list[Trade]] = (
            LockFreeQueue()
        )  # of calls that were interrupted

    def _side(self, side: Any) -> SkipListMap[Any, _Level]:
        if side not in ("buy", "sell"):
            raise ValueError(f"side: expected 'buy' or 'sell', got {side!r}")
        return self._bids if side == "buy" else self._asks

    # ---- orders come and go ----

    def submit(self, side: Any, price: Any, quantity: Any, *, owner: Any = None) -> Order:
        """Put an order into the book, let it trade, and return it: for `cancel` and `left`. What is left of it stays.

        Parameters
        ----------
        side : "buy" or "sell"
            What the owner wants.
        price : number
            The limit: the highest price to pay, or the lowest to take. Finite; int, float, Fraction or Decimal.
        quantity : int
            How much. At least 1.
        owner : any object
            For the caller: it is in the order, and so in its trades.

        Raises TypeError or ValueError for arguments that are none of these; the book is unchanged then. If anything else is
        raised, the order is in the book or not: `orders` shows it.
        """
        levels = self._side(side)
        finite_number(price, "price", int, float, Fraction, Decimal)
        quantity = count(quantity, "quantity", 1)

        def append(level: _Level) -> _Level:
            # The number is taken here, so that of orders with one price the first one has the smaller number.
            order = Order(self._number.add(1), side, price, quantity, owner)
            return (*level, _Record(order, quantity))

        # What is in the map is what the last call has returned: nobody else's record is behind it there.
        order = levels.compute(price, append, ())[-1].order
        self.match()
        return order

    def cancel(self, order: Order) -> int:
        """Take an order out of the book; return how much of it had not been traded: 0 if it was not there any more. Atomic.

        ``order`` is the very object that `submit` has returned, or a trade has. Raises TypeError if it is no order.
        """
        cancelled = 0

        def take_out(level: _Level) -> Any:
            nonlocal cancelled
            cancelled = 0
            for i, record in enumerate(level):
                if record.order is order:
                    if record.claim is not None:
                        record.claim.state.compare_and_set(_OPEN, _DROPPED)
                    cancelled = record.now_left()
                    return (*level[:i], *level[i + 1 :]) or REMOVE
            return level or REMOVE

        # Not compute_if_present: it would not tell `take_out` that the level has gone meanwhile.
        self._levels_of(order).compute(order.price, take_out, ())
        return cancelled

    def left(self, order: Order) -> int:
        """Return how much of an order is in the book: neither traded nor cancelled. Atomic. Argument and errors as for `cancel`."""
        for record in self._levels_of(order).get(order.price, ()):
            if record.order is order:
                return record.now_left()
        return 0

    def _levels_of(self, order: Any) -> SkipListMap[Any, _Level]:
        if not isinstance(order, Order):
            raise TypeError(f"order: expected an Order, got {type(order).__name__}")
        return self._side(order.side)

    # ---- trading ----

    def match(self) -> int:
        """Let orders trade while the best bid is not lower than the best ask; return how many trades this call has made.

        `submit` does it, so it is needed only after a call that was interrupted.
        """
        trades: list[Trade] = []
        failure = None
        left_over = begun = 0  # trades of others; reports
        try:
            if not self._unreported.empty():
                (trades,) = starmap(self._unreported.try_get, [(trades,)])
                left_over = len(trades)
            while self._match_best(trades):
                pass
        finally:
            # Interrupts arrive where a call returns or begins, or a loop goes on (_bounded_map.py). So one that comes in
            # here has begun a report or not, as `begun` says.
            try:
                while self._on_trade is not None and begun < len(trades):
                    begun += 1
                    try:
                        self._on_trade(trades[begun - 1])
                    except Exception as error:
                        failure = error if failure is None else failure
            finally:
                if self._on_trade is not None and begun < len(trades):
                    self._unreported.put(trades[begun:])
        if failure is not None:
            raise failure
        return len(trades) - left_over

    def _match_best(self, trades: list[Trade]) -> bool:
        """One trade, or part of one; False: there is none."""
        bid = self._best(self._bids, trades)
        ask = self._best(self._asks, trades)
        if bid is None or ask is None or bid.order.price < ask.order.price:
            return False
        claim = _Claim(bid, ask)
        if self._put_on(self._asks, ask, claim):
            self._finish(claim, trades)
        return True  # look again

    def _best(self, levels: SkipListMap[Any, _Level], trades: list[Trade]) -> _Record | None:
        """The first order of a side, which has no claim; None: there is no order."""
        while (best := levels.first_item(None)) is not None:
            record = best[1][0]
            if record.claim is None:
                return record
            self._finish(record.claim, trades)
            self._tidy(levels, record)
        return None

    def _put_on(self, levels: SkipListMap[Any, _Level], record: _Record, claim: _Claim) -> bool:
        """Put a claim onto a record, if it is the first one of its level still; return whether the claim is there."""

        def put_on(level: _Level) -> _Level:
            if level[0] is not record:
                return level
            return (_Record(record.order, record.left, claim), *level[1:])

        level = levels.compute_if_present(record.order.price, put_on)
        return level is not None and level[0].claim is claim

    def _finish(self, claim: _Claim, trades: list[Trade]) -> None:
        """Decide a claim that is on its ask, if nobody has yet."""
        if claim.state.get() != _OPEN:
            return
        outcome = _TRADED if self._put_on(self._bids, claim.bid, claim) else _DROPPED
        is_ours = False
        try:
            # One step: no signal comes between its effect and the assignment (_bounded_map.py).
            (is_ours,) = starmap(claim.state.compare_and_set, [(_OPEN, outcome)])
        finally:
            if is_ours and outcome == _TRADED:
                trades.append(claim.trade)

    def _tidy(self, levels: SkipListMap[Any, _Level], record: _Record) -> None:
        """Replace a record whose claim has been decided by what is left of it."""

        def replaced(level: _Level) -> Any:
            if level[0] is not record:
                return level
            left = record.now_left()
            if left:
                return (_Record(record.order, left), *level[1:])
            return level[1:] or REMOVE

        levels.compute_if_present(record.order.price, replaced)

    # ---- looking ----

    def orders(self, side: Any) -> Iterator[tuple[Order, int]]:
        """Iterate over the orders of a side, "buy" or "sell", and what is left of each: the best price first, then the earliest."""
        levels = self._side(side)
        return (
            (record.order, left)
            for level in levels.values()
            for record in level
            if (left := record.now_left())
        )

    def _prices(self, levels: SkipListMap[Any, _Level]) -> Iterator[tuple[Any, int]]:
        for price, level in levels.items():
            quantity = sum(record.now_left() for record in level)
            if quantity:
                yield price, quantity

    def best_bid(self) -> tuple[Any, int] | None:
        """Return the highest price that is bid, and how much in all at that price; None if there is no bid."""
        return next(self._prices(self._bids), None)

    def best_ask(self) -> tuple[Any, int] | None:
        """Return the lowest price that is asked, and how much in all at that price; None if there is no ask."""
        return next(self._prices(self._asks), None)

    def depth(self, levels: Any = None) -> Depth:
        """Return (price, quantity) pairs of both sides, the best prices first: of so many prices a side, or all."""
        most = None if levels is None else min(count(levels, "levels"), maxsize)
        bids, asks = self._prices(self._bids), self._prices(self._asks)
        return Depth(list(islice(bids, most)), list(islice(asks, most)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} bid={self.best_bid()} ask={self.best_ask()}>"
