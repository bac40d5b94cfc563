"""Find the CPythons of a machine, with their headers: for run_tests.py and run_wheels.py."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

IS_USABLE = (
    "import os, sys, sysconfig, venv, ensurepip;"
    "assert os.path.exists(sysconfig.get_path('include') + '/Python.h');"
    "assert '%d.%d' % sys.version_info[:2] + sys.abiflags.replace('d', '') == {version!r};"
    "print(sys._base_executable)"
)


def find(version: str) -> Path | None:
    """The interpreter of a version such as "3.12", "3.13t" or "3.13t-musl", or None.

    Looked for on the path, with pyenv, and among those that tools/bootstrap has built: of musl only there.
    """
    name = version.removesuffix("-musl")
    built = Path(os.environ.get("CC_CACHE", "/nonexistent")) / f"python{version}/bin/python{name}"
    candidates = [built if built.exists() else None]
    if name == version:
        number = name.removesuffix("t")
        candidates += [shutil.which(f"python{name}")]
        candidates += sorted(Path.home().glob(f".pyenv/versions/{number}.*/bin/python{name}"))
        candidates += [os.environ.get("CC_PYTHON_FT"), os.environ.get("CC_PYTHON_GIL")]
    for candidate in filter(None, candidates):
        command = [candidate, "-c", IS_USABLE.format(version=name)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode == 0:
            return Path(result.stdout.strip())
    return None
