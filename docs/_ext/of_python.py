"""The reference of the Python API: signatures from the stubs, text from the docstrings of what is installed.

    .. class-of:: SkipListMap          a class of the package, with everything that is public in it
    .. functions-of:: flush, get_include

What a stub has without a docstring is a warning, and so is a public name of the package that no page has.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import concurrent_collections
import concurrent_collections.mixed  # which the package does not import by itself
import concurrent_collections.profiling
import concurrent_collections.recipes

logger = logging.getLogger(__name__)
Function = ast.FunctionDef | ast.AsyncFunctionDef
OF_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# How users write what calls a special method.
WRITTEN = {
    "__getitem__": "x[i]",
    "__setitem__": "x[i] = v",
    "__delitem__": "del x[i]",
    "__contains__": "v in x",
    "__iter__": "iter(x)",
    "__reversed__": "reversed(x)",
    "__len__": "len(x)",
    "__bool__": "bool(x)",
    "__int__": "int(x)",
    "__hash__": "hash(x)",
    "__eq__": "x == y",
    "__le__": "x <= y",
    "__lt__": "x < y",
    "__ge__": "x >= y",
    "__gt__": "x > y",
    "__or__": "x | y",
    "__and__": "x & y",
    "__sub__": "x - y",
    "__xor__": "x ^ y",
    "__ior__": "x |= y",
    "__iand__": "x &= y",
    "__isub__": "x -= y",
    "__ixor__": "x ^= y",
    "__enter__": "with x",
    "__aenter__": "async with x",
    "__aiter__": "async for v in x",
    "__copy__": "copy.copy(x)",
    "__deepcopy__": "copy.deepcopy(x)",
    "__sizeof__": "sys.getsizeof(x)",
}


def as_users_see_it(text: str) -> str:
    """Without the underscores of type variables and of private base classes."""
    return re.sub(r"\b_(?=[A-Z])", "", text)


def signature_of(function: Function, is_method: bool) -> str:
    arguments = function.args
    if is_method and not is_decorated(function, "staticmethod"):
        (arguments.posonlyargs or arguments.args).pop(0)
    answer = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return as_users_see_it(f"({ast.unparse(arguments)}){answer}")


def is_decorated(function: Function, word: str) -> bool:
    return any(word == ast.unparse(each).split(".")[-1] for each in function.decorator_list)


class Stubs:
    """The classes and functions of all stubs, by name."""

    def __init__(self) -> None:
        self.classes: dict[str, ast.ClassDef] = {}
        self.functions: dict[str, list[Function]] = {}
        package = Path(concurrent_collections.__file__).parent
        for path in sorted(package.rglob("*.pyi")):
            names = path.relative_to(package).with_suffix("").parts
            before = "".join(f"{n}." for n in names if not n.startswith("_"))  # smr.Stats
            for each in ast.parse(path.read_text()).body:
                if isinstance(each, ast.ClassDef):
                    self.classes[before + each.name] = each
                elif isinstance(each, OF_FUNCTIONS):
                    self.functions.setdefault(before + each.name, []).append(each)

    def ancestors(self, name: str) -> Iterator[ast.ClassDef]:
        """The class and those that it derives from, as far as the stubs have them."""
        if name in self.classes:
            yield self.classes[name]
            for base in self.classes[name].bases:
                last = ast.unparse(base).split("[")[0].split(".")[-1]
                beside = ".".join([*name.split(".")[:-1], last])
                yield from self.ancestors(beside if beside in self.classes else last)

    def members(self, name: str) -> dict[str, list[ast.stmt]]:
        """What the class has, each with all of its overloads; its own before what it inherits."""
        found: dict[str, list[ast.stmt]] = {}
        for owner in self.ancestors(name):
            own: dict[str, list[ast.stmt]] = {}
            for each in owner.body:
                if isinstance(each, OF_FUNCTIONS) and not is_decorated(each, "setter"):
                    own.setdefault(each.name, []).append(each)
                elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                    own[each.target.id] = [each]
            found = {**found, **{key: own[key] for key in own if key not in found}}
        return found


def indented(lines: list[str], columns: int = 3) -> list[str]:
    return [" " * columns + line if line else "" for line in lines]


def directive(kind: str, signatures: list[str], options: list[str], body: list[str]) -> list[str]:
    unique = list(dict.fromkeys(signatures))
    heads = [
        f".. py:{kind}:: {unique[0]}",
        *indented(unique[1:], len(kind) + len(".. py::: ")),
    ]
    return [*heads, *indented(options), "", *indented(body), ""]


def as_rst(docstring: str) -> list[str]:
    """The sections of numpy's style as fields; tables in plain text as they stand."""
    text: list[str] = []
    for block in re.split(r"\n\s*\n", docstring):
        lines = block.splitlines()
        if len(lines) > 1 and re.fullmatch(r"-{3,}", lines[1]):
            text += [f"**{lines[0]}**", ""]
            lines = lines[2:]
            if any(line.startswith(" ") for line in lines):  # a name, and indented what it is
                lines = [re.sub(r"^(\w+) : (.*)", r"``\1`` : \2", line) for line in lines]
        elif len(lines) > 1 and all(re.match(r"\S+ {2,}\S", line) for line in lines):
            lines = ["::", "", *indented(lines)]
        text += [*lines, ""]
    return text


