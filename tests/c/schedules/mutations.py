"""Prove that the schedule explorer bites: break the core in one place at a time, and demand a finding.

Each mutation below changes a copy of the core by replacing a text that must occur as often as it
says. The copy is compiled with the explorer, which then has to fail within a number of schedules. A
mutation that is known to survive is marked with the reason (`survives`), and must survive: if the
explorer learns to see it, the table is to be corrected.

    mutations.py [--table] [--jobs N] [--cc CC] [NAME ...]

prints one line for each, and exits with 1 if any behaves otherwise than expected.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from queue_mutations import QUEUE_MUTATIONS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CORE = ROOT / "csrc"
SIZES = (ROOT / "tests/sizes.txt").read_text().split("\n--\n")[0].splitlines()
DEFINES = [
    "-DCC_SCHED=1",
    "-DCC_DEBUG_INVARIANTS=1",
    *(
        f"-D{words[0]}={words[3]}"
        for words in map(str.split, SIZES)
        if len(words) == 4 and words[0] != "#" and words[3] != "-"
    ),
]
FLAGS = ["-std=gnu11", "-O1", "-g", "-w", "-pthread"]

Edit = tuple[str, str, str]  # file below csrc, what stands there, what shall stand there


@dataclass
class Mutation:
    name: str
    breaks: str  # what rule it breaks
    edits: list[Edit]
    explorer: str  # sched_smr, sched_debra, sched_skiplist or sched_event_count
    programs: tuple[str, ...] = ()  # tried in this order; none: all
    survives: str = ""  # why the explorer cannot see it
    defines: tuple[str, ...] = ()  # of the scheduler, which stands for the operating system


DEBRA, IBR, FAST, LIST, HINTS = (
    "memory/debra.c",
    "memory/ibr.c",
    "memory/smr_fast.h",
    "ordered/skiplist.c",
    "ordered/hints.h",
)
EVENT, EVENT_FAST = "sync/event_count.c", "sync/event_count.h"

# The second scheme: memory/debra.c, and what the skip list does in phases.
MUTATIONS_OF_DEBRA = [
    Mutation(
        "read_phase_without_fence",
        "debra (5): the reservation is visible before the first load of a read phase",
        [
            (
                FAST,
                "cc_publish_u64(&self->upper, UINT64_MAX); /* (5) */",
                "cc_store_release_u64(&self->upper, UINT64_MAX);",
            )
        ],
        "sched_debra",
        ("read_or_store", "reopen"),
    ),
    Mutation(
        "same_region_number",
        "debra (10): every read phase has a number of its own",
        [
            (
                FAST,
                "cc_store_release_u64(&self->region, cc_load_relaxed_u64(&self->region) + 1); /* (10) */",
                "if (cc_load_relaxed_u64(&self->region) == 0) { cc_store_release_u64(&self->region, 1); }",
            )
        ],
        "sched_debra",
        ("reopen", "read_or_swap"),
    ),
    Mutation(
        "number_after_reservation",
        "debra (10): the number is visible before the reservation it goes with",
        [
            (
                FAST,
                "cc_store_release_u64(&self->region, cc_load_relaxed_u64(&self->region) + 1); /* (10) */",
                "",
            ),
            (
                FAST,
                "cc_publish_u64(&self->upper, UINT64_MAX); /* (5) */",
                "cc_publish_u64(&self->upper, UINT64_MAX);\n"
                "        cc_store_release_u64(&self->region, cc_load_relaxed_u64(&self->region) + 1);",
            ),
        ],
        "sched_debra",
        ("reopen", "read_or_swap"),
    ),
    Mutation(
        "region_not_read_again",
        "debra, step 3: the thread is still in the phase that was to be ended",
        [
            (
                DEBRA,
                "if (cc_load_seq_cst_u64(&t->region) != region) {\n"
                "            any = true; /* the signal, or it has gone on by itself: worth another look */\n"
                "        } else if (is_sure) {",
                "if (is_sure) {",
            )
        ],
        "sched_debra",
        survives="the number of a phase that is over says nothing about the next; see below",
    ),
    Mutation(
        "blocked_signal_ignored",
        "debra, step 3: the thread has not blocked the signal",
        [
            (
                DEBRA,
                "bool is_sure = cc_os_interrupt(cc_load_acquire_u64(&t->number)) ||",
                "bool is_sure = (cc_os_interrupt(cc_load_acquire_u64(&t->number)), true) ||",
            )
        ],
        "sched_debra",
        ("blocked_reader",),
    ),
    Mutation(
        "signal_without_barrier",
        "debra, step 2: a signal that is sent has not arrived yet",
        [],
        "sched_debra",
        ("read_or_store", "read_or_swap"),
        defines=("-DNO_BARRIER_BEHIND_A_SIGNAL",),
    ),
    Mutation(
        "barrier_without_signal",
        "debra, step 2: a barrier alone stops nobody",
        [
            (
                DEBRA,
                "bool is_sure = cc_os_interrupt(cc_load_acquire_u64(&t->number)) ||",
                "cc_fence_seq_cst(&t->region);\n        bool is_sure = true ||",
            )
        ],
        "sched_debra",
        ("read_or_store", "read_or_swap"),
    ),
    Mutation(
        "voided_before_signal",
        "debra, step 3: the phase counts for nothing only when its thread is known to have left it",
        [
            (
                DEBRA,
                "bool is_sure = cc_os_interrupt(",
                "cc_store_release_u64(&t->voided, region);\n        bool is_sure = cc_os_interrupt(",
            )
        ],
        "sched_debra",
        ("blocked_reader", "retire_on_the_spot"),
    ),
    Mutation(
        "nobody_is_interrupted",
        "debra: what a stalled reader pins is bounded",
        [
            (
                IBR,
                "looked && waiting.count >= 2 * threshold &&",
                "looked && waiting.count >= 200 * threshold &&",
            )
        ],
        "sched_debra",
        ("read_or_store",),
    ),
    Mutation(
        "scan_ignores_what_is_held",
        "debra (11): a scan keeps what is held in a phase that was ended",
        [
            (
                IBR,
                "for (uint32_t i = 0; i < n; i++, s->held_count++) {",
                "for (uint32_t i = n; i < n; i++, s->held_count++) {",
            )
        ],
        "sched_debra",
        ("read_or_store", "hold_both"),
    ),
    Mutation(
        "scan_sees_one_held_word",
        "debra (11): a scan keeps all that is held",
        [
            (
                IBR,
                "for (uint32_t i = 0; i < n; i++, s->held_count++) {",
                "for (uint32_t i = 0; i < n && i < 1; i++, s->held_count++) {",
            )
        ],
        "sched_debra",
        ("hold_both", "two_phases"),
    ),
    Mutation(
        "retirement_ignores_what_is_held",
        "debra (11): so does a retirement that releases at once",
        [
            (
                IBR,
                "for (uint32_t i = 0; i < n; i++) {\n                if (cc_load_acquire_uptr(&t->held[i]) == word)",
                "for (uint32_t i = n; i < n; i++) {\n                if (cc_load_acquire_uptr(&t->held[i]) == word)",
            )
        ],
        "sched_debra",
        ("hold_both", "retire_on_the_spot"),
    ),
    Mutation(
        "reader_is_not_restarted",
        "debra: who is interrupted while it reads goes back to the checkpoint",
        [
            (
                DEBRA,
                "cc_enter_phase(self, CC_PHASE_WRITE); /* from here on a second signal does nothing */\n"
                "    cc_os_restore_interrupted_mask(context);\n    siglongjmp(self->checkpoint, 1);",
                "(void)context;",
            )
        ],
        "sched_debra",
        ("read_or_store", "read_or_swap"),
    ),
    Mutation(
        "jump_while_reading",
        "debra: before the jump the phase is left, so that a second signal does nothing",
        [
            (
                DEBRA,
                "cc_enter_phase(self, CC_PHASE_WRITE); /* from here on a second signal does nothing */",
                "",
            )
        ],
        "sched_debra",
        ("read_or_store", "two_scanners"),
    ),
    Mutation(
        "mask_not_restored",
        "debra: the jump leaves the handler, and unblocks its signal",
        [(DEBRA, "    cc_os_restore_interrupted_mask(context);\n", "")],
        "sched_debra",
        ("read_or_store",),
    ),
    Mutation(
        "pause_forgets_the_interrupt",
        "debra: a read phase that was ended in its pause is not resumed",
        [
            (
                FAST,
                "        if (self->interrupted) {\n            cc_restart(self);\n        }\n",
                "",
            )
        ],
        "sched_debra",
        ("pause",),
    ),
    Mutation(
        "pause_asks_too_early",
        "debra: interrupted or not is asked after the read phase has begun again",
        [
            (
                FAST,
                "        cc_enter_phase(self, CC_PHASE_READ);\n        if (self->interrupted) {\n"
                "            cc_restart(self);\n        }\n",
                "        if (self->interrupted) {\n            cc_restart(self);\n        }\n"
                "        cc_enter_phase(self, CC_PHASE_READ);\n",
            )
        ],
        "sched_debra",
        ("short_pause",),
    ),
    Mutation(
        "interrupt_not_noted",
        "debra: the handler that cannot jump says so",
        [(DEBRA, "self->interrupted = 1; /* so that the read phase is not resumed */", "")],
        "sched_debra",
        ("pause", "read_or_store"),
    ),
    Mutation(
        "begin_forgets_the_interrupt",
        "debra: a read phase that was ended while it began begins again",
        [
            (
                FAST,
                "} while (self->interrupted && (cc_enter_phase(self, CC_PHASE_WRITE), true));",
                "} while (0);",
            )
        ],
        "sched_debra",
        ("begin_again", "two_phases"),
    ),
    Mutation(
        "begin_asks_too_early",
        "debra: the same, asked after the phase has begun",
        [
            (
                FAST,
                "        cc_enter_phase(self, CC_PHASE_READ);\n"
                "        /* A scan may have ended this phase before it could be restarted. */\n"
                "    } while (self->interrupted && (cc_enter_phase(self, CC_PHASE_WRITE), true));",
                "    } while (self->interrupted);\n    cc_enter_phase(self, CC_PHASE_READ);",
            )
        ],
        "sched_debra",
        ("begin_again",),
    ),
    Mutation(
        "begin_forgets_an_interrupt_of_its_own",
        "debra: interrupts are forgotten before the new number can be seen",
        [
            (
                FAST,
                "        self->interrupted = 0;\n        cc_store_release_u64(&self->region,",
                "        cc_store_release_u64(&self->region,",
            ),
            (
                FAST,
                "        cc_publish_u64(&self->upper, UINT64_MAX); /* (5) */\n",
                "        cc_publish_u64(&self->upper, UINT64_MAX); /* (5) */\n        self->interrupted = 0;\n",
            ),
        ],
        "sched_debra",
        ("begin_again", "two_phases"),
    ),
    Mutation(
        "hold_without_fence",
        "debra (12): what is held in a write phase is visible before the word is read again",
        [(FAST, "            cc_fence_seq_cst(&self->region);\n", "")],
        "sched_debra",
        ("protect_in_write_phase", "retire_on_the_spot"),
    ),
    Mutation(
        "hold_does_not_read_again",
        "debra: a word read before it was held proves nothing",
        [
            (
                FAST,
                "if (again == word) {\n                return word;",
                "if (again) {\n                return word;",
            )
        ],
        "sched_debra",
        ("protect_in_write_phase", "retire_on_the_spot"),
    ),
    Mutation(
        "foreign_handler_cut_off",
        "debra: a handler of somebody else is let finish",
        [
            (
                DEBRA,
                "if (!cc_os_was_interrupted_within(context, self->stack, CC_MOST_STACK)) {",
                "if (0) {",
            )
        ],
        "sched_debra",
        ("foreign_handler",),
    ),
    Mutation(
        "does_not_come_again",
        "debra (14): who answers on top of a foreign handler comes again after it",
        [(DEBRA, "        cc_os_interrupt_again_after_outer_handler(context);\n", "")],
        "sched_debra",
        ("foreign_handler",),
    ),
    Mutation(
        "found_entry_held_too_late",
        "phases: what a write phase needs is held before the read phase ends",
        [
            (
                LIST,
                "if (use == ITS_VALUE && list->words->acquire) {\n            cc_hold(g, HELD_VALUE, value);",
                "cc_end_reading(g);\n        if (use == ITS_VALUE && list->words->acquire) {\n"
                "            cc_hold(g, HELD_VALUE, value);",
            )
        ],
        "sched_skiplist",
        ("interrupted_get_debra", "anything_debra"),
    ),
    Mutation(
        "found_value_not_held",
        "phases: a get holds the value that it takes a reference to",
        [(LIST, "if (use == ITS_VALUE && list->words->acquire) {", "if (0) {")],
        "sched_skiplist",
        ("interrupted_get_debra", "anything_debra"),
    ),
    Mutation(
        "found_node_not_held",
        "phases: what changes a value holds its node",
        [
            (
                LIST,
                "if (use == ITS_NODE || found->without_hint) {",
                "if (use != ITS_NODE && found->without_hint) {",
            )
        ],
        "sched_skiplist",
        ("interrupted_exact_debra", "anything_debra"),
    ),
    Mutation(
        "neighbour_not_held",
        "phases: an ordered query holds the entry that it answers with",
        [
            (
                LIST,
                "            cc_hold(g, HELD_VALUE, *value);\n            cc_hold(g, HELD_NODES, (uintptr_t)n);\n",
                "",
            )
        ],
        "sched_skiplist",
        ("floor_ceiling_debra", "both_ends_debra", "interrupted_removal_debra"),
    ),
    Mutation(
        "position_without_successors",
        "phases: a position keeps the nodes behind the place, too",
        [(LIST, "            cc_hold(g, slot++, (uintptr_t)at->after[level]);\n", "")],
        "sched_skiplist",
        ("interrupted_put_debra", "anything_debra"),
    ),
    Mutation(
        "position_without_predecessors",
        "phases: a position keeps the nodes before the place",
        [(LIST, "            cc_hold(g, slot++, (uintptr_t)at->before[level]);\n", "")],
        "sched_skiplist",
        ("interrupted_insertion_debra", "predecessor_dies_debra", "anything_debra"),
    ),
    Mutation(
        "position_of_one_level",
        "phases: a position is kept on every level that will be linked",
        [
            (
                LIST,
                "for (int level = 0; level < levels && level < at->levels; level++) {",
                "for (int level = 0; level < levels && level < 1; level++) {",
            )
        ],
        "sched_skiplist",
        ("interrupted_tower_debra", "tower_removal_tower_debra", "anything_debra"),
    ),
    Mutation(
        "second_search_keeps_nothing",
        "phases: a tower that searches again keeps the new position",
        [
            (
                LIST,
                "cc_status status = seek_again(list, g, search, at, height_of(n));",
                "cc_status status = seek_again(list, g, search, at, 0);",
            )
        ],
        "sched_skiplist",
        ("twice_interrupted_tower_debra", "tower_removal_tower_debra", "anything_debra"),
    ),
    Mutation(
        "hints_not_held",
        "phases: the table of hints is held while it is written to",
        [
            (
                LIST,
                "return (hint_table *)cc_protect_and_hold(g, &list->hints, 0, HELD_TABLE);",
                "return (hint_table *)cc_protect(g, &list->hints);",
            )
        ],
        "sched_skiplist",
        ("hint_growth_debra", "hint_growth_and_removal_debra", "anything_hinted_debra"),
    ),
    Mutation(
        "present_value_not_held",
        "phases: put_if_absent holds the value that it answers with",
        [
            (
                LIST,
                "cc_protect_and_hold(&g, &found->value, 0, HELD_VALUE);",
                "cc_protect(&g, &found->value);",
            )
        ],
        "sched_skiplist",
        ("interrupted_put_if_absent_debra", "anything_debra"),
    ),
    Mutation(
        "references_in_a_read_phase",
        "phases: a scan takes its references in pauses",
        [(LIST, "        cc_end_reading(g);\n        acquire_entry(", "        acquire_entry(")],
        "sched_skiplist",
        ("interrupted_scan_debra", "interrupted_scan_down_debra"),
    ),
    Mutation(
        "scan_down_past_its_bound",
        "a scan downwards hands out only what lies before a node that it has compared",
        [
            (
                LIST,
                "lost = true; /* at->before[0] has been unlinked",
                "lost = !current; /* at->before[0] has been unlinked",
            )
        ],
        "sched_skiplist",
        ("scan_down_loses_its_bound",),
    ),
    Mutation(
        "scan_starts_over_with_entries",
        "phases: a scan that is restarted keeps what it has",
        [
            (
                LIST,
                "    if (*count) {\n        cc_end_reading(g);\n        return CC_FOUND;\n    }\n    if (!search) {",
                "    if (!search) {",
            )
        ],
        "sched_skiplist",
        ("interrupted_scan_debra",),
    ),
    Mutation(
        "question_in_a_read_phase",
        "phases: a comparison, and the reference for a question, come in a pause",
        [
            (LIST, "    cc_end_reading(g);\n    int order =", "    int order ="),
            (
                LIST,
                "        search->asks = true;\n    }\n    return CC_UNDECIDED;",
                "        search->asks = true;\n    }\n    cc_end_reading(g);\n    return CC_UNDECIDED;",
            ),
        ],
        "sched_skiplist",
        ("interrupted_question_debra", "anything_undecided_debra"),
    ),
    Mutation(
        "compared_node_not_held",
        "phases: a comparison holds the node that it looks at",
        [
            (
                LIST,
                "    cc_hold(g, HELD_NODES, (uintptr_t)n);\n    cc_end_reading(g);\n    int order =",
                "    cc_end_reading(g);\n    int order =",
            )
        ],
        "sched_skiplist",
        ("interrupted_comparison_debra", "anything_compared_debra", "anything_undecided_debra"),
    ),
    Mutation(
        "question_leaves_a_place",
        "phases: a tower that would have to ask has no place any more",
        [
            (
                LIST,
                "                at->levels = status == CC_NEED_COMPARE ? 0 : at->levels; /* nothing is held */\n",
                "",
            )
        ],
        "sched_skiplist",
        ("interrupted_question_of_a_tower_debra", "anything_undecided_debra"),
    ),
    Mutation(
        "place_to_remove_from_not_held",
        "phases: a removal that asks holds the place that it takes the node out of",
        [(LIST, "keep_position(g, at, CC_FOUND, MAX_HEIGHT);", "cc_end_reading(g);")],
        "sched_skiplist",
        ("interrupted_removal_by_asking_debra", "anything_undecided_debra"),
    ),
    Mutation(
        "killing_in_a_read_phase",
        "phases: a clear kills each entry in a pause",
        [
            (
                LIST,
                "        cc_end_reading(g);\n        leftovers left = {0}; /* not",
                "        leftovers left = {0}; /* not",
            )
        ],
        "sched_skiplist",
        ("interrupted_clear_debra", "clear_debra"),
    ),
    Mutation(
        "killed_node_not_held",
        "phases: a clear holds what it kills",
        [
            (
                LIST,
                "        cc_hold(g, HELD_NODES, (uintptr_t)current);\n        cc_end_reading(g);\n        leftovers",
                "        cc_end_reading(g);\n        leftovers",
            )
        ],
        "sched_skiplist",
        ("interrupted_clear_debra", "clear_debra", "anything_debra"),
    ),
]

MUTATIONS = [
    Mutation(
        "enter_without_fence",
        "(5): the first reservation is visible before the first load",
        [(FAST, "cc_publish_u64(&self->upper, era);", "cc_store_release_u64(&self->upper, era);")],
        "sched_smr",
        ("read_or_swap",),
    ),
    Mutation(
        "protect_without_fence",
        "(8): a longer reservation is visible before the word is read again",
        [(IBR, "cc_publish_u64(&self->upper, era);", "cc_store_release_u64(&self->upper, era);")],
        "sched_smr",
        ("young_things", "one_each"),
    ),
    Mutation(
        "retire_without_fence",
        "(7): the unlinking is visible before anybody looks for regions",
        [
            (
                IBR,
                "cc_fence_seq_cst(&d->era);\n    uint64_t died",
                "uint64_t died",
            )
        ],
        "sched_smr",
        ("read_or_empty",),
    ),
    Mutation(
        "retire_to_limbo_without_fence",
        "(7) in cc_retire_to_limbo: the era of death is read after the unlinking",
        [
            (
                IBR,
                "cc_fence_seq_cst(&d->era);\n    cc_count(&self->retired, 1);\n    add_to_limbo",
                "cc_count(&self->retired, 1);\n    add_to_limbo",
            )
        ],
        "sched_smr",
        ("empty_to_limbo_while_eras_tick",),
    ),
    Mutation(
        "scan_without_fence",
        "(7) in a scan: reservations are read after everything in the chain was unlinked",
        [
            (
                IBR,
                "cc_fence_seq_cst(&d->era);\n    if (begin_sight",
                "if (begin_sight",
            )
        ],
        "sched_smr",
        ("read_or_empty_and_flush", "empty_to_limbo_while_eras_tick", "anything"),
        survives="what is in limbo was pushed after its retirer's fence; see below",
    ),
    Mutation(
        "death_before_fence",
        "the era of death is read after the unlinking is visible",
        [
            (
                IBR,
                "cc_fence_seq_cst(&d->era);\n    uint64_t died = cc_load_seq_cst_u64(&d->era);",
                "uint64_t died = cc_load_seq_cst_u64(&d->era);\n    cc_fence_seq_cst(&d->era);",
            )
        ],
        "sched_smr",
        ("empty_while_eras_tick",),
    ),
    Mutation(
        "protect_does_not_read_again",
        "a word read before the reservation was extended proves nothing",
        [
            (
                FAST,
                "return cc_protect_in_new_era(g, source, era);",
                "(void)cc_protect_in_new_era(g, source, era);\n    return word;",
            )
        ],
        "sched_smr",
        ("young_things", "one_each"),
    ),
    Mutation(
        "era_before_pointer",
        "the era is read after the pointer",
        [
            (
                FAST,
                "uintptr_t word = cc_load_acquire_uptr(source);\n",
                "uint64_t era = cc_load_acquire_u64(g->clock);\n"
                "    uintptr_t word = cc_load_acquire_uptr(source);\n",
            ),
            (
                FAST,
                "    uint64_t era = cc_load_acquire_u64(g->clock); /* debra's stands still: everything is reserved */\n    if",
                "    if",
            ),
        ],
        "sched_smr",
        ("young_things", "one_each"),
    ),
    Mutation(
        "protect_forgets_to_extend",
        "a pointer from a new era needs a longer reservation",
        [(FAST, "if (era == g->upper) {", "if (era == era) {")],
        "sched_smr",
        ("young_things",),
    ),
    Mutation(
        "upper_before_lower",
        "a scan reads the lower end first",
        [
            (
                IBR,
                "uint64_t lower = cc_load_seq_cst_u64(&t->lower); /* pairs with (4), (6) */",
                "uint64_t upper = cc_load_seq_cst_u64(&t->upper);\n"
                "        uint64_t lower = cc_load_seq_cst_u64(&t->lower);",
            ),
            (IBR, "        uint64_t upper = cc_load_seq_cst_u64(&t->upper); /* (5), (8) */\n", ""),
            (
                IBR,
                "uint64_t lower = cc_load_seq_cst_u64(&t->lower); /* (4), (6) */",
                "uint64_t upper = cc_load_seq_cst_u64(&t->upper);\n"
                "        uint64_t lower = cc_load_seq_cst_u64(&t->lower);",
            ),
            (IBR, "if (cc_load_seq_cst_u64(&t->upper) >= birth)", "if (upper >= birth)"),
        ],
        "sched_smr",
        ("reopen", "one_each", "anything"),
        survives="a region that is open at neither load begins after the fence; see below",
    ),
    Mutation(
        "domain_after_reservation",
        "(3): the domain is visible before the reservation on it",
        [
            (
                FAST,
                "    if (cc_load_relaxed_uptr(&self->domain) != (uintptr_t)d) {\n"
                "        cc_store_release_uptr(&self->domain, (uintptr_t)d); /* (3) */\n    }\n",
                "",
            ),
            (
                FAST,
                "    g->upper = era;\n}",
                "    g->upper = era;\n    cc_store_release_uptr(&self->domain, (uintptr_t)d);\n}",
            ),
        ],
        "sched_smr",
        ("read_or_swap",),
    ),
    Mutation(
        "death_era_ignored",
        "a region that opened in the era of death may have seen the thing",
        [(IBR, "if (lower > died ||", "if (lower >= died ||")],
        "sched_smr",
        ("read_or_swap",),
    ),
    Mutation(
        "no_running_maximum",
        "a scan asks all regions with an older lower end, not only the last of them",
        [(IBR, "if (s->intervals[i].upper < s->intervals[i - 1].upper) {", "if (0) {")],
        "sched_smr",
        ("anything",),
    ),
    Mutation(
        "no_rule_c",
        "hints: the table is still current after the slot was read",
        [
            (
                LIST,
                "if (cc_load_acquire_uptr(&list->hints) != (uintptr_t)t) {\n            return NULL;\n        }\n",
                "",
            )
        ],
        "sched_skiplist",
        ("hint_in_an_old_table", "anything_hinted"),
    ),
    Mutation(
        "new_table_looked_at_again",
        "hints: what has been put in place is anybody's to retire",
        [
            (
                LIST,
                "cc_stripe_of(list->domain, self)->bytes, bytes - (t",
                "cc_stripe_of(list->domain, self)->bytes, larger->bytes - (t",
            )
        ],
        "sched_skiplist",
        ("hint_growth_and_clear",),
    ),
    Mutation(
        "no_rule_b",
        "hints: the last one out clears the node from the table",
        [(LIST, "    clear_hint(list, g, n);\n    sweep(", "    sweep(")],
        "sched_skiplist",
        ("hint_get_remove", "hint_growth", "anything_hinted"),
    ),
    Mutation(
        "rule_b_too_early",
        "hints: cleared by the last one out, not by the remover while a builder may still publish",
        [
            (LIST, "    clear_hint(list, g, n);\n    sweep(", "    sweep("),
            (
                LIST,
                "            if (set_removed(n)) {\n                if (asking) {",
                "            clear_hint(list, &g, n);\n            if (set_removed(n)) {\n                if (asking) {",
            ),
        ],
        "sched_skiplist",
        ("hint_get_remove", "hint_growth", "anything_hinted"),
    ),
    Mutation(
        "no_rule_a",
        "hints: a search that refreshes a hint joins the builders first",
        [
            (
                LIST,
                "if (cc_reserve(self, 2) == 0 && join_builders(n)) {",
                "if (cc_reserve(self, 2) == 0) {",
            ),
            (
                LIST,
                "        publish_hint(list, g, search->hash, n);\n        if (leave_builders(n)) {\n"
                "            last_one_out(list, g, search, n, left);\n        }\n",
                "        publish_hint(list, g, search->hash, n);\n",
            ),
        ],
        "sched_skiplist",
        ("hint_refresh", "hint_get_remove", "anything_hinted"),
    ),
    Mutation(
        "join_a_removed_node",
        "nobody joins the builders of a removed node",
        [(LIST, "while (!(word & REMOVED)) {", "for (;;) {")],
        "sched_skiplist",
        ("hint_refresh", "hint_get_remove", "anything_hinted"),
    ),
    Mutation(
        "hint_without_protect",
        "hints: the slot is read by protect",
        [
            (
                LIST,
                "word = cc_protect_in(g, restarts, &bucket[i]);",
                "word = cc_load_acquire_uptr(&bucket[i]);",
            )
        ],
        "sched_skiplist",
        ("hint_to_a_young_node", "anything_hinted"),
    ),
    Mutation(
        "value_birth_after_value",
        "value_birth is read before the value",
        [
            (
                LIST,
                "        uint64_t birth = cc_load_acquire_u64(&n->value_birth) & ERA_MASK;\n",
                "",
            ),
            (
                LIST,
                "        uintptr_t v = cc_protect(g, &n->value);\n        if (v == CC_TOMBSTONE) {\n            return CC_ABSENT;",
                "        uintptr_t v = cc_protect(g, &n->value);\n"
                "        uint64_t birth = cc_load_acquire_u64(&n->value_birth) & ERA_MASK;\n"
                "        if (v == CC_TOMBSTONE) {\n            return CC_ABSENT;",
            ),
        ],
        "sched_skiplist",
        ("value_births", "value_births_and_eras", "put_remove_get"),
        survives="while a value stays in its slot only eras before its publication are raised to; see below",
    ),
    Mutation(
        "value_birth_after_swap",
        "value_birth is read before the swap",
        [
            (
                LIST,
                "            left->value_birth = birth;",
                "            left->value_birth = cc_load_acquire_u64(&n->value_birth) & ERA_MASK;",
            )
        ],
        "sched_skiplist",
        ("value_births", "value_births_and_eras", "put_remove_get"),
    ),
    Mutation(
        "raised_before_swap",
        "value_birth is raised after the swap: a failed swap must not leave a young birth",
        [
            (
                LIST,
                "        if (cc_cas_seq_cst_uptr(&n->value, &v, value)) { /* (2) */\n            left",
                "        raise_value_birth(n, era);\n        if (cc_cas_seq_cst_uptr(&n->value, &v, value)) { /* (2) */\n            left",
            ),
        ],
        "sched_skiplist",
        ("value_births", "value_births_and_eras", "put_remove_get"),
    ),
    Mutation(
        "era_after_swap",
        "the era that value_birth is raised to is read before the swap",
        [
            (
                LIST,
                "raise_value_birth(n, era);",
                "raise_value_birth(n, cc_load_acquire_u64(&list->domain->era) & ERA_MASK);",
            )
        ],
        "sched_skiplist",
        ("value_births", "value_births_and_eras", "put_remove_get"),
    ),
    Mutation(
        "no_equal_above",
        "seek starts over when an upper level shows an equal node that level 0 does not",
        [
            (
                LIST,
                "if (!equal_above || equal_above == equal || cc_load_acquire_uptr(&equal_above->value) != CC_TOMBSTONE) {",
                "if (1) {",
            )
        ],
        "sched_skiplist",
        ("tower_removal_tower", "anything"),
    ),
    Mutation(
        "remover_does_not_wait_for_builders",
        "the last one out retires: not the remover while a builder is left",
        [
            (LIST, "    return BUILDERS(was) == 0;", "    return true;"),
            (LIST, "return (was & REMOVED) && BUILDERS(was) == 1;", "return false;"),
        ],
        "sched_skiplist",
        ("tower_and_removal", "tower_removal_tower", "anything"),
    ),
    Mutation(
        "pop_takes_any_value",
        "pop_end: key and value were at the end together",
        [
            (
                LIST,
                "swap_value(list, &g, n, CC_TOMBSTONE, &value, &left) != CC_FOUND) {",
                "swap_value(list, &g, n, CC_TOMBSTONE, NULL, &left) != CC_FOUND) {",
            )
        ],
        "sched_skiplist",
        ("pops", "anything"),
    ),
    Mutation(
        "pop_does_not_sweep",
        "pop_end: what it could not take out at the end is swept",
        [
            (
                LIST,
                "            last_one_out(list, &g, &own, n, &left);",
                "            left.dead = n;",
            )
        ],
        "sched_skiplist",
        ("pops_of_one", "pops_undecided", "anything"),
    ),
    Mutation(
        "pop_hands_out_what_it_borrows",
        "pop_end: key and value are acquired for the caller",
        [
            (
                LIST,
                "        acquire_entry(list, n, value, entry);\n        mark_dead(n);",
                "        *entry = (cc_entry){n->digest, n->key, value, (uint8_t)kind_of(n)};\n        mark_dead(n);",
            )
        ],
        "sched_skiplist",
        ("pops",),
    ),
    Mutation(
        "walk_ends_at_a_mark",
        "a walk without comparisons goes on until the node is unlinked",
        [
            (
                LIST,
                "while (!sought || !(cc_load_acquire_uptr(&sought->next[level]) & UNLINKED)) { /* (5) */",
                "while (!sought || !is_marked(cc_load_acquire_uptr(&sought->next[level]))) {",
            )
        ],
        "sched_skiplist",
        ("pops_undecided", "undecided_keys", "anything_undecided"),
    ),
    Mutation(
        "walk_goes_on_from_a_dead_node",
        "a walk goes on from a place that is still linked",
        [
            (
                LIST,
                "for (; is_marked(link); link = cc_protect(g, &before->next[level])) {",
                "for (; 0;) {",
            )
        ],
        "sched_skiplist",
        ("pops_undecided", "undecided_keys", "clear", "anything_undecided"),
    ),
    Mutation(
        "both_retire",
        "one hand-off per node: it is retired once",
        [(LIST, "    return BUILDERS(was) == 0;", "    return true;")],
        "sched_skiplist",
        ("tower_and_removal", "insert_remove_insert", "anything"),
    ),
    Mutation(
        "last_builder_does_not_sweep",
        "a builder that is the last one out unlinks what it has linked",
        [
            (
                LIST,
                "                unlink_at(list, &at, n);\n                last_one_out(list, &g, search, n, &left);\n            }\n            n = NULL;",
                "                left.dead = n;\n            }\n            n = NULL;",
            )
        ],
        "sched_skiplist",
        ("tower_and_removal", "tower_removal_tower", "anything"),
    ),
    Mutation(
        "marked_link_followed_after_unlinking",
        "settle asks the clean predecessor again after it has unlinked a node",
        [
            (
                LIST,
                "        link = cc_protect_in(g, restarts, &before->next[level]);\n        if (is_marked(link)) {\n            return false;\n        }\n        c = target_of(link);",
                "        c = target_of(link);",
            )
        ],
        "sched_skiplist",
        ("neighbours_die", "tower_removal_tower", "anything"),
        survives="the CAS that unlinked the node proves that its successor was reachable; see below",
    ),
    Mutation(
        "marked_link_followed_blindly",
        "a marked link proves nothing: no step past it without unlinking",
        [
            (
                LIST,
                "        uintptr_t expected = (uintptr_t)c;\n        if (!cc_cas_acq_rel_uptr(&before->next[level], &expected, (uintptr_t)target_of(link))) {\n            return false;\n        }\n",
                "",
            ),
            (
                LIST,
                "        link = cc_protect_in(g, restarts, &before->next[level]);\n        if (is_marked(link)) {\n            return false;\n        }\n        c = target_of(link);",
                "        c = target_of(link);",
            ),
        ],
        "sched_skiplist",
        ("neighbours_die", "anything"),
    ),
    Mutation(
        "failed_unlink_ignored",
        "when the unlinking CAS fails the search starts over",
        [
            (
                LIST,
                "        if (!cc_cas_acq_rel_uptr(&before->next[level], &expected, (uintptr_t)target_of(link))) {\n            return false;\n        }\n        cc_fetch_or",
                "        if (!cc_cas_acq_rel_uptr(&before->next[level], &expected, (uintptr_t)target_of(link))) {\n            c = target_of(link);\n            continue;\n        }\n        cc_fetch_or",
            )
        ],
        "sched_skiplist",
        ("neighbours_die", "anything"),
    ),
    Mutation(
        "put_overwrites_tombstone",
        "a put never falls into a node that is being removed",
        [
            (
                LIST,
                "        uintptr_t v = cc_protect(g, &n->value);\n        if (v == CC_TOMBSTONE) {\n            return CC_ABSENT;\n        }\n        if (expected",
                "        uintptr_t v = cc_protect(g, &n->value);\n        if (v == CC_TOMBSTONE && value == CC_TOMBSTONE) {\n            return CC_ABSENT;\n        }\n        if (expected",
            )
        ],
        "sched_skiplist",
        ("put_remove_get", "anything"),
    ),
    Mutation(
        "dead_neighbours_are_stepped_over",
        "an ordered query that meets a dead node starts over",
        [
            (
                LIST,
                "if (look_at_neighbour(g, n, from, to, value)) {\n            *found = n;",
                "while (n && !look_at_neighbour(g, n, NULL, NULL, value)) {\n"
                "            n = target_of(cc_protect(g, &n->next[0]));\n        }\n"
                "        (void)from, (void)to;\n"
                "        if (!n) { cc_end_reading(g); return CC_ABSENT; }\n        {\n            *found = n;",
            )
        ],
        "sched_skiplist",
        ("lower_higher", "floor_ceiling", "both_ends", "anything"),
    ),
    Mutation(
        "value_later_than_key",
        "a neighbour's key and value are the answer together",
        [
            (
                LIST,
                "if (look_at_neighbour(g, n, from, to, value)) {",
                "(void)from, (void)to;\n        if (look_at_neighbour(g, n, NULL, NULL, value)) {",
            )
        ],
        "sched_skiplist",
        ("neighbour_changes", "anything"),
    ),
    Mutation(
        "marked_predecessor_accepted",
        "seek does not go on from a node that has died since",
        [
            (
                LIST,
                "            if (is_marked(link)) {\n                break; /* died since we stepped on it, one level up */\n            }\n",
                "",
            )
        ],
        "sched_skiplist",
        ("predecessor_dies", "anything"),
    ),
    Mutation(
        "level_0_marked_first",
        "a node is marked from its top level down",
        [
            (
                LIST,
                "for (int level = height_of(n) - 1; level >= 0; level--) {\n        cc_fetch_or",
                "for (int level = 0; level < height_of(n); level++) {\n        cc_fetch_or",
            )
        ],
        "sched_skiplist",
        ("tower_removal_tower", "tower_and_removal", "anything"),
    ),
    *MUTATIONS_OF_DEBRA,
    Mutation(
        "notify_without_fence",
        "event count (1): what has changed is visible before the count is read",
        [(EVENT_FAST, "cc_fence_seq_cst_after_rmw(&e->fence); /* (1)", "/* (1)")],
        "sched_event_count",
    ),
    Mutation(
        "notify_all_without_fence",
        "event count (1), the same for notify_all",
        [(EVENT, "cc_fence_seq_cst(&e->fence); /* (1) */", "")],
        "sched_event_count",
    ),
    Mutation(
        "enqueue_without_fence",
        "event count (1): the count is visible before the second try",
        [(EVENT, "cc_fence_seq_cst(&e->fence); /* (1): the count", "/* (1): the count")],
        "sched_event_count",
        survives="giving the lock back is an exchange, which drains the simulated buffer, as on x86",
    ),
    Mutation(
        "asleep_overwrites_notified",
        "event count: a waiter goes to sleep only from WAITING",
        [
            (
                EVENT,
                "if (state != asleep && !cc_cas_acq_rel_u32(&w->state, &state, asleep)) {\n"
                "            continue;\n        }",
                "cc_store_release_u32(&w->state, asleep);",
            )
        ],
        "sched_event_count",
    ),
    Mutation(
        "notified_without_a_call",
        "event count: one that is asleep is woken",
        [(EVENT, "if (c.sleeps_on) {\n        UNPARK_ONE(c.sleeps_on);\n    }", "")],
        "sched_event_count",
    ),
    Mutation(
        "leave_does_not_look_again",
        "event count: under the lock a waiter that leaves sees whether it was notified",
        [
            (
                EVENT,
                "state = cc_load_relaxed_u32(&w->state);\n            if",
                "if",
            )
        ],
        "sched_event_count",
    ),
    Mutation(
        "leave_forgets_the_notification",
        "event count: a notification that arrives while its receiver leaves is passed on",
        [(EVENT, "return state == NOTIFIED ? CC_NOTIFIED : state", "return state")],
        "sched_event_count",
    ),
    Mutation(
        "nobody_watches",
        "event count: somebody looks while a foreign waiter has not answered",
        [(EVENT, "if (e->watcher || !w ||", "if (!w || w || e->watcher ||")],
        "sched_event_count",
    ),
    Mutation(
        "the_watcher_sleeps_on",
        "event count: a thread that is asleep when it becomes the watcher is woken, to park again with a deadline",
        [(EVENT, "if (watcher_sleeps_on) {", "if (false) {")],
        "sched_event_count",
    ),
    Mutation(
        "a_watcher_leaves_its_watch_unattended",
        "event count: whoever takes the watcher out of the line makes room for the next one",
        [(EVENT, "if (e->watcher == w) {\n        e->watcher = NULL;\n    }\n    count", "count")],
        "sched_event_count",
    ),
    Mutation(
        "answers_are_not_counted",
        "event count: who has followed a notification needs nobody to watch for it",
        [
            (
                EVENT,
                "if (state == NOTIFIED) {\n            answer(w);\n        }",
                "",
            )
        ],
        "sched_event_count",
    ),
    Mutation(
        "taken_and_followed",
        "event count: a notification is followed by its foreign waiter, or taken from it, not both",
        [
            (
                EVENT,
                "if (!cc_cas_acq_rel_u32(&w->state, &state, TAKEN)) {\n        return false;\n    }",
                "if (cc_load_acquire_u32(&w->state) != state) {\n        return false;\n    }",
            )
        ],
        "sched_event_count",
    ),
    Mutation(
        "lock_forgets_who_sleeps_for_it",
        "event count: who has slept for the lock takes it as CONTENDED",
        [
            (
                EVENT,
                "/* Others may sleep for it, which only CONTENDED remembers. */\n"
                "            if (cc_cas_acq_rel_u32(&e->lock, &seen, contended)) {",
                "if (cc_cas_acq_rel_u32(&e->lock, &seen, lock_word(HELD))) {",
            )
        ],
        "sched_event_count",
    ),
    Mutation(
        "waiters_are_never_counted_down",
        "event count: whoever leaves the line is no longer counted",
        [
            (
                EVENT,
                "count_waiters(e, (uint32_t)-1);\n}\n\nstatic cc_waiter *whose",
                "}\n\nstatic cc_waiter *whose",
            )
        ],
        "sched_event_count",
    ),
]

MUTATIONS += [
    Mutation(name, breaks, edits, "sched_queue", programs, survives)
    for name, breaks, edits, programs, survives in QUEUE_MUTATIONS
]

FOUND = re.compile(r"FOUND by (\w+) in program (\w+), memory (\w+), at schedule (\d+)")
BROKEN = re.compile(r"(?:broken: |invariant broken: |ERROR: AddressSanitizer: )(.*)")


@dataclass
class Outcome:
    mutation: Mutation
    caught: str  # what the explorer said; empty if nothing
    where: str
    schedules: int
    seconds: float


def compile_one(
    cc: str, source: Path, core: Path, output: Path, defines: tuple[str, ...] = ()
) -> Path:
    target = output / (source.stem + ".o")
    command = [cc, *FLAGS, *DEFINES, *defines, "-fsanitize=address"]
    command += ["-c", str(source), "-o", str(target)]
    command += [f"-I{core}/include", f"-I{core}", f"-I{HERE}", f"-I{HERE.parent}"]
    subprocess.run(command, check=True)
    return target


def sources_of(core: Path) -> list[Path]:
    return sorted(
        f
        for d in ("platform", "memory", "ordered", "queue", "sync")
        for f in (core / d).glob("*.c")
    )


def mutate(core: Path, edits: list[Edit]) -> None:
    for file, old, new in edits:
        path = core / file
        text = path.read_text()
        # Blanks and line ends do not matter: formatting the core does not make mutations stale.
        pattern = r"\s+".join(map(re.escape, old.split()))
        text, count = re.subn(pattern, lambda _: new.strip(), text)
        if count != 1:
            raise SystemExit(f"{file} has changed: {count} times instead of once it says\n{old}")
        path.write_text(text)


def run_explorer(program: Path, options: list[str]) -> tuple[int, re.Match[str] | None, str]:
    """How many schedules it took, and what was found, if anything."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    result = subprocess.run([program, *options], capture_output=True, text=True, env=environment)
    tried = 0
    for enumerated, drawn in re.findall(r"(\d+) enumerated.*?(\d+) drawn", result.stdout):
        tried += int(enumerated) + int(drawn)
    found = FOUND.search(result.stderr)
    if (result.returncode != 0) != bool(found):
        raise SystemExit(f"{program} {options}: {result.stderr}")
    said = BROKEN.search(result.stderr)
    what = re.sub(r" on (unknown )?address.*", "", said.group(1)) if said else ""
    return tried + (int(found.group(4)) if found else 0), found, what


