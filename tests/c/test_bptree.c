/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is the B+tree's own: loads in order and in no order around every size of its leaves, and how
 * full these are then; what digests leave out; a lock that somebody holds, and one whose holder has died in a fork(), at
 * every step of what he was doing. What all ordered containers do is tested with them
 * (ordered_kinds.h).
 */
#include "ordered/bptree_locks.h"

#include "check.h"
#include "scheme.h"
#include "words.h"

#include "ordered/bptree.h"

/* A value that is none. Volatile, or gcc sees a put that fails release it, and warns. */
static const volatile uintptr_t no_word = 0;

static cc_ordered *new_tree(void) {
    cc_ordered *tree = cc_ordered_new(&cc_bptree_operations, &deciding_words);
    CHECK(tree);
    return tree;
}

/* ---------------------------------------------------------------- loads */

typedef enum load { ASCENDING, DESCENDING, ZIGZAG, SHUFFLED, LOADS } load;

static int64_t number_in(load l, int64_t i, int64_t n, rng *r, int64_t *order) {
    if (l == SHUFFLED) {
        int64_t other = i + rng_below(r, n - i), number = order[other];
        order[other] = order[i];
        return number;
    }
    return l == ASCENDING ? i : l == DESCENDING ? n - 1 - i : i % 2 ? n - 1 - i / 2 : i / 2;
}

static void load_and_drain(load l, int64_t n, unsigned kind) {
    cc_ordered *tree = new_tree();
    rng r = rng_from((uint64_t)n);
    int64_t *order = calloc((size_t)n + 1, sizeof *order);
    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t number = number_in(l, i, n, &r, order);
        CHECK_EQ(put_as(tree, kind, number, word_new(number), CC_PUT_ALWAYS, NULL, tell_the_truth),
                 CC_ABSENT);
    }
    free(order);
    check_at_rest(tree);
    CHECK_EQ(cc_ordered_length(tree), n);
    for (int64_t i = 0; i < n; i++) {
        uintptr_t value;
        CHECK_EQ(get_as(tree, kind, i, &value, tell_the_truth), CC_FOUND);
        CHECK_EQ(number_of(value), i);
        word_release(value);
    }
    CHECK_EQ(get_as(tree, kind, n, NULL, tell_the_truth), CC_ABSENT);
    for (int64_t i = 0; i < n; i++) { /* every other one by key, the rest from the front */
        cc_entry e;
        if (i % 2) {
            CHECK_EQ(remove_as(tree, kind, i, NULL, tell_the_truth), CC_FOUND);
        } else {
            CHECK_EQ(cc_ordered_pop_end(tree, CC_FIRST, NULL, &e), CC_FOUND);
            CHECK_EQ(number_of(e.value), i);
            word_release(e.value);
            if (e.key) {
                word_release(e.key);
            }
        }
        if (i % 16 == 0) {
            check_at_rest(tree);
        }
    }
    check_at_rest(tree);
    CHECK_EQ(cc_ordered_length(tree), 0);
    cc_ordered_free(tree);
    CHECK_EQ(words_alive, 0);
}

static void test_loads(void) {
    begin_test("loads in every order, around the sizes of leaves and inner nodes; drained");
    /* Leaves begin small and double, are joined below a quarter, and not above three of them. */
    const int64_t sizes[] = {0,
                             1,
                             FIRST_LEAF_ENTRIES - 1,
                             FIRST_LEAF_ENTRIES,
                             FIRST_LEAF_ENTRIES + 1,
                             2 * FIRST_LEAF_ENTRIES,
                             LEAF_ENTRIES / 4,
                             LEAF_ENTRIES - LEAF_ENTRIES / 4,
                             LEAF_ENTRIES - 1,
                             LEAF_ENTRIES,
                             LEAF_ENTRIES + 1,
                             LEAF_ENTRIES + LEAF_ENTRIES / 4,
                             2 * LEAF_ENTRIES - 1,
                             2 * LEAF_ENTRIES,
                             2 * LEAF_ENTRIES + 1,
                             LEAF_ENTRIES * (INNER_CHILDREN - 1),
                             LEAF_ENTRIES * INNER_CHILDREN - 1,
                             LEAF_ENTRIES * INNER_CHILDREN,
                             LEAF_ENTRIES * INNER_CHILDREN + 1,
                             2 * LEAF_ENTRIES * INNER_CHILDREN,
                             2000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (load l = 0; l < LOADS; l++) {
            for (unsigned kind = 0; kind < 3; kind++) {
                load_and_drain(l, sizes[s], kind);
            }
        }
    }
}

