"""The stubs that are installed have the docstrings of what is installed: tools/write_stubs puts them there."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

import concurrent_collections

PACKAGE = Path(concurrent_collections.__file__).parent
TOOLS = Path(__file__).resolve().parents[2] / "tools"
STUBS = sorted(PACKAGE.rglob("*.pyi"))


def module_of(stub):
    parts = stub.relative_to(PACKAGE.parent).with_suffix("").parts
    return importlib.import_module(".".join(parts[: -1 if parts[-1] == "__init__" else None]))


def documented(stub):
    """(name, docstring or None, object) of each class and public method or function of a stub that exists."""
    module = module_of(stub)

    def walk(body, owner, prefix):
        seen = set()
        for node in body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            is_class = isinstance(node, ast.ClassDef)
            if node.name in seen or (node.name.startswith("_") and not is_class):
                continue  # of overloads, the first one has the text
            seen.add(node.name)
            thing = inspect.getattr_static(owner, node.name, None)
            if isinstance(thing, staticmethod | classmethod):
                thing = thing.__func__
            if thing is None:  # for type checkers alone
                assert is_class or prefix, node.name
                if prefix or not is_class:
                    continue
            else:
                yield prefix + node.name, ast.get_docstring(node), thing
            if is_class and thing is not None:
                yield from walk(node.body, thing, f"{node.name}.")

    yield from walk(ast.parse(stub.read_text(encoding="utf-8")).body, module, "")


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: str(stub.relative_to(PACKAGE)))
def test_docstrings_are_those_of_what_is_installed(stub):
    for name, text, thing in documented(stub):
        there = (
            inspect.getdoc(thing) if not isinstance(thing, type) else thing.__dict__.get("__doc__")
        )
        there = inspect.cleandoc(there) if there else None
        assert text == there, f"{stub.name}: {name}"


def test_all_that_is_public_has_one():
    bare = [
        f"{stub.name}: {name}"
        for stub in STUBS
        for name, text, _ in documented(stub)
        # What modules with underscores have beside classes is for the package itself.
        if not text
        and ("." in name or name in concurrent_collections.__all__)
        and not any(part.startswith("_") for part in name.split("."))
    ]
    assert bare == []


def docstrings_of(tmp_path, text):
    loader = SourceFileLoader("write_stubs", str(TOOLS / "write_stubs"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("write_stubs", loader))
    loader.exec_module(module)
    source = tmp_path / "source.py"
    source.write_text(text)
    return module.Docstrings([source])


def test_a_body_in_the_line_of_its_colon_takes_no_docstring_of_the_next(tmp_path):
    found = docstrings_of(
        tmp_path,
        '''\
class A:
    def one(self): return 1
    def two(self, default=":", other=(1,  # a comment:
            2)) -> dict[str, int]:
        """Two."""
    def three(self): pass  # nothing:
    def four(self):  # a comment
        """Four."""
''',
    )
    assert [found.find("A", name) for name in ("one", "two", "three", "four")] == [
        "",
        "Two.",
        "",
        "Four.",
    ]


def test_bases_that_go_round_end(tmp_path):
    found = docstrings_of(
        tmp_path,
        '''\
class A(other.A, B):
    pass
class B(A):
    def f(self):
        """F."""
''',
    )
    assert found.find("A", "f") == found.find("B", "f") == "F."
    assert found.find("A", "g") == ""
