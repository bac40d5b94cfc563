"""Patches that fit the tree no more, rewritten: after code has moved, been renamed or been formatted anew.

Each hunk of such a patch is placed again. First it is merged, as `git apply --3way` would: against the newest commit that it
fits. If that fails, its pre-image is looked for in every file of the core, token by token, so that neither blanks nor
comments matter: first with all of its context, then with less and less, in its own file before the others, and in those never
by less than half of it. Identifiers that the file does not have (any more) may stand for others, the same one each time:
those have been renamed, and the change is renamed, too.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from patches import HERE, ROOT, Hunk, Mutation, Stale, Texts, apply, diff_of, parse

Edit = tuple[str, int, int, int, int]  # of a sequence of tokens, as difflib says it

COMMITS = 200  # of a file, that are tried as the base of a merge
FEWEST_TOKENS = 8  # that a place must show as they are
TOKEN = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[A-Za-z_]\w*|\d[\w.]*"""
    r"""|->|\+\+|--|&&|\|\||(?:<<|>>|[-+*/%&|^<>=!])=|<<|>>|\S""",
    re.DOTALL,
)
IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")
KEYWORDS = set(
    "auto bool break case char const continue default do double else enum extern false float for goto if inline int"
    " long register return short signed sizeof static struct switch true typedef union unsigned void volatile while"
    " NULL define include ifdef ifndef endif elif".split()
)


