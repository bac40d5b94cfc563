"""The documents: their Python runs, their Cython compiles, their links and commands exist.

A fenced block is run by its language: `python` as a script (an `output` block right behind it is what it
must print), `pycon` as a doctest, `cython` and `c` as a module whose name its first line gives (`# NAME.pyx`, `/* NAME.c */`).
The blocks of one document share their names, from top to bottom.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import multiprocessing.pool
import queue
import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest
import sortedcontainers

import concurrent_collections
from concurrent_collections import config

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("*.md", "docs/**/*.md", "tools/*.md", "tla/*.md", "tests/c/**/*.md")
DOCUMENTS = sorted(document for place in PLACES for document in ROOT.glob(place))


class Block(NamedTuple):
    language: str
    line: int  # of its first line, counted from 1
    text: str


def blocks_of(document: Path) -> list[Block]:
    blocks = []
    language = None
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        fence = re.match(r"```(\w*)", line)
        if fence and language is None:
            language, first, lines = fence[1], number + 1, []
        elif fence:
            blocks.append(Block(language, first, "".join(lines)))
            language = None
        elif language is not None:
            lines.append(line + "\n")
    assert language is None, f"{document}: a block is not closed"
    return blocks


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def with_code() -> list:
    parameters = []
    for document in DOCUMENTS:
        languages = {block.language for block in blocks_of(document)}
        if languages & {"python", "pycon", "cython"}:
            slow = [pytest.mark.slow] if "cython" in languages else []
            parameters.append(pytest.param(document, marks=slow, id=name_of(document)))
    return parameters


def run_script(document: Path, block: Block, names: dict, expected: str | None) -> None:
    code = compile("\n" * (block.line - 1) + block.text, name_of(document), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    if expected is not None:
        assert printed.getvalue() == expected


def run_session(document: Path, block: Block, names: dict) -> None:
    test = doctest.DocTestParser().get_doctest(
        block.text, names, name_of(document), name_of(document), block.line - 1
    )
    assert test.examples, f"{name_of(document)}:{block.line}: a pycon block without >>>"
    test.globs = names  # not a copy: later blocks go on with it
    reports: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=reports.append, clear_globs=False)
    assert not runner.failures, "".join(reports)


def build_module(block: Block, directory: Path):
    """Compile a module in Cython or C as a project downstream would, and import it."""
    name, suffix = re.match(r"(?:#|/\*) (\w+)\.(pyx|c)\b", block.text).groups()
    source = directory / f"{name}.{suffix}"
    module = directory / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    source.write_text(block.text)
    site_packages = Path(concurrent_collections.__file__).parent.parent
    if suffix == "pyx":
        command = [sys.executable, "-P", "-m", "cython", "-3", "-I", site_packages, source]
        subprocess.run(command, check=True)
    compiler = shlex.split(sysconfig.get_config_var("CC"))
    headers = [sysconfig.get_path("include"), concurrent_collections.get_include()]
    undefined = [] if sys.platform == "linux" else ["-undefined", "dynamic_lookup"]
    flags = ["-shared", "-fPIC", "-O1", *undefined, *(f"-I{path}" for path in headers)]
    command = [*compiler, *flags, source.with_suffix(".c"), "-o", module]
    subprocess.run(command, check=True)
    spec = importlib.util.spec_from_file_location(name, module)
    assert spec
    assert spec.loader
    built = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(built)
    return name, built


@pytest.fixture(autouse=True)
def same_configuration_afterwards():
    names = ("retire_threshold", "max_reclaim_per_poll", "enable_statistics")
    before = {name: getattr(config, name) for name in names}
    yield
    for name, value in before.items():
        setattr(config, name, value)


@pytest.mark.parametrize("document", with_code())
def test_the_code_of_a_document_runs(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    blocks = blocks_of(document)
    for i, block in enumerate(blocks):
        follower = blocks[i + 1] if i + 1 < len(blocks) else None
        if block.language == "python":
            is_output = follower and follower.language == "output"
            run_script(document, block, names, follower.text if is_output else None)
        elif block.language == "pycon":
            run_session(document, block, names)
        elif block.language in ("cython", "c"):
            pytest.importorskip("Cython")
            name, module = build_module(block, tmp_path)
            monkeypatch.setitem(sys.modules, name, module)


def anchors_of(document: Path) -> set[str]:
    """What links can lead to: the headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_what_a_document_refers_to_exists(document):
    text = document.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        if re.match(r"\w+:", target):
            continue
        there = document.parent / target if target else document
        assert there.exists(), f"{name_of(document)} links to {target}"
        if anchor:
            assert anchor in anchors_of(there), f"{name_of(document)} links to {target}#{anchor}"
    for path in re.findall(r"(?<![\w/])(?:tools|tests|csrc|benchmarks)/[\w./]*\w", text):
        if "NAME" not in path:  # which stands for any name
            assert list(ROOT.glob(path + "*")), f"{name_of(document)} names {path}"


