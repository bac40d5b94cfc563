"""Leaderboard: scores, and who has which place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import starmap
from numbers import Real
from types import GenericAlias
from typing import Any

from concurrent_collections._counters import AtomicCounter
from concurrent_collections._frozen import FrozenSkipListMap
from concurrent_collections._ordered import REMOVE, SkipListMap, SkipListSet
from concurrent_collections.recipes._arguments import NotCopied, count, finite_number, pairs

_FAILED = object()


class _Entry:
    """What a player has: never changed, but replaced."""

    __slots__ = ("key", "player", "score")

    def __init__(self, key: Any, player: Any, score: Any) -> None:
        self.key = key
        self.player = player
        self.score = score

    def pair(self) -> tuple[Any, Any]:
        return self.player, self.score


class Ranking:
    """The places of a `Leaderboard`, which stand still: made by `Leaderboard.ranking`.

    A sequence of (player, score) pairs, the best first, and the place of each player. It does not change, so everything is wait-free,
    and all answers fit together. Places count from 0. Errors name the argument.
    """

    __slots__ = ("_order", "_players")

    def __init__(self, players: FrozenSkipListMap[Any, Any]) -> None:
        self._players = players
        self._order = FrozenSkipListMap((entry.key, entry) for entry in players.values())

    def rank(self, player: Any) -> int:
        """Return the place of a player, 0 for the best; KeyError if the player has no score. O(log n)."""
        return self._order.index(self._players[player].key)

    def score(self, player: Any, default: Any = None) -> Any:
        """Return the score of a player, or ``default``. O(log n)."""
        entry = self._players.get(player)
        return default if entry is None else entry.score

    def top(self, n: Any = 10) -> list[tuple[Any, Any]]:
        """Return the first ``n`` (player, score) pairs. O(n)."""
        return self[: count(n, "n")]  # type: ignore[no-any-return]

    def around(self, player: Any, n: Any = 2) -> list[tuple[Any, Any]]:
        """Return the player's (player, score) pair between up to ``n`` better and ``n`` worse ones; KeyError without a score."""
        n, rank = count(n, "n"), self.rank(player)
        return self[max(rank - n, 0) : rank + n + 1]  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Any:
        """The (player, score) pair at a place, or a list of those in a slice."""
        if isinstance(index, slice):
            return [e.pair() for _, e in self._order.slice(index.start, index.stop, index.step)]
        return self._order.peekitem(index)[1].pair()

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return map(_Entry.pair, self._order.values())

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, player: object) -> bool:
        """Whether the player has a score."""
        return player in self._players

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)!r})"

    __class_getitem__ = classmethod(GenericAlias)


