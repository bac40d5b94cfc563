"""What tools/bench --gate makes of times: with times that are made up."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import gate
import pytest

OPERATIONS = [f"ft: get_hit[Map{i}-ibr-int]" for i in range(100)]


def look(rounds, slower=None, noise=0.0, by=1.0, seed=1):
    """Rounds in which one operation takes `by` as long now, and everything is spread by `noise`."""
    r = random.Random(seed)

    def times(factor_of):
        return {name: 1e-4 * factor_of(name) * r.lognormvariate(0, noise) for name in OPERATIONS}

    return [
        (times(lambda name: 1), times(lambda name: by if name == slower else 1))
        for _ in range(rounds)
    ]


def verdict(first, second):
    return gate.losses(gate.restricted(second, gate.suspects(first)))


def test_the_ratio_is_time_now_by_time_before():
    assert gate.ratios([({"a": 2.0}, {"a": 3.0})])["a"].median == 1.5


def test_a_ratio_is_taken_within_a_round():
    drifting = [({"a": speed}, {"a": speed * 1.2}) for speed in (1.0, 10.0, 100.0)]
    assert gate.ratios(drifting)["a"].rounds == pytest.approx([1.2] * 3)


def test_one_wild_round_changes_nothing():
    rounds = [({"a": 1.0}, {"a": 1.0})] * 4 + [({"a": 1.0}, {"a": 50.0})]
    ratio = gate.ratios(rounds)["a"]
    assert ratio.median == 1.0
    assert not ratio.is_suspect


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.03])
def test_15_percent_in_one_of_many_operations_is_a_loss(noise):
    slow = OPERATIONS[17]
    for seed in range(20):
        found = verdict(look(5, slow, noise, 1.15, seed), look(15, slow, noise, 1.15, seed + 100))
        assert found == [slow]


@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_noise_is_no_loss(noise):
    assert not any(
        verdict(look(5, noise=noise, seed=s), look(15, noise=noise, seed=-s)) for s in range(1, 20)
    )


def test_what_was_slow_at_the_first_look_only_is_no_loss():
    slow = OPERATIONS[3]
    assert gate.suspects(look(5, slow, by=1.3)) == [slow]
    assert verdict(look(5, slow, by=1.3), look(15)) == []


def test_5_percent_is_no_loss_and_a_gain_is_none():
    slow = OPERATIONS[3]
    assert verdict(look(5, slow, 0.02, 1.05), look(15, slow, 0.02, 1.05)) == []
    assert verdict(look(5, slow, 0.02, 0.5), look(15, slow, 0.02, 0.5)) == []


def test_a_median_that_half_of_the_rounds_contradict_is_no_loss():
    """So is an operation whose time depends on chance, and not on the build, judged."""
    scattered = gate.Ratio([0.7, 0.8, 0.9, 0.95, 1.11, 1.3, 1.4, 1.5, 1.6])
    assert scattered.median > gate.LOSS
    assert not scattered.is_loss
    assert gate.Ratio([1.06, 1.09, 1.12, 1.15, 1.3]).is_loss


def test_a_size_is_judged_by_one_round():
    assert gate.losses([({"ft: size of the wheel": 100}, {"ft: size of the wheel": 112})])
    assert not gate.losses([({"ft: size of the wheel": 100}, {"ft: size of the wheel": 109})])


def test_new_operations_are_not_judged_and_those_that_are_gone_are_named():
    rounds = [({"kept": 1.0, "gone": 1.0}, {"kept": 1.0, "new": 9.0})] * 3
    assert list(gate.ratios(rounds)) == ["kept"]
    assert gate.gone(rounds) == ["gone"]


def test_false_alarms_are_counted_over_drawn_gates():
    assert gate.false_alarms(look(40, noise=0.03), 5, 15, 50) == 0
    always = look(40, OPERATIONS[0], by=1.15)
    assert gate.false_alarms(always, 5, 15, 50) == 50


def test_tables_name_interpreter_and_backend():
    names = [
        "ft: pairs[FastQueue-lcrq-4000-put-get]",
        "ft: import",
        "gil: get_hit[SkipListMap-debra-user]",
    ]
    found = gate.ratios([(dict.fromkeys(names, 1.0), dict.fromkeys(names, 1.1))])
    text = gate.summary(found)
    for group in ("ft: FastQueue-lcrq ", "ft: the package", "gil: SkipListMap-debra "):
        assert group in text
    assert all(name in gate.table(found) for name in names)


def test_the_self_test_finds_what_it_slows_down(monkeypatch, tmp_path):
    root = Path(__file__).resolve().parents[2]
    monkeypatch.syspath_prepend(str(root / "tools"))
    import run_bench

    sys.modules.pop("run_bench")
    shutil.copytree(root / "concurrent_collections", tmp_path / "concurrent_collections")
    run_bench.put_brakes_into(tmp_path)
    for brake in run_bench.BRAKES:
        call = f"        cc_bench_spin_{brake.method}()\n"
        sources = (tmp_path / "concurrent_collections").glob("*.p[xy][ix]*")
        assert sum(source.read_text().count(call) for source in sources) == 1, brake
