"""Run the notebooks in kernels of their own, and say what is wrong with them. Called by tools/notebooks.

The files in docs/notebooks have no outputs: nothing there can be out of date, and a change reads as a change. What a run
has shown goes to a directory outside of the tree, from where docs/_ext/of_notebooks.py takes it for the site.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "docs/notebooks"
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
SECONDS_OF_A_CELL = 300  # and of the start of a kernel: then it hangs

Notebook = dict[str, Any]


def source_of(cell: Notebook) -> str:
    return "".join(cell["source"])


def cleaned(notebook: Notebook) -> Notebook:
    """What is committed: cells and their names, nothing that a run or an editor has left."""
    cells = []
    for cell in notebook["cells"]:
        kept = {
            "cell_type": cell["cell_type"],
            "id": cell["id"],
            "metadata": {},
            "source": source_of(cell).rstrip("\n").splitlines(keepends=True),
        }
        if cell["cell_type"] == "code":
            kept |= {"execution_count": None, "outputs": []}
        cells.append(dict(sorted(kept.items())))
    return {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}


def text_of(notebook: Notebook) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def complaints_about_form(text: str) -> Iterator[str]:
    """What is wrong with a notebook that nobody has run."""
    notebook = json.loads(text)
    if text != text_of(cleaned(notebook)):
        yield "it has outputs or what an editor has left: tools/notebooks --clean"
    cells = notebook["cells"]
    if not cells or not re.match(r"# \S.*\n", source_of(cells[0])):
        yield "its first cell does not begin with a title"
    prose = "\n".join(source_of(cell) for cell in cells if cell["cell_type"] == "markdown")
    for words in (
        "**The question.**",
        "**The measurement.**",
        "## What it means",
        "## What it does not say",
    ):
        if words not in prose:
            yield f"it has no “{words}”"
    names = [cell["id"] for cell in cells]
    if len(names) != len(set(names)):
        yield "two cells have one id"
    for target in re.findall(r"\]\((?!\w+:)([^)#]+)", prose):
        if not (NOTEBOOKS / target).exists():
            yield f"it links to {target}: there is no such file"


def complaints_about_run(notebook: Notebook) -> Iterator[str]:
    """What is wrong with one that has been run to its end."""
    outputs = [
        (cell, output)
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
    ]
    if any(
        cell["execution_count"] is None for cell in notebook["cells"] if cell["cell_type"] == "code"
    ):
        yield "a cell has not been run"
    if not any("image/png" in output.get("data", {}) for _, output in outputs):
        yield "it has shown no picture"
    for cell, output in outputs:
        if output["output_type"] == "error":
            yield f"cell {cell['id']}: {output['ename']}: {output['evalue']}"
        if output.get("name") == "stderr":
            yield f"cell {cell['id']} has written to standard error: {''.join(output['text'])}"


def run(path: Path) -> tuple[Notebook, list[str]]:
    """The notebook with its outputs, and what is wrong with it."""
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(
        notebook,
        timeout=SECONDS_OF_A_CELL,
        startup_timeout=SECONDS_OF_A_CELL,
        allow_errors=True,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
        kernel_name="python3",
        # It warns of TCP, which stays on this machine.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute()
    except (TimeoutError, RuntimeError) as error:  # a cell hangs; the kernel has died
        return notebook, [f"{type(error).__name__}: {error}"]
    return notebook, list(complaints_about_run(notebook))


def main() -> int:
    into, *names = sys.argv[1:]
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    if names == ["--clean"]:
        for path in paths:
            path.write_text(
                text_of(cleaned(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8"
            )
        return 0
    if names:
        paths = [path for path in paths if path.stem in names]
    else:
        shutil.rmtree(into, ignore_errors=True)
    Path(into).mkdir(parents=True, exist_ok=True)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # in the kernels: the tree stays clean
    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        os.environ[variable] = str(
            Path(into).parent / "jupyter"
        )  # no settings of whoever runs this
    passed = failed = 0
    for path in paths:
        began = time.monotonic()
        complaints = list(complaints_about_form(path.read_text(encoding="utf-8")))
        notebook, more = run(path)
        (Path(into) / path.name).write_text(text_of(notebook), encoding="utf-8")
        complaints += more
        failed += bool(complaints)
        passed += not complaints
        print(
            f"{path.stem}: {'; '.join(complaints) or 'ran'} ({time.monotonic() - began:.1f} s)",
            flush=True,
        )
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