/* Bytes that a load takes for each entry. */
static double bytes_after(load l, int64_t n) {
    cc_ordered *tree = new_tree();
    rng r = rng_from(7);
    int64_t *order = calloc((size_t)n, sizeof *order);
    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
    }
    size_t empty = cc_ordered_bytes(tree);
    for (int64_t i = 0; i < n; i++) {
        int64_t number = number_in(l, i, n, &r, order);
        put_as(tree, 0, number, no_word, CC_PUT_ALWAYS, NULL, NULL);
    }
    cc_ordered_flush(tree);
    free(order);
    double bytes = (double)(cc_ordered_bytes(tree) - empty) / (double)n;
    cc_ordered_free(tree);
    return bytes;
}

static void test_fill(void) {
    begin_test("what comes in order fills leaves");
    static const char *const names[] = {"ascending", "descending", "from both ends", "shuffled"};
    for (load l = 0; l < LOADS; l++) {
        double bytes = bytes_after(l, 50000);
        printf("    %s: %.1f bytes per entry\n", names[l], bytes);
        CHECK(CC_SMALL_SIZES || bytes < (l <= DESCENDING ? 32 : l == ZIGZAG ? 60 : 42));
    }
}

/* ---------------------------------------------------------------- a lock that is held */

static leaf_node *root_leaf(cc_ordered *tree) {
    tree_node *root = (tree_node *)cc_load_acquire_uptr(&tree_of(tree)->anchor.children[0]);
    CHECK(root->is_leaf);
    return (leaf_node *)root;
}

typedef struct held_lock {
    cc_ordered *tree;
    leaf_node *leaf;
    uint64_t state;
    _Atomic bool is_given_back;
} held_lock;

static void beside_the_lock(int index, void *argument) {
    held_lock *h = argument;
    if (index == 0) { /* a writer */
        CHECK_EQ(remove_as(h->tree, 1, 4, NULL, tell_the_truth), CC_FOUND);
        CHECK(atomic_load(&h->is_given_back));
        return;
    }
    for (int64_t i = 1; i <= 2; i++) { /* readers do not mind */
        cc_entry e;
        CHECK_EQ(get_as(h->tree, 1, 2 * i, NULL, tell_the_truth), CC_FOUND);
        CHECK_EQ(get_as(h->tree, 1, 2 * i + 1, NULL, tell_the_truth), CC_ABSENT);
        CHECK_EQ(neighbour_as(h->tree, 1, 2 * i + 1, CC_LOWER, &e, tell_the_truth), CC_FOUND);
        CHECK_EQ(number_of(e.key), 2 * i);
        release_entry(&e);
    }
    while (!cc_event_waiters(&tree_of(h->tree)->line)) {
        cc_os_yield();
    }
    atomic_store(&h->is_given_back, true);
    unlock_as(&h->leaf->head, h->state);
    wake_for_locks(tree_of(h->tree));
}

static void test_holder(void) {
    begin_test(
        "somebody has a leaf's lock in hand: readers go on, a writer sleeps until it is free");
    for (int i = 0; i < 20; i++) {
        held_lock h = {.tree = new_tree()};
        for (int64_t k = 1; k <= 2; k++) {
            put_as(h.tree, 1, 2 * k, word_new(2 * k), CC_PUT_ALWAYS, NULL, tell_the_truth);
        }
        h.leaf = root_leaf(h.tree);
        CHECK_EQ(try_lock(&h.leaf->head, &h.state), CC_FOUND);
        run_threads(2, beside_the_lock, &h);
        CHECK_EQ(cc_ordered_length(h.tree), 1);
        check_at_rest(h.tree);
        cc_ordered_free(h.tree);
    }
    CHECK_EQ(words_alive, 0);
}

/* ---------------------------------------------------------------- copies */

/* Which numbers a copy has, of 2, 4, 6... below 2 * n; its words are given back. */
static void check_copy(const cc_entry *entries, size_t count, int64_t n) {
    CHECK_EQ(count, n);
    for (int64_t i = 0; i < n; i++) {
        CHECK_EQ(number_of_key(entries[i].kind, entries[i].digest, entries[i].key), 2 * i);
        CHECK_EQ(number_of(entries[i].value), 2 * i);
        release_entry(&entries[i]);
    }
}

