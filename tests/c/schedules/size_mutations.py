"""Mutations about internal sizes, for unit_mutations.py: a full block, an empty one, and no memory for the next."""

LIST = "ordered/skiplist.c"

# Name, the rule that it breaks, edits, tests that must notice it.
SIZE_MUTATIONS = [
    (
        "newest_block_decides",
        "a clear takes the table of hints away if it has killed anything, in whatever block",
        [
            (
                LIST,
                "if (blocks && (blocks->count || blocks->next)) {",
                "if (blocks && blocks->count) {",
            )
        ],
        ("test_boundaries",),
    ),
    (
        "clear_without_a_record",
        "a clear begins with the thread's record, without which there is no region",
        [
            (
                LIST,
                "    if (!self || cc_reserve(self, 1)) {\n        return CC_NO_MEMORY;\n    }\n"
                "    cc_retired *record_of_hints = cc_take_spare(self);",
                "    cc_retired *record_of_hints =\n"
                "        self && cc_reserve(self, 1) == 0 ? cc_take_spare(self) : NULL;",
            )
        ],
        ("test_boundaries",),
    ),
    (
        "kills_more_than_it_can_retire",
        "a clear kills no more than it has records for the values of",
        [(LIST, "    return self->spare_count;\n", "    return (unsigned)wanted;\n")],
        ("test_boundaries",),
    ),
    (
        "put_aside_and_lost",
        "what a clear has no memory to retire is put aside",
        [(LIST, "                put_aside(list, blocks);\n", "")],
        ("test_boundaries",),
    ),
    (
        "aside_for_ever",
        "a flush retires what was put aside",
        [
            (
                LIST,
                "        retire_nodes(list, self, take_aside(list));\n    }\n    return cc_smr",
                "    }\n    return cc_smr",
            )
        ],
        ("test_boundaries",),
    ),
]
