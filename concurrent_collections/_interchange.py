"""What other formats make of the containers."""

from concurrent_collections._frozen import FrozenSkipListMap, FrozenSkipListSet
from concurrent_collections._ordered import _OrderedMap, _OrderedSet
from concurrent_collections._submaps import SkipListSubMap, SkipListSubSet
from concurrent_collections._views import (
    SkipListItemsView,
    SkipListKeysView,
    SkipListValuesView,
)

_MAPS = _OrderedMap, FrozenSkipListMap, SkipListSubMap
_LISTS = (
    _OrderedSet,
    FrozenSkipListSet,
    SkipListSubSet,
    SkipListKeysView,
    SkipListValuesView,
    SkipListItemsView,
)


def json_default(o):
    """Return what json can write of an ordered container: a dict of a map, a list of a set or view, in order.

    For ``json.dumps(o, default=json_default)``. Raises TypeError for anything else, as json expects. Keys of maps have to be
    such that json takes: str, int, float, bool. A copy, weakly consistent while others change the container. O(n).
    """
    if isinstance(o, _MAPS):
        return o.to_dict()
    if isinstance(o, _LISTS):
        return list(o)
    raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")


def columns(items, /, *, keys=None, values=None):
    """Return the keys and the values of a map as two columns of numbers: buffers, of one scan.

    Parameters
    ----------
    items : ordered map, or its items
        A SkipListMap, a FrozenSkipListMap, a part of one, or the ``items(start, stop, reverse=...)`` of any of these.
    keys, values : "q" or "d", optional
        The format, as in the module array: ints of 64 bits, or floats, into which what is inside is converted. Without one, the
        entries have to be ints or floats: ints make "q", and if there is a float among them, "d".

    Returns two memoryviews of the same length, which numpy.asarray takes without a copy. Keys and values belong together: one scan,
    weakly consistent while others change the map. Keys that are all ints of 64 bits, or all floats, are copied once from a
    SkipListMap, and not at all from a frozen one (and cannot be written to).

    Raises TypeError for what is no number, OverflowError for an int of more than 64 bits, with the position; ValueError for another
    format. O(n). Lock-free.

    Example::

        at, price = map(numpy.asarray, columns(prices.items(start, stop), values="d"))
    """
    for name, code in (("keys", keys), ("values", values)):
        if code not in (None, "q", "d"):
            raise ValueError(f"{name}: expected 'q', 'd' or None, got {code!r}")
    view = items.items() if isinstance(items, _MAPS) else items
    if not isinstance(view, SkipListItemsView):
        raise TypeError(f"items: expected an ordered map or its items, got {type(items).__name__}")
    return tuple(view._columns(("key", keys), ("value", values)))


json_default.__module__ = columns.__module__ = "concurrent_collections"
