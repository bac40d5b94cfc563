"""The reference of the C API, from the public headers.

    .. header:: cc_i64map.h

A header is read as its readers read it: the comment at its head, then comments, each with the declarations that
follow it. What stands behind the line "not in the C API", and what only the library itself includes, is left out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
HEADERS = ROOT / "csrc/include/concurrent_collections"
END = "/* ---- not in the C API ---- */"
# What only the library's own code uses.
OF_THE_LIBRARY = r"__|CC_(?:ALWAYS|ARCH|ATOMIC|DEFINE|MUST|NEVER|PREFETCH)|cc_features|CC_FEATURE|cc_smr_settings|cc_smr_\w*statistics"
WORDS = {"u64": "uint64_t", "u32": "uint32_t", "uptr": "uintptr_t"}


def without_stars(comment: str) -> list[str]:
    """The lines of a comment's text."""
    text = re.sub(r"^/\*+ ?|\s*\*/$", "", comment.strip())
    return [re.sub(r"^\s*\* ?", "", line).rstrip() for line in text.splitlines()]


def escaped(text: str) -> str:
    """Plain text: nothing of it is markup, but `words of code`."""
    answer = ""
    for part in re.split(r"(`[^`]+`|\b(?:cc|CC)_\w+(?:\(\))?|\bNULL\b)", text):
        if re.fullmatch(r"`[^`]+`|(?:cc|CC)_\w+(?:\(\))?|NULL", part):
            answer += f"\\ ``{part.strip('`')}``\\ "
        else:
            answer += re.sub(r"([\\*`|]|_(?!\w))", r"\\\1", part)
    return answer


def as_rst(lines: list[str]) -> list[str]:
    """Paragraphs; what is indented under one (a table, a list, a drawing) stays as it is."""
    text: list[str] = []
    for is_text, group in itertools.groupby(lines, lambda line: not line.startswith("  ")):
        block = list(group)
        if is_text:
            text += ["", *(escaped(line) if line.strip() else "" for line in block), ""]
        elif any(line.strip() for line in block):
            least = min(len(line) - len(line.lstrip()) for line in block if line.strip())
            text += ["", "::", "", *("   " + line[least:] for line in block), ""]
    return text


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """The comments and the runs of code between them, in their order."""
    for match in re.finditer(
        r"(?P<comment>^/\*.*?\*/$)|(?P<code>.+?)(?=^/\*|\Z)", text, re.S | re.M
    ):
        if match["comment"]:
            yield "comment", match["comment"]
        elif match["code"].strip():
            yield "code", match["code"]


def prototypes_in(code: str) -> list[str]:
    """Functions and inline functions, each on one line, without bodies."""
    code = re.sub(r"/\*.*?\*/", "", code, flags=re.S)
    code = re.sub(r"^#.*?(?<!\\)$", "", code, flags=re.M | re.S)
    code = re.sub(r"CC_MUST_CHECK |static inline |CC_ALWAYS_INLINE ", "", code)
    found = re.findall(
        r"^(?!typedef|struct|extern|return)(\w[\w \t*]*?\bcc_\w+\([^;{}()]*\))\s*[;{]", code, re.M
    )
    lines = [" ".join(each.split()) for each in found]
    return [each for each in lines if not re.search(OF_THE_LIBRARY, each)]


def other_declarations_in(code: str) -> list[str]:
    """Types and constants, as they stand."""
    found = re.findall(
        r"^typedef [^;{]*\{.*?^\}[^;]*;|^typedef [^;{]*;|^#define (?!\w+_H\b)(?:[^\n]*\\\n)*[^\n]*",
        code,
        re.M | re.S,
    )
    return [each for each in found if not re.search(OF_THE_LIBRARY, each)]


def functions(prototypes: list[str], text: list[str]) -> list[str]:
    head = ".. c:function:: "
    lines = [head + prototypes[0]] + [" " * len(head) + each for each in prototypes[1:]]
    return [*lines, "", *("   " + line if line else "" for line in text), ""]


def atomics_in(text: str) -> list[str]:
    """The functions that a macro makes for each of the three words."""
    macro = re.search(r"#define CC_DEFINE_ATOMICS\(NAME, T\)(.*?)\n\n", text, re.S)
    if not macro:
        return []
    lines: list[str] = []
    for prototype in re.findall(r"static inline (.*?\))\s*\{", macro[1], re.S):
        whole = " ".join(prototype.replace("\\", " ").split())
        each = [
            re.sub(r"\bT\b", kind, whole.replace("##NAME", word).replace("NAME", word))
            for word, kind in WORDS.items()
        ]
        lines += functions([one.replace("_##", "_").replace("##", "") for one in each], [])
    return lines


def reference_of(header: str) -> list[str]:
    text = (HEADERS / header).read_text().partition(END)[0]
    text = re.sub(r"^#ifdef CC_SCHED\n.*?^#(?:else|endif)$", "", text, flags=re.M | re.S)
    head, _, rest = text.partition("*/")
    lines = as_rst(without_stars(head + "*/")[2:])
    made = atomics_in(text)
    rest = re.sub(r"#define CC_DEFINE_ATOMICS.*?\n\n", "", rest, flags=re.S)
    about: list[str] = []
    rubric: list[str] = []
    for kind, piece in pieces(rest):
        if kind == "comment":
            title = re.fullmatch(r"/\* -+ (.*?)(?: -+)? \*/", piece.replace("\n * ", " "), re.S)
            if title:
                rubric, about = [f".. rubric:: {title[1]}", ""], []
            else:
                about = as_rst(without_stars(piece))
            continue
        others, found = other_declarations_in(piece), prototypes_in(piece)
        if others or found or made:
            lines += rubric
            rubric = []
        if found and not others:
            lines += functions(found, about)
        elif others or found:
            lines += about
            lines += [
                ".. code-block:: c",
                "",
                *("   " + line for each in others for line in each.splitlines()),
                "",
            ]
            for each in found:
                lines += functions([each], [])
        elif about and made:  # the comment of the macro that makes them
            lines += [*about, *made]
            made = []
        about = []
    return lines


class Header(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        header = self.arguments[0]
        self.env.note_dependency(str(HEADERS / header))
        node = nodes.section()
        node.document = self.state.document
        lines = StringList(reference_of(header), str(HEADERS / header))
        self.state.nested_parse(lines, self.content_offset, node)
        return node.children


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("header", Header)
    return {"parallel_read_safe": False}


if __name__ == "__main__":
    import sys

    print("\n".join(reference_of(sys.argv[1])))