class OfPython(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True

    def docstring(self, thing: object, name: str) -> list[str]:
        text = inspect.getdoc(thing)
        if not text:
            logger.warning("%s has no docstring", name, location=self.get_location())
        return as_rst(text or "")

    def parsed(self, lines: list[str]) -> list[nodes.Node]:
        node = nodes.section()
        node.document = self.state.document
        source = self.get_source_info()[0]
        self.state.nested_parse(StringList(lines, source), self.content_offset, node)
        return node.children

    def noted(self, name: str) -> None:
        documented = getattr(self.env, "cc_documented", None)
        if documented is None:
            documented = self.env.cc_documented = {}
        documented[name] = self.env.docname


class ClassOf(OfPython):
    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        all_stubs = Stubs()
        module = concurrent_collections
        *path, last = name.split(".")
        for part in path:
            module = getattr(module, part)
        cls = getattr(module, last)
        if name not in all_stubs.classes:
            raise self.error(f"no stub has a class {name}")
        members = all_stubs.members(name)
        init = members.pop("__init__", None) or members.pop("__new__", None)
        heads = [
            name + signature_of(each, is_method=True).removesuffix(" -> None").split(" -> ")[0]
            for each in init or []
        ]
        body = self.docstring(cls, name)
        if not path:
            self.noted(name)
        special = [
            WRITTEN[member]
            for member, found in members.items()
            if member in WRITTEN and isinstance(found[0], OF_FUNCTIONS)  # not: __hash__: None
        ]
        if special:
            body += ["", "Also: " + ", ".join(f"``{each}``" for each in special) + ".", ""]
        for member, found in members.items():
            if not member.startswith("_"):
                body += self.member(cls, f"{name}.{member}", member, found)
        lines = [".. py:currentmodule:: concurrent_collections", ""]
        return self.parsed(lines + directive("class", heads or [name], [], ["", *body]))

    def member(self, cls: type, whole: str, name: str, found: list[ast.stmt]) -> list[str]:
        thing = inspect.getattr_static(cls, name)
        first = found[0]
        if isinstance(first, ast.AnnAssign):
            text = [] if hasattr(cls, "_fields") else self.docstring(thing, whole)
            kind = as_users_see_it(ast.unparse(first.annotation))
            return directive("attribute", [name], [f":type: {kind}"], text)
        assert isinstance(first, OF_FUNCTIONS)
        if isinstance(thing, (staticmethod, classmethod)):
            thing = thing.__func__
        text = self.docstring(thing, whole)
        if is_decorated(first, "property"):
            kind = as_users_see_it(ast.unparse(first.returns)) if first.returns else "object"
            return directive("property", [name], [f":type: {kind}"], text)
        signatures = [name + signature_of(each, is_method=True) for each in found]
        options = [":async:"] if isinstance(first, ast.AsyncFunctionDef) else []
        options += [
            f":{word}:" for word in ("classmethod", "staticmethod") if is_decorated(first, word)
        ]
        return directive("method", signatures, options, text)


class ExceptionOf(OfPython):
    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        text = self.docstring(getattr(concurrent_collections, name), name)
        self.noted(name)
        lines = [".. py:currentmodule:: concurrent_collections", ""]
        return self.parsed(lines + directive("exception", [name], [], text))


class FunctionsOf(OfPython):
    def run(self) -> list[nodes.Node]:
        all_stubs = Stubs()
        lines = [".. py:currentmodule:: concurrent_collections", ""]
        for name in self.arguments[0].replace(",", " ").split():
            *path, last = name.split(".")
            module = concurrent_collections
            for part in path:
                module = getattr(module, part)
            found = all_stubs.functions[name]
            signatures = [name + signature_of(each, is_method=False) for each in found]
            lines += directive(
                "function", signatures, [], self.docstring(getattr(module, last), name)
            )
            if not path:
                self.noted(name)
        return self.parsed(lines)


def everything_is_there(app: Sphinx, env: object) -> None:
    documented = getattr(env, "cc_documented", {})
    for name in concurrent_collections.__all__:
        thing = getattr(concurrent_collections, name)
        if (inspect.isclass(thing) or callable(thing)) and name not in documented:
            logger.warning("concurrent_collections.%s is on no page of the reference", name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("class-of", ClassOf)
    app.add_directive("exception-of", ExceptionOf)
    app.add_directive("functions-of", FunctionsOf)
    app.connect("env-check-consistency", everything_is_there)
    return {"parallel_read_safe": False}