static void test_copy_room(void) {
    begin_test("a copy of all entries; where there is no room for them nothing is copied");
    enum { N = 600 };
    static cc_entry entries[N];
    for (unsigned kind = 0; kind < 3; kind++) {
        cc_ordered *tree = new_tree();
        for (int64_t n = 0; n < N; n++) {
            if (n < 20 || n % 50 == 0) {
                check_copy(entries, cc_bptree_operations.copy_all(tree, entries, (size_t)n), n);
                for (int64_t room = 0; room < n; room += 1 + n / 3) {
                    CHECK_EQ(cc_bptree_operations.copy_all(tree, entries, (size_t)room), n);
                }
                check_at_rest(tree);
            }
            put_as(tree, kind, 2 * n, word_new(2 * n), CC_PUT_ALWAYS, NULL, tell_the_truth);
        }
        cc_ordered_free(tree);
        CHECK_EQ(words_alive, 0);
    }
}

enum { COPIED = 40 };

/* Of three threads one has a leaf's lock, one copies, one writes. */
static void beside_a_copy(int index, void *argument) {
    held_lock *h = argument;
    if (index == 1) {
        cc_entry entries[COPIED];
        size_t count = cc_bptree_operations.copy_all(h->tree, entries, COPIED);
        CHECK(atomic_load(&h->is_given_back));
        check_copy(entries, count, COPIED);
        return;
    }
    if (index == 2) { /* the copy keeps the first leaf's lock meanwhile */
        while (!(cc_load_acquire_u64(&tree_of(h->tree)->anchor.head.state) & LOCKED)) {
            cc_os_yield();
        }
        while (!cc_event_waiters(&tree_of(h->tree)->line)) {
            cc_os_yield();
        }
        CHECK_EQ(remove_as(h->tree, 1, 0, NULL, tell_the_truth), CC_FOUND);
        CHECK(atomic_load(&h->is_given_back));
        return;
    }
    while (!cc_event_waiters(&tree_of(h->tree)->line)) {
        cc_os_yield();
    }
    for (int64_t i = 1; i < COPIED; i++) { /* readers go on */
        cc_entry e;
        CHECK_EQ(get_as(h->tree, 1, 2 * i, NULL, tell_the_truth), CC_FOUND);
        CHECK_EQ(neighbour_as(h->tree, 1, 2 * i, CC_CEILING, &e, tell_the_truth), CC_FOUND);
        CHECK_EQ(number_of(e.key), 2 * i);
        release_entry(&e);
    }
    while (cc_event_waiters(&tree_of(h->tree)->line) < 2) {
        cc_os_yield();
    }
    atomic_store(&h->is_given_back, true);
    unlock_as(&h->leaf->head, h->state);
    wake_for_locks(tree_of(h->tree));
}

static leaf_node *last_leaf(cc_ordered *tree) {
    tree_node *n = (tree_node *)cc_load_acquire_uptr(&tree_of(tree)->anchor.children[0]);
    while (!n->is_leaf) {
        n = (tree_node *)cc_load_acquire_uptr(&((inner_node *)n)->children[n->count - 1]);
    }
    return (leaf_node *)n;
}

static void test_copy_waits(void) {
    begin_test("a copy waits for the last leaf's lock, a writer for the copy; readers for nobody");
    for (int i = 0; i < 20; i++) {
        held_lock h = {.tree = new_tree()};
        for (int64_t k = 0; k < COPIED; k++) {
            put_as(h.tree, 1, 2 * k, word_new(2 * k), CC_PUT_ALWAYS, NULL, tell_the_truth);
        }
        h.leaf = last_leaf(h.tree);
        CHECK_EQ(try_lock(&h.leaf->head, &h.state), CC_FOUND);
        run_threads(3, beside_a_copy, &h);
        CHECK_EQ(cc_ordered_length(h.tree), COPIED - 1);
        check_at_rest(h.tree);
        cc_ordered_free(h.tree);
    }
    CHECK_EQ(words_alive, 0);
}

/* ---------------------------------------------------------------- scans beside shifts */

