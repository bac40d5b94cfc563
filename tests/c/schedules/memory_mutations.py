"""Errors in thread records and reclamation that tests of one order of steps must notice; unit_mutations.py shows them."""

from __future__ import annotations

THREAD, RELEASE = "platform/thread.c", "memory/release.c"

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
    (
        "put_off_without_bound",
        "a release function that runs for long does not collect what it puts off",
        [(RELEASE, "&& waiting >= WORTH_NESTING);", "&& false);")],
        ("test_release",),
    ),
    (
        "releases_nest_without_bound",
        "releases nest only a few deep",
        [(RELEASE, "(self->releases < MOST_NESTED_RELEASES && ", "(")],
        ("test_release",),
    ),
    (
        "put_off_not_counted",
        "what is put off waits in its domain, where it is counted",
        [(RELEASE, "    cc_fetch_add_relaxed_u32(&s->ready_count, 1);\n", "")],
        ("test_release",),
    ),
    (
        "nobody_comes_back",
        "what was put off is released when the outermost release function has returned",
        [(RELEASE, "    come_back_later(self, d);\n", "")],
        ("test_release",),
    ),
    (
        "domain_not_pinned",
        "(17): a domain that a thread comes back to keeps its memory",
        [(RELEASE, "        cc_fetch_add_relaxed_u32(&d->pins, 1);\n", "")],
        ("test_release",),
    ),
    (
        "left_to_the_record",
        "what a thread has left that ended inside a release function does not go to the next owner of its record",
        [
            (
                RELEASE,
                "    record->releases = 0;\n    record->domains_to_come_back_to = 0;\n"
                "    cc_deferred *left = record->deferred;\n",
                "    record->releases = 0;\n    if (true) {\n        return;\n    }\n"
                "    cc_deferred *left = record->deferred;\n",
            )
        ],
        ("test_release",),
    ),
    (
        "hands_are_forgotten",
        "what it had in its hands is not lost",
        [(RELEASE, "    while (record->in_hand) {", "    while (false) {")],
        ("test_release",),
    ),
]
