"""What all Python tests share. Helpers that tests import are in support.py beside this file."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import pytest

# pytest imports our files one by one (--import-mode=importlib), so that this directory is not on
# the path of itself.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import ordered_kinds
import queue_kinds
from support import threads_that_go_on

# A shell without job control starts its background commands with Ctrl-C ignored, and then CPython installs no handler: tests
# that interrupt themselves would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

try:
    import hypothesis
except ImportError:  # the environment for ThreadSanitizer runs tests/stress only
    pass
else:
    hypothesis.settings.register_profile(
        "default-run",
        deadline=None,
        derandomize=True,
        database=None,
        print_blob=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    # CC_HYPOTHESIS=search looks for new failures instead of repeating the same examples.
    hypothesis.settings.register_profile(
        "search",
        parent=hypothesis.settings.get_profile("default-run"),
        derandomize=False,
        max_examples=2000,
    )
    hypothesis.settings.load_profile(os.environ.get("CC_HYPOTHESIS", "default-run"))


def pytest_collection_finish():
    """Tests that collect garbage do not look at pytest's ten thousand tests each time, which takes a hundred times as long."""
    gc.collect()
    gc.freeze()


class AtOnce:
    """What failed is printed as it fails, not at the end, which a crash or a hang would take away.

    And the session ends where a failed test has left threads behind that go on: hooks for tests are the whole process's, so
    that such threads make other tests fail, one after another.
    """

    def __init__(self, config):
        self.config = config
        self.has_failed = False

    def pytest_runtest_logreport(self, report):
        if not report.failed:
            return
        self.has_failed = True
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        terminal.write_line(f"\nFAILED NOW {report.nodeid} ({report.when})")
        terminal.write_line(report.longreprtext)
        for title, text in report.sections:
            terminal.write_line(f"--- {title} ---\n{text}")
        terminal.flush()

    def pytest_runtest_logfinish(self, nodeid):
        failed, self.has_failed = self.has_failed, False
        if failed and (busy := threads_that_go_on()):
            names = ", ".join(thread.name for thread in busy)
            pytest.exit(f"{nodeid} failed and left threads that go on: {names}", returncode=1)


def pytest_configure(config):
    config.pluginmanager.register(AtOnce(config))


@pytest.fixture
def eager_switching():
    """On a GIL build threads change places often; without this they hardly ever overlap."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def counting():
    """Statistics are on while the test runs."""
    from concurrent_collections import config

    before = config.enable_statistics
    config.enable_statistics = True
    yield
    config.enable_statistics = before


@pytest.fixture
def no_failing_allocations():
    """Whatever a test arranges, allocations work again after it."""
    from support import hooks

    fail_from = hooks().fail_allocations_from
    yield fail_from
    fail_from(-1)


def smr_schemes():
    from concurrent_collections import get_build_info

    return get_build_info()["smr_schemes"]


@pytest.fixture(params=smr_schemes())
def smr_scheme(request):
    """The test runs once for each scheme of reclamation; containers that it makes use that scheme."""
    from concurrent_collections import config

    before = config.smr_scheme
    config.smr_scheme = request.param
    yield request.param
    config.smr_scheme = before


def pytest_generate_tests(metafunc):
    """Tests of ordered containers take their class as `Map` or `Set`, and so run once for each in ordered_kinds.py.

    Those that take both run with each map and the set of its kind. Those that only read, and are marked so, run with the frozen
    ones as well; those that are marked with `skip_lists_only` not with trees; those that are marked with `maps_too` with the
    classes of maps that it names.
    """
    found = {}
    for name, classes, frozen in (
        ("Map", ordered_kinds.MAPS, ordered_kinds.FROZEN_MAPS),
        ("Set", ordered_kinds.SETS, ordered_kinds.FROZEN_SETS),
    ):
        if name in metafunc.fixturenames:
            classes = ordered_kinds.of_file(metafunc.module.__name__, classes)
            if metafunc.definition.get_closest_marker("reads"):
                classes = classes + frozen
            if metafunc.definition.get_closest_marker("skip_lists_only"):
                classes = [cls for cls in classes if cls not in ordered_kinds.TREES]
            if name == "Map" and (also := metafunc.definition.get_closest_marker("maps_too")):
                classes = [*classes, *also.args]
            found[name] = classes
    if len({len(classes) for classes in found.values()}) == 1:
        of_a_kind = list(zip(*found.values(), strict=True))
        names = ["-".join(cls.__name__ for cls in classes) for classes in of_a_kind]
        values = of_a_kind if len(found) > 1 else [classes[0] for classes in of_a_kind]
        metafunc.parametrize(",".join(found), values, ids=names)
        return
    for name, classes in found.items():
        metafunc.parametrize(name, classes, ids=lambda cls: cls.__name__)


def pytest_collection_modifyitems(items):
    """Tests of queues that are about the order of items do not hold for a stack (queue_kinds.each_store)."""
    items[:] = [
        item
        for item in items
        if not item.get_closest_marker("queues_only")
        or item.callspec.params["Queue"].cls is not queue_kinds.StackAsQueue
    ]


@pytest.fixture
def collector_off():
    """Nothing is collected by itself. Python ignores what a signal's handler raises if it comes while the collector calls
    something written in Python: a callback of `gc.callbacks` (hypothesis has one), of a weak reference, a finalizer.
    """
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def alarm(collector_off):
    """`alarm(handler, seconds, interval=0)` arranges for signals; they end with the test."""

    def arrange(handler, seconds, interval=0.0):
        signal.signal(signal.SIGALRM, lambda number, frame: handler())
        signal.setitimer(signal.ITIMER_REAL, seconds, interval)

    before = signal.getsignal(signal.SIGALRM)
    remaining = signal.setitimer(signal.ITIMER_REAL, 0)[0]  # of pytest-timeout
    yield arrange
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    signal.setitimer(signal.ITIMER_REAL, remaining)