typedef struct shifted {
    cc_ordered *tree;
    _Atomic bool has_ended;
} shifted;

enum { STAY = 2 * LEAF_ENTRIES }; /* in two leaves and more */

/* One thread puts keys in front of each of those that stay, and takes them away; the other looks for
 * what is behind (or before) one that stays: another such key, or one that comes and goes. */
static void scan_beside_shifts(int index, void *argument) {
    shifted *s = argument;
    if (index == 0) {
        for (int64_t k = 0; !atomic_load(&s->has_ended); k = (k + 1) % STAY) {
            put_as(s->tree, 0, 10 * k + 5, word_new(0), CC_PUT_ALWAYS, NULL, tell_the_truth);
            remove_as(s->tree, 0, 10 * k + 5, NULL, tell_the_truth);
        }
        return;
    }
    for (int i = 0; i < scaled(2000000); i++) {
        bool up = i % 2;
        int64_t key = 1 + i % (STAY - 2);
        cc_search from = search_for(0, 10 * key);
        cc_entry e;
        size_t count;
        CHECK_EQ(up ? cc_ordered_scan_up(s->tree, &from, CC_SCAN_EXCLUSIVE, &e, 1, &count)
                    : cc_ordered_scan_down(s->tree, &from, CC_SCAN_EXCLUSIVE, &e, 1, &count),
                 CC_FOUND);
        CHECK_EQ(count, 1);
        CHECK(number_of(e.value) == 0 || number_of(e.value) == (up ? key + 1 : key - 1));
        release_entry(&e);
    }
    atomic_store(&s->has_ended, true);
}

static void test_scans_beside_shifts(void) {
    begin_test("a scan from a key passes over nothing while the leaf's entries move");
    shifted s = {.tree = new_tree()};
    for (int64_t k = 0; k < STAY; k++) {
        put_as(s.tree, 0, 10 * k, word_new(k), CC_PUT_ALWAYS, NULL, tell_the_truth);
    }
    run_threads(2, scan_beside_shifts, &s);
    cc_ordered_free(s.tree);
    CHECK_EQ(words_alive, 0);
}

/* ---------------------------------------------------------------- a lock of a dead thread */

/* As a thread leaves the leaf that dies at a step of inserting an entry at i, or of taking out the
 * one at i: with these positions, the hole there, and LOCKED and CHANGING of another generation. */
static void die_at(leaf_node *leaf, unsigned steps, unsigned i, bool inserts) {
    uint64_t extent = cc_load_relaxed_u64(&leaf->extent), state;
    unsigned count = positions_in(extent), kinds = kinds_in(extent);
    state = cc_load_relaxed_u64(&leaf->head.state);
    unsigned hole = inserts ? count : i, last = inserts ? count : count - 1;
    if (steps) {
        set_extent(leaf, last + 1, hole, kinds);
    }
    for (unsigned step = 1; step < steps && (inserts ? hole > i : hole < last); step++) {
        unsigned from = inserts ? hole - 1 : hole + 1;
        if (step % 2) {
            leaf_entry moved = entry_at(leaf, from);
            set_entry(leaf, hole, &moved);
        } else {
            hole = from;
            set_extent(leaf, last + 1, hole, kinds);
        }
    }
    uint64_t other = (generation_now() + (UINT64_C(1) << GENERATION_SHIFT)) & GENERATION_MASK;
    cc_store_release_u64(&leaf->head.state, state | LOCKED | CHANGING | other);
}

static void die_and_go_on(unsigned n, unsigned i, unsigned steps, bool inserts) {
    cc_ordered *tree = new_tree();
    for (unsigned k = 0; k < n; k++) { /* keys that are their digests: no words are lost */
        put_as(tree, 0, 2 * (int64_t)k, no_word, CC_PUT_ALWAYS, NULL, NULL);
    }
    leaf_node *leaf = root_leaf(tree);
    if (!inserts || n < leaf->head.count) {
        die_at(leaf, steps, i, inserts);
        bool is_taken_out = !inserts && steps;
        if (i % 2) { /* a reader finds it, or a writer */
            CHECK_EQ(get_as(tree, 0, 2 * (int64_t)n + 1, NULL, NULL), CC_ABSENT);
        }
        CHECK_EQ(put_as(tree, 0, 2 * (int64_t)n + 1, no_word, CC_PUT_ALWAYS, NULL, NULL),
                 CC_ABSENT);
        for (unsigned k = 0; k < n; k++) {
            CHECK_EQ(get_as(tree, 0, 2 * (int64_t)k, NULL, NULL),
                     is_taken_out && k == i ? CC_ABSENT : CC_FOUND);
            CHECK_EQ(get_as(tree, 0, 2 * (int64_t)k + 1, NULL, NULL), CC_ABSENT);
        }
        CHECK_EQ(get_as(tree, 0, 2 * (int64_t)n + 1, NULL, NULL), CC_FOUND);
    }
    cc_ordered_free(tree);
}

