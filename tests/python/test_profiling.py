"""Profiles: what each view shows is what has happened, and nothing is left behind."""

from __future__ import annotations

import builtins
import gc
import io
import itertools
import json
import os
import subprocess
import sys
import threading
import weakref

import pytest
from support import HookedKey, run_copies, run_program, stalled_reader, until

from concurrent_collections import (
    FastQueue,
    LockFreeQueue,
    LockFreeStack,
    SkipListMap,
    SkipListSet,
    WaitFreeQueue,
    _profile_samples,
    config,
    flush,
    profiling,
    smr,
)
from concurrent_collections._profile_samples import Series, Stalls
from concurrent_collections.profiling import profile

SELDOM = 60  # seconds: no sample but the first and the last


def raise_when_compared(keys, error):
    def hook(a, b):
        raise error

    for key in keys:
        key.hook = hook


ALL_IS_RELEASED = """\
from concurrent_collections import SkipListMap
from concurrent_collections.profiling import profile
with profile(period=60) as p:
    m = SkipListMap((n, n) for n in range(2000))
    m.clear()
    for n in range(100):  # some of these wait
        m[n % 5] = n
of = p.views["memory"]["process"]
assert of["retired"] >= 2000, of
assert of["neither_released_nor_waiting"] == 0, of
"""


