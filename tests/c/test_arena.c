/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The arena (csrc/memory/arena.c): blocks that are nobody else's, references, what it holds, what
 * it does when the system has no more, and threads that free what others have taken.
 */
#include <sys/wait.h>

#include "arena_copy.h"
#include "check.h"

enum { SLABS = ARENA_BYTES / SLAB_BYTES, MOST = SLABS * (SLAB_BYTES / CC_ARENA_LEAST) + 1 };

static void *blocks[MOST];

static uint64_t mark_of(const void *block, size_t bytes) {
    return ((uintptr_t)block ^ 0x5bd1e995u) * (uint64_t)bytes;
}

static void fill(void *block, size_t bytes) {
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        *(uint64_t *)((char *)block + i) = mark_of(block, bytes) + i;
    }
}

static void check_and_free(void *block, size_t bytes) {
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        CHECK(*(uint64_t *)((char *)block + i) == mark_of(block, bytes) + i);
    }
    arena_free(block, bytes);
}

static void *take(size_t bytes) {
    void *block = arena_alloc(cc_thread_self(), bytes);
    if (block) {
        CHECK((uintptr_t)block % 8 == 0);
        uint32_t reference = cc_arena_reference(block);
        CHECK(reference && !(reference & CC_REFERENCE_MARKS));
        CHECK(cc_arena_at(reference) == block);
        fill(block, bytes);
    }
    return block;
}

static void free_all_in_slabs(uint32_t first, unsigned size) {
    while (first) {
        uint32_t block = first;
        first = next_of(block);
        free_in_slab(block, size);
    }
}

/* What this thread has at hand goes back, so that slabs can go. */
static void empty_hands(void) {
    cc_thread *self = cc_thread_self();
    region *r = the_region();
    for (unsigned size = 0; size < CC_ARENA_SIZES; size++) {
        cc_blocks_at_hand *h = &self->blocks[size];
        while (h->unused_count) {
            void *at = arena_alloc(self, bytes_of_size(size));
            CHECK(at);
            free_in_slab(cc_arena_reference(at), size);
        }
        uint32_t kept[SLAB_BYTES / CC_ARENA_LEAST + 1]; /* chains */
        unsigned chains = 0;
        kept[chains++] = h->first;
        while (h->slab && refill_from_own_slab(r, h)) {
            kept[chains++] = h->first;
        }
        h->first = h->count = 0;
        free_all_in_slabs(h->waiting, size);
        h->waiting = h->waiting_count = 0;
        while (chains) {
            free_all_in_slabs(kept[--chains], size);
        }
    }
}

/* Every slab is in one list, or has a block in use. Where lists have been searched in a full arena
 * a slab may be in that of another size, or be full. */
static void check_lists(void) {
    region *r = the_region();
    static bool is_listed[SLABS];
    if (!r) {
        return;
    }
    memset(is_listed, 0, sizeof is_listed);
    for (unsigned size = 0; size < CC_ARENA_SIZES; size++) {
        uint64_t number = cc_load_relaxed_u64(&r->lists[size]) & NUMBER_MASK;
        for (; number; number = cc_load_relaxed_u32(&r->slabs[number].next)) {
            uint64_t state = cc_load_relaxed_u64(&r->slabs[number].state);
            CHECK(!is_listed[number]);
            is_listed[number] = true;
            CHECK(state & LISTED);
            CHECK(SIZE_IN(state) == size || cc_load_relaxed_u64(&r->looked_at));
            uint64_t count = 0;
            for (uint32_t b = first_free(number, state); b; b = next_of(b)) {
                CHECK(number_of(b) == number);
                count++;
            }
            CHECK(count == FREE_BLOCKS(state));
        }
    }
    for (uint64_t i = r->begin; i < cc_load_relaxed_u64(&r->taken); i++) {
        uint64_t state = cc_load_relaxed_u64(&r->slabs[i].state);
        CHECK_EQ(is_listed[i], !!(state & LISTED));
        CHECK(state & (OWNED | LISTED) || !(state & (FRESH | FIRST_FREE))); /* none is hidden */
        CHECK(!(state & GOING));
    }
}

