"""Keys that begin alike, in a tree: its digests leave out what the keys of a node share, and nobody gets to see that."""

from __future__ import annotations

import bisect
import functools
import itertools
import pickle
import random

import pytest
from support import rounds, run_threads

from concurrent_collections import Comparator, TreeMap

# Beginnings that are beginnings of each other, of one, two and four bytes a character, with zeros, and longer than what is skipped.
BEGINNINGS = [
    "",
    "user:0000",
    "user:00000000",
    "user:00000000/orders/",
    "user:00000000\0\0\0\0\0\0\0\0\0",
    "d\xe9j\xe0 vu, d\xe9j\xe0 ",
    "d\xe9j\xe0 vu, d\xe9j\u20ac ",
    "\u0416\u0416\u0416\u0416\u0416\u0416 ",
    "\U0001f40d\U0001f40d\U0001f40d ",
    "\ud800\udfff\ud800 ",
    "x" * 300,
    "x" * 255 + "\U0001f40d",
]
ENDS = ["".join(end) for n in range(4) for end in itertools.product("\0a\xff\U0001f40d", repeat=n)]


def texts(generator):
    """A few hundred of them, and more that are looked for."""
    beginnings = generator.sample(BEGINNINGS, generator.randint(1, 4))
    numbers = [f"{n:0{generator.choice([3, 9])}d}" for n in range(120)]
    made = {
        b + end for b in beginnings for end in generator.choice([ENDS, numbers, ENDS + numbers])
    }
    return sorted(made | {key[:-1] for key in generator.sample(sorted(made), 20)})


def byte_strings(generator):
    return sorted(key.encode("utf-8", "surrogatepass") for key in texts(generator))


class Text(str):
    """A str of which the core knows nothing: it asks Python."""

    __slots__ = ()

    def __lt__(self, other):
        return str.__lt__(self, other)

    def __gt__(self, other):
        return str.__gt__(self, other)


def some_of_python(generator):
    return [Text(key) if generator.random() < 0.1 else key for key in texts(generator)]


def by_type(key):
    return (str(type(key)), key)


def of_all_types(generator):
    keys = texts(generator) + byte_strings(generator) + generator.sample(range(10**6), 100)
    return sorted(keys, key=by_type)


ASCENDING, DESCENDING = Comparator.natural(), Comparator.natural().reversed()
SORTS = {
    "texts": (texts, ASCENDING),
    "texts, descending": (texts, DESCENDING),
    "bytes": (byte_strings, ASCENDING),
    "bytes, descending": (byte_strings, DESCENDING),
    "some of Python": (some_of_python, ASCENDING),
    "by a key function": (texts, Comparator.by_key(str)),
    "by a function": (
        of_all_types,
        Comparator.from_function(
            lambda a, b: (by_type(a) > by_type(b)) - (by_type(a) < by_type(b))
        ),
    ),
}


class Model:
    """The keys that are there, by their places in the order."""

    def __init__(self, keys):
        self.keys = keys
        self.places = []

    def put(self, place):
        at = bisect.bisect_left(self.places, place)
        if self.places[at : at + 1] != [place]:
            self.places.insert(at, place)

    def remove(self, place):
        at = bisect.bisect_left(self.places, place)
        found = self.places[at : at + 1] == [place]
        del self.places[at : at + found]
        return found

    def there(self):
        return [self.keys[place] for place in self.places]

    def before(self, place):
        return [self.keys[p] for p in self.places[: bisect.bisect_left(self.places, place)]]

    def behind(self, place):
        return [self.keys[p] for p in self.places[bisect.bisect_left(self.places, place) :]]


def check(tree, model, generator):
    there = model.there()
    assert list(tree) == there
    assert list(reversed(tree)) == there[::-1]
    assert list(tree.items()) == [(key, key) for key in there]
    for copied in (tree.copy(), tree.snapshot()):
        assert list(copied) == there
        assert all(key in copied for key in there)
    for place in generator.sample(range(len(model.keys)), 40):
        key, before, behind = model.keys[place], model.before(place), model.behind(place)
        assert (key in tree) == (behind[:1] == [key])
        assert tree.lower_key(key) == (before[-1] if before else None)
        assert tree.ceiling_key(key) == (behind[0] if behind else None)
        assert list(tree.keys(key)) == behind
        assert list(reversed(tree.keys(None, key))) == before[::-1]
        end = generator.randrange(len(model.keys))
        expected = behind[: max(0, len(behind) - len(model.behind(end)))]
        assert list(tree.keys(key, model.keys[end])) == expected


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("seed", range(4))
def test_whatever_keys_share_they_are_found_and_in_order(sort, seed):
    make_keys, order = SORTS[sort]
    generator = random.Random(f"{sort} {seed}")
    keys = make_keys(generator)
    model = Model(keys[::-1] if order is DESCENDING else keys)
    tree = TreeMap(comparator=order)
    for turn in range(2 * rounds(2)):
        places = generator.sample(range(len(keys)), len(keys) * 4 // 5)
        if turn % 4 == 3:
            places.sort(reverse=generator.random() < 0.5)
        for place in places:
            key = model.keys[place]
            if turn % 2 == 0:
                tree[key] = key
                model.put(place)
            elif generator.random() < 0.9:
                assert (tree.pop(key, None) is not None) == model.remove(place)
            elif model.places:
                end = -1 if generator.random() < 0.5 else 0
                key, _ = tree.pop_last() if end else tree.pop_first()
                assert key == model.keys[model.places.pop(end)]
        check(tree, model, generator)


@pytest.mark.parametrize("order", [ASCENDING, DESCENDING], ids=["ascending", "descending"])
def test_what_comes_in_order_is_found(order):
    keys = [f"measurements/2026/{n:08d}" for n in range(5000)]
    in_order = keys[::-1] if order is DESCENDING else keys
    tree = TreeMap(zip(in_order, in_order, strict=True), comparator=order)
    assert list(tree) == in_order
    assert all(tree[key] == key for key in keys)
    assert list(pickle.loads(pickle.dumps(tree))) == in_order
    assert tree.higher_key("measurements/2026/0000199x") == (
        "measurements/2026/00001999" if order is DESCENDING else "measurements/2026/00002000"
    )
    for key in keys[100:4900]:
        del tree[key]
    tree["a"] = tree["z"] = "others"
    assert sorted(tree) == ["a", *keys[:100], *keys[4900:], "z"]


def test_keys_of_several_threads_share_what_they_share():
    tree = TreeMap()
    threads, keys = 3, 1500

    def work(index):
        mine = [f"tenant-{index}/documents/{n:06d}" for n in range(keys)]
        random.Random(index).shuffle(mine)
        for turn in range(rounds(3)):
            for key in mine:
                tree[key] = turn
            for key in mine[: keys // 2]:
                assert tree.floor_key(key) == key
                assert tree.pop(key) == turn
            assert all(tree[key] == turn for key in mine[keys // 2 :])

    run_threads(*[functools.partial(work, index) for index in range(threads)])
    assert len(tree) == threads * (keys - keys // 2)
    assert list(tree) == sorted(tree)