class TestViews:
    def test_a_map(self):
        m = SkipListMap()
        with profile(m, period=SELDOM) as p:
            m.update((n, n) for n in range(1000))
            m.clear()
            m.update((n, n) for n in range(300))
        of = p.views["skiplist"]["SkipListMap #1"]
        assert of["entries"] == 300 == of["levels"][0]
        assert of["levels"] == sorted(of["levels"], reverse=True)
        assert sum(of["towers_by_height"].values()) == 300
        assert sum(int(h) * n for h, n in of["towers_by_height"].items()) == sum(of["levels"])
        assert p.views["skiplist"]["process"]["retries"] >= 0
        of = p.views["smr"]["SkipListMap #1"]
        assert of["scheme"] == m.smr_scheme
        assert of["eras"] > 0
        assert 0 <= of["waiting"] <= of["most_waiting"]
        assert of["stalls"] == 0

    def test_memory(self):
        flush()
        with profile(period=SELDOM) as p:
            m = SkipListMap((n, n) for n in range(5000))
            for n in range(0, 5000, 2):
                del m[n]
            flush()
        of = p.views["memory"]["process"]
        assert of["containers"] >= of["containers_before"] + 1
        assert of["retired"] >= 2500
        assert sum(of["blocks_in_use_by_bytes"].values()) >= 2500
        assert 0 <= of["fragmentation"] < 1

    def test_what_is_retired_is_released_or_waits(self):
        # In a process of its own, where no other thread retires anything while the figures are read.
        done = run_program(ALL_IS_RELEASED)
        assert done.returncode == 0, done.stderr

    def test_comparisons_are_timed_by_type(self):
        m = SkipListMap((n if n % 2 else float(n), n) for n in range(100))
        words = SkipListSet(map(str, range(50)), comparator=None)
        with profile(m, words, period=SELDOM, probe=60) as p:
            pass
        of = p.views["comparator"]["SkipListMap #1"]
        assert of["nanoseconds_by_type"]["float and int"]["comparisons"] == 59
        assert (
            p.views["comparator"]["SkipListSet #1"]["nanoseconds_by_type"]["str"]["comparisons"]
            == len(words) - 1
        )
        assert of["comparisons_that_raised"] == 0
        with profile(m, period=SELDOM, probe=0) as p:
            pass
        assert (
            not p.views.get("comparator", {}).get("SkipListMap #1", {}).get("nanoseconds_by_type")
        )

    def test_keys_that_raise_are_counted(self):
        keys = [HookedKey(n) for n in range(10)]
        m = SkipListMap((key, None) for key in keys)
        raise_when_compared(keys, ZeroDivisionError)
        with profile(m, period=SELDOM) as p:
            pass
        assert p.views["comparator"]["SkipListMap #1"]["comparisons_that_raised"] >= 1
        assert not p.views["smr"]["process"]["failures"]

    def test_what_a_container_counts_itself_is_shown(self):
        class Counting(SkipListMap):
            calls = 0

            def statistics(self):
                Counting.calls += 1
                return {"native": {"int": 10 * Counting.calls}, "path": "native"}

        m = Counting()
        with profile(m, period=SELDOM) as p:
            pass
        assert p.views["comparator"]["Counting #1"]["counted"] == {
            "native": {"int": 20},  # at the beginning, and two samples
            "path": "native",
        }

    @pytest.mark.parametrize("Queue", [LockFreeQueue, FastQueue, WaitFreeQueue])
    def test_a_queue(self, Queue):
        q = Queue(8)
        q.put(0)
        with profile(q, period=SELDOM) as p:
            for n in range(20):
                q.put(n)
                q.get()
            q.put_many(range(7))
        of = p.views["queue"][f"{Queue.__name__} #1"]
        assert (of["puts"], of["gets"]) == (27, 20)
        assert (of["maxsize"], of["length"], of["most_length"]) == (8, 8, 8)
        assert of["mean_length"] == 4.5
        assert of["utilization"] == round(4.5 / 8, 4)
        assert of["share_of_samples_full"] == 0.5
        assert of["puts_per_second"] > of["gets_per_second"] > 0
        assert ("wcq" in p.views) == (q.backend == "wcq")

    def test_waiting_getters_are_seen(self):
        q = LockFreeQueue()
        thread = threading.Thread(target=q.get, daemon=True)
        with profile(q, period=SELDOM) as p:
            thread.start()
            until(lambda: q.waiting_getters == 1)
        q.put(None)
        thread.join()
        of = p.views["queue"]["LockFreeQueue #1"]
        assert (of["most_waiting_getters"], of["mean_waiting_getters"]) == (1, 0.5)

    def test_requests_of_a_wait_free_queue(self):
        q = WaitFreeQueue(8, patience=0)
        if q.backend != "wcq":
            pytest.skip("this machine has no wCQ")
        with profile(q, period=SELDOM) as p:
            for n in range(10):
                q.put(n)
                q.get()
        of = p.views["wcq"]["WaitFreeQueue #1"]
        assert of["operations"] == 20
        assert of["requests"] >= 20  # no tries on the fast path: one for each ring
        assert of["requests_per_operation"] == of["requests"] / 20 <= 2
        assert of["steps_at_most"] > 0
        unbounded = WaitFreeQueue(patience=0)
        with profile(unbounded, period=SELDOM) as p:
            unbounded.put(1)
        assert p.views["wcq"]["WaitFreeQueue #1"]["steps_at_most"] is None

    def test_a_stack(self):
        stack = LockFreeStack(iterable="abc")
        with profile(stack, period=SELDOM) as p:
            stack.push("d")
            stack.pop()
            stack.pop()
        of = p.views["stack"]["LockFreeStack #1"]
        assert (of["pushes"], of["pops"], of["eliminated"], of["length"]) == (1, 2, 0, 2)
        assert of["offers_taken"] is None  # there were none
        assert of["operations_eliminated"] == 0
        assert p.views["smr"]["LockFreeStack #1"]["scheme"] == config.smr_scheme_in_use

    def test_a_view_without_a_subject_is_left_out(self):
        with profile(period=SELDOM) as p:
            pass
        assert set(p.views) == {"memory", "smr", "debra"}

    def test_a_stalled_reader_is_seen(self):
        before = config.smr_scheme
        config.smr_scheme = "ibr"  # debra would interrupt it
        m = SkipListMap((n, n) for n in range(5))
        config.smr_scheme = before
        with stalled_reader(m) as reader:
            while not smr.stats(m).oldest.age:
                m.update((n, None) for n in range(5))  # the clock goes on with what is published
            with profile(m, period=SELDOM) as p:
                pass
            of = p.views["smr"]["SkipListMap #1"]
            assert of["stalls"] == 1
            assert of["longest_stall_seconds"] > 0
            assert [stall["thread_id"] for stall in of["stalled"]] == [reader.native_id]


