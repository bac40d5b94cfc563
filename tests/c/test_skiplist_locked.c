/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the skip list with locks does with nodes of threads that have died in a fork(), in states
 * that are made by hand, as no schedule has them: half linked, half removed. What all ordered
 * containers do is tested with them (ordered_kinds.h).
 */
#include "check.h"
#include "scheme.h"
#include "words.h"

#undef SEEK_END
#include "ordered/skiplist_locked.h"
#include "ordered/skiplist_locks.h"

static cc_ordered *list;

static node *node_of(int64_t number) {
    cc_skiplist *l = (cc_skiplist *)list;
    node *n = target_of(load_link(&l->head, 0));
    while (n && number_of_key(kind_of(n), n->digest, key_of(n)) != number) {
        n = target_of(load_link(n, 0));
    }
    CHECK(n);
    return n;
}

/* ---------------------------------------------------------------- half linked */

/* Two entries of more than one level, of which the first is young, and abandoned by its inserter
 * before the upper ones. A clear keeps it; the other one goes, from all its levels. */
static void test_clear_beside_half_an_insertion(void) {
    begin_test("a clear goes past a young node that will never be linked on its upper levels");
    for (int tried = 0, done = 0; done < 20; tried++) {
        CHECK(tried < 10000);
        list = cc_ordered_new(&cc_skiplist_locked_operations, &deciding_words);
        cc_skiplist *l = (cc_skiplist *)list;
        for (int64_t k = 1; k <= 2; k++) {
            put_as(list, 0, k, word_new(k), CC_PUT_ALWAYS, NULL, NULL);
        }
        node *young = node_of(1), *old = node_of(2);
        if (height_of(young) > 1 && height_of(old) > 1) {
            done++;
            for (int level = 1; level < height_of(young); level++) {
                set_link(&l->head, level, target_of(load_link(young, level)));
            }
            uint64_t word = cc_load_relaxed_u64(&young->slot.birth);
            cc_store_relaxed_u64(&young->slot.birth, (word & ~CC_LINKED) + CC_ONE_BUILDER);
            young->birth_kind_height += 1000; /* eras */
            CHECK(cc_skiplist_is_abandoned(young));
            CHECK_EQ(cc_ordered_clear(list), CC_FOUND);
            CHECK_EQ(cc_ordered_length(list), 1);
            for (int level = 0; level < MAX_HEIGHT; level++) {
                node *n = target_of(load_link(&l->head, level));
                CHECK(n == (level == 0 ? young : NULL));
            }
            CHECK(!target_of(load_link(young, 0)));
            young->birth_kind_height -= 1000;
            for (int level = 1; level < height_of(young); level++) { /* as its inserter would */
                set_link(young, level, NULL);
                set_link(&l->head, level, young);
            }
            cc_store_relaxed_u64(&young->slot.birth, word);
            CHECK_EQ(remove_as(list, 0, 1, NULL, NULL), CC_FOUND);
            check_at_rest(list);
        }
        cc_ordered_free(list);
        CHECK_EQ(words_alive, 0);
    }
}

/* ---------------------------------------------------------------- half removed */

static bool has_run;

/* Foreign code that replaces, puts and removes for as long as this thread has spare records. */
static void use_up_records(counted *c) {
    (void)c;
    if (has_run) {
        return;
    }
    has_run = true;
    for (int64_t k = 1; k < 30 && cc_thread_self()->spare_count; k++) {
        put_as(list, 0, k, word_new(1000 + k), CC_PUT_ALWAYS, NULL, NULL);
    }
    put_as(list, 1, 500, word_new(7), CC_PUT_ALWAYS, NULL, tell_the_truth);
    for (int64_t k = 400; k < 410 && cc_thread_self()->spare_count; k++) {
        CHECK_EQ(remove_as(list, 1, k, NULL, tell_the_truth), CC_FOUND);
    }
    CHECK_EQ(cc_thread_self()->spare_count, 0);
}

static _Atomic int stage; /* 1: the region is open; 2: it may be closed */

static void stand_in_a_region(cc_smr_domain *domain) {
    cc_smr_guard g;
    CHECK_EQ(cc_enter(domain, &g), 0);
    atomic_store(&stage, 1);
    while (atomic_load(&stage) < 2) {
        cc_os_yield();
    }
    cc_leave(&g);
}

static void put_on_half_a_removal(int index, void *unused) {
    (void)unused;
    if (index == 0) { /* so that what is retired waits, with its record */
        stand_in_a_region(domain_of(list));
        return;
    }
    while (!atomic_load(&stage)) {
        cc_os_yield();
    }
    cc_fetch_add_seq_cst_u64(&domain_of(list)->era, 4);
    cc_search s = search_for(1, 500);
    word_acquire(s.key);
    counted_of(s.key)->at_death = use_up_records;
    cc_status status;
    LEARNING(list, &s, tell_the_truth, status,
             cc_ordered_put(list, &s, word_new(5), CC_PUT_ALWAYS, NULL));
    CHECK_EQ(status, CC_ABSENT);
    end_search(list, &s);
    node *n = node_of(500);
    uintptr_t value = cc_load_relaxed_uptr(&n->slot.value);
    cc_store_release_uptr(&n->slot.value, CC_TOMBSTONE);
    cc_count_entries(&list->common, cc_thread_self(), -1, 0);
    word_release(value);
    CHECK_EQ(put_as(list, 1, 500, word_new(9), CC_PUT_ALWAYS, NULL, tell_the_truth), CC_FOUND);
    CHECK(has_run);
    atomic_store(&stage, 2);
}

static void test_records_after_half_a_removal(void) {
    begin_test("who has taken out a dead node has spare records afterwards, whatever has run");
    list = cc_ordered_new(&cc_skiplist_locked_operations, &deciding_words);
    for (int64_t k = 1; k < 30; k++) {
        put_as(list, 0, k, word_new(k), CC_PUT_ALWAYS, NULL, NULL);
    }
    for (int64_t k = 400; k < 410; k++) {
        put_as(list, 1, k, word_new(k), CC_PUT_ALWAYS, NULL, tell_the_truth);
    }
    run_threads(2, put_on_half_a_removal, NULL);
    cc_ordered_flush(list);
    check_at_rest(list);
    cc_ordered_free(list);
    CHECK_EQ(words_alive, 0);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_clear_beside_half_an_insertion();
    test_records_after_half_a_removal();
    printf("passed\n");
    return 0;
}
