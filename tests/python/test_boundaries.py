"""Every internal size is a boundary: maps and sets of 0, 1, n - 1, n, n + 1 and 2n entries.

The internal sizes are powers of two in the usual build, and 1 to 3 in the one of the stage python-small (tests/sizes.txt).
"""

from __future__ import annotations

import sys

import pytest

POWERS = [2**i for i in range(1, 14)]
SIZES = sorted({0, 1} | {n + d for n in POWERS for d in (-1, 0, 1)})


@pytest.mark.parametrize("n", SIZES)
def test_map_cleared_and_filled_again(Map, n: int) -> None:
    value = object()
    references = sys.getrefcount(value)
    m = Map.fromkeys(range(n), value)
    for _ in range(2):
        m.clear()
        assert len(m) == 0 and list(m) == [] and not m
        assert [k for k in range(n) if k in m] == []
        assert sys.getrefcount(value) == references
        m.update(dict.fromkeys(range(n), value))
        assert list(m) == list(range(n))
        assert list(reversed(m)) == list(range(n - 1, -1, -1))
        assert list(m.keys(n // 2)) == list(range(n // 2, n))
        assert all(m[k] is value for k in range(n))
        assert sys.getrefcount(value) == references + n
    assert [m.pop_first()[0] for _ in range(n // 2)] == list(range(n // 2))
    assert [m.pop_last()[0] for _ in range(n - n // 2)] == list(range(n - 1, n // 2 - 1, -1))
    assert len(m) == 0
    assert sys.getrefcount(value) == references


@pytest.mark.parametrize("n", SIZES)
def test_set_of_objects(Set, n: int) -> None:
    elements = [str(i).zfill(5) for i in range(n)]
    s = Set(elements)
    for _ in range(2):
        s.clear()
        assert not any(e in s for e in elements)
        s.update(reversed(elements))
        assert list(s) == elements
        assert list(reversed(s)) == elements[::-1]
    for e in elements:
        s.remove(e)
    assert not any(e in s for e in elements)
    assert len(s) == 0