class TestSampling:
    def test_memory_is_bounded_and_all_of_the_time_is_covered(self):
        series = Series(["n"], 8)
        for n in range(1000):
            series.add(float(n), {"n": n})
        rows = series.table()["rows"]
        assert 4 <= len(rows) <= 8
        assert rows[-1] == [999, 999]
        seconds = [row[0] for row in rows[:-1]]
        assert seconds[0] == 0
        assert len({b - a for a, b in itertools.pairwise(seconds)}) == 1
        assert seconds[-1] >= 750
        assert series.peaks == {"n": 999}
        assert series.mean("n") == 499.5

    def test_the_last_sample_is_shown_and_shown_once(self):
        series = Series(["n"], 8)
        assert series.table()["rows"] == []
        for n in range(100):
            series.add(float(n), {"n": n})
            seconds = [row[0] for row in series.table()["rows"]]
            assert seconds[-1] == n
            assert len(seconds) <= 8
            assert seconds == sorted(set(seconds))

    @pytest.mark.parametrize("sees_it_again", [True, False])
    def test_a_stall_is_one_region_and_not_several(self, sees_it_again):
        stalls = Stalls()
        stalls.see(0.0, 10, smr.OpenRegion(age=3, thread_id=5))
        stalls.see(1.0, 12, smr.OpenRegion(age=5 if sees_it_again else 4, thread_id=5))
        stalls.see(2.0, 12, None)
        assert stalls.count == sees_it_again
        assert stalls.longest == (1.0 if sees_it_again else 0.0)

    def test_what_no_era_has_passed_is_no_stall(self):
        stalls = Stalls()
        for second in range(5):
            stalls.see(second, 10, smr.OpenRegion(age=0, thread_id=5))
        assert stalls.count == 0

    def test_beside_threads_at_work(self):
        m, q, stack = SkipListMap(), LockFreeQueue(), LockFreeStack()

        def work(index):
            for n in range(2000):
                m[n % 50] = n
                q.put(n)
                q.get()
                stack.push(n)
                stack.pop()
                m.delete((n + 7) % 50)

        with profile(m, q, stack, period=0.001, samples=4) as p:
            run_copies(3, work)
            p.report(io.StringIO())
        assert p.views["queue"]["LockFreeQueue #1"]["puts"] == 6000
        assert p.views["stack"]["LockFreeStack #1"]["pops"] == 6000
        assert not p.views["smr"]["process"]["failures"]

    def test_containers_are_held_weakly(self):
        m = SkipListMap({1: 1})
        is_alive = weakref.ref(m)
        with profile(m, period=SELDOM) as p:
            del m
            gc.collect()
            assert is_alive() is None
        assert p.views["skiplist"]["SkipListMap #1"]["entries"] == 1  # as it was seen last

    def test_a_subclass_that_raises_is_left_alone(self):
        class Bad(LockFreeQueue):
            is_bad = False

            def __len__(self):
                if self.is_bad:
                    raise ZeroDivisionError
                return super().__len__()

        q = Bad()
        with profile(q, period=SELDOM) as p:
            Bad.is_bad = True
        assert "ZeroDivisionError" in p.views["smr"]["process"]["failures"]["Bad #1"]

    def test_found_containers(self, monkeypatch):
        class Mine(SkipListMap):
            pass

        monkeypatch.setattr(profiling, "MOST_FOUND", 1_000_000)  # other tests may have left some
        with profile(find=True, period=SELDOM) as p:
            mine = [Mine({n: n}) for n in range(3)]
        assert [p.views["skiplist"][f"Mine #{n}"]["entries"] for n in (1, 2, 3)] == [1, 1, 1]
        assert len(mine) == 3

    def test_where_looking_for_containers_may_crash_it_is_refused(self, monkeypatch):
        monkeypatch.setattr(profiling, "_GET_OBJECTS_CRASHES", True)
        with pytest.raises(RuntimeError, match="find: "):
            profile(find=True)

    def test_no_more_are_described_than_there_is_room_for(self, monkeypatch):
        monkeypatch.setattr(profiling, "MOST_FOUND", 2)
        mine = [SkipListMap() for _ in range(5)]
        with profile(find=True, period=SELDOM) as p:
            pass
        assert p.views["smr"]["process"]["containers_not_described"] >= 3
        assert len(p.timelines) == 3  # the process is one
        assert len(mine) == 5