/* Without it all who come wait for ever: so before the rest. */
static void test_repair(void) {
    cc_ordered *tree = new_tree();
    put_as(tree, 0, 1, no_word, CC_PUT_ALWAYS, NULL, NULL);
    leaf_node *leaf = root_leaf(tree);
    die_at(leaf, 1, 0, leaf->head.count > 1);
    CHECK(cc_bptree_repair(&leaf->head)); /* so nobody waits for it any more */
    CHECK_EQ(cc_load_relaxed_u64(&leaf->head.state) & (LOCKED | CHANGING), 0);
    CHECK(!cc_bptree_repair(&leaf->head));
    CHECK_EQ(cc_ordered_length(tree), 1);
    cc_ordered_free(tree);
}

/* Whoever waits for such a lock is woken by who has taken it over, also if that one has only
 * looked. */
static void test_repair_wakes(bool by_a_writer) {
    cc_ordered *tree = new_tree();
    cc_waiter w;
    put_as(tree, 0, 1, no_word, CC_PUT_ALWAYS, NULL, NULL);
    leaf_node *leaf = root_leaf(tree);
    die_at(leaf, 0, 0, true);
    cc_waiter_init(&w, CC_WAITER_THREAD, NULL);
    CHECK(!cc_waiter_enqueue(&tree_of(tree)->line, &w, false));
    if (by_a_writer) {
        CHECK_EQ(replace_exact_as(tree, 0, 1, (uintptr_t)&w, word_new(1), NULL), CC_MISMATCH);
    } else {
        CHECK_EQ(get_as(tree, 0, 1, NULL, NULL), CC_FOUND);
    }
    CHECK_EQ(cc_event_waiters(&tree_of(tree)->line), 0);
    CHECK(cc_waiter_leave(&w));
    cc_ordered_free(tree);
}

static unsigned visited[2 * LEAF_ENTRIES];

static int count_visit(uintptr_t word, void *argument) {
    (void)argument;
    visited[number_of(word)]++;
    return 0;
}

/* Nobody has come to the leaf since: what the dead thread had not put back is lost, and nothing is
 * there twice. */
static void die_and_free(unsigned n, unsigned i, unsigned steps, bool inserts) {
    cc_ordered *tree = new_tree();
    for (unsigned k = 0; k < n; k++) {
        put_as(tree, 1, 2 * (int64_t)k, word_new(2 * (int64_t)k + 1), CC_PUT_ALWAYS, NULL,
               tell_the_truth);
    }
    leaf_node *leaf = root_leaf(tree);
    if (!inserts || n < leaf->head.count) {
        leaf_entry lost = entry_at(leaf, i < n ? i : 0);
        bool is_lost = !inserts && steps;
        die_at(leaf, steps, i, inserts);
        memset(visited, 0, sizeof visited);
        CHECK_EQ(cc_ordered_visit(tree, count_visit, NULL), 0);
        for (unsigned k = 0; k < 2 * n; k++) { /* keys and values by turns */
            CHECK_EQ(visited[k], !(is_lost && k / 2 == i));
        }
        cc_ordered_free(tree);
        if (is_lost) {
            word_release(lost.value);
            word_release(lost.word);
        }
    } else {
        cc_ordered_free(tree);
    }
    CHECK_EQ(words_alive, 0);
}