/* n blocks at once, of which none overlaps another: around each number of blocks of a slab. */
static void test_sizes(void) {
    begin_test("blocks of all sizes, so many as fit in a slab and one more or less");
    for (size_t bytes = CC_ARENA_LEAST; bytes <= CC_ARENA_MOST; bytes++) {
        int64_t in_slab = (int64_t)(SLAB_BYTES / cc_arena_block_bytes(bytes));
        int64_t counts[] = {0,
                            1,
                            2,
                            BLOCKS_AT_HAND,
                            BLOCKS_AT_HAND + 1,
                            BLOCKS_AT_HAND + 2,
                            in_slab - 1,
                            in_slab,
                            in_slab + 1,
                            2 * in_slab,
                            3 * in_slab};
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            for (int64_t i = 0; i < counts[c]; i++) {
                CHECK((blocks[i] = take(bytes)));
            }
            for (int64_t i = 0; i < counts[c]; i++) {
                check_and_free(blocks[c % 2 ? i : counts[c] - 1 - i], bytes);
            }
            check_lists();
        }
    }
    empty_hands();
    CHECK_EQ(arena_bytes(), 0);
    check_lists();
}

/* Take blocks of a size until there are no more, and free them all. */
static void fill_and_empty(size_t bytes) {
    int64_t n = 0;
    while ((blocks[n] = take(bytes))) {
        CHECK(++n < MOST);
    }
    CHECK(!take(bytes) && !take(bytes == CC_ARENA_MOST ? CC_ARENA_LEAST : CC_ARENA_MOST));
    CHECK(arena_bytes() <= ARENA_BYTES && arena_bytes() >= (uint64_t)n * bytes);
    CHECK(arena_bytes() >= ARENA_BYTES - ARENA_BYTES / 4); /* all but what describes it */
    check_lists();
    for (unsigned i = 0; i <= BLOCKS_BEFORE_REUSE; i++) {
        check_and_free(blocks[--n], bytes);
    }
    CHECK((blocks[n++] = take(bytes)));
    CHECK(!take(bytes));
    uint64_t before = discards;
    for (int64_t i = 0; i < n; i++) {
        check_and_free(blocks[i], bytes);
    }
    empty_hands();
    CHECK(discards > before);
    CHECK_EQ(arena_bytes(), 0);
    check_lists();
}

static void full(void) {
    for (int round = 0; round < 2; round++) {
        fill_and_empty(CC_ARENA_LEAST);
        fill_and_empty(40);
        fill_and_empty(CC_ARENA_MOST);
    }
}

/* A full arena in which one block of each slab is freed has room for that size, and for another one
 * as soon as all blocks of a slab are free. */
static void full_of_two_sizes(void) {
    const size_t bytes = CC_ARENA_LEAST, other = 64;
    const int64_t in_slab = (int64_t)blocks_in_slab(bytes);
    int64_t n = 0;
    while ((blocks[n] = take(bytes))) {
        CHECK(++n < MOST);
    }
    int64_t freed = 0, again = 0;
    for (int64_t i = 0; i < n; i += in_slab, freed++) {
        arena_free(blocks[i], bytes);
    }
    CHECK(!take(other));
    while (take(bytes)) {
        again++;
    }
    CHECK_EQ(again, freed - BLOCKS_BEFORE_REUSE);
    CHECK(!take(other));
    check_lists();
}

static void free_slab_of(const void *block, size_t bytes) {
    uint64_t number = number_of(cc_arena_reference(block));
    for (uint64_t i = 0; i < blocks_in_slab(bytes); i++) {
        free_in_slab(reference_in(number, i * bytes), size_of(bytes));
    }
}

/* A slab that another size has found in a full arena stays in the list where it was. Whoever takes
 * it from there for the first size puts it into the list of its own. */
static void in_another_list(void) {
    const size_t bytes = CC_ARENA_MOST, other = CC_ARENA_LEAST;
    int64_t n = 0;
    while ((blocks[n] = take(bytes))) {
        CHECK(++n < MOST);
    }
    free_slab_of(blocks[0], bytes);
    void *block = take(other);
    CHECK(block);
    for (uint64_t i = 1; i < blocks_in_slab(other); i++) {
        CHECK(take(other));
    }
    CHECK(!take(other));
    free_in_slab(cc_arena_reference(block), size_of(other)); /* one free block in a wrong list */
    CHECK(!take(bytes));
    check_lists();
    CHECK_EQ(cc_load_relaxed_u64(&the_region()->lists[size_of(other)]) & NUMBER_MASK,
             number_of(cc_arena_reference(block)));
    CHECK(take(other) == block);
    check_lists();
}

