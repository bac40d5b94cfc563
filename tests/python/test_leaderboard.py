"""Leaderboard and Ranking (concurrent_collections.recipes)."""

from __future__ import annotations

import _thread
import copy
import pickle
import random
import signal
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import SteppedMap, Steps
from support import HookedKey, Key, in_background, rounds, run_copies

from concurrent_collections.recipes import Leaderboard

ties = pytest.mark.parametrize("ties", ["earlier", "name"])


def check(board):
    """Both maps say the same, but for what changes that were interrupted have left over, which nobody sees."""
    truth = {entry.key: entry for entry in board._players.values()}
    in_order = dict(board._order.items())
    assert all(in_order.get(key) is entry for key, entry in truth.items())
    pairs = board.items()
    assert board.top(len(board) + 1) == pairs == list(board.ranking())
    assert len(pairs) == len(board)
    for rank, (player, score) in enumerate(pairs):
        assert board.rank(player) == board.ranking().rank(player) == rank
        assert board.score(player) == board[player] == score
    return len(in_order) - len(truth)


class Stepped(Leaderboard):
    """Of which a test can interrupt every step."""

    __slots__ = ()

    def __init__(self, *arguments, **options):
        super().__init__(**options)
        self._players, self._order = SteppedMap(), SteppedMap()
        for player, score in arguments[0].items():
            self.set(player, score)


