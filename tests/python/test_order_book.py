"""OrderBook (concurrent_collections.recipes)."""

from __future__ import annotations

import collections
import copy
import pickle
import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import SteppedMap, Steps
from support import rounds, run_copies

from concurrent_collections.recipes import Depth, Order, OrderBook


class Accounts:
    """A book, and for each order what became of it."""

    def __init__(self, book_class=OrderBook):
        self.trades = []
        self.orders = []
        self.cancelled = collections.Counter()
        self.book = book_class(on_trade=self.trades.append)

    def submit(self, *arguments):
        order = self.book.submit(*arguments)
        self.orders.append(order)
        return order

    def cancel(self, order):
        cancelled = self.book.cancel(order)  # first: another one may come in
        self.cancelled[order.number] += cancelled

    def traded(self):
        traded = collections.Counter()
        for trade in self.trades:
            traded[trade.bid.number] += trade.quantity
            traded[trade.ask.number] += trade.quantity
        return traded

    def check(self):
        """Nothing was lost or doubled, and nothing is left to match."""
        traded = self.traded()
        in_book = {o.number: n for side in ("buy", "sell") for o, n in self.book.orders(side)}
        for order in self.orders:
            assert self.book.left(order) == in_book.get(order.number, 0)
            parts = traded[order.number], self.cancelled[order.number], self.book.left(order)
            assert sum(parts) == order.quantity, (order, parts)
        assert in_book.keys() <= {order.number for order in self.orders}
        for trade in self.trades:
            assert trade.quantity > 0
            assert trade.bid.price >= trade.ask.price
            assert trade.price == min(trade.bid, trade.ask, key=lambda o: o.number).price
        bid, ask = self.book.best_bid(), self.book.best_ask()
        assert bid is None or ask is None or bid[0] < ask[0]
        for levels in (self.book._bids, self.book._asks):
            assert all(level for level in levels.values())
            assert all(record.claim is None for level in levels.values() for record in level[1:])


class Model:
    """The same, one after another, with lists."""

    def __init__(self):
        self.sides = {"buy": [], "sell": []}  # [key, number, left], in the order of priority
        self.number = 0
        self.trades = []

    def submit(self, side, price, quantity):
        self.number += 1
        sign = -1 if side == "buy" else 1
        self.sides[side].append([sign * price, self.number, quantity])
        self.sides[side].sort(key=lambda order: order[:2])
        bids, asks = self.sides["buy"], self.sides["sell"]
        while bids and asks and -bids[0][0] >= asks[0][0]:
            bid, ask = bids[0], asks[0]
            amount = min(bid[2], ask[2])
            at = -bid[0] if bid[1] < ask[1] else ask[0]
            self.trades.append((at, amount, bid[1], ask[1]))
            for orders in (bids, asks):
                orders[0][2] -= amount
                if not orders[0][2]:
                    del orders[0]

    def cancel(self, number):
        for orders in self.sides.values():
            for i, order in enumerate(orders):
                if order[1] == number:
                    return orders.pop(i)[2]
        return 0

    def depth(self):
        result = []
        for sign, side in ((-1, "buy"), (1, "sell")):
            quantities = collections.Counter()
            for key, _, left in self.sides[side]:
                quantities[sign * key] += left
            result.append(list(quantities.items()))
        return Depth(*result)


