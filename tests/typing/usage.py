"""What type checkers must accept, infer and refuse. Checked by `tools/test --only types`, never run.

Each `type: ignore` is a negative case: with warn_unused_ignores (part of --strict) it is an error when the
line has become acceptable.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSet
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import total_ordering
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, assert_type

from concurrent_collections import (
    REMOVE,
    Access,
    AccessTracker,
    AtomicCounter,
    BoundedSemaphore,
    Comparator,
    Config,
    Empty,
    FastQueue,
    FrozenSkipListMap,
    FrozenSkipListSet,
    Full,
    LockFreeLifoQueue,
    LockFreeQueue,
    LockFreeStack,
    Semaphore,
    ShutDown,
    SkipListMap,
    SkipListSet,
    Stats,
    StripedCounter,
    WaitFreeQueue,
    columns,
    config,
    flush,
    get_build_info,
    get_include,
    json_default,
    print_config,
    smr,
)
from concurrent_collections import mixed as janus
from concurrent_collections._submaps import SkipListSubMap, SkipListSubSet
from concurrent_collections._views import (
    SkipListItemsView,
    SkipListKeysView,
    SkipListValuesView,
)
from concurrent_collections.recipes import (
    BoundedSkipListMap,
    Depth,
    Leaderboard,
    Order,
    OrderBook,
    Ranking,
    TimeWindow,
    Trade,
)

# ---- which keys ---------------------------------------------------------------------------


class OnlyLess:
    def __init__(self, rank: int) -> None:
        self.rank = rank

    def __lt__(self, other: OnlyLess) -> bool:
        return self.rank < other.rank


@total_ordering
class Total:
    def __lt__(self, other: Total) -> bool:
        return id(self) < id(other)


@dataclass(order=True, frozen=True)
class Place:
    file: str
    line: int


class Color(enum.Enum):
    RED = 1


bools: SkipListMap[bool, int]
ints: SkipListMap[int, str] = SkipListMap()
floats: SkipListMap[float, str]
texts: SkipListMap[str, int] = SkipListMap()
bytes_: SkipListMap[bytes, None]
pairs: SkipListMap[tuple[int, str], float] = SkipListMap()
nested: SkipListMap[tuple[str, ...], SkipListMap[int, str]]
mixed: SkipListMap[int | float, str]
fractions: SkipListSet[Fraction]
days: SkipListMap[date, list[str]]
paths: SkipListSet[Path]
of_less: SkipListMap[OnlyLess, str]
of_total: SkipListSet[Total]
places: SkipListSet[Place] = SkipListSet()
anything: SkipListMap[Any, Any]

unordered: SkipListMap[complex, str]  # type: ignore[type-var]
without_order: SkipListMap[object, str]  # type: ignore[type-var]
nothing: SkipListSet[None]  # type: ignore[type-var]
perhaps: SkipListMap[int | None, str]  # type: ignore[type-var]
colors: SkipListSet[Color]  # type: ignore[type-var]

# ---- construction ---------------------------------------------------------------------------

assert_type(SkipListMap({1: "a"}), SkipListMap[int, str])
assert_type(SkipListMap([("a", 1.5)]), SkipListMap[str, float])
assert_type(SkipListMap({1: "a"}, reverse=True), SkipListMap[int, str])
assert_type(SkipListMap([("a", 1)], key=str.lower), SkipListMap[str, int])
assert_type(SkipListMap({1: "a"}, comparator=Comparator.natural()), SkipListMap[int, str])
assert_type(SkipListMap(ints), SkipListMap[int, str])
assert_type(SkipListMap(zip([1], "a", strict=True)), SkipListMap[int, str])
assert_type(SkipListMap.fromkeys([1, 2]), SkipListMap[int, Any | None])
assert_type(SkipListMap.fromkeys("ab", 0), SkipListMap[str, int])
assert_type(SkipListMap.fromkeys("ab", 0, key=str.lower, reverse=True), SkipListMap[str, int])
assert_type(SkipListMap.fromkeys("ab", 0, backend="locked"), SkipListMap[str, int])
assert_type(SkipListMap({1: "a"}, backend="locked"), SkipListMap[int, str])
assert_type(SkipListSet([1], backend="lockfree").backend, Literal["lockfree", "locked"])
SkipListMap(backend="lock")  # type: ignore[call-overload]
assert_type(SkipListMap[int, int]().statistics(), dict[str, dict[str, dict[str, int]]])
assert_type(SkipListSet([1, 2]), SkipListSet[int])
assert_type(SkipListSet("ab"), SkipListSet[str])

SkipListMap({1: "a"}, b="c")  # type: ignore[call-overload]
SkipListMap([1, 2])  # type: ignore[arg-type]
SkipListMap(other={1: "a"})  # type: ignore[call-overload]
SkipListSet(1)  # type: ignore[call-overload]

# ---- one key --------------------------------------------------------------------------------


def one_key() -> None:
    assert_type(ints[1], str)
    ints[1] = "a"
    del ints[1]
    assert_type(1 in ints, bool)
    assert_type(ints.contains(1), bool)

    assert_type(ints.get(1), str | None)
    assert_type(ints.get(1, None), str | None)
    assert_type(ints.get(1, "b"), str)
    assert_type(ints.get(1, default=2), str | int)

    assert_type(ints.put(1, "a"), str | None)
    assert_type(ints.put(1, "a", "b"), str)
    assert_type(ints.put(1, "a", default=2), str | int)
    assert_type(ints.put_if_absent(1, "a"), str | None)
    assert_type(ints.put_if_absent(1, "a", default="b"), str)
    assert_type(ints.put_if_absent(1, "a", default=2), str | int)
    assert_type(ints.replace(1, "a"), str | None)
    assert_type(ints.replace(1, "a", default="b"), str)
    assert_type(ints.replace(1, "a", default=2), str | int)
    assert_type(ints.replace_if(1, "a", "b"), bool)
    assert_type(ints.replace_if(1, None, "b"), bool)

    assert_type(ints.setdefault(1, "a"), str)
    optional: SkipListMap[int, str | None] = SkipListMap()
    assert_type(optional.setdefault(1), str | None)

    assert_type(ints.delete(1), bool)
    assert_type(ints.pop(1), str)
    assert_type(ints.pop(1, "a"), str)
    assert_type(ints.pop(1, None), str | None)
    assert_type(ints.pop(1, 2), str | int)


def one_key_by_what_is_there() -> None:
    counts: SkipListMap[str, int] = SkipListMap(default_factory=int)
    assert_type(counts.default_factory, Callable[[], int] | None)
    counts.default_factory = None

    assert_type(counts.compute("a", lambda n: n + 1, 0), int)
    assert_type(counts.compute("a", lambda n: (n or 0) + 1), int | None)
    assert_type(ints.compute(1, lambda text: REMOVE), str | None)
    assert_type(ints.compute(1, lambda text: str(text) or REMOVE, 2.5), str | float)
    assert_type(ints.compute_if_present(1, lambda text: text + "a"), str | None)
    assert_type(ints.compute_if_present(1, lambda text: text[1:] or REMOVE, 2.5), str | float)
    assert_type(ints.compute_if_absent(1, str), str)
    assert_type(ints.compute_if_absent(1, lambda: REMOVE), str | None)
    assert_type(ints.compute_if_absent(1, lambda: REMOVE, 2.5), str | float)
    assert_type(ints.merge(1, "a", str.__add__), str)
    assert_type(counts.merge("a", 3, max), int)
    assert_type(ints.merge(1, "a", lambda old, new: REMOVE), str | None)
    assert_type(ints.merge(1, "a", lambda old, new: REMOVE, 2.5), str | float)
    assert_type(counts.increment("a"), int)
    assert_type(counts.increment("a", 2), int)
    assert_type(ints.increment(1, "a"), str)
    assert_type(ints.get_or_insert(1, "a"), str)


def one_key_refused() -> None:
    ints.compute("a", str)  # type: ignore[call-overload]
    ints.compute(1, len, "")  # type: ignore[arg-type]
    ints.compute_if_absent(1, int)  # type: ignore[arg-type]
    ints.increment(1, 2)  # type: ignore[arg-type]
    ints.get_or_insert(1, 2)  # type: ignore[arg-type]
    SkipListMap({1: "a"}, default_factory=int)  # type: ignore[arg-type]
    ints["a"] = "b"  # type: ignore[index]
    ints[1] = 2  # type: ignore[assignment]
    ints["a"]  # type: ignore[index]
    ints.get("a")  # type: ignore[call-overload]
    ints.put(1, 2)  # type: ignore[call-overload]
    ints.put_if_absent("a", "b")  # type: ignore[call-overload]
    ints.replace_if(1, "a", 2)  # type: ignore[arg-type]
    ints.pop(1, default="a")  # type: ignore[call-overload]
    ints.setdefault(1)  # type: ignore[call-arg]
    "a" in ints  # type: ignore[comparison-overlap]


# ---- order ----------------------------------------------------------------------------------


def order() -> None:
    assert_type(pairs.first_key(), tuple[int, str])
    assert_type(pairs.last_key(), tuple[int, str])
    assert_type(ints.floor_key(1), int | None)
    assert_type(ints.ceiling_key(1), int | None)
    assert_type(ints.lower_key(1), int | None)
    assert_type(ints.higher_key(1), int | None)
    assert_type(ints.first_item(), tuple[int, str])
    assert_type(ints.last_item(), tuple[int, str])
    assert_type(ints.first_key(None), int | None)
    assert_type(pairs.last_key(0), tuple[int, str] | int)
    assert_type(ints.first_item(None), tuple[int, str] | None)
    assert_type(ints.last_item("none"), tuple[int, str] | str)
    assert_type(ints.floor_item(1), tuple[int, str] | None)
    assert_type(ints.ceiling_item(1), tuple[int, str] | None)
    assert_type(ints.lower_item(1), tuple[int, str] | None)
    assert_type(ints.higher_item(1), tuple[int, str] | None)
    assert_type(ints.pop_first(), tuple[int, str])
    assert_type(ints.pop_last(), tuple[int, str])
    assert_type(ints.pop_first(None), tuple[int, str] | None)
    assert_type(ints.pop_last(0), tuple[int, str] | int)
    assert_type(ints.popitem(), tuple[int, str])
    assert_type(ints.popitem(last=False), tuple[int, str])
    ints.floor_key("a")  # type: ignore[arg-type]
    ints.first_item()[0].upper()  # type: ignore[attr-defined]
    ints.floor_key(1) + 1  # type: ignore[operator]


# ---- iteration ------------------------------------------------------------------------------


def iteration() -> None:
    assert_type(iter(ints), Iterator[int])
    assert_type(list(reversed(ints)), list[int])
    assert_type(ints.keys(), SkipListKeysView[int])
    assert_type(ints.values(1, 2), SkipListValuesView[str])
    assert_type(ints.items(start=1), SkipListItemsView[int, str])
    assert_type(list(ints.keys(stop=9, inclusive=True, reverse=True)), list[int])
    assert_type(list(ints.values(1, 9, inclusive=(False, True))), list[str])
    assert_type(dict(ints.items(1)), dict[int, str])
    assert_type(list(reversed(ints.items())), list[tuple[int, str]])
    assert_type(ints.keys(None, 9), SkipListKeysView[int])
    assert_type(ints.items(1, None), SkipListItemsView[int, str])
    assert_type(len(ints.keys(1)), int)
    assert_type(bool(ints.keys(1)), bool)
    assert_type(1 in ints.keys(1), bool)
    assert_type(ints.keys() & {1}, SkipListSet[int])
    assert_type(ints.keys() | {2}, SkipListSet[int])
    assert_type(ints.keys() - [1], SkipListSet[int])
    assert_type(ints.keys() ^ {3}, SkipListSet[int])
    assert_type(ints.items() & [(1, "a")], set[tuple[int, str]])
    for key, value in ints.items():
        assert_type(key, int)
        assert_type(value, str)
    ints.keys("a")  # type: ignore[arg-type]
    ints.keys(1, 2, True)  # type: ignore[call-arg]
    ints.keys(inclusive="both")  # type: ignore[arg-type]


# ---- ranges ---------------------------------------------------------------------------------


def count(part: Mapping[int, str]) -> int:
    return len(part)


def ranges() -> None:
    assert_type(ints.irange(1, 2, (True, False), reverse=True), Iterator[int])
    assert_type(ints.count_range(1, 2, inclusive=True), int)
    assert_type(ints.clear_range(stop=2), int)
    assert_type(ints.pop_range(1, None, 5, reverse=True), list[tuple[int, str]])
    part = ints.submap(1, 9, inclusive=(False, True))
    assert_type(part, SkipListSubMap[int, str])
    assert_type(part.submap(2).descending(), SkipListSubMap[int, str])
    assert_type(part.start, int | None)
    assert_type(part.inclusive, tuple[bool, bool])
    assert_type(part[1], str)
    assert_type(part.get(1, 0), str | int)
    assert_type(part.put(1, "a"), str | None)
    assert_type(part.first_item(), tuple[int, str])
    assert_type(part.floor_key(1), int | None)
    assert_type(part.pop_last(None), tuple[int, str] | None)
    assert_type(part.items(1), SkipListItemsView[int, str])
    assert_type(part.copy(), SkipListMap[int, str])
    assert_type(part.frozen(), FrozenSkipListMap[int, str])
    assert_type(part.to_dict(), dict[int, str])
    assert_type(part | {2: "b"}, SkipListMap[int, str])
    assert_type(ints.split(4), list[SkipListSubMap[int, str]])
    assert_type(ints.map_parts(count), list[int])
    assert_type(part.map_parts(lambda p: p.first_key(), 2), list[int])
    part.update({1: "a"})
    part.update([(1, "a")])
    takes_mappings(part, part.descending(), SkipListSet([1]).subset(1))
    ints.submap("a")  # type: ignore[arg-type]
    ints.split(1.5)  # type: ignore[arg-type]
    part.put(1, 2)  # type: ignore[call-overload]
    ints.map_parts(len, executor=1)  # type: ignore[arg-type]


def ranges_of_sets() -> None:
    s = SkipListSet([1, 2])
    assert_type(s.irange(1), Iterator[int])
    assert_type(s.pop_range(max_items=3), list[int])
    assert_type(s.clear_range(1, 2), int)
    part = s.subset(1, 9)
    assert_type(part, SkipListSubSet[int])
    assert_type(part.descending().subset(2), SkipListSubSet[int])
    assert_type(part.stop, int | None)
    assert_type(part.first(None), int | None)
    assert_type(part.range(1), SkipListKeysView[int])
    assert_type(part | {"a"}, SkipListSet[int | str])
    assert_type(part & {"a"}, SkipListSet[int])
    assert_type(part.union([1]), SkipListSet[int])
    assert_type(part.copy(), SkipListSet[int])
    assert_type(part.split(2), list[SkipListSubSet[int]])
    assert_type(s.map_parts(sum), list[int])
    part.add(1)
    part.add("a")  # type: ignore[arg-type]
    part |= {1}


# ---- the whole ------------------------------------------------------------------------------


class Named(SkipListMap[str, int]):
    name: str


T = TypeVar("T")


class Index(Generic[T]):
    """A class of the user's, generic in what it keeps."""

    def __init__(self) -> None:
        self.entries: SkipListMap[str, T] = SkipListMap()

    def newest(self) -> T:
        return self.entries.last_item()[1]