class TestLeaderboard:
    @ties
    def test_places(self, ties):
        board = Leaderboard({"eve": 5, "bob": 9, "ann": 5, "joe": 1}, ties=ties)
        five = ["eve", "ann"] if ties == "earlier" else ["ann", "eve"]
        assert list(board) == ["bob", *five, "joe"]
        assert [board.rank(p) for p in board] == [0, 1, 2, 3]
        assert board.top(2) == [("bob", 9), (five[0], 5)] and board.top(0) == []
        assert board.top() == board.items() and len(board) == 4
        assert board.around(five[1], 1) == [(five[0], 5), (five[1], 5), ("joe", 1)]
        assert board.around("bob") == [("bob", 9), (five[0], 5), (five[1], 5)]
        assert board.around("joe", 0) == [("joe", 1)]
        check(board)

    @ties
    def test_lowest_first(self, ties):
        board = Leaderboard([("a", 3), ("b", 1), ("c", 3)], lowest_first=True, ties=ties)
        assert board.items() == [("b", 1), ("a", 3), ("c", 3)]
        assert board.set_if_better("c", 4) is False
        assert board.set_if_better("c", 2) is True
        assert list(board) == ["b", "c", "a"]
        check(board)

    def test_earlier_is_who_reached_the_score_earlier(self):
        board = Leaderboard({"a": 5, "b": 5})
        assert board.set("a", 5) == 5 and list(board) == ["a", "b"]  # it is the same score
        assert board.increment("a", 0) == 5 and list(board) == ["a", "b"]
        board.set("a", 6)
        board.set("a", 5)
        assert list(board) == ["b", "a"]

    def test_changing(self):
        board = Leaderboard()
        assert board.set("a", 1) is None and board.set("a", 2) == 1
        assert board.increment("a") == 3 and board.increment("b", -2.5) == -2.5
        assert board.set_if_better("a", 3) is False and board.set_if_better("c", 0) is True
        assert board.items() == [("a", 3), ("c", 0), ("b", -2.5)]
        assert board.score("z") is None and board.score("z", 7) == 7
        assert "a" in board and "z" not in board
        board["z"] = 1
        assert board["z"] == 1
        del board["z"]
        for call in (board.__getitem__, board.__delitem__, board.rank, board.around):
            with pytest.raises(KeyError, match="z"):
                call("z")
        assert board.remove("z") is False and board.remove("a") is True
        assert check(board) == 0
        board.clear()
        assert len(board) == 0 == check(board) and board.top() == []
        assert repr(Leaderboard({"a": 1})) == "Leaderboard([('a', 1)])"
        assert Leaderboard[str]

    def test_scores_of_all_kinds(self):
        many = [10**40, 2.5, Decimal("0.4"), Fraction(1, 3), -(10**40)]
        board = Leaderboard(enumerate(many))
        assert [score for _, score in board.items()] == many
        # With more digits than the context has.
        close = [Decimal("1." + "0" * 40 + "1"), Decimal("1." + "0" * 40 + "2")]
        assert [p for p, _ in Leaderboard(enumerate(close)).items()] == [1, 0]

    @ties
    def test_bad_arguments_change_nothing(self, ties):
        board = Leaderboard({"a": 1e308}, ties=ties)
        for call in (board.set, board.set_if_better, board.increment):
            name = "amount" if call == board.increment else "score"
            for bad in ("1", None, True, 1j):
                with pytest.raises(TypeError, match=rf"^{name}: "):
                    call("a", bad)
            for bad in (float("nan"), float("inf"), Decimal("nan"), Decimal("snan")):
                with pytest.raises(ValueError, match=rf"^{name}: "):
                    call("a", bad)
            for player in (None, 3):
                with pytest.raises(TypeError, match="not supported"):
                    call(player, 1)
        with pytest.raises(ValueError, match=r"^amount: "):
            board.increment("a", 1e308)
        with pytest.raises(TypeError):
            board.increment("a", Decimal(1))
        assert board.remove(None) is False and board.remove(3) is False
        for call in (board.top, board.ranking().top):
            with pytest.raises(ValueError, match=r"^n: "):
                call(-1)
            with pytest.raises(TypeError, match=r"^n: "):
                call(1.5)
        for call in (board.around, board.ranking().around):
            with pytest.raises(ValueError, match=r"^n: "):
                call("a", -1)
        with pytest.raises(ValueError, match=r"^ties: "):
            Leaderboard(ties="later")
        with pytest.raises(TypeError, match=r"^scores: "):
            Leaderboard(3)
        for bad in ([3], ["abc"], [("a", 1, 2)]):
            with pytest.raises((TypeError, ValueError)) as raised:
                Leaderboard(bad)
            assert raised.value.__notes__ == ["scores: element 0 is no pair"]
        assert board.items() == [("a", 1e308)] and check(board) == 0

    def test_ranking_stands_still(self):
        board = Leaderboard({"a": 3, "b": 2, "c": 1})
        ranking = board.ranking()
        board.set("c", 10)
        board.remove("a")
        assert list(ranking) == [("a", 3), ("b", 2), ("c", 1)] and len(ranking) == 3
        assert ranking[0] == ("a", 3) and ranking[-1] == ("c", 1) and ranking[1:] == ranking[-2:]
        assert ranking.rank("c") == 2 and ranking.score("c") == 1 and ranking.score("z", 0) == 0
        assert "a" in ranking and "z" not in ranking
        assert ranking.top(1) == [("a", 3)] and ranking.around("b", 1) == list(ranking)
        assert ranking.around("a", 5) == list(ranking) and ranking.around("c", 0) == [("c", 1)]
        for call in (ranking.rank, ranking.around):
            with pytest.raises(KeyError):
                call("z")
        with pytest.raises(IndexError):
            ranking[3]
        assert repr(ranking) == "Ranking([('a', 3), ('b', 2), ('c', 1)])"
        for how in (copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))):
            assert list(how(ranking)) == list(ranking) and how(ranking).rank("b") == 1

    def test_it_is_not_copied_but_made_anew(self):
        board = Leaderboard({"b": 1, "a": 1})
        for how in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot copy or pickle a Leaderboard"):
                how(board)
        assert Leaderboard(board).items() == Leaderboard(board.items()).items() == board.items()
        assert Leaderboard(board.ranking()).items() == board.items()

    @ties
    @given(
        program=st.lists(
            st.tuples(
                st.sampled_from(["set", "set_if_better", "increment", "remove"]),
                st.sampled_from("abcde"),
                st.integers(-3, 3),
            ),
            max_size=40,
        ),
        lowest_first=st.booleans(),
    )
    def test_against_a_model(self, ties, program, lowest_first):
        board, model = Leaderboard(ties=ties, lowest_first=lowest_first), {}
        sign = 1 if lowest_first else -1
        for time, (name, player, n) in enumerate(program):
            old = model.get(player)
            if name == "remove":
                assert board.remove(player) is (model.pop(player, None) is not None)
                continue
            new = n
            if name == "increment":
                new = n + (old[0] if old else 0)
                assert board.increment(player, n) == new
            elif name == "set":
                assert board.set(player, n) == (old[0] if old else None)
            else:
                is_better = old is None or sign * n < sign * old[0]
                assert board.set_if_better(player, n) is is_better
                new = n if is_better else old[0]
            if old is None or new != old[0]:
                model[player] = (new, time)
        expected = sorted(
            model, key=lambda p: (sign * model[p][0], p if ties == "name" else model[p][1])
        )
        assert board.items() == [(p, model[p][0]) for p in expected]
        assert check(board) == 0
        for player in expected:
            at = expected.index(player)
            names = [p for p, _ in board.around(player, 1)]
            assert names == expected[max(at - 1, 0) : at + 2]