class TestFigures:
    def test_counts_begin_with_the_block(self):
        q, s = LockFreeQueue(), LockFreeStack()
        p = profile(q, s, period=SELDOM)
        for n in range(1000):
            q.put(n)
            s.push(n)
        with p:
            q.put(0)
            s.push(0)
        assert p.views["queue"]["LockFreeQueue #1"]["puts"] == 1
        assert p.views["stack"]["LockFreeStack #1"]["pushes"] == 1

    def test_of_what_is_made_in_the_block_all_counts(self, monkeypatch):
        monkeypatch.setattr(profiling, "MOST_FOUND", 1_000_000)
        with profile(find=True, period=SELDOM) as p:
            q = LockFreeQueue(17)
            q.put_many(range(10))
        (mine,) = [of for of in p.views["queue"].values() if of["maxsize"] == 17]
        assert mine["puts"] == 10

    def test_what_comparisons_take_is_no_more_than_the_call(self, monkeypatch):
        now = 0

        def clock():
            nonlocal now
            now += 1
            return now

        monkeypatch.setattr(profiling.time, "perf_counter_ns", clock)
        monkeypatch.setattr(profiling, "_kinds", lambda a, b: clock() and "kinds")
        s = SkipListSet(range(10))
        with profile(s, period=SELDOM) as p:
            pass
        of = p.views["comparator"]["SkipListSet #1"]["nanoseconds_by_type"]["kinds"]
        assert of == {"comparisons": 9, "median": 1, "most": 1}

    def test_a_block_that_has_used_no_memory_stays_so(self):
        with profile(period=SELDOM) as p:
            pass
        p._blocks = []  # as in a process without an ordered container
        m = SkipListMap({1: 1})
        assert p.views["memory"]["process"]["blocks_in_use_by_bytes"] == {}
        assert len(m) == 1

    def test_more_are_given_than_would_be_found(self, monkeypatch):
        monkeypatch.setattr(profiling, "MOST_FOUND", 2)
        queues = [LockFreeQueue() for _ in range(5)]
        with profile(*queues[:4], find=True, period=SELDOM) as p:
            pass
        assert len(p.views["queue"]) == 4
        assert p.views["smr"]["process"]["containers_not_described"] >= 1

    @pytest.mark.parametrize("most", [1, 2, 3])
    def test_the_last_stalls_are_described(self, monkeypatch, most):
        monkeypatch.setattr(_profile_samples, "MOST_STALLS", most)
        stalls = Stalls()
        for n in range(5):
            for second in range(3):
                stalls.see(second, 100 * n + 10, smr.OpenRegion(5, n + 1))
        assert stalls.count == 5
        assert [of["thread_id"] for of in stalls.described] == [1, 2, 3, 4, 5][-most:]
        assert stalls.described[-1]["seconds"] == 2

    def test_subclasses_that_count_otherwise_spoil_nothing_else(self):
        class Counting(LockFreeStack):
            def statistics(self):
                return {**super().statistics(), "extra": 1}

        class Empty(LockFreeQueue):
            def statistics(self):
                return {"puts": 0, "gets": 0} if not self else {}

        class Unspeakable(Exception):
            def __repr__(self):
                raise ZeroDivisionError

        class Raising(LockFreeQueue):
            def __len__(self):
                raise Unspeakable

        s, q, r = Counting(), Empty(), Raising()
        with profile(s, q, r, period=SELDOM) as p:
            s.push(1)
            q.put(1)
        assert p.views["stack"]["Counting #1"]["pushes"] == 1
        assert "failure" in p.views["queue"]["Empty #1"]
        assert p.views["smr"]["process"]["failures"]["Raising #1"] == "Unspeakable"
        json.loads(p.to_json())
        p.report(io.StringIO())


