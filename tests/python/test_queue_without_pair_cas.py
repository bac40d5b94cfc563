"""Queues on an x86-64 processor without CMPXCHG16B, which CONCURRENT_COLLECTIONS_WITHOUT pretends (csrc/platform/arch.c)."""

from __future__ import annotations

import json
import platform

import pytest
from support import run_program

PROGRAM = """
import json, threading
from concurrent_collections import FastQueue, LockFreeQueue, WaitFreeQueue, config

answers = {"available": config.available_queue_backends, "auto": FastQueue().backend}
try:
    config.queue_backend = "lcrq"
    answers["lcrq"] = FastQueue().backend
except Exception as error:
    answers["lcrq"] = type(error).__name__
config.queue_backend = "scq"
answers["scq"] = FastQueue().backend
config.queue_backend = "auto"
patient = [WaitFreeQueue(maxsize, patience=16) for maxsize in (0, 4)]  # never "gil"
answers["wait_free"] = [q.backend for q in patient], [q.wait_free for q in patient]

THREADS, ITEMS = 3, 300

def pass_through(make):
    q, got = make(), [[] for _ in range(THREADS)]
    def put(me):
        for n in range(ITEMS):
            q.put((me, n))
    def get(me):
        for item in q:
            got[me].append(item)
    getters = [threading.Thread(target=get, args=(me,)) for me in range(THREADS)]
    putters = [threading.Thread(target=put, args=(me,)) for me in range(THREADS)]
    for thread in getters + putters:
        thread.start()
    for thread in putters:
        thread.join()
    q.shutdown()
    for thread in getters:
        thread.join()
    everything = sorted(item for some in got for item in some)
    queues_only = all([n for who, n in some if who == me] == sorted(n for who, n in some if who == me)
                   for some in got for me in range(THREADS))
    return everything == [(me, n) for me in range(THREADS) for n in range(ITEMS)] and queues_only

answers["passed"] = [
    pass_through(make)
    for kind in (LockFreeQueue, FastQueue, lambda maxsize=0: WaitFreeQueue(maxsize, patience=16))
    for make in (kind, lambda: kind(maxsize=2))
]
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers() -> dict:
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("every other machine has the instruction, or never had it")
    result = run_program(PROGRAM, timeout=120, CONCURRENT_COLLECTIONS_WITHOUT="cmpxchg16b")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_lcrq_is_refused(answers):
    assert "lcrq" not in answers["available"]
    assert answers["lcrq"] == "ValueError"


def test_a_fast_queue_needs_no_pairs(answers):
    assert answers["auto"] == ("faa" if "gil" not in answers["available"] else "gil")
    assert answers["scq"] == "scq"


def test_a_wait_free_queue_is_crturn(answers):
    assert answers["wait_free"] == [["crturn", "crturn"], [True, False]]  # unbounded, then bounded


def test_nothing_is_lost_doubled_or_out_of_order(answers):
    assert answers["passed"] == [True] * 6
