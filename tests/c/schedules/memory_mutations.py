"""Errors in thread records and reclamation that tests of one order of steps must notice; unit_mutations.py shows them."""

from __future__ import annotations

THREAD = "platform/thread.c"

MEMORY_UNIT_MUTATIONS: list[tuple[str, str, list[tuple[str, str, str]], tuple[str, ...]]] = [
    (
        "full_group_not_looked_at_again",
        "(16): who says that a group is full looks at it again afterwards",
        [
            (
                THREAD,
                "if (cc_load_seq_cst_u64(&g->taken) != ALL_OF(CC_THREADS_IN_GROUP)) {\n        clear(",
                "if (false) {\n        clear(",
            )
        ],
        ("test_records",),
    ),
    (
        "full_group_looked_at_too_early",
        "(16): after it is said, not before",
        [
            (
                THREAD,
                "    cc_fetch_or_seq_cst_u64(full, UINT64_C(1) << g->number); /* (16) */\n"
                "    if (cc_load_seq_cst_u64(&g->taken) != ALL_OF(CC_THREADS_IN_GROUP)) {",
                "    bool is_full = cc_load_seq_cst_u64(&g->taken) == ALL_OF(CC_THREADS_IN_GROUP);\n"
                "    cc_fetch_or_seq_cst_u64(full, UINT64_C(1) << g->number); /* (16) */\n"
                "    if (!is_full) {",
            )
        ],
        ("test_records",),
    ),
    (
        "group_stays_full",
        "(16): who gives a place back sees to it that its group is looked at",
        [
            (
                THREAD,
                "if (cc_load_seq_cst_u64(&g->section->full) >> g->number & 1) {",
                "if (false) {",
            )
        ],
        ("test_records",),
    ),
    (
        "records_are_walked_through",
        "coming takes a constant number of steps",
        [
            (
                THREAD,
                "    cc_thread *record = group->members[place];",
                "    for (cc_thread *t = cc_thread_first(); t; t = t->next) {\n"
                "        (void)cc_load_relaxed_u64(&t->number);\n"
                "    }\n"
                "    cc_thread *record = group->members[place];",
            )
        ],
        ("test_records",),
    ),
]
