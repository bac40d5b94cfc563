"""Mutations as patch files: read, apply, write.

A mutation is `NAME.patch`: a header that patch and git ignore, then a unified diff against the repository's root.

    Breaks: the rule that the change breaks
    Noticed-by: sched_queue scq_close scq_close_small
    Noticed-by: test_scq_ring
    Survives: why nothing can notice it
    Slow: how long it takes

    --- a/csrc/...

`Noticed-by` names one program and may occur several times: an explorer (tests/c/schedules/sched_*.c) with the programs that
it tries, in this order (none: all), or a unit test (tests/c/test_*.c). `Survives` is for the few that an explorer cannot
see, `Slow` for those that take it millions of schedules: they are tried when all are, or by name. A line that begins with a blank continues the one before.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FIELDS = ("Breaks", "Noticed-by", "Survives", "Slow")
WIDEST_CONTEXT = 24  # lines around a change, where three are found in several places

Texts = dict[str, str]  # file below the root, its text


class Stale(Exception):
    """The patch does not fit the tree."""


@dataclass(frozen=True)
class Hunk:
    file: str  # below the root
    before: str  # whole lines
    after: str

    def position(self, text: str) -> int:
        """Where it stands. Line numbers do not count: every line must agree, and in one place only."""
        found = ("\n" + text).find("\n" + self.before)
        if found < 0:
            raise Stale(f"{self.file} does not say\n{self.before}")
        if ("\n" + text).find("\n" + self.before, found + 1) >= 0:
            raise Stale(f"{self.file} says in more than one place\n{self.before}")
        return found


@dataclass(frozen=True)
class Mutation:
    name: str
    breaks: str
    noticed_by: tuple[tuple[str, ...], ...]  # program, and which of its programs
    survives: str
    is_slow: bool
    hunks: tuple[Hunk, ...]
    header: str  # as it stands in the file

    @property
    def files(self) -> list[str]:
        return sorted({hunk.file for hunk in self.hunks})


def hunks_of(diff: str) -> list[Hunk]:
    hunks = []
    file = ""
    before: list[str] = []
    after: list[str] = []

    def finish() -> None:
        if before or after:
            hunks.append(Hunk(file, "".join(before), "".join(after)))
        before.clear()
        after.clear()

    for line in diff.splitlines(keepends=True):
        if line.startswith(("--- ", "+++ ")):
            finish()
            file = line[4:].strip().removeprefix("b/")
        elif line.startswith("@@ "):
            finish()
        elif line[0] in "-+ \n":
            text = line if line == "\n" else line[1:]
            if line[0] != "+":
                before.append(text)
            if line[0] != "-":
                after.append(text)
        else:
            raise ValueError(f"no line of a unified diff: {line!r}")
    finish()
    return hunks


def parse(name: str, text: str) -> Mutation:
    """Raise ValueError if anything is missing."""
    begin = re.search(r"^--- ", text, re.MULTILINE)
    if not begin:
        raise ValueError("there is no diff")
    header = text[: begin.start()]
    fields: dict[str, list[str]] = {field: [] for field in FIELDS}
    for line in re.sub(r"\n[ \t]+", " ", header).splitlines():
        if not line:
            continue
        field, _, value = line.partition(":")
        if field not in fields or not value.strip():
            raise ValueError(f"no field of a header: {line!r}")
        fields[field].append(value.strip())
    if len(fields["Breaks"]) != 1 or not fields["Noticed-by"] or len(fields["Survives"]) > 1:
        raise ValueError("a header has one Breaks, at least one Noticed-by, at most one Survives")
    hunks = hunks_of(text[begin.start() :])
    if not hunks or any(hunk.before == hunk.after for hunk in hunks):
        raise ValueError("there is a hunk that changes nothing")
    return Mutation(
        name,
        fields["Breaks"][0],
        tuple(tuple(value.split()) for value in fields["Noticed-by"]),
        "".join(fields["Survives"]),
        bool(fields["Slow"]),
        tuple(hunks),
        header,
    )


def all_mutations(directory: Path = HERE) -> list[Mutation]:
    mutations = []
    for path in sorted(directory.glob("*.patch")):
        try:
            mutations.append(parse(path.stem, path.read_text()))
        except ValueError as error:
            raise SystemExit(f"{path.name}: {error}") from None
    return mutations


def apply(mutation: Mutation, texts: Texts) -> Texts:
    """The changed files as the patch leaves them. Raise Stale if it does not fit."""
    changed = {}
    for file in mutation.files:
        if file not in texts:
            raise Stale(f"there is no {file}")
        text = texts[file]
        places = [(hunk.position(text), hunk) for hunk in mutation.hunks if hunk.file == file]
        for position, hunk in sorted(places, key=lambda place: -place[0]):
            text = text[:position] + hunk.after + text[position + len(hunk.before) :]
        changed[file] = text
    return changed


def diff_of(before: Texts, after: Texts) -> str:
    """A diff with three lines of context, or as many as make each hunk's place the only one."""
    with tempfile.TemporaryDirectory() as name:
        for side, texts in (("a", before), ("b", after)):
            for file, text in texts.items():
                path = Path(name, side, file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        for lines in range(3, WIDEST_CONTEXT + 1):
            command = ["git", "diff", "--no-index", "--no-prefix", "--no-ext-diff", f"-U{lines}"]
            diff = subprocess.run([*command, "a", "b"], cwd=name, capture_output=True, text=True)
            text = re.sub(r"^(diff|index) .*\n", "", diff.stdout, flags=re.MULTILINE)
            text = re.sub(r"^ $", "", text, flags=re.MULTILINE)
            try:
                for hunk in hunks_of(text):
                    hunk.position(before[hunk.file])
                return text
            except Stale:
                continue
    raise Stale(f"what shall change stands in several places with {WIDEST_CONTEXT} lines around it")


def check(mutations: list[Mutation], texts: Texts) -> list[str]:
    """What is wrong with them."""
    wrong = []
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for mutation in mutations:
        for program, *programs in mutation.noticed_by:
            folder = "tests/c/schedules" if program.startswith("sched_") else "tests/c"
            if not re.match("sched_|test_", program) or f"{folder}/{program}.c" not in texts:
                wrong.append(f"{mutation.name}: there is no {folder}/{program}.c")
            if programs and not program.startswith("sched_"):
                wrong.append(f"{mutation.name}: {program} has no programs to choose from")
        try:
            changed = tuple(sorted(apply(mutation, texts).items()))
        except Stale as error:
            wrong.append(f"{mutation.name}: {error}")
            continue
        if changed in seen:
            wrong.append(f"{mutation.name} is the same as {seen[changed]}")
        seen[changed] = mutation.name
    return wrong


def texts_of_tree(root: Path = ROOT) -> Texts:
    """What patches may change: the core, and the tests that stand for the operating system below it."""
    return {
        str(path.relative_to(root)): path.read_text()
        for folder in ("csrc", "tests/c")
        for path in sorted((root / folder).rglob("*.[ch]"))
    }