def takes_mappings(m: Mapping[int, str], n: MutableMapping[int, str], s: MutableSet[int]) -> None:
    s.add(len(m) + len(n))


def whole() -> None:
    takes_mappings(ints, ints, SkipListSet([1]))
    ints.update({1: "a"})
    ints.update([(1, "a")])
    texts.update(a=1)
    texts.update({"a": 1}, b=2)
    ints.update(a="b")  # type: ignore[call-overload]
    assert_type(ints | {2: "b"}, SkipListMap[int, str])
    assert_type(ints | {"b": 2}, SkipListMap[int | str, str | int])
    assert_type({2: "b"} | ints, SkipListMap[int, str])
    assert_type(Named().copy(), Named)
    assert_type(ints.copy(), SkipListMap[int, str])
    assert_type(ints.flush(), int)
    assert_type(len(ints), int)
    assert_type(bool(ints), bool)
    assert_type(ints == {1: "a"}, bool)
    assert_type(Index[bytes]().newest(), bytes)
    m = SkipListMap({1: "a"})
    m |= {2: "b"}
    m |= [(3, "c")]
    m |= {"d": 4}  # type: ignore[dict-item]


# ---- sets -----------------------------------------------------------------------------------


def sets() -> None:
    s = SkipListSet([1, 2])
    s.add(3)
    s.discard(1)
    s.remove(2)
    s.add("a")  # type: ignore[arg-type]
    assert_type(s.first(), int)
    assert_type(s.last(), int)
    assert_type(s.floor(1), int | None)
    assert_type(s.ceiling(1), int | None)
    assert_type(s.lower(1), int | None)
    assert_type(s.higher(1), int | None)
    assert_type(s.pop(), int)
    assert_type(s.pop_first(), int)
    assert_type(s.pop_last(), int)
    assert_type(s.pop_first(None), int | None)
    assert_type(s.pop_last("none"), int | str)
    assert_type(s.first(None), int | None)
    assert_type(s.last("none"), int | str)
    assert_type(s.range(None, 2), SkipListKeysView[int])
    assert_type(s.range(1, 2, inclusive=True, reverse=True), SkipListKeysView[int])
    assert_type(list(s), list[int])
    assert_type(list(reversed(s)), list[int])
    assert_type(s | {1}, SkipListSet[int])
    assert_type(s | {"a"}, SkipListSet[int | str])
    assert_type(s & {"a"}, SkipListSet[int])
    assert_type(s - {"a"}, SkipListSet[int])
    assert_type(s ^ {1}, SkipListSet[int])
    assert_type(s.union([1], [2]), SkipListSet[int])
    assert_type(s.union(["a"]), SkipListSet[int | str])
    assert_type(s.intersection([1], [2]), SkipListSet[int])
    assert_type(s.difference("a"), SkipListSet[int])
    assert_type(s.symmetric_difference([1]), SkipListSet[int])
    s.update([1], {2})
    s.intersection_update([1])
    s.difference_update([1])
    s.symmetric_difference_update([1])
    s |= {1}
    s &= {1}
    s -= {1}
    s ^= {1}
    s |= {"a"}  # type: ignore[arg-type]
    s | [1]  # type: ignore[operator]
    assert_type(s <= {1}, bool)
    assert_type(s.isdisjoint([1]), bool)
    assert_type(s.issubset([1]), bool)
    assert_type(s.issuperset([1]), bool)
    assert_type(s.copy(), SkipListSet[int])
    assert_type(s.flush(), int)
    places.add(Place("a", 1))
    for place in places.range(Place("a", 0), Place("b", 0)):
        assert_type(place, Place)


