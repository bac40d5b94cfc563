"""Containers for particular purposes, made of the others. Read them: they are meant to be copied and changed, too.

They are plain Python over the public classes, and as safe between threads as these: each method says what is one step.
"""

from concurrent_collections.recipes._bounded_map import (
    BoundedSkipListMap,
    _empty,
)
from concurrent_collections.recipes._leaderboard import Leaderboard, Ranking
from concurrent_collections.recipes._order_book import Depth, Order, OrderBook, Trade
from concurrent_collections.recipes._time_window import TimeWindow, WindowStatistics

__all__ = [
    "BoundedSkipListMap",
    "Depth",
    "Leaderboard",
    "Order",
    "OrderBook",
    "Ranking",
    "TimeWindow",
    "Trade",
    "WindowStatistics",
]

for _thing in (*map(globals().get, __all__), _empty):
    _thing.__module__ = __name__  # where users find them, and pickles name them
del _thing
