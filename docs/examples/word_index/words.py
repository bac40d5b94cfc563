"""Find the files below a directory, read them, and find their words. Nothing here knows an index."""

from __future__ import annotations

import os
import re
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .showing import Progress

Lines: TypeAlias = tuple[int, ...]
"""The lines of one file on which a word occurs."""

WORD = re.compile(r"\b[^\W\d]\w*")
DIRECTORIES_LEFT_OUT = frozenset({"__pycache__", "site-packages", "dist-packages"})
LARGEST_FILE = 16 * 1024 * 1024


class DemoError(Exception):
    """Carries the one sentence that tells the user what is wrong."""


class FileWords(dict[str, Lines]):
    """The words of one file, each with its lines; `number` is the file's number in the index."""

    def __init__(self, number: int, lines_of: dict[str, Lines]) -> None:
        super().__init__(lines_of)
        self.number = number


class SkippedFile(Exception):
    """A file that is not text that we can read; the argument is the reason, in a few words."""


@dataclass
class FoundFiles:
    """The regular files below a directory, as sorted paths relative to it."""

    root: Path
    paths: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def find_files(root: Path, limit: int | None = None) -> FoundFiles:
    """List the files below `root`; with a limit, so many of them, spread evenly over the tree.

    Hidden directories, caches and installed packages are left out unless `root` is one; links to
    directories are not followed.
    """
    found = FoundFiles(root)
    directories = [""]
    while directories:
        directory = directories.pop()
        try:
            entries = list(os.scandir(root / directory))
        except OSError:
            found.skipped["unreadable directory"] += 1
            continue
        for entry in entries:
            path = os.path.join(directory, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name not in DIRECTORIES_LEFT_OUT:
                    directories.append(path)
            elif entry.is_file():
                found.paths.append(path)
            elif not entry.is_dir():
                found.skipped["not a regular file"] += 1
    found.paths.sort()
    if limit is not None and len(found.paths) > limit:
        count = len(found.paths)
        found.paths = [found.paths[position * count // limit] for position in range(limit)]
    return found


def text_of(path: str | Path) -> str:
    """Read one file, or raise `SkippedFile` when it is binary, unreadable or enormous."""
    try:
        with open(path, "rb") as file:
            start = file.read(8192)
            if b"\0" in start:
                raise SkippedFile("binary")
            content = start + file.read(LARGEST_FILE)
    except OSError:
        raise SkippedFile("unreadable") from None
    if len(content) > LARGEST_FILE:
        raise SkippedFile(f"larger than {LARGEST_FILE >> 20} MiB")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SkippedFile("not UTF-8") from None


def lines_of_words(text: str) -> dict[str, Lines]:
    """Find the words of a text, each with the numbers of the lines that have it."""
    lines_of: dict[str, list[int]] = {}
    words_in = WORD.findall
    for number, line in enumerate(text.split("\n"), start=1):
        for word in words_in(line):
            lines = lines_of.get(word)
            if lines is None:
                lines_of[word] = [number]
            elif lines[-1] != number:
                lines.append(number)
    return {word: tuple(lines) for word, lines in lines_of.items()}


def words_of(root: Path, file: Source) -> FileWords:
    """Read a file that `read_sources` has found to be text."""
    try:
        return FileWords(file.number, lines_of_words(text_of(root / file.path)))
    except SkippedFile:
        raise DemoError(f"{file.path} has become unreadable meanwhile.") from None


@dataclass(frozen=True)
class Source:
    """One readable file: its number in the index, and how many words it adds."""

    number: int
    path: str
    bytes: int
    words: int


@dataclass
class Sources:
    """The input of every run."""

    root: Path
    paths: list[str]
    files: list[Source]
    skipped: Counter[str]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def additions(self) -> int:
        return sum(file.words for file in self.files)

    def in_shares(self, count: int) -> list[list[Source]]:
        """Deal the files out so that each share has about as many words, the largest first."""
        shares: list[list[Source]] = [[] for _ in range(count)]
        loads = [0] * count
        for file in sorted(self.files, key=lambda file: (-file.words, file.number)):
            lightest = loads.index(min(loads))
            shares[lightest].append(file)
            loads[lightest] += file.words
        return shares


def read_sources(root: Path, limit: int | None, progress: Progress) -> Sources:
    """Read every file once: it counts and skips, and it warms up the system's file cache."""
    found = find_files(root, limit)
    waiting = deque(enumerate(found.paths))
    readable: list[Source] = []
    skipped: list[str] = []

    def read() -> None:
        while True:
            try:
                number, path = waiting.popleft()
            except IndexError:
                return
            try:
                text = text_of(root / path)
            except SkippedFile as reason:
                skipped.append(str(reason))
            else:
                words = len(lines_of_words(text))
                readable.append(Source(number, path, len(text.encode()), words))

    progress.begin(f"Reading {len(found.paths)} files", len(found.paths))
    readers = [threading.Thread(target=read, daemon=True) for _ in range(os.cpu_count() or 1)]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        readers[-1].join(0.1)
        for reader in readers:
            if not reader.is_alive():
                reader.join()
        progress.reached(len(readable) + len(skipped))
    progress.reached(len(found.paths))

    readable.sort(key=lambda file: file.number)
    if not any(file.words for file in readable):
        raise DemoError(f"There is no text file with a word in {root}.")
    return Sources(root, found.paths, readable, found.skipped + Counter(skipped))