static void test_dead_holder(void) {
    begin_test("the holder of a lock is in another process: at every step the leaf is whole");
    test_repair();
    test_repair_wakes(false);
    test_repair_wakes(true);
    const unsigned sizes[] = {1, 2, 3, LEAF_ENTRIES / 2, LEAF_ENTRIES - 1, LEAF_ENTRIES};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        unsigned n = sizes[s];
        for (unsigned i = 0; n <= LEAF_ENTRIES && i <= n; i++) {
            for (unsigned steps = 0; steps < 2 * n + 3; steps++) {
                die_and_go_on(n, i, steps, true);
                die_and_free(n, i, steps, true);
                if (i < n) {
                    die_and_go_on(n, i, steps, false);
                    die_and_free(n, i, steps, false);
                }
            }
        }
    }
}

/* ---------------------------------------------------------------- what a regrouping reads */

/* Put what ascends. When nodes must be split, all on the way down are spoilt but for those that the
 * write phase holds: others may have been freed by now. */
static void test_regrouping(void) {
    begin_test("a regrouping reads nothing that it does not hold");
    cc_ordered *map = new_tree();
    cc_bptree *tree = tree_of(map);
    unsigned deepest = 0, splits = 0;
    int64_t n = 0;
    for (; (deepest < 4 || splits < 200) && n < 200000; n++) {
        cc_search search = {.digest = (uint64_t)n};
        attempt a;
        place at;
        uintptr_t value;
        CHECK_EQ(cc_bptree_begin_attempt(tree, &a), CC_FOUND);
        if (cc_bptree_find(tree, &a.g, &search, BY_KEY, TO_PUT, &at, &value) == REGROUP) {
            uint16_t counts[MOST_LEVELS];
            unsigned level = cc_bptree_level_to_regroup(TO_PUT, &at), last = count_at(&at);
            deepest = at.levels > deepest ? at.levels : deepest;
            for (unsigned i = 0; i < at.levels; i++) {
                counts[i] = at.at[i].node->head.count;
                if (i + 1 < level || i > level + 1) {
                    at.at[i].node->head.count = 1;
                }
            }
            CHECK_EQ(cc_bptree_regroup(tree, &a, &search, TO_PUT, &at), CC_FOUND);
            for (unsigned i = 0; i < at.levels; i++) {
                at.at[i].node->head.count = counts[i];
            }
            if (level + 1 == at.levels && last == LEAF_ENTRIES) {
                splits++;
                CHECK_EQ(positions_in(cc_load_relaxed_u64(&last_leaf(map)->extent)), 1);
            }
        }
        cc_bptree_end_attempt(tree, &a);
        CHECK_EQ(put_as(map, 0, n, no_word, CC_PUT_ALWAYS, NULL, NULL), CC_ABSENT);
    }
    CHECK(deepest >= 4 && splits >= 200);
    CHECK_EQ(cc_ordered_length(map), n);
    check_at_rest(map);
    cc_ordered_free(map);
}

/* ---------------------------------------------------------------- what keys share */

/* Nodes that skip something; and those of them that skip more than their fences say. */
static void count_skips(const tree_node *n, unsigned *skip, unsigned *check) {
    *skip += n->skip > 0;
    *check += n->skip > n->shared;
    for (unsigned i = 0; !n->is_leaf && i < n->count; i++) {
        const inner_node *inner = (const inner_node *)n;
        count_skips((const tree_node *)cc_load_acquire_uptr(&inner->children[i]), skip, check);
    }
}

/* A few groups, each of which shares its first bits, before all, between, and behind all. */
enum { GROUPS = 4, IN_GROUP = 256, NUMBERS = GROUPS * IN_GROUP };

static int64_t grouped(int i) {
    static const int64_t begins[GROUPS] = {0, 0x5000, 0x5300, 0x7f0000};
    return begins[i / IN_GROUP] + i % IN_GROUP;
}

static void check_found(const cc_entry *e, int i) {
    CHECK_EQ(number_of(e->key), grouped(i));
    CHECK_EQ(e->digest, digest_for(1, grouped(i)));
    word_release(e->key);
    if (e->value) {
        CHECK_EQ(number_of(e->value), i);
        word_release(e->value);
    }
}

static int next_there(const bool *there, int i, int step) {
    while (i >= 0 && i < NUMBERS && !there[i]) {
        i += step;
    }
    return i;
}

