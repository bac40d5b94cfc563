"""Notebooks as pages: the text and code of docs/notebooks, and what the last run of tools/notebooks has shown.

The config value `notebooks_run` is the directory with the notebooks as they ran. A notebook that did not run is a warning.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def text_in(value: str | list[str]) -> str:
    return "".join(value)


def fenced(language: str, text: str) -> str:
    return f"````{language}\n{text.rstrip()}\n````\n"


def as_markdown(outputs: list[dict[str, Any]]) -> Iterator[str]:
    """What a cell has printed and drawn."""
    for output in outputs:
        data = output.get("data", {})
        if "image/png" in data:
            sentence = html.escape(text_in(data.get("text/plain", "")))
            png = text_in(data["image/png"]).replace("\n", "")
            image = f'<img class="of-notebook" alt="{sentence}" src="data:image/png;base64,{png}">'
            yield fenced("{raw} html", f"<p>{image}</p>")
        elif text := text_in(output.get("text", data.get("text/plain", ""))):
            yield fenced("text", re.sub(r"\x1b\[[\d;]*m", "", text))  # without rich's colours


def page_of(notebook: dict[str, Any], file: str) -> str:
    """The notebook as MyST Markdown; under its title stands where to get it."""
    parts = []
    for cell in notebook["cells"]:
        text = text_in(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text + "\n")
        else:
            parts += [fenced("python", text), *as_markdown(cell["outputs"])]
    title, _, rest = parts[0].partition("\n")
    said = f"{{download}}`{file} <{file}>` opens in Jupyter; this page shows one run of it, a short one."
    return "\n".join([title, "", said, rest, *parts[1:]])


class NotebookParser(MystParser):
    """A notebook, by way of Markdown."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        source = Path(document.current_source or document["source"])
        directory = document.settings.env.config.notebooks_run
        run = Path(directory, source.name) if directory else None
        if run is not None and run.exists():
            inputstring = run.read_text(encoding="utf-8")
        else:
            logger.warning("%s has not been run: tools/notebooks", source.name)
        super().parse(page_of(json.loads(inputstring), source.name), document)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("notebooks_run", "", "env")
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True}