def test_the_tutorial_shows_the_files_of_the_example():
    text = (ROOT / "docs/tutorials/extension.md").read_text(encoding="utf-8")
    for file in (
        "setuptools/totals.pyx",
        "setuptools/setup.py",
        "setuptools/pyproject.toml",
        "meson/meson.build",
    ):
        shown = (ROOT / "docs/examples/extension" / file).read_text(encoding="utf-8")
        assert shown in text, f"docs/tutorials/extension.md does not show {file} as it is"


def public_methods(of) -> set[str]:
    return {name for name in dir(of) if not name.startswith("_")}


def views_of_a_sorted_dict() -> set[str]:
    d = sortedcontainers.SortedDict()
    return set().union(*map(public_methods, (d.keys(), d.values(), d.items())))


def migrations() -> list:
    pool = public_methods(multiprocessing.pool.Pool) - {"Process"}
    # Not in the environments: what janus 2.0 has in its queue and in the two faces of it.
    janus = """aclose async_q close closed maxsize shutdown sync_q wait_closed empty full get get_nowait join put
        put_nowait qsize task_done unfinished_tasks"""
    return [
        ("sortedcontainers", "SortedDict", public_methods(sortedcontainers.SortedDict())),
        ("sortedcontainers", "SortedSet", public_methods(sortedcontainers.SortedSet())),
        ("sortedcontainers", "SortedList", public_methods(sortedcontainers.SortedKeyList(key=abs))),
        ("sortedcontainers", "SortedKeysView", views_of_a_sorted_dict()),
        ("queue", "queue.Queue", public_methods(queue.Queue)),
        ("janus", "janus", set(janus.split())),
        ("pool", "multiprocessing.pool", pool | public_methods(multiprocessing.pool.AsyncResult)),
    ]


@pytest.mark.parametrize(("page", "of", "methods"), migrations())
def test_a_migration_page_says_what_becomes_of_each_method(page, of, methods):
    text = (ROOT / f"docs/migration/{page}.md").read_text(encoding="utf-8")
    table = re.search(
        rf"^\| with `{re.escape(of)}`.*?\n\n|^\| with {of} .*?\n\n", text, re.DOTALL | re.MULTILINE
    )
    firsts = re.findall(r"^\| (.*?[^\\]) \|", table[0], re.MULTILINE)
    named = {
        word
        for first in firsts
        for code in re.findall(r"`[^`]+`", first)
        for word in re.findall(r"\w+", code)
    }
    assert methods <= named, (
        f"docs/migration/{page}.md does not name {sorted(methods - named)} of {of}"
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_conflict_is_left_in_a_document(document):
    text = document.read_text(encoding="utf-8")
    assert not re.search(r"^(?:<{7}|>{7}) ", text, re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_no_document_installs_the_other_project_s_package(document):
    text = document.read_text(encoding="utf-8")
    assert not re.search(r"pip install\b[^\n]*\bconcurrent[-_]collections\b", text)


def test_links_of_the_built_site_are_checked(tmp_path):
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "tools/build_docs.py")
    assert spec
    assert spec.loader
    build_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build_docs)
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs/index.html"
    page.write_text(
        '<a href="../other.html#there">x</a> <a href="#here">x</a> <p id="here"><a href="https://a.b/c#d">x</a>'
        '<a href="none.html">x</a> <a href="../other.html#nowhere">x</a> <script src="https://a.b/c.js"></script>'
    )
    (tmp_path / "other.html").write_text('<p id="there"> <img src="none.png">')
    assert list(build_docs.complaints_about(tmp_path)) == [
        "docs/index.html loads https://a.b/c.js from elsewhere",
        "docs/index.html links to none.html: there is no such file",
        "docs/index.html links to ../other.html#nowhere: the page has no such place",
        "other.html links to none.png: there is no such file",
    ]
    page.unlink()
    assert "there is no docs/index.html" in build_docs.complaints_about(tmp_path)