class TestOrderBook:
    def test_price_then_time(self):
        a = Accounts()
        first = a.submit("sell", 101, 5)
        second = a.submit("sell", 100, 5)
        third = a.submit("sell", 100, 5)
        buyer = a.submit("buy", 101, 12)
        assert [(t.price, t.quantity, t.ask) for t in a.trades] == [
            (100, 5, second),
            (100, 5, third),
            (101, 2, first),
        ]
        assert a.book.left(buyer) == 0 and a.book.left(first) == 3
        a.check()

    def test_the_price_is_that_of_the_earlier_order(self):
        a = Accounts()
        a.submit("buy", 105, 1)
        a.submit("sell", 100, 2)
        a.submit("buy", 102, 1)
        assert [t.price for t in a.trades] == [105, 100]

    def test_looking(self):
        book = OrderBook()
        assert book.best_bid() is book.best_ask() is None
        assert book.depth() == ([], [])
        orders = [book.submit("buy", price, 10, owner="me") for price in (9, 10, 10.0, 8)]
        book.submit("sell", 12, 1)
        book.submit("sell", 11, 2)
        assert book.best_bid() == (10, 20) and book.best_ask() == (11, 2)
        assert book.depth() == ([(10, 20), (9, 10), (8, 10)], [(11, 2), (12, 1)])
        assert book.depth(1) == ([(10, 20)], [(11, 2)]) and book.depth(0) == ([], [])
        assert [o for o, _ in book.orders("buy")] == [orders[i] for i in (1, 2, 0, 3)]
        assert orders[0] == Order(1, "buy", 9, 10, "me")
        assert repr(book) == "<OrderBook bid=(10, 20) ask=(11, 2)>"
        assert book.match() == 0

    def test_cancel(self):
        a = Accounts()
        order, other = a.submit("buy", 10, 10), a.submit("buy", 10, 1)
        a.submit("sell", 10, 4)
        assert a.book.left(order) == 6
        assert a.book.cancel(order) == 6
        assert a.book.cancel(order) == 0 == a.book.left(order)
        assert a.book.best_bid() == (10, 1)
        assert a.book.cancel(Order(*other)) == 0  # an equal one is another one
        assert a.book.cancel(other) == 1 and a.book.best_bid() is None
        assert OrderBook().cancel(order) == 0

    def test_bad_arguments_change_nothing(self):
        book = OrderBook()
        for kind, arguments, name in [
            (ValueError, ("bid", 1, 1), "side"),
            (ValueError, (["buy"], 1, 1), "side"),
            (TypeError, ("buy", "1", 1), "price"),
            (TypeError, ("buy", None, 1), "price"),
            (TypeError, ("buy", True, 1), "price"),
            (TypeError, ("buy", 1j, 1), "price"),
            (ValueError, ("buy", float("nan"), 1), "price"),
            (ValueError, ("sell", float("inf"), 1), "price"),
            (ValueError, ("sell", Decimal("nan"), 1), "price"),
            (ValueError, ("sell", Decimal("snan"), 1), "price"),
            (ValueError, ("sell", Decimal("-inf"), 1), "price"),
            (TypeError, ("buy", 1, 1.5), "quantity"),
            (TypeError, ("buy", 1, None), "quantity"),
            (ValueError, ("buy", 1, 0), "quantity"),
            (ValueError, ("buy", 1, -5), "quantity"),
        ]:
            with pytest.raises(kind, match=rf"^{name}: "):
                book.submit(*arguments)
        assert book.depth(2**63) == ([], [])
        with pytest.raises(TypeError, match=r"^order: "):
            book.cancel(1)
        with pytest.raises(TypeError, match=r"^order: "):
            book.left((1, "buy", 1, 1, None))
        with pytest.raises(ValueError, match=r"^side: "):
            book.orders("bids")
        with pytest.raises(ValueError, match=r"^levels: "):
            book.depth(-1)
        with pytest.raises(TypeError, match=r"^on_trade: "):
            OrderBook(on_trade=1)
        assert book.depth() == ([], [])

    def test_prices_of_all_kinds(self):
        book = OrderBook()
        book.submit("buy", Decimal("10.1"), 1)
        book.submit("buy", 10**30, 1)
        book.submit("buy", -3.5, 1)
        book.submit("buy", Fraction(1, 3), 1)
        prices = [o.price for o, _ in book.orders("buy")]
        assert prices == [10**30, Decimal("10.1"), Fraction(1, 3), -3.5]

    def test_quantities_have_no_limit(self):
        a = Accounts()
        a.submit("buy", 1, 10**30)
        a.submit("sell", 1, 10**29)
        assert a.book.best_bid() == (1, 9 * 10**29)
        a.check()

    def test_it_is_not_copied(self):
        for how in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot copy or pickle a OrderBook"):
                how(OrderBook())

    def test_what_on_trade_raises_comes_out_when_all_is_done(self):
        seen = []

        def note(trade):
            seen.append(trade)
            raise LookupError(len(seen))

        book = OrderBook(on_trade=note)
        for _ in range(3):
            book.submit("sell", 10, 1)
        with pytest.raises(LookupError, match="1"):
            book.submit("buy", 10, 5)
        assert len(seen) == 3
        assert book.best_bid() == (10, 2)

    def test_on_trade_may_use_the_book(self):
        a = Accounts()

        def again(trade):
            a.trades.append(trade)
            if len(a.trades) < 5:
                a.submit("sell", 10, 1)

        a.book = OrderBook(on_trade=again)
        a.submit("buy", 10, 10)
        a.submit("sell", 10, 1)
        assert len(a.trades) == 5
        a.check()

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 6), st.integers(1, 9)),
                st.tuples(st.just("cancel"), st.integers(0, 30), st.just(0)),
            ),
            max_size=40,
        )
    )
    def test_against_a_model(self, program):
        a, model = Accounts(), Model()
        for name, number, quantity in program:
            if name != "cancel":
                a.submit(name, number, quantity)
                model.submit(name, number, quantity)
            elif a.orders:
                order = a.orders[number % len(a.orders)]
                left = a.book.left(order)
                assert a.book.cancel(order) == left
                a.cancelled[order.number] += left
                assert left == model.cancel(order.number)
            assert a.book.depth() == model.depth()
        trades = [(t.price, t.quantity, t.bid.number, t.ask.number) for t in a.trades]
        assert trades == model.trades
        a.check()