# ---- what never changes -------------------------------------------------------------------------


def takes_sets(m: Mapping[int, str], s: AbstractSet[int]) -> None:
    takes_sets(FrozenSkipListMap({1: "a"}), FrozenSkipListSet([1]))


def frozen() -> None:
    m = FrozenSkipListMap({1: "a"})
    assert_type(m, FrozenSkipListMap[int, str])
    assert_type(FrozenSkipListMap([(1, "a")]), FrozenSkipListMap[int, str])
    assert_type(FrozenSkipListMap.from_sorted([(1, "a")]), FrozenSkipListMap[int, str])
    assert_type(FrozenSkipListMap.fromkeys([1], "a"), FrozenSkipListMap[int, str])
    assert_type(SkipListMap({1: "a"}).frozen(), FrozenSkipListMap[int, str])
    assert_type(SkipListMap.from_sorted([(1, "a")]), SkipListMap[int, str])
    assert_type(m.thaw(), SkipListMap[int, str])
    assert_type(m.to_dict(), dict[int, str])
    assert_type(m[1], str)
    assert_type(m.get(1), str | None)
    assert_type(m.first_item(None), tuple[int, str] | None)
    assert_type(m.peekitem(), tuple[int, str])
    assert_type(m.slice(0, 1), list[tuple[int, str]])
    assert_type(m.islice(0), Iterator[int])
    assert_type(m.index(1), int)
    assert_type(m | {2: "b"}, FrozenSkipListMap[int, str])
    assert_type(m | {"b": 2}, FrozenSkipListMap[int | str, str | int])
    assert_type(m.copy(), FrozenSkipListMap[int, str])
    assert_type({m: 1}, dict[FrozenSkipListMap[int, str], int])
    memoryview(m)
    m[1] = "b"  # type: ignore[index]
    del m[1]  # type: ignore[attr-defined]

    s = FrozenSkipListSet([1, 2])
    assert_type(s, FrozenSkipListSet[int])
    assert_type(SkipListSet([1]).frozen(), FrozenSkipListSet[int])
    assert_type(s.thaw(), SkipListSet[int])
    assert_type(s[0], int)
    assert_type(s[1:], list[int])
    assert_type(s.floor(1), int | None)
    assert_type(s.count_range(1), int)
    assert_type(s | {"a"}, FrozenSkipListSet[int | str])
    assert_type(s & {"a"}, FrozenSkipListSet[int])
    assert_type(s.union([3]), FrozenSkipListSet[int])
    s.add(1)  # type: ignore[attr-defined]
    FrozenSkipListSet([None])  # type: ignore[type-var]
    json_default(s)


