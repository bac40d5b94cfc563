"""The state of memory reclamation: how many removed things wait to be released, and who holds them up.

    >>> from concurrent_collections import smr
    >>> smr.stats().waiting
    0

Most figures are looked up when you ask, and cost nothing otherwise. Those that would slow down every operation are counted
only while `config.enable_statistics` or `config.enable_contention_stats` is set.
"""

# What type checkers need stands in smr.pyi: importing typing takes longer than all of this package.
from collections import namedtuple

from concurrent_collections import _core

__all__ = ["ContainerStats", "NodeBlocks", "OpenRegion", "Stats", "node_blocks", "stats"]


class OpenRegion(namedtuple("OpenRegion", "age thread_id")):
    """A thread that was found inside an operation on a container.

    age: how many eras of the container's clock ago the region began; thread_id: what `threading.get_native_id()` returns in
    that thread.
    """

    __slots__ = ()


class Stats(
    namedtuple(
        "Stats",
        "containers eras waiting waiting_bytes open_regions oldest threads retired released scans retries"
        " neutralizations refusals node_bytes",
    )
):
    """What `stats()` found in the process.

    containers        with reclamation, alive now (C-level domains too)
    eras              what their clocks show, added up
    waiting           removed things that wait until no thread can see them any more
    waiting_bytes     the containers' own memory among them; the size of objects is not known
    open_regions      threads found inside an operation
    oldest            the one of them that began most eras ago, or None
    threads           thread records, including those of ended threads, which are reused
    retired           things that were removed or replaced        } while config.enable_statistics
    released          of those, released                          } is set
    scans             times that what waits was compared with the open regions }
    retries           operations that started over after a lost race (config.enable_contention_stats)
    neutralizations   times that 'debra' interrupted a stalled thread, so that it no longer held things up
    refusals          times that it could not, because the signal was blocked or taken away
    node_bytes        memory that all ordered maps and sets together have from the system for their entries
    """

    __slots__ = ()


class ContainerStats(
    namedtuple("ContainerStats", "scheme era waiting waiting_bytes open_regions oldest")
):
    """What `stats(container)` found. The fields are as in `Stats`; era is the container's clock."""

    __slots__ = ()


def stats(container=None):
    """Return the statistics of reclamation for the process, or for one container.

    Parameters
    ----------
    container : SkipListMap, SkipListSet or LockFreeStack, optional
        Without it, everything is added up: O(number of containers and threads).

    The numbers are read one after another while other threads go on, so each was right at some instant during the call.
    Never blocks an operation on a container.
    """
    if container is None:
        found = _core._smr_statistics()
        return Stats(*found[:5], found[5] and OpenRegion(*found[5]), *found[6:])
    of_one = _core._smr_statistics_of(container)
    return ContainerStats(*of_one[:5], of_one[5] and OpenRegion(*of_one[5]))


class NodeBlocks(namedtuple("NodeBlocks", "block_bytes slabs blocks free")):
    """The memory of ordered maps and sets for entries of one size: one of those that `node_blocks()` returns.

    block_bytes: of one block; slabs: pieces of memory that have such blocks; blocks: how many fit in; free: how many of these
    nobody has. A few that threads have at hand for their next entries do not count as free.
    """

    __slots__ = ()


def node_blocks():
    """Return a list of `NodeBlocks`, one for each size of block that is in use, the smallest first.

    They are those of all ordered maps and sets of the process together. The memory is looked at piece by piece, while other
    threads go on. O(memory); never blocks an operation on a container.
    """
    return [NodeBlocks(*of) for of in _core._node_blocks() if of[1]]
