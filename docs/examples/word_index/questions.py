"""Questions that only an ordered index can answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .index import Index, sorted_places


@dataclass(frozen=True)
class Answer:
    """A question in words, and what the index says."""

    question: str
    answer: str


def listed(words: Sequence[str], most: int = 8) -> str:
    """A few words, and how many there are beside them."""
    if not words:
        return "none"
    more = f" ... and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def answers_from(index: Index, paths: Sequence[str]) -> list[Answer]:
    """Ask an index what only an ordered one can tell."""

    def place_names(word: str) -> list[str]:
        places = sorted_places(index.places_of(word))
        return [f"{paths[number]}:{line}" for number, lines in places for line in lines]

    between = [word for word, _ in index.items_between("async", "await")]
    prefix = "thread"
    # U+10FFFF sorts behind every character that a word can have.
    with_prefix = {
        word: len(sorted_places(places))
        for word, places in index.items_between(prefix, prefix + "\U0010ffff")
    }
    most_used = sorted(with_prefix, key=lambda word: (-with_prefix[word], word))
    absent = "lockfree"
    before, after = index.floor(absent), index.ceiling(absent)
    answers = [
        Answer("Words from 'async' to 'await'", f"{len(between)}: {listed(between)}"),
        Answer(
            f"Words that begin with '{prefix}', by files",
            listed([f"{word} ({with_prefix[word]})" for word in most_used], most=6),
        ),
        Answer(f"Nearest words around '{absent}'", f"{before} < {absent} < {after}"),
    ]
    if after is not None:
        answers.append(Answer(f"Places of '{after}'", listed(place_names(after), most=3)))
    return answers