static void check_grouped(cc_ordered *tree, const bool *there, int count) {
    static cc_entry entries[NUMBERS];
    check_at_rest(tree);
    for (int i = 0; i < NUMBERS; i++) {
        CHECK_EQ(get_as(tree, 1, grouped(i), NULL, tell_the_truth), there[i]);
    }
    CHECK_EQ(cc_bptree_operations.copy_all(tree, entries, NUMBERS), count);
    for (int i = next_there(there, 0, 1), k = 0; k < count; i = next_there(there, i + 1, 1)) {
        check_found(&entries[k++], i);
    }
    for (int k = 0, up = 0; up < 2; up++) {
        for (int i = next_there(there, up ? 0 : NUMBERS - 1, up ? 1 : -1), done = 0; done < count;
             done += k) {
            k = (int)scan_as(tree, up, 1, grouped(i), done % 2 ? CC_SCAN_WITHOUT_VALUES : 0,
                             entries, 64, tell_the_truth);
            CHECK(k > 0);
            for (int j = 0; j < k; j++) {
                check_found(&entries[j], i);
                i = next_there(there, up ? i + 1 : i - 1, up ? 1 : -1);
            }
        }
    }
}

static void change_grouped(cc_ordered *tree, bool *there, int *count, rng *r, bool grows) {
    cc_entry e;
    int i = (int)rng_below(r, NUMBERS), first = next_there(there, 0, 1);
    bool puts = rng_below(r, 8) ? grows : !grows;
    int below = next_there(there, i, -1), above = next_there(there, i, 1);
    CHECK_EQ(neighbour_as(tree, 1, grouped(i), CC_FLOOR, &e, tell_the_truth), below >= 0);
    if (below >= 0) {
        check_found(&e, below);
    }
    CHECK_EQ(neighbour_as(tree, 1, grouped(i), CC_CEILING, &e, tell_the_truth), above < NUMBERS);
    if (above < NUMBERS) {
        check_found(&e, above);
    }
    if (puts) {
        CHECK_EQ(put_as(tree, 1, grouped(i), word_new(i), CC_PUT_ALWAYS, NULL, tell_the_truth),
                 there[i]);
        *count += !there[i];
        there[i] = true;
    } else if (rng_below(r, 16)) {
        CHECK_EQ(remove_as(tree, 1, grouped(i), NULL, tell_the_truth), there[i]);
        *count -= there[i];
        there[i] = false;
    } else if (*count) {
        CHECK_EQ(pop_as(tree, CC_FIRST, &e), CC_FOUND);
        check_found(&e, first);
        --*count;
        there[first] = false;
    }
}

static void test_prefixes(void) {
    begin_test("digests leave out what keys share: splits and joins, and nobody sees it");
    cc_ordered *tree = new_tree();
    static bool there[NUMBERS];
    rng r = rng_from(77);
    int count = 0;
    for (int turn = 0; turn < 6; turn++) {
        unsigned skip = 0, check = 0;
        for (int i = 0; i < 5 * NUMBERS; i++) {
            change_grouped(tree, there, &count, &r, turn % 2 == 0);
            if (i % NUMBERS == 0) {
                check_grouped(tree, there, count);
            }
        }
        check_grouped(tree, there, count);
        count_skips((tree_node *)cc_load_acquire_uptr(&tree_of(tree)->anchor.children[0]), &skip,
                    &check);
        CHECK(turn % 2 || skip > 2);
        CHECK(turn % 2 || check > 0);
    }
    cc_ordered_free(tree);
    CHECK_EQ(words_alive, 0);
}

/* All of them begin with so many units that are alike. */
static void check_beginnings(unsigned alike) {
    enum { BITS = 11, KEYS = 1 << BITS };
    static bool there[KEYS];
    const unsigned shift = 64 - BITS - alike;
    cc_ordered *tree = new_tree();
    rng r = rng_from(alike);
    int64_t count = 0;
    for (int turn = 0; turn < 4; turn++) {
        for (int n = 0; n < KEYS; n++) {
            int64_t i = rng_below(&r, KEYS);
            CHECK_EQ(put_as(tree, 1, i << shift, word_new(i), CC_PUT_ALWAYS, NULL, tell_the_truth),
                     there[i]);
            count += !there[i];
            there[i] = true;
        }
        check_at_rest(tree);
        for (int n = 0; n < 40; n++) { /* runs, so that leaves become empty beside full ones */
            int64_t from = rng_below(&r, KEYS), end = from + rng_below(&r, 3 * LEAF_ENTRIES);
            for (int64_t i = from; i < end && i < KEYS; i++) {
                CHECK_EQ(remove_as(tree, 1, i << shift, NULL, tell_the_truth), there[i]);
                count -= there[i];
                there[i] = false;
            }
            check_at_rest(tree);
        }
        for (int64_t i = 0; i < KEYS; i++) {
            CHECK_EQ(get_as(tree, 1, i << shift, NULL, tell_the_truth), there[i]);
        }
        CHECK_EQ(cc_ordered_length(tree), count);
    }
    memset(there, 0, sizeof there);
    cc_ordered_free(tree);
    CHECK_EQ(words_alive, 0);
}