@dataclass(frozen=True)
class Tokens:
    """A text without its comments."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]

    @functools.cached_property
    def places(self) -> dict[str, list[int]]:
        places = defaultdict(list)
        for number, word in enumerate(self.words):
            places[word].append(number)
        return places


@functools.lru_cache(maxsize=4096)
def tokens_of(text: str) -> Tokens:
    begin = 0
    # A hunk may begin or end inside a comment.
    if (close := text.find("*/")) >= 0 and not 0 <= text.find("/*") < close:
        begin = close + 2
    end = len(text)
    if (opened := text.rfind("/*")) > text.rfind("*/"):
        end = opened
    found = [
        match for match in TOKEN.finditer(text, begin, end) if not match[0].startswith(("/*", "//"))
    ]
    return Tokens(text, tuple(m[0] for m in found), tuple(m.span() for m in found))


def matches(
    pattern: tuple[str, ...], there: Tokens, renaming: bool
) -> Iterator[tuple[int, dict[str, str]]]:
    """Where the pattern stands, and what its identifiers are called there."""
    fixed = [i for i, word in enumerate(pattern) if word in there.places]
    is_name = [bool(IDENTIFIER.match(word)) and word not in KEYWORDS for word in pattern]
    if len(fixed) < FEWEST_TOKENS or (len(fixed) < len(pattern) and not renaming):
        return
    if any(word not in there.places and not is_name[i] for i, word in enumerate(pattern)):
        return
    anchor = min(fixed, key=lambda i: len(there.places[pattern[i]]))
    for place in there.places[pattern[anchor]]:
        start = place - anchor
        if start < 0 or start + len(pattern) > len(there.words):
            continue
        names: dict[str, str] = {}
        for i, word in enumerate(pattern):
            other = there.words[start + i]
            if other == word:
                continue
            if word in there.places or not IDENTIFIER.match(other) or other in KEYWORDS:
                break
            if names.setdefault(word, other) != other:
                break
        else:
            if len(set(names.values())) == len(names):
                yield start, names


def contexts(before: int, after: int) -> Iterator[tuple[int, int]]:
    """How many tokens in front of and behind a change are asked for: all, then fewer."""
    seen = set()
    for tenths in range(10, -1, -1):
        part = (before * tenths // 10, after * tenths // 10)
        for pair in (part, (part[0], 0), (0, part[1])) if tenths < 10 else (part,):
            if pair not in seen:
                seen.add(pair)
                yield pair
    # More of one side than of the other comes last.
    for pair in ((before, 0), (0, after)):
        if pair not in seen:
            yield pair


@dataclass
class Placed:
    file: str
    text: str  # the file with the change
    how: str


class Refresher:
    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.renamed: dict[str, dict[str, str]] = defaultdict(dict)  # by file

    def base(self, hunk: Hunk) -> str | None:
        """The newest text of its file that the hunk fits."""
        for text in texts_in_history(hunk.file):
            try:
                hunk.position(text)
                return text
            except Stale:
                pass
        return None

    def merge(self, hunk: Hunk, texts: Texts) -> Placed | None:
        base = self.base(hunk)
        if base is None or hunk.file not in texts:
            return None
        at = hunk.position(base)
        after = self.with_new_names(hunk.file, hunk.after)
        mutated = base[:at] + after + base[at + len(hunk.before) :]
        with tempfile.TemporaryDirectory() as name:
            paths = [Path(name, side) for side in ("ours", "base", "theirs")]
            for path, text in zip(paths, (texts[hunk.file], base, mutated), strict=True):
                path.write_text(text)
            merged = subprocess.run(
                ["git", "merge-file", "-p", *paths], capture_output=True, text=True
            )
        if merged.returncode or merged.stdout == texts[hunk.file]:
            return None
        return Placed(hunk.file, merged.stdout, "merged")

    def search(self, hunk: Hunk, texts: Texts) -> Placed | None:
        before, after = tokens_of(hunk.before), tokens_of(hunk.after)
        matcher = difflib.SequenceMatcher(None, before.words, after.words, autojunk=False)
        edits = [edit for edit in matcher.get_opcodes() if edit[0] != "equal"]
        if not edits:
            return None
        first, last = edits[0][1], edits[-1][2]
        own = [hunk.file] if hunk.file in texts else []
        others = [file for file in texts if file != hunk.file]
        for front, behind in contexts(first, len(before.words) - last):
            begin, end = first - front, last + behind
            pattern = before.words[begin:end]
            # Few tokens look alike in many files: a hunk leaves its own only with most of them.
            elsewhere = others if 2 * len(pattern) > len(before.words) else []
            for files in (own, elsewhere):
                for renaming in (False, True):
                    found = [
                        (file, start - begin, names)
                        for file in files
                        for start, names in matches(pattern, tokens_of(texts[file]), renaming)
                    ]
                    if len(found) > 1:
                        break  # with a name less it stands in no fewer places
                    if not found:
                        continue
                    file, shift, names = found[0]
                    self.renamed[file].update(names)
                    text = self.change(file, texts[file], shift, edits, after)
                    how = [f"by {len(pattern)} of {len(before.words)} tokens"]
                    how += [f"{old} is {new}" for old, new in names.items()]
                    return Placed(file, text, ", ".join(how))
        return None

    def change(self, file: str, text: str, shift: int, edits: Sequence[Edit], after: Tokens) -> str:
        """The edits of a hunk, made where its tokens stand `shift` further on."""
        there = tokens_of(text)
        for _, begin, end, new_begin, new_end in reversed(edits):
            new = ""
            if new_begin < new_end:
                new = after.text[after.spans[new_begin][0] : after.spans[new_end - 1][1]]
                new = self.with_new_names(file, new)
            if begin < end:
                start, stop = there.spans[begin + shift][0], there.spans[end + shift - 1][1]
            elif begin + shift > 0:
                start = stop = there.spans[begin + shift - 1][1]
                new = f" {new}" if new.lstrip()[:1] != "#" else f"\n{new}\n"
            else:
                start = stop = 0
            if not new:
                start, stop = whole_lines(text, start, stop)
            text = text[:start] + new + text[stop:]
        return text

    def with_new_names(self, file: str, text: str) -> str:
        """A change may use what has been renamed: in this file, or anywhere if nothing is called so any more."""
        here, names = tokens_of(self.texts[file]).places, self.renamed[file]

        def new_name(match: re.Match[str]) -> str:
            word = match[0]
            if word not in here and word in names:
                return names[word]
            return self.renamed_everywhere.get(word, word)

        return re.sub(r"[A-Za-z_]\w*", new_name, text)

    @property
    def renamed_everywhere(self) -> dict[str, str]:
        return {
            old: new
            for names in self.renamed.values()
            for old, new in names.items()
            if old not in self.identifiers
        }

    @functools.cached_property
    def identifiers(self) -> set[str]:
        return {word for text in self.texts.values() for word in tokens_of(text).places}

    def place(self, mutation: Mutation) -> tuple[Texts, list[str]]:
        """The files as the mutation makes them, and how each hunk found its place. Raise Stale if one did not."""
        texts = dict(self.texts)
        how = []
        for hunk in mutation.hunks:
            placed = (
                self.exactly(hunk, texts) or self.merge(hunk, texts) or self.search(hunk, texts)
            )
            if placed is None:
                raise Stale(f"{hunk.file}: no place for\n{hunk.before}")
            texts[placed.file] = formatted(placed.file, placed.text)
            moved = f"now in {placed.file}, " if placed.file != hunk.file else ""
            how.append(moved + placed.how)
        return {file: text for file, text in texts.items() if text != self.texts[file]}, how

    def would_rename(self, mutation: Mutation) -> bool:
        return any(self.with_new_names(h.file, h.after) != h.after for h in mutation.hunks)

    def exactly(self, hunk: Hunk, texts: Texts) -> Placed | None:
        """In its own file, or in the only other one that has these lines."""
        found = []
        for file in [hunk.file] if hunk.file in texts else []:
            found += self.in_file(hunk, file, texts)
        if not found:
            for file in texts:
                found += self.in_file(hunk, file, texts)
        return found[0] if len(found) == 1 else None

    def in_file(self, hunk: Hunk, file: str, texts: Texts) -> list[Placed]:
        text = texts[file]
        try:
            at = Hunk(file, hunk.before, hunk.after).position(text)
        except Stale:
            return []
        after = self.with_new_names(file, hunk.after)
        return [Placed(file, text[:at] + after + text[at + len(hunk.before) :], "as it was")]


@functools.cache
def texts_in_history(file: str) -> list[str]:
    command = ["git", "log", f"--max-count={COMMITS}", "--format=%H", "--", file]
    commits = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()
    texts: list[str] = []
    for commit in commits:
        shown = subprocess.run(
            ["git", "show", f"{commit}:{file}"], cwd=ROOT, capture_output=True, text=True
        )
        if shown.returncode == 0 and shown.stdout not in texts[-1:]:
            texts.append(shown.stdout)
    return texts


def whole_lines(text: str, start: int, stop: int) -> tuple[int, int]:
    """The same span, with the rest of its lines if that is blank."""
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", stop) + 1
    is_alone = end > 0 and not (text[begin:start] + text[stop:end]).strip()
    return (begin, end) if is_alone else (start, stop)


def formatted(file: str, text: str) -> str:
    beside_python = Path(os.environ.get("CC_PYTHON_GIL", "python3")).parent / "clang-format"
    tool = str(beside_python) if beside_python.exists() else shutil.which("clang-format")
    if not tool:
        return text
    command = [tool, "--assume-filename", str(ROOT / file)]
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    return text if result.returncode else result.stdout


def refresh(mutations: list[Mutation], texts: Texts) -> int:
    refresher = Refresher(texts)

    def fits(mutation: Mutation) -> bool:
        try:
            apply(mutation, texts)
        except Stale:
            return False
        return True

    stale = [mutation for mutation in mutations if not fits(mutation)]
    for mutation in stale:  # to learn the new names first
        for hunk in mutation.hunks:
            refresher.search(hunk, texts)
    stale += [m for m in mutations if m not in stale and refresher.would_rename(m)]
    left = 0
    for mutation in stale:
        try:
            changed, how = refresher.place(mutation)
            before = {file: texts[file] for file in changed}
            text = mutation.header + diff_of(before, changed)
            if apply(parse(mutation.name, text), texts) != changed:
                raise Stale("what was written down does not do the same")
        except Stale as error:
            left += 1
            print(f"{mutation.name}: LEFT AS IT IS: {error}")
            continue
        (HERE / f"{mutation.name}.patch").write_text(text)
        print(f"{mutation.name}: {'; '.join(how)}")
    print(f"{len(stale)} did not fit; {left} of them still do not")
    return 1 if left else 0