# ---- the process ----------------------------------------------------------------------------


def process() -> None:
    assert_type(config, Config)
    assert_type(config.gil_enabled, bool)
    assert_type(config.detected_arch, str)
    assert_type(config.detected_features, frozenset[str])
    assert_type(config.available_queue_backends, tuple[str, ...])
    assert_type(config.statistics(), dict[str, int])
    config.queue_backend = "auto"
    config.smr_scheme = "ibr"
    config.retire_threshold = 64
    config.max_reclaim_per_poll = 64
    config.enable_statistics = True
    config.enable_contention_stats = False
    config.gil_enabled = False  # type: ignore[misc]
    config.detected_arch = "pdp11"  # type: ignore[misc]
    config.retire_threshold = "many"  # type: ignore[assignment]
    config.retire_treshold = 1  # type: ignore[attr-defined]
    assert_type(get_include(), str)
    assert_type(flush(), int)
    assert_type(smr.stats(), smr.Stats)
    assert_type(smr.stats().oldest, smr.OpenRegion | None)
    assert_type(smr.stats(SkipListMap[int, str]()), smr.ContainerStats)
    smr.stats({})  # type: ignore[call-overload]
    assert_type(get_build_info(), dict[str, Any])
    with open("settings") as file:
        print_config(file)
    print_config(file="settings")  # type: ignore[arg-type]


