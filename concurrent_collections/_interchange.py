"""What other formats make of the containers."""

from concurrent_collections._frozen import FrozenSkipListMap, FrozenSkipListSet
from concurrent_collections._ordered import _OrderedMap, _OrderedSet


def json_default(o):
    """Return what json can write of an ordered container: a dict of a map, a list of a set, both in order.

    For ``json.dumps(o, default=json_default)``. Raises TypeError for anything else, as json expects. Keys of maps have to be
    such that json takes: str, int, float, bool. A copy, weakly consistent while others change the container. O(n).
    """
    if isinstance(o, (_OrderedMap, FrozenSkipListMap)):
        return o.to_dict()
    if isinstance(o, (_OrderedSet, FrozenSkipListSet)):
        return list(o)
    raise TypeError(f"Object of type {type(o).__name__} is not JSON serializable")


json_default.__module__ = "concurrent_collections"