RIVALS = {
    "set": lambda board: board.set("b", 7),
    "set back": lambda board: (board.set("b", 9), board.set("b", 5)),
    "increment": lambda board: board.increment("b", 3),
    "remove": lambda board: board.remove("b"),
    "remove and set": lambda board: (board.remove("b"), board.set("b", 5)),
    "another one": lambda board: board.set("c", 5),
}
CHANGES = {
    "set": lambda board: board.set("b", 6),
    "set_if_better": lambda board: board.set_if_better("b", 6),
    "increment": lambda board: board.increment("b", 2),
    "remove": lambda board: board.remove("b"),
}


class TestOthersInBetween:
    @ties
    @pytest.mark.parametrize("rival", RIVALS)
    @pytest.mark.parametrize("change", CHANGES)
    def test_at_every_step(self, ties, change, rival):
        number = 0
        while True:
            board = Stepped({"a": 8, "b": 5, "c": 1}, ties=ties)
            step = Steps(number, lambda: RIVALS[rival](board))
            board._players.step = board._order.step = step
            CHANGES[change](board)
            if not step.taken:
                break
            step.is_inside = True
            assert check(board) == 0
            assert set(board) >= {"a", "c"}
            number += 1
        assert number > 3

    @ties
    @pytest.mark.parametrize("change", CHANGES)
    def test_an_exception_at_every_step(self, ties, change):
        number, left_over = 0, []
        while True:
            board = Stepped({"a": 8, "b": 5, "c": 1}, ties=ties)

            def fail():
                raise LookupError

            step = Steps(number, fail, before_effects=True)
            board._players.step = board._order.step = step
            try:
                CHANGES[change](board)
            except LookupError:
                pass
            if not step.taken:
                break
            step.is_inside = True
            left_over.append(check(board))
            assert board.score("b") in (
                5,
                None if change == "remove" else 6 + (change == "increment"),
            )
            # And so it stays, whatever comes.
            board.set("b", 0)
            assert list(board) == ["a", "c", "b"]
            check(board)
            number += 1
        assert number > 3
        assert (
            left_over.count(0) > 1
        )  # only where what takes out of the order fails, something stays

    @ties
    def test_what_readers_show(self, ties):
        """At each step of a look at the order a player moves: nobody is shown twice, nor who is gone; who stays is shown."""
        moves = [
            lambda board: board.set("c", 20),
            lambda board: board.set("a", 0),
            lambda board: board.remove("b"),
        ]
        for move in moves:
            for look in (lambda b: b.top(9), lambda b: b.around("d", 9), lambda b: b.items()):
                number = 0
                while True:
                    board = Stepped({"a": 9, "b": 8, "c": 7, "d": 6, "e": 5}, ties=ties)
                    step = Steps(number, lambda: move(board))
                    board._players.step = board._order.step = step
                    seen = [player for player, _ in look(board)]
                    if not step.taken:
                        break
                    assert len(seen) == len(set(seen)) and {"d", "e"} <= set(seen)
                    assert len(seen) >= 4
                    number += 1

    def test_a_key_that_raises_changes_nothing(self):
        board = Leaderboard({Key(1): 5, Key(2): 4})

        def fail(*_):
            raise LookupError

        for call in (board.set, board.increment, board.set_if_better):
            with pytest.raises(LookupError):
                call(HookedKey(1, fail), 7)
        assert [(p.rank, s) for p, s in board.items()] == [(1, 5), (2, 4)]
        assert check(board) == 0

    def test_an_interrupt_leaves_both_maps_as_one(self):
        # The nth comparison of a player's name ends with a signal.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            interrupts = 0
            for n in range(1, 12):
                count = 0

                def come_in(*_):
                    nonlocal count
                    count += 1
                    if count == n:
                        _thread.interrupt_main()

                board = Leaderboard({Key(1): 5, Key(2): 4, Key(3): 3})
                key = HookedKey(2, come_in)
                try:
                    board.increment(key, 3)
                except KeyboardInterrupt:
                    interrupts += 1
                key.hook = None
                assert board[Key(2)] in (4, 7)
                assert check(board) == 0
            assert interrupts
        finally:
            signal.signal(signal.SIGINT, before)