# ---- queues -------------------------------------------------------------------------------

jobs = LockFreeQueue(iterable=[1, 2, 3], maxsize=10)
assert_type(jobs, LockFreeQueue[int])
names: FastQueue[str] = FastQueue()
whatever: WaitFreeQueue[Path | None] = WaitFreeQueue(patience=3, ring_size=64)

assert_type(jobs.get(), int)
assert_type(jobs.get(timeout=0.5), int)
assert_type(jobs.get(False), int)
assert_type(jobs.get_nowait(), int)
assert_type(jobs.try_get(), int | None)
assert_type(jobs.try_get("nothing"), int | str)
assert_type(jobs.try_put(4), bool)
assert_type(jobs.get_many(3), list[int])
assert_type(jobs.drain(), list[int])
assert_type(jobs.put_many(range(3)), int)
assert_type(jobs.put_many(range(3), timeout=0.5), int)
assert_type([job for job in jobs], list[int])
assert_type(len(jobs), int)
assert_type(jobs.maxsize, int)
assert_type(jobs.join(), bool)
assert_type(jobs.join(timeout=1.5), bool)
assert_type(jobs.waiting_getters + jobs.waiting_putters, int)
assert_type(whatever.wait_free, bool)
assert_type(names.backend, str)
LockFreeQueue[int](float("inf"))
FastQueue[int](-1)
jobs.put("text")  # type: ignore[arg-type]
jobs.put_many(["text"])  # type: ignore[list-item]
jobs.maxsize = 3
jobs.maxsize = "3"  # type: ignore[assignment]
names.wait_free  # type: ignore[attr-defined]
LockFreeQueue[int]([10])  # type: ignore[arg-type]
whatever.put(None)