class Leaderboard(NotCopied):
    """Players and their scores, the best first.

    Parameters
    ----------
    scores : mapping or iterable of pairs, optional
        Players and scores to begin with, set one after another.
    ties : "earlier" or "name"
        Who comes first of those with one score: who reached it earlier, or whose name is smaller.
    lowest_first : bool
        Whether the lowest score is the best, as in golf.

    Raises TypeError or ValueError for arguments that are none of these.

    Players are keys of a `SkipListMap`: names, numbers, or anything that has a ``<``. Scores are finite numbers: ints, floats,
    Fractions, Decimals. Places count from 0, as positions do everywhere in Python, and as in Redis.

    What a player has is one entry of one map, and so all changes of it are atomic: `set`, `set_if_better`, `increment`, `remove`, as well
    as reading `score`. A second map has the order. An entry is put there before it becomes true, and taken out after it has been
    replaced, and readers of the order show an entry only while it is true. So whatever stops a change, an exception of a key's ``<``
    or of a signal handler included, every player with a score has a place, and none has two for ever. All of that is lock-free.

    `ranking` makes a copy that stands still: all players and their scores at one instant.
    `top`, `around` and `rank` look at the live order, and are weakly consistent: exact while nothing changes. A player whose score
    changes meanwhile may be missing, or be shown with the score from before, but is not shown twice; those whose scores do not
    change are shown.

    Example::

        board = Leaderboard()
        board.increment("ann", 31)
        board.set("bob", 17)
        board.top(3), board.rank("bob"), board.around("bob", 5)
    """

    __slots__ = ("_by_name", "_lowest_first", "_number", "_order", "_players")
    _instead = "Leaderboard(b) makes another one, and b.ranking() can be pickled"

    def __init__(
        self,
        scores: Mapping[Any, Any] | Leaderboard | Iterable[tuple[Any, Any]] = (),
        /,
        *,
        ties: str = "earlier",
        lowest_first: bool = False,
    ) -> None:
        if ties not in ("earlier", "name"):
            raise ValueError(f"ties: expected 'earlier' or 'name', got {ties!r}")
        self._by_name = ties == "name"
        self._lowest_first = bool(lowest_first)
        self._number = AtomicCounter()
        # Player: entry, which is the truth. Entry's key: entry, in the order of places. Each key is given once, so nobody takes out
        # of the order what another one has put there.
        self._players: SkipListMap[Any, Any] = SkipListMap()
        self._order: SkipListMap[Any, Any] = SkipListMap()
        is_mapping = isinstance(scores, (Mapping, Leaderboard))
        for player, score in pairs(scores.items() if is_mapping else scores, "scores"):
            self.set(player, score)

    # ---- changing ----

    def _entry(self, player: Any, score: Any) -> _Entry:
        first = score
        if not self._lowest_first:
            first = score.copy_negate() if isinstance(score, Decimal) else -score
        number = self._number.add(1)
        key = (first, player, number) if self._by_name else (first, number)
        return _Entry(key, player, score)

    def _forget(self, entry: _Entry | None) -> None:
        if entry is not None:
            self._order.delete(entry.key)

    def _change(self, player: Any, new_score: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Replace an entry by one with another score, or remove it; return those before and after (None: there is none)."""
        before: _Entry | None = None
        made: _Entry | None = None

        def change(entry: _Entry | None) -> Any:
            nonlocal before, made
            self._forget(made)  # made from an entry that has been replaced meanwhile
            before, made = entry, None
            score = new_score(entry and entry.score)
            if score is REMOVE or (entry is not None and score == entry.score):
                return score if score is REMOVE else entry
            made = self._entry(player, score)
            self._order[made.key] = made
            return made

        after: Any = _FAILED
        try:
            # One step: no signal comes between its effect and the assignment (_bounded_map.py).
            (after,) = starmap(self._players.compute, [(player, change)])
        finally:
            if after is _FAILED:
                self._forget(made)
            elif after is not before:
                self._forget(before)
        return before, after

    def set(self, player: Any, score: Any) -> Any:
        """Set a player's score, atomically; return the one before, or None. O(log n).

        Who gets the score that he has keeps his place. Raises TypeError or ValueError for a score that is no finite
        number, and what `SkipListMap.put` raises for a player: nothing has changed then.
        """
        finite_number(score, "score", Real, Decimal)
        before, _ = self._change(player, lambda _: score)
        return None if before is None else before.score

    def set_if_better(self, player: Any, score: Any) -> bool:
        """Set a player's score, if it is better than the one before, or the first one; return whether it is. As `set`."""
        finite_number(score, "score", Real, Decimal)

        def better(old: Any) -> Any:
            is_better = old is None or (score < old if self._lowest_first else score > old)
            return score if is_better else old

        before, after = self._change(player, better)
        return after is not before

    def increment(self, player: Any, amount: Any = 1) -> Any:
        """Add to a player's score, atomically, or to 0 if there is none; return the new score. As `set`."""
        finite_number(amount, "amount", Real, Decimal)

        def add(old: Any) -> Any:
            return finite_number(amount if old is None else old + amount, "amount", Real, Decimal)

        return self._change(player, add)[1].score

    def remove(self, player: Any) -> bool:
        """Remove a player; return whether there was a score. Atomic. O(log n)."""
        return player in self._players and self._change(player, lambda _: REMOVE)[0] is not None

    def clear(self) -> None:
        """Remove all players, one after another."""
        for player in self._players:
            self.remove(player)

    # ---- one player ----

    def score(self, player: Any, default: Any = None) -> Any:
        """Return the score of a player, or ``default``. Atomic. O(1) as a rule, as `SkipListMap.get`."""
        entry = self._players.get(player)
        return default if entry is None else entry.score

    def __contains__(self, player: object) -> bool:
        """Whether the player has a score."""
        return player in self._players

    def __getitem__(self, player: Any) -> Any:
        return self._players[player].score

    def __setitem__(self, player: Any, score: Any) -> None:
        self.set(player, score)

    def __delitem__(self, player: Any) -> None:
        if not self.remove(player):
            raise KeyError(player)

    # ---- places ----

    def _true(self, entries: Iterable[_Entry], known: SkipListSet[Any]) -> Iterator[_Entry]:
        """Of entries in the order those that are true, each player once; those that are known already are left out."""
        for entry in entries:
            if self._players.get(entry.player) is entry and entry.player not in known:
                known.add(entry.player)
                yield entry

    def _first(self, n: int, entries: Iterable[_Entry], *known: Any) -> list[tuple[Any, Any]]:
        true = self._true(entries, SkipListSet(known))
        return [entry.pair() for _, entry in zip(range(n), true, strict=False)]

    def rank(self, player: Any) -> int:
        """Return the place of a player, 0 for the best; KeyError if the player has no score.

        Weakly consistent. O(the place): for the places of many, ask a `ranking`.
        """
        better = self._order.values(stop=self._players[player].key)
        return sum(self._players.get(entry.player) is entry for entry in better)

    def top(self, n: Any = 10) -> list[tuple[Any, Any]]:
        """Return the first ``n`` (player, score) pairs. Weakly consistent. O(n log n)."""
        return self._first(count(n, "n"), self._order.values())

    def around(self, player: Any, n: Any = 2) -> list[tuple[Any, Any]]:
        """Return the player's (player, score) pair between up to ``n`` better and ``n`` worse ones, the best first.

        KeyError if the player has no score. Weakly consistent. O(n log n).
        """
        count(n, "n")
        entry = self._players[player]
        better = self._first(n, self._order.values(stop=entry.key, reverse=True), player)
        known = [player, *(name for name, _ in better)]
        worse = self._order.values(entry.key, inclusive=False)
        return [*reversed(better), entry.pair(), *self._first(n, worse, *known)]

    def ranking(self) -> Ranking:
        """Return a copy that stands still, a `Ranking`, with the place of each player. O(n log n).

        All players and scores of one instant, as `SkipListMap.snapshot`.
        """
        return Ranking(self._players.snapshot())

    def items(self) -> list[tuple[Any, Any]]:
        """Return all (player, score) pairs, the best first: those of a `ranking`."""
        return list(self.ranking())

    def __iter__(self) -> Iterator[Any]:
        return (player for player, _ in self.ranking())

    def __len__(self) -> int:
        return len(self._players)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.items()!r})"

    __class_getitem__ = classmethod(GenericAlias)