def try_mutation(mutation: Mutation, cc: str, intact: Path) -> Outcome:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        core = directory / "csrc"
        shutil.copytree(CORE, core)
        mutate(core, mutation.edits)
        edited = {file for file, _, _ in mutation.edits}
        # What a changed header may reach is compiled again; the rest is taken as it is.
        everything = any(file.endswith(".h") and file != HINTS for file in edited)
        objects = []
        for source in [*sources_of(core), HERE / "scheduler.c", HERE / f"{mutation.explorer}.c"]:
            is_core = source.is_relative_to(core)
            again = everything and source.parent.name != "platform"
            again = again or (is_core and str(source.relative_to(core)) in edited)
            again = again or (HINTS in edited and source.name == "skiplist.c")
            again = again or (bool(mutation.defines) and source.name == "scheduler.c")
            objects.append(
                compile_one(cc, source, core, directory, mutation.defines)
                if again
                else intact / (source.stem + ".o")
            )
        program = directory / mutation.explorer
        subprocess.run(
            [cc, *FLAGS, "-fsanitize=address", *map(str, objects), "-o", str(program)], check=True
        )
        tried = 0
        # A little of everything first, then more.
        for budget in (500, 5000, 20000, 100000)[: 1 if mutation.survives else 4]:
            for test in mutation.programs or (None,):
                for options in (
                    ["--random", str(budget)],
                    ["--pct", str(budget)],
                    ["--enumerate", str(max(budget, 0 if mutation.survives else 20000))],
                ):
                    only = ["--program", test] if test else []
                    n, found, what = run_explorer(program, [*only, *options])
                    tried += n
                    if found:
                        where = f"{found.group(2)} ({found.group(1)}, {found.group(3)})"
                        return Outcome(mutation, what, where, tried, time.monotonic() - start)
        return Outcome(mutation, "", "", tried, time.monotonic() - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--table", action="store_true", help="as Markdown, for README.md")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cc", default=os.environ.get("CC", "cc"))
    arguments = parser.parse_args()
    chosen = [m for m in MUTATIONS if not arguments.names or m.name in arguments.names]
    percent = int(os.environ.get("CC_TEST_PERCENT", "100"))
    if not arguments.names and percent < 50:
        # A part of them, another one each day: in four days of tests every one has had its turn. The store-load fences
        # always: nothing else in the tests sees that one is missing.
        turns = 100 // percent
        today = datetime.date.today().toordinal() % turns
        chosen = [
            m
            for i, m in enumerate(chosen)
            if i % turns == today or ("fence" in m.name and not m.survives)
        ]
    wrong = 0
    with (
        tempfile.TemporaryDirectory() as name,
        concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool,
    ):
        intact, cc = Path(name), arguments.cc
        explorers = [
            HERE / f"{name}.c"
            for name in (
                "scheduler",
                "sched_queue",
                "sched_smr",
                "sched_debra",
                "sched_skiplist",
                "sched_event_count",
            )
        ]
        list(
            pool.map(
                lambda source: compile_one(cc, source, CORE, intact),
                [*sources_of(CORE), *explorers],
            )
        )
        for outcome in pool.map(lambda m: try_mutation(m, cc, intact), chosen):
            m = outcome.mutation
            as_expected = bool(outcome.caught) != bool(m.survives)
            wrong += not as_expected
            if arguments.table:
                by = outcome.where if outcome.caught else f"**survives**: {m.survives}"
                print(
                    f"| `{m.name}` | {m.breaks} | {by} | {outcome.schedules:,} | {outcome.caught} |"
                )
            else:
                verdict = (
                    f"caught in {outcome.where}: {outcome.caught}" if outcome.caught else "SURVIVES"
                )
                print(
                    f"{'' if as_expected else 'UNEXPECTED '}{m.name}: {verdict}, after {outcome.schedules}"
                    f" schedules, {outcome.seconds:.1f} s",
                    flush=True,
                )
    print(f"{len(chosen) - wrong} of {len(chosen)} mutations behave as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