def consume(source: LockFreeQueue[int] | FastQueue[int]) -> int:
    try:
        return source.get()
    except (Empty, Full, ShutDown):
        return 0


async def in_tasks() -> None:
    assert_type(await jobs.async_get(), int)
    await jobs.async_put(5)
    await jobs.async_put("text")  # type: ignore[arg-type]
    assert_type(await jobs.async_get_many(3), list[int])
    assert_type(await jobs.async_put_many(range(3)), int)
    await jobs.async_put_many(["text"])  # type: ignore[list-item]
    await jobs.async_join()
    assert_type(jobs.async_q, janus.AsyncQueue[int])
    assert_type(await jobs.async_q.get(), int)
    await jobs.async_q.put("text")  # type: ignore[arg-type]
    both: janus.Queue[int] = janus.Queue(maxsize=3)
    for_threads: janus.SyncQueue[int] = both.sync_q
    assert_type(for_threads.get(timeout=1), int)
    for_threads = LockFreeQueue[str]()  # type: ignore[assignment]
    assert_type(both.closed, bool)
    await both.aclose()
    assert_type([job async for job in jobs], list[int])


class Jobs(LockFreeQueue[str]):
    def __init__(self, title: str) -> None:
        super().__init__(maxsize=5)
        self.title = title


assert_type(Jobs("today").get(), str)


