"""Sub-interpreters are refused, whatever their kind, and the main interpreter does not suffer."""

from __future__ import annotations

import json

import pytest
from support import run_program

REFUSAL = (
    "concurrent_collections cannot be imported in a sub-interpreter, only in the main interpreter"
)

PROGRAM = """
import importlib, json, os, sys

for name in ("_interpreters", "_xxsubinterpreters"):
    try:
        interpreters = importlib.import_module(name)
        break
    except ImportError:
        pass
else:
    sys.exit("no sub-interpreters here")

kind, statements, main_imports = json.loads(sys.argv[1])
if main_imports == "before":
    import concurrent_collections
if name == "_interpreters":
    interpreter = interpreters.create(kind)
else:
    interpreter = interpreters.create(isolated=kind == "isolated")
reader, writer = os.pipe()
code = f'''
import json, os, sys
sys.path[:] = {sys.path!r}
outcome = "imported"
try:
    {statements}
except ImportError as error:
    outcome = str(error)
os.write({writer}, outcome.encode())
'''
if name == "_interpreters":
    interpreters.exec(interpreter, code)
else:
    interpreters.run_string(interpreter, code)
os.close(writer)
outcome = os.read(reader, 10000).decode()
interpreters.destroy(interpreter)

if main_imports != "never":
    from concurrent_collections import SkipListMap, flush
    m = SkipListMap({1: "a", 2: "b"})
    del m[1]
    assert list(m.items()) == [(2, "b")] and flush() == 0
print(outcome)
"""

PACKAGE = "import concurrent_collections"
# What is left when the package cannot find out where it is: the extension module alone.
MODULE = (
    "import importlib.util, types; "
    "spec = importlib.util.find_spec('concurrent_collections', None); "
    "package = types.ModuleType('concurrent_collections'); "
    "package.__path__ = spec.submodule_search_locations; "
    "sys.modules['concurrent_collections'] = package; "
    "import concurrent_collections._core"
)


def outcome_of(kind, statements, main_imports):
    result = run_program(PROGRAM, json.dumps([kind, statements, main_imports]))
    if "no sub-interpreters here" in result.stderr:
        pytest.skip("this Python has no module for sub-interpreters")
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("kind", ["isolated", "legacy"])
@pytest.mark.parametrize("main_imports", ["before", "after"])
def test_a_sub_interpreter_is_refused_and_main_does_not_suffer(kind, main_imports):
    assert outcome_of(kind, PACKAGE, main_imports) == REFUSAL


def test_the_extension_module_refuses_an_isolated_one_by_itself():
    assert "does not support loading in subinterpreters" in outcome_of("isolated", MODULE, "before")


def test_the_extension_module_refuses_a_legacy_one_by_itself():
    assert "one interpreter per process" in outcome_of("legacy", MODULE, "before")
    assert outcome_of("legacy", MODULE, "never") == REFUSAL
