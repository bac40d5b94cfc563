"""The package around the classes: configuration, build information, and the GIL that stays off."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support import HAS_NO_GIL, run_program

import concurrent_collections
from concurrent_collections import (
    SkipListMap,
    SkipListSet,
    _core,
    _counters,
    _frozen,
    _ordered,
    _queues,
    _stack,
    _sync,
    config,
    smr,
)

READ_ONLY = [
    "gil_enabled",
    "detected_arch",
    "detected_features",
    "available_queue_backends",
    "smr_scheme_in_use",
]
WRITABLE = [
    "queue_backend",
    "smr_scheme",
    "smr_signal",
    "retire_threshold",
    "max_reclaim_per_poll",
    "enable_statistics",
    "enable_contention_stats",
]


@pytest.fixture(autouse=True)
def same_configuration_afterwards():
    before = {name: getattr(config, name) for name in WRITABLE}
    yield
    for name, value in before.items():
        setattr(config, name, value)


class TestReading:
    def test_the_gil_is_reported_as_it_is(self):
        actual = getattr(sys, "_is_gil_enabled", lambda: True)()
        assert config.gil_enabled is actual

    def test_the_architecture_and_its_features_are_named(self):
        assert isinstance(config.detected_arch, str)
        assert config.detected_arch
        assert all(isinstance(feature, str) for feature in config.detected_features)

    def test_there_is_at_least_one_queue_backend(self):
        assert len(config.available_queue_backends) >= 1

    @pytest.mark.parametrize("name", READ_ONLY)
    def test_what_is_detected_cannot_be_written(self, name):
        with pytest.raises(AttributeError):
            setattr(config, name, getattr(config, name))

    def test_what_is_detected_cannot_be_changed_in_place(self):
        for name in ("available_queue_backends", "detected_features"):
            before = list(getattr(config, name))
            try:
                getattr(config, name).clear()
            except (AttributeError, TypeError):
                pass
            assert list(getattr(config, name)) == before

    def test_a_misspelled_setting_is_an_error(self):
        with pytest.raises(AttributeError):
            config.retire_treshold = 10


class TestWriting:
    def test_schemes_are_checked_and_the_choices_named(self):
        with pytest.raises(ValueError) as caught:
            config.smr_scheme = "nonsense"
        assert "ibr" in str(caught.value)
        assert "nonsense" in str(caught.value)
        config.smr_scheme = "ibr"
        assert config.smr_scheme == config.smr_scheme_in_use == "ibr"
        assert SkipListMap().smr_scheme == SkipListSet().smr_scheme == "ibr"

    def test_containers_keep_the_scheme_that_they_were_made_with(self):
        old = SkipListMap({1: 2})
        config.smr_scheme = "debra"
        new = SkipListSet([1])
        assert old.smr_scheme == "ibr"
        assert new.smr_scheme == config.smr_scheme_in_use
        if sys.platform == "linux" and "TSAN_OPTIONS" not in os.environ:
            assert new.smr_scheme == "debra"

    @pytest.mark.skipif(sys.platform != "linux", reason="the signal is for debra alone")
    def test_a_signal_that_cannot_be_used_is_refused(self):
        config.smr_scheme = "debra"
        if config.smr_scheme_in_use != "debra":
            pytest.skip("no debra here")
        for wrong in (signal.SIGKILL, signal.SIGSTOP, 33, 65, -1, "12", 1.5, True, None):
            with pytest.raises(ValueError, match="smr_signal"):
                config.smr_signal = wrong
        taken = signal.signal(signal.SIGUSR2, lambda *_: None)
        try:
            with pytest.raises(ValueError, match="another handler"):
                config.smr_signal = signal.SIGUSR2
        finally:
            signal.signal(signal.SIGUSR2, taken)
        config.smr_signal = signal.SIGRTMIN + 9
        assert SkipListMap({1: 2})[1] == 2

    def test_queue_backends_are_checked_and_the_choices_named(self):
        with pytest.raises(ValueError) as caught:
            config.queue_backend = "nonsense"
        for choice in config.available_queue_backends:
            assert choice in str(caught.value)
        for choice in config.available_queue_backends:
            config.queue_backend = choice
            assert config.queue_backend == choice

    @pytest.mark.parametrize("name", ["smr_scheme", "queue_backend"])
    @pytest.mark.parametrize("wrong", [None, 1, "", "IBR ", b"ibr"])
    def test_choices_of_other_types_are_refused(self, name, wrong):
        before = getattr(config, name)
        with pytest.raises((ValueError, TypeError)):
            setattr(config, name, wrong)
        assert getattr(config, name) == before

    @pytest.mark.parametrize("name", ["retire_threshold", "max_reclaim_per_poll"])
    def test_numbers_are_checked(self, name):
        setattr(config, name, 17)
        assert getattr(config, name) == 17
        for wrong in (-1, 0, 2**80):
            with pytest.raises(ValueError):
                setattr(config, name, wrong)
        for wrong in ("many", 1.5, None):
            with pytest.raises((ValueError, TypeError)):
                setattr(config, name, wrong)
        assert getattr(config, name) == 17

    @pytest.mark.parametrize("name", ["enable_statistics", "enable_contention_stats"])
    def test_switches_are_switches(self, name):
        for value in (True, False):
            setattr(config, name, value)
            assert getattr(config, name) is value

    @pytest.mark.parametrize("name", WRITABLE)
    def test_settings_cannot_be_deleted(self, name):
        # NotImplementedError is what Cython's properties without a deleter say.
        with pytest.raises((AttributeError, TypeError, NotImplementedError)):
            delattr(config, name)

    def test_a_map_works_under_any_retirement_settings(self):
        for threshold in (1, 2, 1000):
            config.retire_threshold = threshold
            config.max_reclaim_per_poll = threshold
            m = concurrent_collections.SkipListMap()
            for key in range(500):
                m[key] = key
                m[key] = None
                m.delete(key - 3)
            assert list(m) == [497, 498, 499]


SHOW = "import concurrent_collections as c; print(c.config.{})"


class TestEnvironment:
    def test_the_scheme_can_be_set_from_outside(self, tmp_path):
        result = run_program(
            SHOW.format("smr_scheme"), cwd=tmp_path, CONCURRENT_COLLECTIONS_SMR_SCHEME="ibr"
        )
        assert result.stdout.strip() == "ibr", result.stderr

    def test_the_queue_backend_can_be_set_from_outside(self, tmp_path):
        for backend in config.available_queue_backends:
            result = run_program(
                SHOW.format("queue_backend"),
                cwd=tmp_path,
                CONCURRENT_COLLECTIONS_QUEUE_BACKEND=backend,
            )
            assert result.stdout.strip() == backend, result.stderr

    def test_code_overrides_the_environment(self, tmp_path):
        first, last = config.available_queue_backends[0], config.available_queue_backends[-1]
        result = run_program(
            f"import concurrent_collections as c; c.config.queue_backend = {last!r};"
            "print(c.config.queue_backend)",
            cwd=tmp_path,
            CONCURRENT_COLLECTIONS_QUEUE_BACKEND=first,
        )
        assert result.stdout.strip() == last, result.stderr

    @pytest.mark.parametrize("name", ["SMR_SCHEME", "QUEUE_BACKEND"])
    def test_a_wrong_value_from_outside_is_a_value_error_that_says_which(self, tmp_path, name):
        variable = f"CONCURRENT_COLLECTIONS_{name}"
        result = run_program(SHOW.format(name.lower()), cwd=tmp_path, **{variable: "nonsense"})
        assert result.returncode != 0
        assert "ValueError" in result.stderr
        assert variable in result.stderr
        assert "nonsense" in result.stderr

    @pytest.mark.parametrize("name", ["SMR_SCHEME", "QUEUE_BACKEND"])
    def test_an_empty_variable_is_as_none(self, tmp_path, name):
        program = SHOW.format(name.lower())
        unset = run_program(program, cwd=tmp_path)
        empty = run_program(program, cwd=tmp_path, **{f"CONCURRENT_COLLECTIONS_{name}": ""})
        assert empty.returncode == 0, empty.stderr
        assert empty.stdout == unset.stdout


class TestInformation:
    def test_print_config_shows_every_setting(self, capsys):
        concurrent_collections.print_config()
        shown = capsys.readouterr().out
        for name in READ_ONLY + WRITABLE:
            assert name in shown

    def test_the_build_information_names_the_allocator(self):
        information = concurrent_collections.get_build_info()
        assert isinstance(information, dict)
        assert any("alloc" in key for key in information)

    def test_the_headers_are_where_get_include_says(self):
        headers = Path(concurrent_collections.get_include()) / "concurrent_collections"
        assert list(headers.glob("*.h"))

    def test_it_has_a_version_and_names_what_it_offers(self):
        assert concurrent_collections.__version__
        for name in concurrent_collections.__all__:
            assert hasattr(concurrent_collections, name)
        assert {"SkipListMap", "SkipListSet", "config"} <= set(concurrent_collections.__all__)

    def test_it_is_typed(self):
        assert (Path(concurrent_collections.__file__).parent / "py.typed").exists()


class TestHooks:
    """What only tests need is in builds for tests; users get a module that has nothing of it."""

    NAMES = ("_test_hooks", "StalledReader", "stalled_reader", "call_while_waiting", "fail_from")

    def test_the_module_says_whether_it_has_them(self):
        has_hooks = concurrent_collections.get_build_info()["test_hooks"]
        assert has_hooks is hasattr(_core, "_test_hooks")

    def test_a_plain_build_has_nothing_of_them(self):
        if concurrent_collections.get_build_info()["test_hooks"]:
            pytest.skip("this build is for tests; the stage plain runs this on what users get")
        for module in (_core, _counters, _frozen, _ordered, _queues, _stack, _sync):
            library = Path(module.__file__).read_bytes()
            assert [name for name in self.NAMES if name.encode() in library] == []
        for owner in (_core, _queues._Queue, _stack.LockFreeStack, SkipListMap, SkipListSet):
            assert not {"_check", "_sleeps", "_call_while_waiting"} & set(dir(owner))

    def test_a_build_for_tests_has_them_all(self):
        if not concurrent_collections.get_build_info()["test_hooks"]:
            pytest.skip("this build has no test hooks; tools/install makes one (-Dtest_hooks=true)")
        library = Path(_core.__file__).read_bytes()
        assert [name for name in self.NAMES[:2] if name.encode() not in library] == []
        hooks = _core._test_hooks
        assert SkipListMap({1: 2}) and hooks.check(SkipListMap({1: 2, 3: 4})) is None
        with pytest.raises(TypeError):
            hooks.check([1, 2])
        with pytest.raises(TypeError):
            hooks.StalledReader({})
        with pytest.raises(TypeError):
            hooks.check(concurrent_collections.LockFreeQueue())


class TestModules:
    """Each family is an extension module of its own, over the one copy of the core in `_core`."""

    def test_public_classes_belong_to_the_package(self):
        for name in concurrent_collections.__all__:
            thing = getattr(concurrent_collections, name)
            if isinstance(thing, type) and name not in ("Config", "Empty", "Full", "ShutDown"):
                assert thing.__module__ == "concurrent_collections"
                # The others are made of objects, of counters, or hold nothing.
                assert issubclass(thing, _core._Container) or name in (
                    "AccessTracker",
                    "Comparator",
                    "Stats",
                )

    def test_the_base_class_makes_no_instances(self):
        with pytest.raises(TypeError, match="_Container"):
            _core._Container()
        with pytest.raises(TypeError, match="_Container"):
            object.__new__(_core._Container)

    def test_no_class_derives_from_two_containers(self):
        kinds = [SkipListMap, SkipListSet, concurrent_collections.LockFreeQueue]
        kinds.append(concurrent_collections.LockFreeStack)
        kinds += [concurrent_collections.AtomicCounter, concurrent_collections.StripedCounter]
        kinds += [concurrent_collections.Semaphore, concurrent_collections.FrozenSkipListMap]
        for one in kinds:
            for another in kinds:
                if one is not another:
                    with pytest.raises(TypeError, match=r"lay-?out"):
                        type("Both", (one, another), {})

    def test_what_has_no_reclamation_of_its_own_has_no_statistics(self):
        for wrong in (concurrent_collections.LockFreeQueue(), {}, 1, _core._Container):
            with pytest.raises(TypeError, match="container"):
                smr.stats(wrong)

    def test_a_class_that_says_not_what_is_inside_has_no_instances(self):
        class Bare(_core._Container):
            pass

        with pytest.raises(TypeError, match="Bare is not to be instantiated"):
            Bare()

    @pytest.mark.parametrize(
        "family", ["_counters", "_frozen", "_ordered", "_queues", "_stack", "_sync"]
    )
    def test_a_module_of_another_build_is_refused(self, tmp_path, family):
        program = (
            "import ctypes, importlib, importlib.util, sys, types\n"
            "package = types.ModuleType('concurrent_collections')  # without its __init__\n"
            "spec = importlib.util.find_spec('concurrent_collections')\n"
            "package.__path__ = spec.submodule_search_locations\n"
            "sys.modules['concurrent_collections'] = package\n"
            "from concurrent_collections import _core\n"
            "new = ctypes.pythonapi.PyCapsule_New\n"
            "new.restype = ctypes.py_object\n"
            "new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]\n"
            "table = ctypes.create_string_buffer(4096)\n"
            "name = b'concurrent_collections._core._core_functions'\n"
            "_core._core_functions = new(ctypes.addressof(table), name, None)\n"
            f"importlib.import_module('concurrent_collections.{family}')\n"
        )
        result = run_program(program, cwd=tmp_path)
        assert result.returncode == 1
        assert "ImportError: the modules of concurrent_collections are of different builds" in (
            result.stderr
        )


class TestImport:
    def test_the_source_directory_says_what_to_do(self, tmp_path):
        package = tmp_path / "source" / "concurrent_collections"
        sources = Path(__file__).parents[2] / "concurrent_collections"
        if not sources.is_dir():
            pytest.skip("the tests are not in a checkout")
        shutil.copytree(sources, package, ignore=shutil.ignore_patterns("__pycache__"))
        for before in (
            "",
            "import concurrent_collections.smr",
            "from concurrent_collections import flush",
        ):
            result = subprocess.run(
                [sys.executable, "-c", before or "import concurrent_collections"],
                capture_output=True,
                text=True,
                timeout=120,
                cwd=package.parent,
            )
            assert result.returncode == 1
            error = result.stderr.splitlines()[-1]
            assert error.startswith(f"ImportError: {package} is the source of")
            assert f"pip install {package.parent}" in error
            assert "-P" in error
            assert "partially initialized" not in result.stderr
            assert "During handling" not in result.stderr

    @pytest.mark.parametrize("another", ["_core.cpython-37m-x86_64-linux-gnu.so", None])
    def test_a_package_of_another_interpreter_says_so(self, tmp_path, another):
        installed = Path(concurrent_collections.__file__).parent
        no_core = shutil.ignore_patterns("__pycache__", "_core.*", "include")
        package = tmp_path / "concurrent_collections"
        shutil.copytree(installed, package, ignore=no_core)
        if another:
            (package / another).touch()
        result = run_program(
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import concurrent_collections",
            cwd=tmp_path,
        )
        error = result.stderr.splitlines()[-1]
        assert error.startswith("ImportError: concurrent_collections in")
        assert "built for another interpreter: this one needs _core." in error
        assert (another or "none of the kind") in error

    def test_an_extension_module_that_cannot_be_loaded_says_itself_why(self, tmp_path):
        installed = Path(concurrent_collections.__file__).parent
        package = tmp_path / "concurrent_collections"
        no_core = shutil.ignore_patterns("__pycache__", "_core.*", "include")
        shutil.copytree(installed, package, ignore=no_core)
        (package / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}").write_text("no library")
        result = run_program(
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import concurrent_collections",
            cwd=tmp_path,
        )
        error = result.stderr.splitlines()[-1]
        assert error.startswith("ImportError: ")
        # The system's loader names the file; that of Windows only says what is wrong with it.
        assert ("_core" if sys.platform == "win32" else str(package / "_core.")) in error

    @pytest.mark.skipif(not HAS_NO_GIL, reason="this build has a GIL")
    def test_importing_keeps_the_gil_off(self, tmp_path):
        program = (
            "import sys, warnings; warnings.simplefilter('error')\n"
            "import concurrent_collections\n"
            "print(sys._is_gil_enabled(), concurrent_collections.config.gil_enabled)\n"
        )
        environment = {"PYTHON_GIL": ""}
        result = run_program(program, cwd=tmp_path, **environment)
        assert result.stdout.split() == ["False", "False"], result.stderr

    def test_importing_starts_no_thread_and_imports_little(self, tmp_path):
        program = (
            "import sys, threading, collections.abc\n"
            "before = set(sys.modules)\n"
            "import concurrent_collections\n"
            "assert threading.active_count() == 1\n"
            "assert not {'asyncio', 'typing', 'inspect'} & (set(sys.modules) - before)\n"
            "assert 'numpy' not in sys.modules\n"
        )
        result = run_program(program, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