class TestLife:
    @pytest.mark.parametrize("where", ["start", "join"])
    def test_an_interrupt_leaves_nothing_behind(self, where, monkeypatch):
        real = getattr(threading.Thread, where)

        def interrupted(self, *arguments):
            real(self, *arguments)
            if self.name == "concurrent_collections.profiling":
                raise KeyboardInterrupt

        before = config.enable_statistics
        q = LockFreeQueue()
        p = profile(q, period=0.001)
        monkeypatch.setattr(threading.Thread, where, interrupted)
        with pytest.raises(KeyboardInterrupt), p:
            q.put(1)
        assert config.enable_statistics is before
        until(lambda: not p._thread.is_alive())
        if where == "join":
            assert p.views["queue"]["LockFreeQueue #1"]["puts"] == 1
            assert p.seconds == p.seconds

    def test_keys_that_interrupt_the_end_spoil_no_other_container(self):
        keys = [HookedKey(n) for n in range(10)]
        bad, good = SkipListMap((key, None) for key in keys), SkipListMap({1: 1, 2: 2})
        p = profile(bad, good, period=SELDOM)
        with pytest.raises(KeyboardInterrupt), p:
            raise_when_compared(keys, KeyboardInterrupt)
        assert [p.views["skiplist"][f"SkipListMap #{n}"]["levels"][0] for n in (1, 2)] == [10, 2]

    def test_settings_are_as_before(self, monkeypatch):
        monkeypatch.setattr(config, "enable_statistics", False, raising=True)
        for before in (False, True):
            config.enable_statistics = config.enable_contention_stats = before
            with profile(), profile():
                assert config.enable_statistics
                assert config.enable_contention_stats
            assert config.enable_statistics is config.enable_contention_stats is before
            with pytest.raises(ZeroDivisionError), profile():
                raise ZeroDivisionError
            assert config.enable_statistics is before
        config.enable_contention_stats = False

    def test_no_thread_is_left(self):
        def is_there():
            return "concurrent_collections.profiling" in {t.name for t in threading.enumerate()}

        with profile(period=SELDOM):
            assert is_there()
        assert not is_there()

    def test_it_runs_once(self):
        with profile(period=SELDOM) as p:
            pass
        with pytest.raises(RuntimeError, match="runs once"), p:
            pass
        assert profile().views == {}
        assert profile().seconds == 0.0

    @pytest.mark.parametrize(
        ("arguments", "error", "match"),
        [
            ({"period": 0}, ValueError, "period: "),
            ({"period": float("nan")}, ValueError, "period: "),
            ({"period": "1"}, TypeError, "period: "),
            ({"samples": 3}, ValueError, "samples: "),
            ({"samples": 4.0}, TypeError, "samples: "),
            ({"probe": -1}, ValueError, "probe: "),
            ({"probe": None}, TypeError, "probe: "),
        ],
    )
    def test_bad_arguments(self, arguments, error, match):
        with pytest.raises(error, match=match):
            profile(**arguments)

    def test_other_containers(self):
        with pytest.raises(TypeError, match=r"containers: .* got dict"):
            profile(SkipListMap(), {})


def profile_of_everything():
    m, q, stack = SkipListMap({n: n for n in range(50)}), WaitFreeQueue(5), LockFreeStack()
    with profile(m, q, stack, period=0.001) as p:
        q.put("[bold]")
        q.get()
        stack.push(1)
    return p


def without(monkeypatch, package):
    """Importing `package` fails, as where it is not installed."""
    real = builtins.__import__

    def fake(name, *arguments, **keywords):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", fake)