def nothing(is_done=False):
    pass


class SteppedBook(OrderBook):
    """Of which a test can interrupt every step: those of its maps, and the one that decides a claim."""

    __slots__ = ()

    def __init__(self, **options):
        super().__init__(**options)
        self._bids = SteppedMap(reverse=True)
        self._asks = SteppedMap()


def cross(a):
    """An order that trades with two, and then rests."""
    a.submit("buy", 10, 7)


RIVALS = {
    "match": lambda a: a.book.match(),
    "cancel the best ask": lambda a: a.cancel(a.orders[0]),
    "cancel the other ask": lambda a: a.cancel(a.orders[1]),
    "cancel the bids": lambda a: [
        # Of the order that is being submitted only the book knows.
        a.cancelled.update({order.number: a.book.cancel(order)})
        for order, _ in list(a.book.orders("buy"))
    ],
    "a better bid": lambda a: a.submit("buy", 11, 2),
    "a bid behind": lambda a: a.submit("buy", 10, 2),
    "a better ask": lambda a: a.submit("sell", 8, 9),
    "an ask behind": lambda a: a.submit("sell", 9, 2),
    "an ask beyond": lambda a: a.submit("sell", 10, 9),
}


class TestOthersInBetween:
    """At every step of `submit` another thread does something, and is done when the step goes on."""

    def book(self):
        a = Accounts(SteppedBook)
        a.submit("sell", 9, 3)
        a.submit("sell", 10, 2)
        return a

    def at_step(self, a, number, rival):
        step = Steps(number, lambda: rival(a))
        a.book._bids.step = a.book._asks.step = step
        return step

    @pytest.mark.parametrize("rival", RIVALS)
    @pytest.mark.parametrize("outer", [cross, RIVALS["a better ask"]])
    def test_one(self, outer, rival):
        number = 0
        while True:
            a = self.book()
            if outer is not cross:
                a.submit("buy", 8, 4)
            step = self.at_step(a, number, RIVALS[rival])
            outer(a)
            if not step.taken:
                break
            step.is_inside = True
            a.check()
            number += 1
        assert number > 10

    @pytest.mark.parametrize("second", RIVALS)
    @pytest.mark.parametrize("first", RIVALS)
    def test_two(self, first, second):
        # The second one comes in at a step of the first one, or of what is left of `submit`.
        generator = random.Random(f"{first} {second}")
        taken = 0
        for _ in range(rounds(60)):
            a = self.book()

            def come_in(a):
                self.at_step(a, generator.randrange(30), RIVALS[second])
                RIVALS[first](a)

            step = self.at_step(a, generator.randrange(30), come_in)
            cross(a)
            taken += step.taken
            a.book._bids.step = a.book._asks.step = nothing
            a.check()
        assert taken

    def test_a_claim_that_comes_late_comes_onto_nothing(self):
        # A thread stops with a claim that it has put nowhere; meanwhile the same two orders trade.
        a = self.book()
        claims = []
        put_on = OrderBook._put_on

        class Late(SteppedBook):
            __slots__ = ()

            def _put_on(self, levels, record, claim):
                if not claims:
                    claims.append(claim)
                    a.book.match()
                return put_on(self, levels, record, claim)

        a.book.__class__ = Late
        cross(a)
        assert claims[0].state.get() == 0  # nobody has seen it
        a.check()
        assert sum(t.quantity for t in a.trades) == 5

    def test_an_interrupt_in_the_middle_is_made_up_for(self):
        number = 0
        while True:
            a = self.book()

            def interrupt(_):
                raise KeyboardInterrupt

            step = self.at_step(a, number, interrupt)
            order = None
            try:
                order = a.book.submit("buy", 10, 7)
            except KeyboardInterrupt:
                pass
            a.book._bids.step = a.book._asks.step = nothing
            a.book.match()
            orders = {o.number: o for o, _ in a.book.orders("buy")}
            orders.update({t.bid.number: t.bid for t in a.trades})
            assert len(orders) <= 1
            a.orders += orders.values()
            a.check()
            if not step.taken:
                assert a.book.left(order) == 2
                break
            number += 1
        assert number > 10

    def test_an_interrupt_comes_out_whatever_on_trade_raises(self):
        number = reported = 0
        while True:
            a = self.book()

            def note(trade):
                a.trades.append(trade)
                raise LookupError

            def interrupt(_):
                raise KeyboardInterrupt

            a.book._on_trade = note
            step = self.at_step(a, number, interrupt)
            with pytest.raises((KeyboardInterrupt, LookupError)) as raised:
                a.book.submit("buy", 10, 7)
            assert raised.type is (KeyboardInterrupt if step.taken else LookupError)
            if not step.taken:
                break
            reported += bool(a.trades)
            number += 1
        assert reported

    def test_what_an_interrupt_leaves_unreported_the_next_call_reports(self):
        seen = []

        def note(trade):
            seen.append(trade.quantity)
            if interrupts and len(seen) == interrupts[0]:
                raise KeyboardInterrupt

        for interrupts in ([1], [2], [3], [4], []):
            seen.clear()
            book = OrderBook(on_trade=note)
            for quantity in (1, 2, 3, 4):
                book.submit("sell", 5, quantity)
            if interrupts:
                with pytest.raises(KeyboardInterrupt):
                    book.submit("buy", 5, 10)
                assert seen == [1, 2, 3, 4][: interrupts.pop()]
                book.submit("sell", 5, 5)
                assert seen == [1, 2, 3, 4]
                assert book.submit("buy", 5, 5) and seen == [1, 2, 3, 4, 5]
            else:
                book.submit("buy", 5, 10)
            assert book.match() == 0
            assert seen[:4] == [1, 2, 3, 4]

    def test_an_interrupt_when_all_has_been_matched_leaves_nothing_unreported(self):
        class Interrupted(OrderBook):
            __slots__ = ("ends",)

            def _match_best(self, trades):
                if not super()._match_best(trades):
                    self.ends -= 1
                    if not self.ends:
                        raise KeyboardInterrupt
                    return False
                return True

        seen = []
        book = Interrupted(on_trade=seen.append)
        book.ends = 2
        book.submit("sell", 5, 1)
        with pytest.raises(KeyboardInterrupt):
            book.submit("buy", 5, 1)
        assert len(seen) == 1
        assert book.match() == 0
        assert len(seen) == 1


