"""The arithmetic of `tools/bench --gate`: from the times of two builds to a verdict. Measures nothing.

A *round* is a pair of processes, one for each build, that take turns at every operation; it gives each operation one
ratio: its time now by its time before (1.15: 15 % slower). A *look* is some rounds; what counts is the median of an
operation's ratios over them.

There are two looks, because among hundreds of ratios some are always far from 1 by chance. The first is short and names
suspects. The second measures the suspects again, for longer, and is judged alone: what made a ratio a suspect does not
count twice. A loss is more than 10 % in the second look's median, and not by a few wild rounds: in three quarters of
them it is more than 5 %.
"""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass

import harness

LOSS = 1.10  # the gate fails above this
SUSPECT = 1.07  # and looks again above this
IN_MOST_ROUNDS = 1.05

Times = dict[str, float]  # operation: seconds
Round = tuple[Times, Times]  # before, now
Look = list[Round]


@dataclass
class Ratio:
    """An operation's time now by its time before, over the rounds of a look."""

    rounds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.rounds) == 1:
            return self.rounds[0], self.rounds[0]
        low, _, high = statistics.quantiles(self.rounds, method="inclusive")
        return low, high

    @property
    def is_suspect(self) -> bool:
        return self.median > SUSPECT

    @property
    def is_loss(self) -> bool:
        return self.median > LOSS and self.quartiles[0] > IN_MOST_ROUNDS

    def __str__(self) -> str:
        low, high = self.quartiles
        return f"{self.median:.3f} ({low:.3f}-{high:.3f})"


def ratios(look: Look) -> dict[str, Ratio]:
    """Of all operations that both builds have; those of rounds that lack one are the others'."""
    values: dict[str, list[float]] = {}
    for before, now in look:
        for name in before.keys() & now.keys():
            values.setdefault(name, []).append(now[name] / before[name])
    return {name: Ratio(rounds) for name, rounds in sorted(values.items())}


def gone(look: Look) -> list[str]:
    """Operations that ran before and never do now: broken, or taken away without saying so here."""
    before = set().union(*(before for before, _ in look))
    now = set().union(*(now for _, now in look))
    return sorted(before - now)


def suspects(look: Look) -> list[str]:
    return [name for name, ratio in ratios(look).items() if ratio.is_suspect]


def losses(second_look: Look) -> list[str]:
    return [name for name, ratio in ratios(second_look).items() if ratio.is_loss]


def restricted(look: Look, names: list[str]) -> Look:
    """The same look at some of the operations only."""
    return [
        tuple({name: times[name] for name in names if name in times} for times in pair)
        for pair in look
    ]


def false_alarms(rounds: Look, first: int, second: int, gates: int, seed: int = 1) -> int:
    """How many of so many gates fail whose looks are drawn from these rounds of identical builds.

    Each draws `first` of them for its first look and `second` others for its second one.
    """
    draw = random.Random(seed).sample
    failed = 0
    for _ in range(gates):
        drawn = draw(rounds, first + second)
        failed += bool(losses(restricted(drawn[first:], suspects(drawn[:first]))))
    return failed


def container_of(name: str) -> str:
    """`ft: get_hit[SkipListMap-ibr-int]` is about `SkipListMap-ibr`, on an interpreter; kinds of keys are not told apart."""
    interpreter, operation = name.split(": ")
    if "[" not in operation:
        return f"{interpreter}: the package"
    parts = operation.partition("[")[2].rstrip("]").split("-")
    return f"{interpreter}: " + "-".join(
        part
        for i, part in enumerate(parts)
        if i == 0 or part in ("ibr", "debra", "scq", "faa", "lcrq")
    )


def table(found: dict[str, Ratio]) -> str:
    rows = [
        [name, f"{r.median:.3f}", *(f"{q:.3f}" for q in r.quartiles)] for name, r in found.items()
    ]
    return harness.table(["operation", "time now by before", "quartiles", ""], rows)


def summary(found: dict[str, Ratio]) -> str:
    """A line for each interpreter, container and backend: the middle of its operations, and the two ends."""
    groups: dict[str, list[tuple[float, str]]] = {}
    for name, ratio in found.items():
        groups.setdefault(container_of(name), []).append((ratio.median, name))
    rows = []
    for group, members in groups.items():
        middle = statistics.median(median for median, _ in members)
        ends = [
            f"{median:.3f} {name.split(': ')[1]}" for median, name in (min(members), max(members))
        ]
        rows.append([group, len(members), f"{middle:.3f}", *ends])
    return harness.table(["container", "operations", "median", "fastest", "slowest"], rows)
