from concurrent_collections.recipes._bounded_map import BoundedSkipListMap
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