/* In a child, for there is one arena in a process and it is made once. */
static void in_child(const char *what, void (*body)(void)) {
    begin_test(what);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (!child) {
        body();
        fflush(NULL);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void without_address_space(void) {
    CHECK(!the_region());
    most_reserved = LEAST_ARENA_BYTES; /* and a huge page more is wanted */
    CHECK(!take(40));
    most_reserved = UINT64_MAX;
    commits_fail = true;
    CHECK(!take(40));
    CHECK_EQ(reservations, 0);
    commits_fail = false;
    most_reserved = 2 * LEAST_ARENA_BYTES + HUGE_PAGE;
    void *block = take(40);
    CHECK(block);
    CHECK_EQ(the_region()->end * SLAB_BYTES, 2 * LEAST_ARENA_BYTES);
    check_and_free(block, 40);
}

/* A power of two, at most one in SHARE_OF_ADDRESS_SPACE bytes that the process may have. */
static void with_address_space(uint64_t allowed, uint64_t expected) {
    CHECK(!the_region());
    address_space = allowed;
    if (expected) {
        CHECK(take(40));
        CHECK_EQ(the_region()->end * SLAB_BYTES, expected);
    } else {
        CHECK(!take(40) && !the_region());
    }
}

static void with_the_least(void) {
    with_address_space(SHARE_OF_ADDRESS_SPACE * LEAST_ARENA_BYTES, LEAST_ARENA_BYTES);
}

static void with_less_than_the_least(void) {
    with_address_space(SHARE_OF_ADDRESS_SPACE * LEAST_ARENA_BYTES - 1, 0);
}

static void with_next_to_nothing(void) {
    with_address_space(4, 0);
}

static void with_twice_the_least(void) {
    with_address_space(2 * SHARE_OF_ADDRESS_SPACE * LEAST_ARENA_BYTES, 2 * LEAST_ARENA_BYTES);
}

static void with_less_than_twice_the_least(void) {
    with_address_space(2 * SHARE_OF_ADDRESS_SPACE * LEAST_ARENA_BYTES - 1, LEAST_ARENA_BYTES);
}

static void make_it(void) {
    CHECK(make_region());
}

static void make_it_and_leave_no_address_space(void) {
    make_it();
    most_reserved = 0;
}

static void make_it_and_leave_no_memory(void) {
    make_it();
    commits_fail = true;
}

/* Two threads make the arena, and we are the slower one. */
static void made_by_two(void) {
    before_reserving = make_it;
    void *block = take(40);
    CHECK(block);
    CHECK_EQ(reservations, 1);
    CHECK((uintptr_t)block > (uintptr_t)the_region());
}

static void made_by_another_and_nothing_left(void) {
    before_reserving = make_it_and_leave_no_address_space;
    region *made = make_region();
    CHECK(made && made == the_region());
    CHECK_EQ(reservations, 1);
}

static void made_by_another_and_no_memory_left(void) {
    before_reserving = make_it_and_leave_no_memory;
    region *made = make_region();
    CHECK(made && made == the_region());
    CHECK_EQ(reservations, 1);
}

/* The system refuses larger pieces: smaller ones are had, down to one slab. */
static void with_small_pieces(void) {
    most_committed = sizeof(region) > SLAB_BYTES ? sizeof(region) : SLAB_BYTES;
    fill_and_empty(40);
    most_committed = UINT64_MAX;
    fill_and_empty(48);
}

static void in_huge_pages(void) {
    int64_t n = 0;
    while (!commits_in_huge_pages) {
        CHECK((blocks[n++] = take(CC_ARENA_MOST)));
    }
    region *r = the_region();
    CHECK((cc_load_relaxed_u64(&r->taken) - r->begin) * SLAB_BYTES >= HUGE_PAGE);
    while (n) {
        check_and_free(blocks[--n], CC_ARENA_MOST);
    }
}

/* What a look says: of one size, and of all together. */
static cc_arena_blocks look_at_size(size_t bytes) {
    cc_arena_blocks looks[CC_ARENA_SIZES], found = {0};
    uint64_t slabs = 0;
    arena_look(looks);
    for (unsigned size = 0; size < CC_ARENA_SIZES; size++) {
        CHECK_EQ(looks[size].bytes, CC_ARENA_LEAST + 8 * size);
        CHECK_EQ(looks[size].blocks, looks[size].slabs * (SLAB_BYTES / looks[size].bytes));
        CHECK(looks[size].free <= looks[size].blocks);
        slabs += looks[size].slabs;
        if (looks[size].bytes == bytes) {
            found = looks[size];
        }
    }
    CHECK_EQ(slabs * SLAB_BYTES, arena_bytes());
    return found;
}

/* Of as many blocks as fill some slabs, all are in use; of those that are freed, all but what the
 * thread has at hand are free, as long as their slabs have memory. */
static void test_look(void) {
    int64_t per_slab = (int64_t)(SLAB_BYTES / 40), n = 3 * per_slab;
    for (int64_t i = 0; i < n; i++) {
        CHECK((blocks[i] = take(40)));
    }
    cc_arena_blocks look = look_at_size(40);
    CHECK(look.blocks >= (uint64_t)n && look.free == 0);
    for (int64_t i = 0; i < n; i += 2) { /* no slab becomes empty */
        check_and_free(blocks[i], 40);
    }
    look = look_at_size(40);
    CHECK(look.free <= (uint64_t)(n + 1) / 2);
    CHECK(look.free + BLOCKS_AT_HAND + BLOCKS_BEFORE_REUSE >= (uint64_t)(n + 1) / 2);
    for (int64_t i = 1; i < n; i += 2) {
        check_and_free(blocks[i], 40);
    }
    empty_hands();
    CHECK_EQ(look_at_size(40).slabs, 0);
}

static void without_memory(void) {
    int64_t n = 0;
    void *block = take(40);
    CHECK(block);
    commits_fail = true;
    while ((blocks[n] = take(40))) {
        n++;
    }
    check_lists();
    uint64_t bytes = arena_bytes();
    CHECK(!take(40) && !take(48));
    CHECK_EQ(arena_bytes(), bytes);
    commits_fail = false;
    CHECK((blocks[n++] = take(48)));
    check_and_free(blocks[--n], 48);
    while (n) {
        check_and_free(blocks[--n], 40);
    }
    cc_alloc_fail_from(0);
    CHECK(!take(40));
    cc_alloc_fail_from(-1);
    check_and_free(block, 40);
    empty_hands();
    CHECK_EQ(arena_bytes(), 0);
}

/* The child of a fork takes and frees, also what its parent has taken. */
static void goes_on(void) {
    for (int i = 0; i < 300; i++) {
        CHECK((blocks[1000 + i] = take(40)));
    }
    for (int i = 0; i < 300; i++) {
        check_and_free(blocks[i], 40);
        check_and_free(blocks[1000 + i], 40);
    }
    empty_hands();
    CHECK_EQ(arena_bytes(), 0);
}

static void test_fork(void) {
    for (int i = 0; i < 300; i++) {
        CHECK((blocks[i] = take(40)));
    }
    in_child("a child process has a copy of what its parent had", goes_on);
    for (int i = 0; i < 300; i++) {
        check_and_free(blocks[i], 40);
    }
    empty_hands();
    CHECK_EQ(arena_bytes(), 0);
}

/* ---------------------------------------------------------------- threads */

enum { PLACES = 64, THREADS = 4 };

/* Threads put their blocks here, and free those that they find. */
static _Atomic uintptr_t places[PLACES];

static size_t bytes_at(int place) {
    return 32 + 8 * (size_t)(place % 4);
}

static void exchange_blocks(int index, void *argument) {
    rng r = rng_from((uint64_t)index);
    (void)argument;
    for (int64_t i = scaled(100000); i > 0; i--) {
        int place = (int)rng_below(&r, PLACES);
        void *mine = rng_below(&r, 4) ? take(bytes_at(place)) : NULL;
        uintptr_t found = atomic_exchange(&places[place], (uintptr_t)mine);
        if (found) {
            check_and_free((void *)found, bytes_at(place));
        }
        if (rng_below(&r, 5000) == 0) { /* now and then all are free, so that slabs go */
            for (int p = 0; p < PLACES; p++) {
                if ((found = atomic_exchange(&places[p], 0))) {
                    check_and_free((void *)found, bytes_at(p));
                }
            }
            empty_hands();
        }
    }
    empty_hands();
}

static void test_threads(void) {
    begin_test("threads free what others have taken");
    run_threads(THREADS, exchange_blocks, NULL);
    for (int p = 0; p < PLACES; p++) {
        uintptr_t found = atomic_exchange(&places[p], 0);
        if (found) {
            check_and_free((void *)found, bytes_at(p));
        }
    }
    empty_hands();
    check_lists();
    CHECK_EQ(arena_bytes(), 0);
    printf("    %" PRIu64 " slabs given back\n", discards);
}

enum { TAKEN = 10 };

/* A thread's record keeps what it had at hand for the next one. */
static void take_and_free_some(int index, void *argument) {
    (void)index, (void)argument;
    void *mine[TAKEN];
    for (int i = 0; i < TAKEN; i++) {
        CHECK((mine[i] = take(56)));
    }
    for (int i = 0; i < TAKEN; i++) {
        check_and_free(mine[i], 56);
    }
}

static void test_threads_that_end(void) {
    begin_test("what ended threads had at hand is their successors'");
    /* Each of the two may keep the slabs of all that it has taken; and there may have been one
     * record for both, or two. */
    const uint64_t most = 2 * (TAKEN + 1) * SLAB_BYTES;
    for (int64_t i = scaled(200); i > 0; i--) {
        run_threads(2, take_and_free_some, NULL);
        CHECK(arena_bytes() <= most);
    }
}

#if BLOCKS_BEFORE_REUSE > 0
static void test_waiting(void) {
    begin_test("a block that has been freed waits until enough others have been freed");
    const cc_blocks_at_hand *h = &cc_thread_self()->blocks[size_of(72)];
    empty_hands();
    uint64_t bytes = arena_bytes(); /* what records of ended threads have */
    for (int64_t i = 0; i <= BLOCKS_BEFORE_REUSE; i++) {
        CHECK((blocks[i] = take(72)));
    }
    for (int64_t i = 0; i < BLOCKS_BEFORE_REUSE; i++) {
        check_and_free(blocks[i], 72);
        CHECK_EQ(h->waiting_count, i + 1);
        CHECK_EQ(h->waiting, cc_arena_reference(blocks[0]));
        void *other = take(72);
        for (int64_t j = 0; j <= i; j++) {
            CHECK(other != blocks[j]);
        }
        free_in_slab(cc_arena_reference(other), size_of(72));
    }
    check_and_free(blocks[BLOCKS_BEFORE_REUSE], 72);
    CHECK_EQ(h->waiting_count, BLOCKS_BEFORE_REUSE);
    CHECK_EQ(h->waiting, cc_arena_reference(blocks[1]));
    empty_hands();
    CHECK_EQ(arena_bytes(), bytes);
}
#else
static void test_waiting(void) {}
#endif

#if defined(KNOWS_ADDRESSES)
static void test_sanitizer(void) {
    begin_test("the sanitizer knows which blocks are free");
    char *block = take(40), *other = take(40);
    CHECK(block && other && !__asan_region_is_poisoned(block, 40));
    arena_free(block, 40);
    CHECK(__asan_address_is_poisoned(block) && __asan_address_is_poisoned(block + 39));
    CHECK(!__asan_region_is_poisoned(other, 40));
    arena_free(other, 40);
}
#else
static void test_sanitizer(void) {}
#endif

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(cc_thread_self());
    in_child("less address space is reserved where there is no more", without_address_space);
    in_child("and where the process may have exactly the least", with_the_least);
    in_child("and less than that", with_less_than_the_least);
    in_child("and next to nothing", with_next_to_nothing);
    in_child("and twice the least", with_twice_the_least);
    in_child("and less than that", with_less_than_twice_the_least);
    in_child("two threads make the arena", made_by_two);
    in_child("one has made it when another finds no address space",
             made_by_another_and_nothing_left);
    in_child("or no memory", made_by_another_and_no_memory_left);
    in_child("where large pieces are refused, smaller ones do", with_small_pieces);
    in_child("there are huge pages", in_huge_pages);
    in_child("without memory the answer is NULL", without_memory);
    in_child("a look finds what is in use, and what is free", test_look);
    in_child("a full arena says so, and has room for all sizes when it is empty again", full);
    in_child("in a full arena a slab belongs to its size until it is empty", full_of_two_sizes);
    in_child("a slab that is in the list of another size comes into its own", in_another_list);
    test_sizes();
    test_fork();
    test_threads();
    test_threads_that_end();
    test_waiting();
    test_sanitizer();
    printf("passed\n");
    return 0;
}
