"""Prove that the tests of the wait-free queues bite: every rule of wcq_ring.h and turn.c, broken, must be noticed.

    wcq_mutations.py [--cc CC] [NAME ...]

prints one line for each, and exits with 1 if any behaves otherwise than expected. Those of the ring are shown to
sched_wcq, which has the ring compiled in; those of turn.c to sched_queue; `nobody_helps` to test_wait_free.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mutations import CORE, FLAGS, HERE, compile_one, mutate, run_explorer

RING, TURN = "queue/wcq_ring.h", "queue/turn.c"

# Name, the rule that it breaks, edits, programs, why it survives if it does.
Entry = tuple[str, str, list[tuple[str, str, str]], tuple[str, ...], str]

OF_THE_RING: list[Entry] = [
    (
        "note_not_written",
        "a helper that gives a ticket up sees to it that nobody uses it later",
        [
            (
                RING,
                "if (wcq_swap_pair(slot, value, note, value, cycle)) { return; } continue;",
                "return;",
            )
        ],
        ("occupied_by_a_late_taker",),
        "",
    ),
    (
        "note_not_read",
        "a ticket that another helper has given up is not used",
        [(RING, "there > cycle || (there < cycle && note >= cycle)", "there > cycle")],
        ("occupied_by_a_late_taker",),
        "",
    ),
    (
        "not_made_final",
        "a wish is final before its index is taken out (published error: the wrong bit was compared)",
        [(RING, "if (!(value & wcq_settled(r))) { wcq_make_final(r, ticket); }", "")],
        ("a_put_among_patient_takers",),
        "",
    ),
    (
        "settled_from_the_beginning",
        "an index that a wish has placed is not settled before the wish is final",
        [
            (
                RING,
                "uint64_t placed = wcq_value(r, ticket, wcq_safe(r), w->index);",
                "uint64_t placed = wcq_value(r, ticket, wcq_safe(r) | wcq_settled(r), w->index);",
            )
        ],
        ("a_put_among_patient_takers",),
        "",
    ),
    (
        "safe_not_removed",
        "a dequeuer that finds an older index takes SAFE away",
        [(RING, ": *value & ~wcq_safe(r);", ": *value;")],
        ("one_index_is_wanted",),
        "",
    ),
    (
        "void_is_taken_for_done",
        "a slot that a dequeuer has bumped does not hold the wish's index",
        [
            (
                RING,
                "if ((value & wcq_mask(r)) != wcq_void(r)) { /* another helper has placed it */",
                "if (true) {",
            )
        ],
        ("one_index_circulates",),
        "",
    ),
    (
        "turn_not_asked_again",
        "a helper that has slept does not take part in the next wish with the old index",
        [(RING, "wcq_look(&w->record->turn) != w->turn || (word & WCQ_FINAL)", "word & WCQ_FINAL")],
        ("one_index_circulates",),
        "",
    ),
    (
        "owner_does_not_refill",
        "an enqueuer refills the threshold before it returns, whoever has placed its index",
        [
            (
                RING,
                "return WCQ_SHUT; } wcq_refill_threshold(r); return WCQ_DONE;",
                "return WCQ_SHUT; } return WCQ_DONE;",
            )
        ],
        ("behind_a_lost_ticket",),
        "",
    ),
    (
        "threshold_without_threads",
        "the threshold allows for tickets that are counted late",
        [(RING, "+ cc_crew_count(r->crew);", "- 1;")],
        ("counted_late",),
        "",
    ),
    (
        "counter_before_word",
        "invariant A: the word of a wish is read before the counter",
        [
            (
                RING,
                "uint64_t word = wcq_look(&w->record->progress.half.first);",
                "uint64_t early = wcq_look(&counter->half.first);\n"
                "uint64_t word = wcq_look(&w->record->progress.half.first);",
            ),
            (
                RING,
                "uint64_t count = wcq_look(&counter->half.first); uint64_t tag",
                "uint64_t count = early; uint64_t tag",
            ),
        ],
        ("a_wish_among_the_patient",),
        "",
    ),
    (
        "tag_before_counter",
        "invariant A: the tag is read after the counter",
        [
            (
                RING,
                "uint64_t count = wcq_look(&counter->half.first);"
                " uint64_t tag = wcq_look(&counter->half.second);",
                "uint64_t tag = wcq_look(&counter->half.second);"
                " uint64_t count = wcq_look(&counter->half.first);",
            )
        ],
        ("one_index_circulates",),
        "",
    ),
    (
        "tag_removed_first",
        "invariant B: a tag stands until the wish has its ticket",
        [
            (
                RING,
                "if (tag) { wcq_settle(w, count, tag); continue; }",
                "if (tag) { wcq_swap_pair(counter, count, tag, count, 0); continue; }",
            )
        ],
        ("one_index",),
        "",
    ),
    (
        "final_before_placing",
        "a wish is final only when its index is in the ring",
        [
            (
                RING,
                "if (wcq_swap_pair(slot, value, note, placed, note)) {",
                "wcq_advance(w, word, word | WCQ_FINAL);"
                " if (wcq_swap_pair(slot, value, note, placed, note)) {",
            )
        ],
        ("one_index_circulates",),
        "",
    ),
    (
        "threshold_of_a_closed_ring",
        "a ring is over when head has reached tail, not when the threshold is used up",
        [(RING, "< 0 && !(wcq_look(&r->tail.half.first) & WCQ_CLOSED)", "< 0")],
        ("over_behind_a_lost_ticket",),
        "",
    ),
    (
        "closed_bit_cleared",
        "no write of tail clears CLOSED (published error)",
        [(RING, "head | (tail & WCQ_CLOSED)", "head")],
        ("over_behind_a_lost_ticket", "closed_while_catching_up"),
        "",
    ),
    (
        "wish_before_its_parts",
        "(1): who sees a wish pending sees what it is",
        [
            (
                RING,
                "cc_store_release_u64(&me->turn, turn); /* (1) */",
                "cc_store_relaxed_u64(&me->turn, turn);",
            )
        ],
        ("one_index_circulates", "two_circulate", "two_come_and_go"),
        "",
    ),
    (
        "word_before_turn",
        "(2): who sees the next wish's word sees that the last wish has ended",
        [
            (
                RING,
                "cc_store_release_u64(&me->progress.half.first, turn << WCQ_WORD_SHIFT | WCQ_FRESH);",
                "cc_store_relaxed_u64(&me->progress.half.first, turn << WCQ_WORD_SHIFT | WCQ_FRESH);",
            )
        ],
        ("two_come_and_go",),
        "",
    ),
    (
        "taken_by_a_store",
        "an index is taken by OR: others change the slot's flags",
        [
            (
                RING,
                "cc_fetch_or_seq_cst_u64(&wcq_slot(r, ticket)->half.first, wcq_mask(r));",
                "cc_exchange_seq_cst_u64(&wcq_slot(r, ticket)->half.first, value | wcq_mask(r));",
            )
        ],
        ("one_index_is_wanted",),
        "",
    ),
]

HELP: Entry = (
    "nobody_helps",
    "wait-freedom: everybody looks at the others' wishes",
    [(RING, "return --me->until_help == 0;", "return false;")],
    (),
    "",
)

# Of orders that the explorer does not reach; unit_mutations.py shows them to the tests that are named.
FOR_UNIT_TESTS: list[tuple[str, str, list[tuple[str, str, str]], tuple[str, ...]]] = [
    (
        "safe_set_on_bump",
        "a vacant slot that is moved to a newer cycle keeps its SAFE (published error)",
        [(RING, "(*value & wcq_safe(r)) | wcq_settled(r)", "wcq_safe(r) | wcq_settled(r)")],
        ("test_wcq_ring", "test_overtaken"),
    ),
    (
        "unsafe_slot_is_used",
        "an enqueuer uses an unsafe slot only if head has not passed its ticket",
        [
            (
                RING,
                "((value & wcq_safe(r)) || wcq_look(&r->head.half.first) <= ticket)) {",
                "true) {",
            )
        ],
        ("test_wcq_ring", "test_overtaken"),
    ),
    (
        "unsafe_slot_is_used_for_a_wish",
        "the same on the slow path",
        [
            (
                RING,
                "(!(value & wcq_safe(r)) && wcq_look(&r->head.half.first) > ticket)) {",
                "false) {",
            )
        ],
        ("test_wcq_ring",),
    ),
    (
        "taken_by_a_store_at_leisure",
        "an index is taken by OR: others change the slot's flags, long after it was looked at",
        [
            (
                RING,
                "cc_fetch_or_seq_cst_u64(&wcq_slot(r, ticket)->half.first, wcq_mask(r));",
                "cc_exchange_seq_cst_u64(&wcq_slot(r, ticket)->half.first, value | wcq_mask(r));",
            )
        ],
        ("test_wcq_ring", "test_overtaken"),
    ),
]

OF_TURN: list[Entry] = [
    (
        "turn_gives_up_at_once",
        "a get that has taken its request back looks whether it has been served",
        [
            (
                TURN,
                "if (cc_load_seq_cst_uptr(&self->given) == mine) { name_nothing(self);",
                "if (true) { name_nothing(self);",
            )
        ],
        ("late_getters", "three_pairs", "get_first"),
        "",
    ),
    (
        "turn_does_not_look_again",
        "a get that has taken its request back settles who takes the node that it finds then",
        [(TURN, "look again = look_behind_head(q, self, &head, &next);", "look again = NOTHING;")],
        ("late_getters", "three_pairs", "get_first"),
        "",
    ),
    (
        "turn_links_before_step_4",
        "the `putting` of the last node is emptied before another node is linked",
        [(TURN, "(void)cc_cas_seq_cst_uptr(&member(q, last->putter)->putting, &done, 0);", "")],
        ("two_put", "three_pairs"),
        "",
    ),
    (
        "turn_late_after_tail",
        "a node knows that it is late before tail is moved on to it",
        [
            (TURN, "(void)cc_exchange_seq_cst_u32(&((turn_node *)next)->is_late, 1);", ""),
        ],
        ("close", "close_small"),
        "",
    ),
    (
        "turn_head_before_given",
        "head moves on only when the taker has been given its node",
        [
            (
                TURN,
                "(void)cc_cas_seq_cst_uptr(&taker->given, &given, (uintptr_t)next); /* step 3 */",
                "",
            )
        ],
        ("put_and_get",),
        "",
    ),
    (
        "turn_end_not_named",
        "hazards: an end is looked at again after it has been named",
        [
            (
                TURN,
                "return cc_load_seq_cst_uptr(end) == (uintptr_t)node ? node : NULL;",
                "return node;",
            ),
        ],
        ("three_pairs", "late_getters", "rings_are_recycled", "stalled_in_a_ring"),
        "",
    ),
]


def core_objects(cc: str, core: Path, output: Path) -> list[Path]:
    sources = [s for d in ("platform", "memory", "queue", "sync") for s in (core / d).glob("*.c")]
    small = ("-DWCQ_HELP_EVERY=2u", "-DRETIRED_WORTH_A_LOOK(members)=1u", "-DSPARE_NODES=0u")
    return [compile_one(cc, source, core, output, small) for source in sorted(sources)]


def link(cc: str, program: Path, objects: list[Path]) -> Path:
    subprocess.run(
        [cc, *FLAGS, "-fsanitize=address", *map(str, objects), "-o", program], check=True
    )
    return program


def explore(program: Path, programs: tuple[str, ...], most: int) -> str:
    for budget in (1000, 10000, 60000)[:most]:
        for name in programs or ("",):
            for how in ("--random", "--pct", "--enumerate"):
                only = ["--program", name] if name else []
                _, found, what = run_explorer(program, [*only, how, str(budget)])
                if found:
                    return f"caught in {found.group(2)} ({found.group(1)}): {what}"
    return ""


def try_help(cc: str, core: Path, directory: Path) -> str:
    """As in tests/c/meson.build: real steps, and an adversary instead of the scheduler."""
    sources = [s for d in ("platform", "memory", "queue") for s in (core / d).glob("*.c")]
    defines = ["-DCC_SCHED=1", "-DCC_SCHED_OF_REAL_THREADS=1", "-DWCQ_HELP_EVERY=2u"]
    program = directory / "test_wait_free"
    test = HERE.parent / "test_wait_free.c"
    where = [f"-I{core}/include", f"-I{core}", f"-I{HERE.parent}"]
    subprocess.run([cc, *FLAGS, *defines, *where, *sources, test, "-o", program], check=True)
    result = subprocess.run([program], capture_output=True, text=True)
    if result.returncode == 0:
        return ""
    return f"caught in test_wait_free: {result.stdout.splitlines()[-1].strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cc", default="cc")
    arguments = parser.parse_args()
    cc, names, wrong, tried = arguments.cc, arguments.names, 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        intact = Path(temporary) / "intact"
        intact.mkdir()
        objects = core_objects(cc, CORE, intact)
        objects.append(compile_one(cc, HERE / "scheduler.c", CORE, intact))
        explorer = compile_one(cc, HERE / "sched_queue.c", CORE, intact)
        for entry in [*OF_THE_RING, HELP, *OF_TURN]:
            name, _, edits, programs, survives = entry
            if names and name not in names:
                continue
            start = time.monotonic()
            most = 1 if survives else 3
            directory = Path(temporary) / name
            core = directory / "csrc"
            shutil.copytree(CORE, core)
            mutate(core, edits)
            if entry is HELP:
                caught = try_help(cc, core, directory)
            elif entry in OF_TURN:
                broken = core / TURN
                small = ("-DRETIRED_WORTH_A_LOOK(members)=1u", "-DSPARE_NODES=0u")
                changed = compile_one(cc, broken, core, directory, small)
                rest = [o for o in objects if o.name != "turn.o"]
                program = link(cc, directory / "sched_queue", [*rest, explorer, changed])
                caught = explore(program, tuple(f"turn_{p}" for p in programs), most)
            else:
                changed = compile_one(cc, HERE / "sched_wcq.c", core, directory)
                program = link(cc, directory / "sched_wcq", [*objects, changed])
                caught = explore(program, programs, most)
            as_expected = bool(caught) != bool(survives)
            wrong += not as_expected
            tried += 1
            print(
                f"{'' if as_expected else 'UNEXPECTED '}{name}: {caught or 'SURVIVES'},"
                f" {time.monotonic() - start:.1f} s",
                flush=True,
            )
            shutil.rmtree(directory)
    print(f"{tried - wrong} of {tried} mutations behave as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
