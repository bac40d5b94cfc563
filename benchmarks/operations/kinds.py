"""What the operations are measured on: containers, each with its backends or schemes, and keys.

A new container of a family that is here already is one line in MAPS, SETS, QUEUES or SEMAPHORES. A container that the
installed package does not have is skipped, so that the same benchmarks run against an older commit.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import harness
import pytest

import concurrent_collections


@dataclass(frozen=True)
class Kind:
    """One way to make a container: its class, what it is called with, and what `config` says meanwhile."""

    cls: str
    settings: dict[str, str] = field(default_factory=dict)
    arguments: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        return "-".join([self.cls, *self.settings.values(), *map(str, self.arguments)])

    def require(self) -> None:
        """Skip the test unless the installed package has this."""
        if not hasattr(concurrent_collections, self.cls):
            pytest.skip(f"there is no {self.cls} in this build")
        try:
            self.make()
        except (RuntimeError, ValueError) as error:
            pytest.skip(f"{self.name}: {error}")

    def make(self) -> Any:
        with harness.configured(concurrent_collections.config, **self.settings):
            return getattr(concurrent_collections, self.cls)(*self.arguments)


SCHEMES = ({"smr_scheme": "ibr"}, {"smr_scheme": "debra"})
MAPS = [*(Kind("SkipListMap", scheme) for scheme in SCHEMES), Kind("TreeMap")]
SETS = [*(Kind("SkipListSet", scheme) for scheme in SCHEMES), Kind("TreeSet")]
QUEUES = [
    Kind("LockFreeQueue"),
    Kind("LockFreeQueue", arguments=(4000,)),
    Kind("FastQueue", {"queue_backend": "scq"}),
    Kind("FastQueue", {"queue_backend": "faa"}),
    Kind("FastQueue", {"queue_backend": "faa"}, (4000,)),
    Kind("FastQueue", {"queue_backend": "lcrq"}),
    Kind("FastQueue", {"queue_backend": "lcrq"}, (4000,)),
    Kind("WaitFreeQueue"),
    Kind("WaitFreeQueue", arguments=(4000,)),
]
SEMAPHORES = [Kind("Semaphore"), Kind("BoundedSemaphore")]


# ---- keys ---------------------------------------------------------------------------------------


class Version:
    """A key of a user's own class: what orders it is Python code."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.number == other.number

    def __lt__(self, other: Version) -> bool:
        return self.number < other.number

    def __hash__(self) -> int:
        return hash(self.number)


KEYS = {
    "int": lambda i: 100_000 + i,
    "float": lambda i: i / 4,
    "str": lambda i: f"https://example.org/item/{i:06}",
    "bytes": lambda i: b"item/%06d" % i,
    "tuple": lambda i: (i // 100, i % 100),
    "user": Version,
}
COMPARED_IN_PYTHON = ("user",)  # so slow that fewer of them are enough


class Keys:
    """`present` keys, in random order, and `absent` ones that lie between them; lists of the same length.

    `bounds` are pairs with 100 present keys between them.
    """

    def __init__(self, kind: str) -> None:
        count = 200 if kind in COMPARED_IN_PYTHON else 1000
        make = KEYS[kind]
        shuffle = random.Random(1).shuffle
        in_order = [make(2 * i) for i in range(count)]
        self.present = in_order.copy()
        self.absent = [make(2 * i + 1) for i in range(count)]
        shuffle(self.present)
        shuffle(self.absent)
        self.count = count
        self.items = [(key, object()) for key in self.present]
        self.bounds = [(in_order[i], in_order[i + 100]) for i in range(0, count - 100, 100)]


keys_of = cache(Keys)
