"""The documentation site: `tools/docs` builds it.

Its sources are the pages of docs/ and some of other folders, each where it stands, so that a link that works in
the tree works on the site too. docs/_ext writes the reference from the stubs, the docstrings and the headers.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs/_ext"))

project = "concurrent_collections"
author = copyright = "The concurrent_collections developers"
version = release = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "of_python",
    "of_c",
    "of_core",
    "of_notebooks",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "*.md",
    "tools/README.md",
    "tla/README.md",
    "tests/c/schedules/README.md",
    "tests/c/mutations/README.md",
]
exclude_patterns = ["docs/examples/**/*.md"]
source_suffix = {".md": "markdown", ".ipynb": "notebook"}
myst_heading_anchors = 4
default_role = "code"  # `x` in a docstring
highlight_language = "text"
copybutton_prompt_text = ">>> |... "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"concurrent_collections {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