static void test_beginnings(void) {
    begin_test(
        "keys that share just too few units for a skip, and just enough; and all that can be");
    const unsigned bounds[] = {UNITS_WORTH_A_SKIP, 2 * UNITS_WORTH_A_SKIP,
                               MOST_SKIP < 50 ? MOST_SKIP : 50};
    check_beginnings(1);
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        for (unsigned alike = bounds[b] > 2 ? bounds[b] - 1 : 1; alike <= bounds[b] + 1; alike++) {
            check_beginnings(alike);
        }
    }
}

static void test_prefixes_beside_numbers(void) {
    begin_test("keys of which only some have units, and can be compared with the others");
    enum { MIXED = 20000 };
    cc_ordered *tree = new_tree();
    rng r = rng_from(99);
    unsigned skip = 0, check = 0;
    for (int i = 0; i < MIXED; i++) {
        int64_t number = 0x500000 + rng_below(&r, 2 * MIXED);
        unsigned kind = rng_below(&r, 4) ? 1 : 0;
        put_as(tree, kind, number, word_new(0), CC_PUT_ALWAYS, NULL, tell_the_truth);
        if (i % 1000 == 0) {
            check_at_rest(tree);
        }
    }
    check_at_rest(tree);
    count_skips((tree_node *)cc_load_acquire_uptr(&tree_of(tree)->anchor.children[0]), &skip,
                &check);
    CHECK(skip > 10);
    for (int64_t number = 0x500000; number < 0x500000 + 2 * MIXED; number++) {
        remove_as(tree, number % 2, number, NULL, tell_the_truth);
        if (number % 1000 == 0) {
            check_at_rest(tree);
        }
    }
    CHECK_EQ(cc_ordered_length(tree), 0);
    cc_ordered_free(tree);
    CHECK_EQ(words_alive, 0);
}

/* Keys of kind 2 are of foreign code. */
static int compare_some(const cc_search *s, unsigned kind, uint64_t digest, uintptr_t key) {
    return s->kind == 2 || kind == 2 ? CC_UNDECIDED : word_compare(s, kind, digest, key);
}

static int tell_anything(const cc_search *s, const cc_stored_key *stored) {
    uint64_t mine = (uint64_t)number_of(s->key), its = (uint64_t)number_of(stored->word);
    return cc_mix(mine * 77 + its) >> 40 & 1 ? -1 : 1;
}

static void test_lies(void) {
    begin_test("foreign code lies about its keys: what the others share is skipped all the same");
    static const cc_word_table words = {word_acquire, word_release, compare_some,     word_hash,
                                        NULL,         word_shared,  word_digest_after};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        cc_ordered *tree = cc_ordered_new(&cc_bptree_operations, &words);
        rng r = rng_from(seed);
        for (int i = 0; i < 2000; i++) {
            int64_t number = grouped((int)rng_below(&r, NUMBERS));
            unsigned kind = i > 1000 && rng_below(&r, 4) == 0 ? 2 : 1;
            bool removes = i > 1000 && rng_below(&r, 2);
            if (removes) {
                remove_as(tree, kind, number, NULL, tell_anything);
            } else {
                put_as(tree, kind, number, word_new(0), CC_PUT_ALWAYS, NULL, tell_anything);
            }
            if (i % 50 == 0) {
                check_at_rest(tree);
            }
        }
        cc_ordered_free(tree);
    }
    CHECK_EQ(words_alive, 0);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    test_dead_holder();
    test_regrouping();
    test_loads();
    test_prefixes();
    test_beginnings();
    test_prefixes_beside_numbers();
    test_lies();
    test_fill();
    test_holder();
    test_copy_room();
    test_copy_waits();
    test_scans_beside_shifts();
    printf("passed\n");
    return 0;
}
