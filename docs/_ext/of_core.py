"""The core, module by module, from what stands in the tree: so that it cannot rot.

    .. modules-of:: csrc/queue

A module is a header, its .c files of the same name, or a file that stands alone. Of each is shown the comment at its
head (design, promises, linearization points), which tests use it, which models are about it, and which of its rules
tests/c/mutations breaks on purpose, each of which a test must notice. A folder of csrc without a page is a warning.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from of_c import ROOT, as_rst, escaped, without_stars
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text(errors="replace")


def head_of(path: Path) -> list[str]:
    """The lines of the comment at the head of a file, without the licence."""
    head = re.match(r"/\*.*?\*/", text_of(path), re.DOTALL)
    lines = without_stars(head[0]) if head else []
    while lines and (not lines[0].strip() or "SPDX" in lines[0]):
        lines.pop(0)
    return lines


def modules_in(folder: Path) -> list[tuple[str, list[Path]]]:
    """(name, files): headers first, since they have the promises."""
    found: dict[str, list[Path]] = {}
    for path in sorted([*folder.glob("*.h"), *folder.glob("*.c")], key=lambda p: p.suffix != ".h"):
        found.setdefault(path.stem.removeprefix("cc_"), []).append(path)  # cc_alloc.h, alloc.c
    return sorted(found.items())


@functools.cache
def programs() -> list[Path]:
    """The tests of the core that are programs, and the benchmarks in C."""
    tests = ROOT / "tests/c"
    return sorted(
        [*tests.glob("test_*.c"), *tests.glob("schedules/sched_*.c"), *tests.glob("fuzz/*.c")]
    )


# What a test uses without being about it.
EVERYWHERE = re.compile(
    r"cc_(?:load|store|cas|exchange|fetch|fence|smr_flush|thread_self|pause)\w*"
)


def functions_of(files: list[Path]) -> set[str]:
    """The names of cc_ functions that these files declare or define."""
    names: set[str] = set()
    for path in files:
        code = re.sub(r"/\*.*?\*/", "", text_of(path), flags=re.DOTALL)
        names.update(re.findall(r"^\w[\w \t*]*?\b(cc_\w+)\([^;{}]*\)\s*[;{]", code, re.MULTILINE))
    return {name for name in names if not EVERYWHERE.fullmatch(name)}


def tests_of(files: list[Path]) -> list[str]:
    """Programs that include one of its headers, or call what it defines."""
    headers = [path.name for path in files if path.suffix == ".h"]
    called = functions_of(files)
    found = []
    for program in programs():
        text = text_of(program)
        includes = any(re.search(rf'#include "[^"]*\b{name}"', text) for name in headers)
        if includes or called & set(re.findall(r"\bcc_\w+", text)):
            found.append(program.relative_to(ROOT / "tests/c").as_posix())
    return found


@functools.cache
def mutations() -> list[tuple[str, str, set[str]]]:
    """(name, what it breaks, files) of each mutation."""
    found = []
    for path in sorted((ROOT / "tests/c/mutations").glob("*.patch")):
        text = text_of(path)
        breaks = re.search(r"^Breaks: (.*)", text, re.MULTILINE)
        files = set(re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE))
        found.append((path.stem, breaks[1] if breaks else "", files))
    return found


def models_of(files: list[Path]) -> list[str]:
    names = [path.name for path in files]
    return [
        model.name
        for model in sorted((ROOT / "tla").glob("*.tla"))
        if any(re.search(rf"\b{re.escape(name)}\b", text_of(model)) for name in names)
    ]


def module_as_rst(files: list[Path]) -> list[str]:
    lines: list[str] = []
    for path in files:
        lines += ["", f".. rubric:: {path.relative_to(ROOT).as_posix()}", ""]
        lines += as_rst(head_of(path))
    names = {path.relative_to(ROOT).as_posix() for path in files}
    if tests := tests_of(files):
        lines += ["", "**Tests that use it:** " + ", ".join(f"``{name}``" for name in tests), ""]
    if models := models_of(files):
        lines += ["", "**Models:** " + ", ".join(f"``tla/{name}``" for name in models), ""]
    if broken := [(name, what) for name, what, where in mutations() if where & names]:
        lines += [
            "",
            f"**Rules that are broken on purpose, and must be noticed** ({len(broken)}):",
            "",
        ]
        lines += [f"* {escaped(what)} (``{name}``)" for name, what in broken]
    return [*lines, ""]


class ModulesOf(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        folder = self.arguments[0]
        shown = getattr(self.env, "cc_folders", None)
        if shown is None:
            shown = self.env.cc_folders = set()
        shown.add(folder)
        return list(self.sections(folder))

    def sections(self, folder: str) -> Iterator[nodes.Node]:
        for name, files in modules_in(ROOT / folder):
            section = nodes.section(ids=["module-" + nodes.make_id(name)])
            section += nodes.title(name, name)
            section.document = self.state.document
            lines = StringList(module_as_rst(files), folder)
            self.state.nested_parse(lines, self.content_offset, section)
            yield section


def every_folder_has_a_page(app: Sphinx, env: object) -> None:
    shown = getattr(env, "cc_folders", set())
    for folder in sorted((ROOT / "csrc").iterdir()):
        name = folder.relative_to(ROOT).as_posix()
        if list(folder.glob("*.[ch]")) and name not in shown:
            logger.warning("%s is on no page of docs/internals", name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("modules-of", ModulesOf)
    app.connect("env-check-consistency", every_folder_has_a_page)
    return {"parallel_read_safe": False}