class TestThreads:
    def test_of_one_price_the_first_has_the_smaller_number(self, eager_switching):
        book = OrderBook()
        run_copies(4, lambda index: [book.submit("buy", 1, 1) for _ in range(rounds(1500))])
        numbers = [order.number for order, _ in book.orders("buy")]
        assert len(numbers) == 4 * rounds(1500)
        assert numbers == sorted(numbers)

    @pytest.mark.parametrize("prices", [1, 3, 50])
    def test_nothing_is_lost_or_doubled(self, prices, eager_switching):
        a = Accounts()
        each = rounds(1500)

        def work(index):
            generator = random.Random(f"{index} {prices}")
            mine, cancelled = [], collections.Counter()
            for _ in range(each):
                side = generator.choice(["buy", "sell"])
                price, quantity = generator.randrange(prices), generator.randrange(1, 20)
                mine.append(a.book.submit(side, price, quantity, owner=index))
                if generator.random() < 0.4:
                    order = generator.choice(mine)
                    cancelled[order.number] += a.book.cancel(order)
            return mine, cancelled

        for mine, cancelled in run_copies(4, work):
            a.orders += mine
            a.cancelled.update(cancelled)
        a.check()
        assert a.trades
        assert len({order.number for order in a.orders}) == 4 * each

    def test_each_order_is_cancelled_once(self, eager_switching):
        a = Accounts()
        orders = [a.submit("buy", n % 5, 3) for n in range(rounds(300))]

        def work(index):
            taken = collections.Counter()
            for order in orders:
                taken[order.number] += a.book.cancel(order)
                if index == 0 and order.number % 7 == 0:
                    a.book.submit("sell", 0, 1)
            return taken

        for taken in run_copies(3, work):
            a.cancelled.update(taken)
        in_the_end = [order for order, _ in a.book.orders("sell")]
        traded = {trade.ask.number: trade.ask for trade in a.trades}
        a.orders += [o for o in in_the_end if o.number not in traded] + list(traded.values())
        a.check()
