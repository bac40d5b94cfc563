"""Build the example projects of docs/examples/extension as their readers would, and run what they build.

    python -P tests/cimport/build_examples.py DIRECTORY

pip builds each of them in a copy, against the installed concurrent_collections, without build isolation.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "docs/examples/extension"
KINDS = ("setuptools", "meson")
EXPECTED = "[(3, 8000), (4, 4000), (5, 12000), (6, 4000)]\n"


def main() -> None:
    directory = Path(sys.argv[1]).resolve()
    sources = {(EXAMPLES / kind / "totals.pyx").read_text() for kind in KINDS}
    assert len(sources) == 1, "the two projects differ in totals.pyx"
    expected = EXPECTED
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        expected += "and the GIL is still off\n"
    # Meson and ninja are looked for on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for kind in KINDS:
        project, target = directory / kind, directory / f"{kind}-installed"
        for old in (project, target):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(EXAMPLES / kind, project)
        command = [sys.executable, "-P", "-m", "pip", "install", "--quiet", "--no-build-isolation"]
        command += ["--no-deps", "--no-index", "--target", target, project]
        subprocess.run(list(map(str, command)), check=True, env={**os.environ, "PATH": path})
        printed = subprocess.run(
            [sys.executable, "-P", EXAMPLES / "try_it.py"],
            check=True,
            env={**os.environ, "PYTHONPATH": str(target)},
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        assert printed == expected, f"the project with {kind} prints {printed}"
        print(f"the project with {kind} works")


if __name__ == "__main__":
    main()
