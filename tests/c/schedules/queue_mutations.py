"""Broken queues, for mutations.py: every rule of csrc/queue that an explorer can see broken, among them each error of
published code that the heads of scq.c, lcrq.c and ring_list.h name.

Each entry: name, the rule that it breaks, the edits (file below csrc, what stands there, what shall), the programs of
sched_queue that are tried, and why it survives if it does.
"""

from __future__ import annotations

SCQ, LCRQ, WCQ, LIST, LISTC, QUEUE, KEPT, STREAK = (
    "queue/scq.c",
    "queue/lcrq.c",
    "queue/wcq.c",
    "queue/ring_list.h",
    "queue/ring_list.c",
    "queue/queue.c",
    "queue/kept.h",
    "queue/streak.c",
)

Entry = tuple[str, str, list[tuple[str, str, str]], tuple[str, ...], str]


def both(*names: str) -> tuple[str, ...]:
    return tuple(f"{kind}_{name}" for name in names for kind in ("scq", "lcrq"))


def of(kind: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{kind}_{name}" for name in names)


QUEUE_MUTATIONS: list[Entry] = [
    (
        "scq_final_bit_cleared_by_catch_up",
        "no write of tail clears the final bit (published error)",
        [
            (SCQ, "if (tail & FINAL) { return; } head = cc_load", "head = cc_load"),
            (
                SCQ,
                "if (tail & FINAL) { if ((tail & ~FINAL) <= ticket + 1) { return OVER; } continue;",
                "if (tail & FINAL) { if ((tail & ~FINAL) <= ticket + 1) {"
                " catch_up(ring, tail, ticket + 1); return OVER; } continue;",
            ),
        ],
        of("scq", "late_getters", "few_tickets", "one_ticket"),
        "",
    ),
    (
        "lcrq_final_bit_cleared_by_catch_up",
        "no write of tail clears the final bit (published error)",
        [
            (LCRQ, "if (tail & FINAL) { return; } head = cc_load", "head = cc_load"),
            (
                LCRQ,
                "if (tail & FINAL) { return CC_RING_OVER; } catch_up(ring, tail, ticket + 1);",
                "catch_up(ring, tail, ticket + 1); if (tail & FINAL) { return CC_RING_OVER; }",
            ),
        ],
        of("lcrq", "late_getters", "few_tickets", "one_ticket"),
        "",
    ),
    (
        "head_moves_on_when_empty",
        "rule B: a get looks again after it has seen that the ring is final (published error)",
        [
            (
                LIST,
                "if (answer == CC_RING_EMPTY) { return CC_QUEUE_EMPTY; } cc_queue_status",
                "cc_queue_status",
            )
        ],
        both("three_and_three", "late_getters"),
        "",
    ),
    (
        "scq_threshold_of_a_final_ring_is_trusted",
        "a final ring is drained by tickets; its threshold was read before it was final",
        [
            (
                SCQ,
                "if (!is_final && (int32_t)threshold < 0) { return NOTHING; }",
                "if ((int32_t)threshold < 0) { return is_final ? OVER : NOTHING; }",
            )
        ],
        of("scq", "three_and_three", "late_getters"),
        "",
    ),
    (
        "scq_threshold_by_a_store",
        "the threshold is visible before the put returns",
        [
            (
                SCQ,
                "cc_exchange_seq_cst_u32(&ring->threshold, full_threshold(mask));",
                "cc_store_release_u32(&ring->threshold, full_threshold(mask));",
            )
        ],
        of("scq", "first_puts"),
        "",
    ),
    (
        "scq_threshold_is_not_reset",
        "a put allows gets to look for its word",
        [
            (
                SCQ,
                "cc_exchange_seq_cst_u32(&ring->threshold, full_threshold(mask));",
                "",
            )
        ],
        of("scq", "three_pairs", "get_first", "two_put"),
        "",
    ),
    (
        "scq_runs_out_without_finalizing",
        "rule A: a ring is final before another is linked behind it",
        [
            (
                SCQ,
                "if (index >= OVER) { finalize_ring(common); return CC_RING_OVER; }",
                "if (index >= OVER) { return CC_RING_OVER; }",
            )
        ],
        of("scq", "three_and_three", "stalled_in_a_ring"),
        "",
    ),
    (
        "scq_kept_index_outlives_its_ring",
        "what is kept is good only while a hazard names its ring",
        [
            (
                LIST,
                "if ((uintptr_t)self->kept_of != cc_load_relaxed_uptr(hazard)) {",
                "if (0) {",
            )
        ],
        of("scq", "kept_recycled", "recycled_at_once"),
        "",
    ),
    (
        "scq_chain_without_an_end",
        "a chain that is given back ends where the rest of what is kept begins",
        [(KEPT, "cc_store_release_uptr(&words[last], CC_NO_INDEX);", "")],
        of("scq", "chains_used_up"),
        "",
    ),
    (
        "scq_rest_of_a_chain_twice",
        "the rest of a chain is kept or given back, not both",
        [
            (
                KEPT,
                "if (rest == CC_NO_INDEX || self->ordinal >= keeping.keepers) { return rest; }",
                "if (rest == CC_NO_INDEX) { return rest; }"
                " if (self->ordinal >= keeping.keepers) { cc_keep_chain(self, ring, rest, 1); return rest; }",
            )
        ],
        of("scq", "chains_not_kept"),
        "",
    ),
    (
        "lcrq_word_taken_without_a_second_look",
        "a get has seen both halves of its cell together before it empties the cell by a store",
        [
            (
                LCRQ,
                "if ((cc_load_seq_cst_u64(&c->index) & ~UNSAFE) == ticket) {",
                "{",
            )
        ],
        of("lcrq", "three_and_three", "late_getters", "few_tickets"),
        "",
    ),
    (
        "lcrq_empty_without_a_look_at_tail",
        "a cell without a word says nothing: tail does (published error)",
        [(LCRQ, "if ((tail & ~FINAL) <= ticket) { return", "if (1) { return")],
        of("lcrq", "three_and_three", "get_first"),
        "",
    ),
    (
        "scq_empty_without_a_look_at_tail",
        "an entry without an index says nothing: tail does (published error)",
        [(SCQ, "if ((tail & ~FINAL) <= ticket || ticket >= limit) {", "if (1) {")],
        of("scq", "three_and_three", "get_first"),
        "",
    ),
    (
        "hazard_without_fence",
        "(4): a name is visible before the second look",
        [
            (
                LISTC,
                "(void)cc_exchange_seq_cst_uptr(hazard, named);",
                "cc_store_release_uptr(hazard, named);",
            )
        ],
        both("rings_are_recycled", "recycled_at_once", "pairs_in_one_slot", "stalled_in_a_ring"),
        "",
    ),
    (
        "hazard_without_second_look",
        "a ring is named only if it still is at the end",
        [(LISTC, "} while (ring != named);", "} while (ring = named, false);")],
        both("rings_are_recycled", "recycled_at_once", "pairs_in_one_slot", "stalled_in_a_ring"),
        "",
    ),
    (
        "rings_are_recycled_at_once",
        "a ring is recycled when no member names it",
        [
            (
                LISTC,
                "if (bsearch(&address, seen, n, sizeof *seen, by_address)) {",
                "if (bsearch(&address, seen, n, sizeof *seen, by_address) && false) {",
            )
        ],
        both("rings_are_recycled", "recycled_at_once", "pairs_in_one_slot", "stalled_in_a_ring"),
        "",
    ),
    (
        "names_of_threads_that_are_there_are_taken_back",
        "only the names of a thread that has ended are taken back",
        [(LISTC, "if (!cc_thread_is_in_use(m->thread)) {", "if (true) {")],
        both("rings_are_recycled", "recycled_at_once", "stalled_in_a_ring", "owner_changes"),
        "",
    ),
    (
        "names_are_taken_back_of_any_ring",
        "(7): a name is taken back only of a ring that is out of the list and in one thread's hands",
        [
            (
                LISTC,
                "if ((uintptr_t)ring == named) {",
                "if (true) {",
            )
        ],
        both("owner_is_back"),
        "",
    ),
    (
        "names_are_passed_over_and_stay",
        "names that are taken back are gone before the ring is recycled",
        [
            (LISTC, "if (!cc_thread_is_in_use(m->thread)) {", "if (false) {"),
            (
                LISTC,
                "uintptr_t names[2] = {",
                "if (!cc_thread_is_in_use(m->thread)) { continue; } uintptr_t names[2] = {",
            ),
        ],
        of("scq", "owner_of_kept_changes", "owner_of_chains_changes"),
        "",
    ),
    (
        "kept_outlives_the_names",
        "indices of a ring are forgotten between finding a ring at the end and naming it",
        [
            (
                LISTC,
                "cc_keep_only_of(self, hazard == &self->get_ring ? &self->put_ring : &self->get_ring);",
                "",
            ),
            (
                LISTC,
                "uintptr_t ring = cc_load_seq_cst_uptr(end), named;",
                "cc_keep_only_of(self, hazard == &self->get_ring ? &self->put_ring : &self->get_ring);"
                " uintptr_t ring = cc_load_seq_cst_uptr(end), named;",
            ),
        ],
        of("scq", "owner_of_kept_changes"),
        "between two loads of the new owner a ring has to be taken back, used again and become the first one; argued only",
    ),
    (
        "puts_are_not_named",
        "a ring that a put is in is not recycled",
        [
            (
                LISTC,
                "cc_load_seq_cst_uptr(&m->put_ring), /* pairs with (4) */",
                "(uintptr_t)0,",
            )
        ],
        both("recycled_at_once", "rings_are_recycled"),
        "",
    ),
    (
        "tail_stays_behind_head",
        "a get moves tail off a ring before head",
        [
            (
                LIST,
                "if (cc_load_seq_cst_uptr(&list->tail) == last) {",
                "if (cc_load_seq_cst_uptr(&list->tail) == last && false) {",
            )
        ],
        both("rings_are_recycled", "recycled_at_once", "pairs_in_one_slot", "stalled_in_a_ring"),
        "whoever has linked the next ring and not moved tail yet still names the ring",
    ),
    (
        "closed_before_final",
        "the mark of closing is set behind a final ring",
        [
            (
                LISTC,
                "kind->finalize(ring); /* before the mark: rule A */"
                " if (cc_cas_seq_cst_uptr(&ring->next, &next, CC_RING_CLOSED)) {",
                "if (cc_cas_seq_cst_uptr(&ring->next, &next, CC_RING_CLOSED)) { kind->finalize(ring);",
            )
        ],
        both("close", "close_small", "close_with_bound"),
        "",
    ),
    (
        "closed_without_finalizing",
        "after close no put succeeds, whether it saw the flag or not",
        [(LISTC, "kind->finalize(ring); /* before the mark: rule A */", "")],
        both("close", "close_small", "close_with_bound"),
        "",
    ),
    (
        "close_is_a_flag_only",
        "the puts that were under way are settled",
        [
            (
                QUEUE,
                "queue->ops->close(queue, self); return queue->ops->take_word(queue, self, word);",
                "return CC_QUEUE_CLOSED;",
            ),
            (QUEUE, "if (self) { queue->ops->close(queue, self); }", ""),
        ],
        both("close", "close_small", "close_with_bound"),
        "",
    ),
    (
        "puts_do_not_look_at_the_flag",
        "no put that begins after close has returned succeeds",
        [
            (QUEUE, "if (cc_load_seq_cst_u32(&queue->closing)) { return CC_QUEUE_CLOSED; }", ""),
            (QUEUE, "if (self) { queue->ops->close(queue, self); }", ""),
        ],
        both("close", "close_small", "close_with_bound"),
        "",
    ),
    (
        "credits_below_zero",
        "a put that does not get a credit does not keep others from getting one",
        [
            (
                QUEUE,
                "uint64_t credits = cc_load_seq_cst_u64(&queue->credits);"
                " do { if (credits == 0) { return false; } }"
                " while (!cc_cas_seq_cst_u64(&queue->credits, &credits, credits - 1)); return true;",
                "if ((int64_t)cc_fetch_add_seq_cst_u64(&queue->credits, UINT64_MAX) > 0) { return true; }"
                " cc_fetch_add_seq_cst_u64(&queue->credits, 1); return false;",
            ),
            (
                QUEUE,
                "CC_INVARIANT(cc_load_relaxed_u64(&queue->credits) < queue->capacity);",
                "",
            ),
        ],
        both("bound_of_one", "bound_of_one_three", "bound_of_two"),
        "",
    ),
    (
        "credit_before_the_word_is_taken",
        "a credit is given back after its word was taken",
        [
            (
                QUEUE,
                "cc_queue_status status = queue->ops->take_word(queue, self, word);"
                " if (status == CC_QUEUE_EMPTY &&",
                "if (queue->has_credits && cc_load_relaxed_u64(&queue->credits) < queue->capacity) {"
                " cc_fetch_add_seq_cst_u64(&queue->credits, 1); }"
                " cc_queue_status status = queue->ops->take_word(queue, self, word);"
                " if (queue->has_credits && status != CC_QUEUE_OK) {"
                " cc_fetch_add_seq_cst_u64(&queue->credits, UINT64_MAX); }"
                " if (status == CC_QUEUE_EMPTY &&",
            ),
            (
                QUEUE,
                "cc_member_count(&self->gets, 1); } if (queue->has_credits) { give_credit(queue); }",
                "cc_member_count(&self->gets, 1); }",
            ),
            (
                QUEUE,
                "CC_INVARIANT(cc_load_relaxed_u64(&queue->credits) < queue->capacity);",
                "",
            ),
        ],
        both("bound_of_one", "bound_of_one_three", "bound_of_two", "sums"),
        "",
    ),
    (
        "put_is_counted_late",
        "a put is counted before it publishes its word",
        [
            (
                QUEUE,
                "word); } cc_member_count(&self->puts, 1); cc_queue_status",
                "word); } cc_queue_status",
            ),
            (
                QUEUE,
                "cc_member_count(&self->puts, UINT64_MAX); /* minus 1 */",
                "",
            ),
            (
                QUEUE,
                "give_credit(queue); } } return status; } CC_ALWAYS_INLINE cc_queue_status put(",
                "give_credit(queue); } } else { cc_member_count(&self->puts, 1); } return status; }"
                " CC_ALWAYS_INLINE cc_queue_status put(",
            ),
        ],
        both("sums"),
        "",
    ),
    (
        "put_is_counted_before_it_has_a_place",
        "a put that says FULL is not counted at any time",
        [
            (
                WCQ,
                "uint64_t index; if (wcq_dequeue(&node->free, &self->record, &index) != WCQ_DONE) {",
                "uint64_t index; cc_member_count(&self->common.puts, 1);"
                " if (wcq_dequeue(&node->free, &self->record, &index) != WCQ_DONE) {"
                " cc_member_count(&self->common.puts, UINT64_MAX);",
            ),
            (
                WCQ,
                "cc_member_count(&self->common.puts, 1); cc_store_relaxed_uptr",
                "cc_store_relaxed_uptr",
            ),
        ],
        of("wait_free", "sums_of_one"),
        "",
    ),
    (
        "place_is_given_before_the_get_is_counted",
        "a get that bounds the queue is counted before its place goes to another put",
        [
            (
                WCQ,
                "cc_member_count(&self->common.gets, 1); wcq_enqueue(&node->free, &self->record, index);",
                "wcq_enqueue(&node->free, &self->record, index); cc_member_count(&self->common.gets, 1);",
            )
        ],
        of("wait_free", "sums_of_one"),
        "",
    ),
    (
        "length_of_a_queue_that_is_over",
        "after a get has said CLOSED the length is 0",
        [(QUEUE, "cc_store_relaxed_u32(&queue->over, 1);", "")],
        both("close_small", "close"),
        "",
    ),
    (
        "scq_put_by_a_store",
        "event count (1) on x86: a put publishes by a read-modify-write, before the count of waiters is read",
        [
            (
                SCQ,
                "if (cc_cas_seq_cst_u32(place, &entry, cycle | SAFE | index)) { return true; }",
                "cc_store_release_u32(place, cycle | SAFE | index); return true;",
            )
        ],
        of("scq", "waiting_get"),
        "",
    ),
    (
        "lcrq_put_by_a_store",
        "event count (1) on x86, the same",
        [
            (
                LCRQ,
                "swap_cell(c, index, 0, ticket, word);",
                "(cc_store_release_u64(&c->index, ticket),"
                " cc_store_release_u64(&c->word, word), true);",
            )
        ],
        of("lcrq", "waiting_get"),
        "",
    ),
]

# Name, the rule that it breaks, the edits, and the tests of the core (tests/c) that must fail.
UnitEntry = tuple[str, str, list[tuple[str, str, str]], tuple[str, ...]]

# What the explorer does not reach: a get that stalls while others go once or twice around the ring, and more threads than it has
# fibres. Tests that carry out such orders must notice; unit_mutations.py asks them.
UNIT_MUTATIONS: list[UnitEntry] = [
    (
        "chain_that_is_given_back_goes_on",
        "kept.h: a chain that is given back ends where the kept one begins",
        [(KEPT, "cc_store_release_uptr(&words[last], CC_NO_INDEX);", "")],
        ("test_queue_small",),
    ),
    (
        "lcrq_visit_ends_too_early",
        "lcrq: a visit goes as far as tail",
        [
            (
                LCRQ,
                "for (; ticket < tail && ticket < round; ticket++) {",
                "for (; ticket + 1 < tail && ticket < round; ticket++) {",
            )
        ],
        ("test_queue_small",),
    ),
    (
        "idle_threads_pin_long_rings",
        "the more bytes idle threads pin, the shorter the next rings are",
        [(LISTC, "slots /= 2;", "break;")],
        ("test_queue_bytes",),
    ),
    (
        "threads_that_have_ended_pin_rings",
        "the names of a thread that has ended are taken back",
        [(LISTC, "if (!cc_thread_is_in_use(m->thread)) {", "if (false) {")],
        ("test_queue_bytes",),
    ),
    (
        "backoff_for_everybody",
        "burst back-off: only a thread that does nothing but use the queue waits, and is named",
        [
            (STREAK, "return self->gap && self->gap <= CC_STREAK_GAP;", "return true;"),
            (STREAK, "if (is_same && (int64_t)(done_now", "if (!is_same || (int64_t)(done_now"),
        ],
        ("test_burst_backoff_virtual",),
    ),
    (
        "backoff_of_a_thread_that_works",
        "burst back-off: a thread that works on its items waits for nobody",
        [(STREAK, "if (!is_hot(self)) {", "if (!is_hot(self) && end != CC_PUTTING) {")],
        ("test_burst_backoff_virtual", "test_streak"),
    ),
    (
        "backoff_nobody_rests",
        "burst back-off: after a wait in vain nobody waits for a while",
        [(STREAK, "if (now < not_before) {", "if (now < not_before && false) {")],
        ("test_burst_backoff_virtual", "test_streak"),
    ),
    (
        "backoff_nothing_is_forgiven",
        "burst back-off: a look at another name is forgiven while hot threads gather",
        [(STREAK, "++forgiven > MOST_FORGIVEN", "++forgiven > 0")],
        ("test_burst_backoff_virtual",),
    ),
    (
        "backoff_of_a_call_that_must_not_be_held_up",
        "cc_queue_put_now and cc_queue_get_now never wait",
        [
            (QUEUE, "return put(queue, word, false);", "return put(queue, word, true);"),
            (QUEUE, "return get(queue, word, false);", "return get(queue, word, true);"),
        ],
        ("test_streak",),
    ),
    (
        "backoff_of_a_getter_that_works",
        "a getter that works on its items does not fall back behind a fast putter",
        [(STREAK, "if (!is_hot(self) || goes_unlooked(self)) {", "if (goes_unlooked(self)) {")],
        ("test_streak",),
    ),
    (
        "scq_safe_bit_set_on_bump",
        "an empty entry that is moved to a newer cycle keeps its safe bit (published error)",
        [
            (
                SCQ,
                "changed = cycle | (entry & SAFE) | EMPTY;",
                "changed = cycle | SAFE | EMPTY;",
            )
        ],
        (
            "test_scq_ring",
            "test_overtaken",
        ),
    ),
    (
        "scq_unsafe_entry_is_used",
        "a put uses an unsafe entry only if head has not passed its ticket",
        [
            (
                SCQ,
                "index_of_entry(entry) == EMPTY && ((entry & SAFE) || cc_load_seq_cst_u64(&ring->head) <= ticket)) {",
                "index_of_entry(entry) == EMPTY) {",
            )
        ],
        (
            "test_scq_ring",
            "test_overtaken",
        ),
    ),
    (
        "scq_entry_is_not_marked_unsafe",
        "a get that finds an older index in its entry takes the safe bit away",
        [(SCQ, "changed = entry & ~SAFE;", "return NOTHING;")],
        (
            "test_scq_ring",
            "test_overtaken",
        ),
    ),
    (
        "scq_consumed_by_a_store",
        "only the index of an entry is stored: another get may be taking its safe bit away",
        [
            (
                SCQ,
                "cc_set_low_half_release_u32(place);",
                "cc_store_release_u32(place, entry | EMPTY);",
            )
        ],
        ("test_overtaken",),
    ),
    (
        "scq_more_threads_than_slots",
        "a thread enters a ring only when the ring has a slot for every member, or is final",
        [
            (
                LISTC,
                "r->slots < cc_members_count(&queue->members)) {",
                "r->slots < cc_members_count(&queue->members) && false) {",
            ),
            (LISTC, "slots = slots < needed ? cc_power_of_two(needed) : slots;", ""),
        ],
        ("test_scq_growth",),
    ),
    (
        "lcrq_safe_bit_set_on_bump",
        "an empty cell that is moved on stays unsafe",
        [
            (
                LCRQ,
                "if (swap_cell(c, index, 0, unsafe | (ticket + ring->mask + 1), 0)) {",
                "if (swap_cell(c, index, 0, (ticket + ring->mask + 1), 0)) {",
            )
        ],
        (
            "test_lcrq_ring",
            "test_overtaken",
        ),
    ),
    (
        "lcrq_unsafe_cell_is_used",
        "a put uses an unsafe cell only if head has not passed its ticket",
        [
            (
                LCRQ,
                "(!(index & UNSAFE) || cc_load_seq_cst_u64(&ring->head) <= ticket) &&",
                "",
            )
        ],
        (
            "test_lcrq_ring",
            "test_overtaken",
        ),
    ),
    (
        "lcrq_cell_is_not_marked_unsafe",
        "a get that finds an older word in its cell marks it",
        [(LCRQ, "} else if (swap_cell(c, index, there, UNSAFE | number, there)) {", "} else {")],
        (
            "test_lcrq_ring",
            "test_overtaken",
        ),
    ),
    (
        "lcrq_unsafe_is_believed",
        "what was read from the halves of a cell counts only after a swap",
        [
            (
                LCRQ,
                "} else if (swap_cell(c, index, there, UNSAFE | number, there)) {",
                "} else if (unsafe || swap_cell(c, index, there, UNSAFE | number, there)) {",
            )
        ],
        ("test_overtaken",),
    ),
]
