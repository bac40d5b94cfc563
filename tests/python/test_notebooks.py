"""The notebooks have the form that docs/contributing.md asks for, and what is wrong with one is noticed.

That they run is the stage docs: tools/docs runs all of them first (tools/notebooks).
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


run_notebooks = load("run_notebooks", "tools/run_notebooks.py")

PICTURE = {"output_type": "display_data", "data": {"image/png": "aGk="}, "metadata": {}}


def notebook(*cells):
    return {
        "cells": [
            {"cell_type": kind, "id": f"cell-{i}", "metadata": {}, "source": source}
            | ({"execution_count": None, "outputs": []} if kind == "code" else {})
            for i, (kind, source) in enumerate(cells)
        ]
    }


def good(title="# Why?\n", more=""):
    story = "**The question.** **The measurement.**\n\n## What it means\n\n## What it does not say"
    return run_notebooks.cleaned(
        notebook(("markdown", f"{title}\n{story}{more}"), ("code", "1 + 1"))
    )


def complaints(of):
    return " ".join(run_notebooks.complaints_about_form(run_notebooks.text_of(of)))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_form_of_a_notebook(path):
    assert not list(run_notebooks.complaints_about_form(path.read_text(encoding="utf-8")))


def test_every_notebook_is_listed():
    text = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    names = [path.stem for path in NOTEBOOKS]
    assert sorted(re.findall(r"\]\(notebooks/(\w+)\.ipynb\) \| ", text)) == names
    assert sorted(re.findall(r"^notebooks/(\w+)$", text, re.MULTILINE)) == sorted([*names, "index"])


def test_what_is_wrong_with_the_form_is_said():
    assert not complaints(good())
    assert "title" in complaints(good(title="Why?\n"))
    assert "no such file" in complaints(good(more=" [here](nowhere.md)"))
    assert not complaints(good(more=" [here](../smr.md#debra) [there](https://a.b/c)"))
    without = good()
    without["cells"][0]["source"] = ["# Why?\n", "**The question.**"]
    assert "What it means" in complaints(without)
    twice = good()
    twice["cells"][1]["id"] = twice["cells"][0]["id"]
    assert "one id" in complaints(twice)


@pytest.mark.parametrize(
    "left", [{"outputs": [PICTURE]}, {"execution_count": 3}, {"metadata": {"tags": ["mine"]}}]
)
def test_what_a_run_leaves_is_refused_and_cleaned(left):
    left_over = good()
    left_over["cells"][1].update(left)
    assert "--clean" in complaints(left_over)
    assert run_notebooks.cleaned(left_over) == good()


def test_what_goes_wrong_in_a_run_is_said():
    def said(outputs, count=1):
        ran = good()
        ran["cells"][1].update(execution_count=count, outputs=outputs)
        return " ".join(run_notebooks.complaints_about_run(ran))

    error = {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "by zero"}
    warning = {"output_type": "stream", "name": "stderr", "text": ["a warning"]}
    assert not said([PICTURE])
    assert "no picture" in said([])
    assert "cell-1: ZeroDivisionError: by zero" in said([PICTURE, error])
    assert "a warning" in said([PICTURE, warning])
    assert "not been run" in said([PICTURE], count=None)


@pytest.mark.slow
def test_a_notebook_runs_in_a_kernel(tmp_path):
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    path = tmp_path / "one.ipynb"
    of = good()
    of["cells"][1]["source"] = ["import sys\n", "print(sys.version)\n", "1 / 0"]
    path.write_text(json.dumps(of))
    ran, wrong = run_notebooks.run(path)
    assert ran["cells"][1]["outputs"][0]["text"].strip() == sys.version
    assert any("ZeroDivisionError" in one for one in wrong)


def test_the_site_shows_what_a_run_has_shown():
    pytest.importorskip("myst_parser")
    of_notebooks = load("of_notebooks", "docs/_ext/of_notebooks.py")
    ran = good()
    printed = {"output_type": "stream", "name": "stdout", "text": ["1 < 2\n"]}
    picture = PICTURE | {"data": PICTURE["data"] | {"text/plain": 'what "it" shows'}}
    ran["cells"][1].update(outputs=[printed, picture])
    page = of_notebooks.page_of(ran, "one.ipynb")
    assert page.startswith("# Why?\n\n{download}`one.ipynb <one.ipynb>`")
    assert "````python\n1 + 1\n````" in page
    assert "````text\n1 < 2\n````" in page
    assert 'alt="what &quot;it&quot; shows" src="data:image/png;base64,aGk="' in page