# ---- counters -------------------------------------------------------------------------------


def counters() -> None:
    atomic = AtomicCounter(5)
    assert_type(atomic.add(), int)
    assert_type(atomic.add(True), int)
    assert_type(atomic.get() + int(atomic), int)
    assert_type(atomic.get_and_set(1), int)
    assert_type(atomic.compare_and_set(1, 2), bool)
    assert_type(atomic.compare_and_set(expected=1, value=2), bool)
    atomic.add("1")  # type: ignore[arg-type]
    atomic.add(1.5)  # type: ignore[arg-type]
    AtomicCounter(value=1)  # type: ignore[call-arg]
    atomic + 1  # type: ignore[operator]

    striped = StripedCounter()
    striped.add(2)
    striped.increment()
    assert_type(striped.sum() + striped.sum_then_reset() + int(striped), int)
    striped.get()  # type: ignore[attr-defined]

    stats = Stats(["a"])
    assert_type(stats.counter("a"), StripedCounter)
    assert_type(stats.snapshot(), dict[str, int])
    assert_type(stats.snapshot_then_reset()["a"] + stats["a"], int)
    assert_type(list(stats), list[str])
    stats.add(1)  # type: ignore[arg-type]
    Stats([1])  # type: ignore[list-item]

    tracker: AccessTracker[str] = AccessTracker(half_life=60, clock=lambda: 1.0)
    assert_type(tracker.record("a", 2), int)
    assert_type(tracker.last_access("a"), float | None)
    assert_type(tracker.last_access("a", 0), float | int)
    assert_type(tracker.top(3), list[tuple[str, float]])
    assert_type(tracker.snapshot()["a"], Access)
    assert_type(tracker.snapshot()["a"].score, float)
    assert_type(list(tracker), list[str])
    assert_type(tracker.half_life, float | None)
    tracker.record(1)  # type: ignore[arg-type]
    AccessTracker(60)  # type: ignore[call-arg]


# ---- semaphores -----------------------------------------------------------------------------

permits = Semaphore(3, fair=True)
assert_type(permits.acquire(), bool)
assert_type(permits.acquire(False), bool)
assert_type(permits.acquire(timeout=1.5), bool)
assert_type(permits.value, int)
assert_type(permits.waiters, int)
assert_type(permits.fair, bool)
assert_type(permits.locked(), bool)
permits.release()
permits.release(n=2)
permits.release("2")  # type: ignore[arg-type]
permits.value = 3  # type: ignore[misc]
Semaphore(1.5)  # type: ignore[arg-type]
Semaphore(1, True)  # type: ignore[call-arg]
bounded: Semaphore = BoundedSemaphore(value=2)

with permits as taken:
    assert_type(taken, bool)


async def with_permits() -> None:
    assert_type(await permits.async_acquire(), Literal[True])
    async with bounded:
        permits.release()


# ---- stacks ---------------------------------------------------------------------------------