class TestOutput:
    @pytest.mark.parametrize("is_there", [True, False])
    def test_a_report_has_all_views(self, is_there, monkeypatch):
        if is_there:
            pytest.importorskip("rich")
        else:
            without(monkeypatch, "rich")
        p = profile_of_everything()
        file = io.StringIO()
        p.report(file)
        text = file.getvalue()
        for view in p.views:
            assert f"{view} (" in text
        for word in ("SkipListMap #1", "WaitFreeQueue #1", "LockFreeStack #1", "fragmentation"):
            assert word in text

    def test_json(self):
        p = profile_of_everything()
        of = json.loads(p.to_json())
        assert of["views"] == json.loads(json.dumps(p.views))
        assert of["timelines"]["SkipListMap #1"]["rows"][0][1] == 50
        assert of["build"]["version"]
        assert json.loads(p.to_json(indent=2)) == of

    def test_a_plot(self, tmp_path):
        pytest.importorskip("matplotlib")
        figure = profile_of_everything().plot()
        titles = [axes.get_title() for axes in figure.axes]
        assert len(titles) == 6
        assert "Skip list" in titles
        figure.savefig(tmp_path / "p.png")
        assert (tmp_path / "p.png").stat().st_size > 10_000
        assert figure._repr_png_().startswith(b"\x89PNG")  # what Jupyter asks for

    def test_no_plot_without_matplotlib(self, monkeypatch):
        without(monkeypatch, "matplotlib")
        with pytest.raises(ImportError, match=r"plot\(\) needs matplotlib, which is not installed"):
            profile_of_everything().plot()


SCRIPT = """\
import sys, threading
from concurrent_collections import LockFreeQueue, SkipListMap
m = SkipListMap()
q = LockFreeQueue(5)
def work():
    for n in range(100):
        m[n] = n
        q.put(n)
        q.get()
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
print(__name__, sys.argv[1:], __file__ == sys.argv[0], sys.modules["__main__"].m is m)
if "raise" in sys.argv: sys.exit(3)
"""


def import_path(directory, inside):
    """PYTHONPATH with a directory in front of what it has, which under ASAN is where we are installed."""
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(inside / directory), *([given] if given else [])])


class TestCommand:
    def run(self, tmp_path, *arguments):
        (tmp_path / "script.py").write_text(SCRIPT)
        command = [sys.executable, "-P", "-m", "concurrent_collections.profiling"]
        return subprocess.run(
            [*command, "--json", "p.json", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            check=False,
        )

    @pytest.mark.parametrize("how", ["returns", "raise"])
    def test_a_script(self, how, tmp_path):
        done = self.run(tmp_path, "--period", "0.01", "script.py", "--flag", how)
        assert done.stdout == f"__main__ ['--flag', '{how}'] True True\n"
        assert done.returncode == (3 if how == "raise" else 0)
        assert "skiplist (" in done.stderr
        views = json.loads((tmp_path / "p.json").read_text())["views"]
        assert views["skiplist"]["SkipListMap #1"]["entries"] == 100
        assert views["queue"]["LockFreeQueue #1"]["maxsize"] == 5

    def test_threads_that_only_the_interpreter_ends(self, tmp_path):
        program = (
            "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)\n"
        )
        (tmp_path / "pool.py").write_text(program + "print(pool.submit(pow, 2, 3).result())\n")
        done = self.run(tmp_path, "pool.py")
        assert (done.returncode, done.stdout) == (0, "8\n")
        assert "smr (" in done.stderr

    @pytest.mark.parametrize("is_safe", [False, True])
    def test_a_script_imports_what_it_would_without_a_profile(self, is_safe, tmp_path):
        for name in ("real", "other", "path"):
            (tmp_path / name).mkdir()
        (tmp_path / "real/beside_it.py").write_text("")
        (tmp_path / "path/on_the_path.py").write_text("")
        imported = "on_the_path" if is_safe else "beside_it, on_the_path"
        (tmp_path / "real/script.py").write_text(f"import {imported}\nprint('found')\n")
        (tmp_path / "other/script.py").symlink_to(tmp_path / "real/script.py")
        command = [sys.executable, *(["-P"] if is_safe else [])]
        for module in ([], ["-m", "concurrent_collections.profiling"]):
            done = subprocess.run(
                [*command, *module, "other/script.py"],
                capture_output=True,
                text=True,
                timeout=60,
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": import_path("path", tmp_path)},
                check=False,
            )
            assert done.stdout == "found\n", done.stderr

    def test_bad_options(self, tmp_path):
        done = self.run(tmp_path, "--period", "0", "script.py")
        assert done.returncode == 2
        assert "period: expected a positive number" in done.stderr
        done = self.run(tmp_path, "absent.py")
        assert done.returncode == 2
        assert "absent.py" in done.stderr