class TestThreads:
    @ties
    def test_nothing_is_lost(self, ties, eager_switching):
        board = Leaderboard(ties=ties)
        each = rounds(1000)

        def work(index):
            generator = random.Random(index)
            total = [0] * 6
            for _ in range(each):
                player, amount = generator.randrange(6), generator.randrange(-5, 6)
                board.increment(player, amount)
                total[player] += amount
            return total

        totals = run_copies(4, work)
        assert dict(board.items()) == {p: sum(t[p] for t in totals) for p in range(6)}
        assert check(board) == 0

    @ties
    def test_both_maps_say_the_same_in_the_end(self, ties, eager_switching):
        board = Leaderboard(ties=ties)
        each = rounds(800)

        def work(index):
            generator = random.Random(index)
            for _ in range(each):
                player, score = generator.randrange(5), generator.randrange(8)
                calls = [board.set, board.set_if_better, board.increment]
                generator.choice([*calls, lambda p, _: board.remove(p)])(player, score)

        run_copies(4, work)
        assert check(board) == 0

    def test_a_ranking_has_each_player_once(self, eager_switching):
        board = Leaderboard({n: n for n in range(50)})
        generator = random.Random(1)
        with in_background(lambda: board.set(generator.randrange(25), generator.randrange(100))):
            for _ in range(rounds(60)):
                ranking = board.ranking()
                assert sorted(player for player, _ in ranking) == list(range(50))
                assert [ranking.rank(p) for p, _ in ranking] == list(range(50))
                scores = [score for _, score in ranking]
                assert scores == sorted(scores, reverse=True)
                top = [player for player, _ in board.top(50)]
                assert len(top) == len(set(top)) and set(top) >= set(range(25, 50))
                assert [p for p, _ in board.around(30, 1)].count(30) == 1

    def test_a_ranking_is_of_one_instant(self, eager_switching):
        names = [f"player {n}" for n in range(20)]
        board = Leaderboard(dict.fromkeys(names, 0))

        def play():
            for name in names:  # one after the other: nobody is ever two ahead of another
                board.increment(name)

        with in_background(play):
            for _ in range(rounds(200)):
                scores = dict(board.ranking())
                numbers = [scores[name] for name in names]
                assert sorted(numbers, reverse=True) == numbers
                assert numbers[0] - numbers[-1] <= 1