async def stacks() -> None:
    stack = LockFreeStack(iterable=[1, 2], maxsize=10)
    assert_type(stack, LockFreeStack[int])
    assert_type(stack.pop(), int)
    assert_type(stack.pop(block=True, timeout=1.5), int)
    assert_type(stack.try_pop(), int | None)
    assert_type(stack.try_pop("none"), int | str)
    assert_type(stack.peek(), int | None)
    assert_type(stack.peek("none"), int | str)
    assert_type(stack.try_push(3), bool)
    assert_type(stack.push_many([3]), int)
    assert_type(stack.pop_many(2), list[int])
    assert_type(stack.drain(), list[int])
    assert_type(stack.snapshot(), list[int])
    assert_type(list(stack), list[int])
    assert_type(await stack.async_pop(), int)
    await stack.async_push(3)
    assert_type(stack.statistics(), dict[str, int])
    stack.push("a")  # type: ignore[arg-type]
    await stack.async_push("a")  # type: ignore[arg-type]
    LockFreeStack[int]([10])  # type: ignore[arg-type]
    lifo = LockFreeLifoQueue[str](10)
    lifo.put("a", timeout=1)
    assert_type(lifo.get(), str)
    assert_type(lifo.unfinished_tasks, int)
    assert_type(await lifo.async_pop_many(3), list[str])
    assert_type(await lifo.async_push_many("ab"), int)
    await lifo.async_push_many([1])  # type: ignore[list-item]
    await lifo.async_join()
    face: janus.AsyncQueue[str] = lifo.async_q
    await face.put("a")


# ---- recipes ----------------------------------------------------------------------------------


def recipes() -> None:
    best: BoundedSkipListMap[int, str] = BoundedSkipListMap(3, evict="oldest")
    assert_type(best.put(1, "a"), tuple[int, str] | None)
    assert_type(best[1], str)
    assert_type(best.get(1), str | None)
    assert_type(best.get(1, 2.5), str | float)
    assert_type(best.pop(1), str)
    assert_type(best.pop(1, None), str | None)
    assert_type(best.first_item(), tuple[int, str])
    assert_type(best.pop_last(None), tuple[int, str] | None)
    assert_type(best.copy(), BoundedSkipListMap[int, str])
    assert_type(list(best.items(1, reverse=True)), list[tuple[int, str]])
    best["a"] = "b"  # type: ignore[index]
    BoundedSkipListMap(3, evict="newest")  # type: ignore[arg-type]

    clock = 5.0
    window: TimeWindow[float] = TimeWindow(60, clock=lambda: clock)
    assert_type(window.add(1.5), float)
    assert_type(window.add(at=3), float)
    assert_type(list(window), list[float])
    assert_type(list(window.items(last=10)), list[tuple[float, float]])
    assert_type(window.count(), int)
    assert_type(window.statistics(of=abs).rate, float | None)
    TimeWindow[str](None, 100, on_evict=lambda time, event: print(time + 1, event.lower()))
    TimeWindow[str](max_count=100)
    TimeWindow[str]()  # type: ignore[call-overload]
    window.add("a")  # type: ignore[arg-type]

    board: Leaderboard[str] = Leaderboard({"ann": 3, "bob": 2.5}, ties="name")
    assert_type(board.rank("ann"), int)
    assert_type(board.top(3)[0][0], str)
    assert_type(list(board), list[str])
    assert_type(board.ranking(), Ranking[str])
    assert_type(board.ranking()[0][0], str)
    assert_type(board.set_if_better("ann", 5), bool)
    board["ann"] = 5
    Leaderboard(board.ranking())
    board.set(3, 5)  # type: ignore[arg-type]
    board.set("ann", "5")  # type: ignore[arg-type]
    Leaderboard({"ann": 3}, ties="later")  # type: ignore[arg-type]

    trades: list[Trade] = []
    book = OrderBook(on_trade=trades.append)
    order = book.submit("buy", 99.5, 10, owner="me")
    assert_type(order, Order)
    assert_type(book.cancel(order), int)
    assert_type(book.depth(5), Depth)
    assert_type(list(book.orders("sell")), list[tuple[Order, int]])
    assert_type(trades[0].quantity, int)
    book.submit("bid", 99.5, 10)  # type: ignore[arg-type]
    book.submit("buy", 99.5, 1.5)  # type: ignore[arg-type]


# ---- interchange ------------------------------------------------------------------------------


def interchange(m: SkipListMap[int, float]) -> None:
    assert_type(columns(m), tuple[memoryview, memoryview])
    columns(m.items(1, 5), keys="q", values="d")
    columns(m.submap(1, 5).frozen())
    columns(m.keys())  # type: ignore[arg-type]
    columns(m, keys="i")  # type: ignore[arg-type]
