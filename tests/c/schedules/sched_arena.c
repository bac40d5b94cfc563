/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The arena under every schedule that the explorer can reach: is a block ever given out twice, or
 * lost?
 *
 * Slabs have one, two or three blocks, and threads keep none at hand, so each operation moves slabs
 * between owners and lists. The judge knows whose each block is. At the end, when all are free,
 * each slab must be owned by one fibre, or be in one list once and have no memory; and a full arena
 * must have room for either size when it has such a slab.
 */
#include <stdio.h>
#include <string.h>

#define ARENA_IS_SCHEDULED 1
#include "../arena_copy.h"
#include "scheduler.h"

#define MOST_BLOCKS 16u

typedef struct setting {
    size_t bytes; /* of a block; a slab has 128 */
    unsigned given; /* blocks that have been taken at the beginning */
    unsigned freed; /* the first of these have been freed by then */
    /* What each fibre does: `a` take a block, `b` one of `other_bytes`, `r` free the last one taken,
     * `o` the oldest, a digit: free that one of those given, `?`: one of these, as the schedule
     * decides; `c`: ask how many bytes there are. */
    const char *plans[SCHED_MOST_FIBRES];
    size_t other_bytes;
    unsigned slabs; /* 0: as many as are wanted. Else there may be no block, which is no error */
    bool is_new; /* there is no arena yet */
} setting;

typedef struct block {
    void *at;
    size_t bytes;
} block;

static block given[MOST_BLOCKS];
static block mine[SCHED_MOST_FIBRES + 1][MOST_BLOCKS];
static unsigned taken[SCHED_MOST_FIBRES + 1];
static uint64_t end_of_all; /* slabs that the arena has */
static void *in_use[4 * MOST_BLOCKS]; /* by whomever */

static const setting *the_setting(void) {
    return sched_argument();
}

static void note(void *at, bool is_taken) {
    void *sought = is_taken ? NULL : at;
    unsigned place = 0;
    for (unsigned i = 0; i < sizeof in_use / sizeof *in_use; i++) {
        if (is_taken && in_use[i] == at) {
            sched_fail("a block is given out that is in use");
        }
        if (in_use[i] == sought) {
            place = i;
        }
    }
    in_use[place] = is_taken ? at : NULL;
}

/* `at` is NULL: a full arena has none. */
static block take(size_t bytes) {
    block b = {arena_alloc(cc_thread_self(), bytes), bytes};
    if (b.at) {
        note(b.at, true);
        memset(b.at, (int)bytes, bytes);
    } else if (!the_setting()->slabs) {
        sched_fail("there is no memory");
    }
    return b;
}

static void give(block *b) {
    if (b->at) {
        for (size_t i = 0; i < b->bytes; i++) {
            if (((unsigned char *)b->at)[i] != (unsigned char)b->bytes) {
                sched_fail("somebody has written into a block that is in use");
            }
        }
        note(b->at, false);
        arena_free(b->at, b->bytes);
    }
    b->at = NULL;
}

/* As it was when it was made. */
static void set_up_region(region *r) {
    for (uint64_t i = r->begin; i < r->taken.word; i++) {
        memset((void *)&r->slabs[i], 0, sizeof r->slabs[i]);
    }
    r->taken.word = r->committed.word = r->begin;
    r->fresh.word = r->looked_at.word = 0;
    memset((void *)r->lists, 0, sizeof r->lists);
    end_of_all = end_of_all ? end_of_all : r->end;
    r->end = the_setting()->slabs ? r->begin + the_setting()->slabs : end_of_all;
}

static void set_up(void) {
    const setting *s = the_setting();
    memset(in_use, 0, sizeof in_use);
    memset(taken, 0, sizeof taken);
    for (unsigned who = 0; who < SCHED_MOST_FIBRES; who++) {
        memset(sched_record(who)->blocks, 0, sizeof sched_record(who)->blocks);
    }
    if (s->is_new && the_region()) { /* a huge page is one page here, so all of it is aligned */
        unreserve_for_copy(the_region(), ARENA_BYTES + HUGE_PAGE);
        cc_arena_base.word = 0;
    }
    if (!s->is_new && (the_region() || make_region())) {
        set_up_region(the_region());
    }
    for (unsigned i = 0; i < s->given; i++) {
        given[i] = take(s->bytes);
    }
    for (unsigned i = 0; i < s->freed; i++) {
        give(&given[i]);
    }
}

static void do_one(unsigned who, char what) {
    if (what == 'a' || what == 'b') {
        if (taken[who] < MOST_BLOCKS) {
            block b = take(what == 'a' ? the_setting()->bytes : the_setting()->other_bytes);
            mine[who][taken[who]++] = b;
        }
    } else if (what == 'r') {
        if (taken[who]) {
            give(&mine[who][--taken[who]]);
        }
    } else if (what == 'o') {
        if (taken[who]) {
            block b = mine[who][0];
            memmove(&mine[who][0], &mine[who][1], --taken[who] * sizeof b);
            give(&b);
        }
    } else if (what == 'c') {
        if (arena_bytes() > ARENA_BYTES) {
            sched_fail("there are fewer than no bytes");
        }
    } else {
        block b = given[what - '0'];
        given[what - '0'].at = NULL;
        give(&b);
    }
}

static void fibre(unsigned who) {
    const setting *s = the_setting();
    for (const char *plan = s->plans[who]; *plan; plan++) {
        char what = *plan;
        if (what == '?') {
            const char *others = s->other_bytes ? "arb" : "ar";
            unsigned count = (unsigned)strlen(others), choice = sched_choose(count + s->given);
            what = choice < count ? others[choice] : (char)('0' + choice - count);
        }
        do_one(who, what);
    }
}

static bool is_owned_by(unsigned who, uint64_t number) {
    for (unsigned size = 0; size < CC_ARENA_SIZES; size++) {
        if (sched_record(who)->blocks[size].slab == number) {
            return true;
        }
    }
    return false;
}

static const char *judge_slabs(region *r) {
    unsigned seen = 0, listed = 0, fresh = 0;
    for (unsigned size = 0; size < CC_ARENA_SIZES; size++) {
        for (uint64_t i = r->lists[size].word & NUMBER_MASK; i; i = r->slabs[i].next.word) {
            if (++seen > MOST_BLOCKS) {
                return "the list of slabs has no end";
            }
        }
    }
    for (uint64_t i = r->begin; i < r->taken.word; i++) {
        uint64_t state = r->slabs[i].state.word;
        unsigned owners = 0;
        for (unsigned who = 0; who < SCHED_MOST_FIBRES; who++) {
            owners += is_owned_by(who, i);
        }
        if (owners > 1) {
            return "a slab has two owners";
        }
        if (owners != !!(state & OWNED)) {
            return "a slab's owner does not know of it";
        }
        listed += !!(state & LISTED);
        fresh += !!(state & FRESH);
        if (!owners && (state & ~SIZE_MASK) != (FRESH | LISTED)) {
            return "a slab without an owner is lost, or keeps its memory";
        }
    }
    if (r->fresh.word != fresh) {
        return "the number of slabs without memory is wrong";
    }
    return listed == seen ? NULL : "the list of slabs has another length";
}

static bool has_fresh_slab(const region *r) {
    return r->fresh.word || r->taken.word < r->end;
}

static const char *judge(void) {
    const setting *s = the_setting();
    region *r = the_region();
    for (unsigned who = 0; who <= SCHED_MOST_FIBRES; who++) {
        while (taken[who]) {
            give(&mine[who][--taken[who]]);
        }
    }
    for (unsigned i = 0; i < s->given; i++) {
        give(&given[i]);
    }
    if (s->is_new && reservations != 1) {
        return "the arena has been reserved twice";
    }
    const char *wrong = judge_slabs(r);
    for (int again = 0; again < 2 && !wrong && s->other_bytes && has_fresh_slab(r); again++) {
        block b = {arena_alloc(cc_thread_self(), s->other_bytes), s->other_bytes};
        if (!b.at) {
            return "a size has no room, and there is a slab without memory";
        }
        arena_free(b.at, b.bytes);
        wrong = judge_slabs(r);
    }
    return wrong;
}

#define PROGRAM(its_name, fibre_count, ...)                                                        \
    {                                                                                              \
        .name = its_name, .fibres = fibre_count, .set_up = set_up, .fibre = fibre, .judge = judge, \
        .dfs_preemptions = 3, .argument = &(const setting) {                                       \
            .bytes = __VA_ARGS__                                                                   \
        }                                                                                          \
    }

int main(int argc, char **argv) {
    const sched_program programs[] = {
        /* A full slab gets its first free block twice; so it is listed, and is empty. */
        PROGRAM("free_free", 2, 64, 3, 0, {"0", "1"}),
        PROGRAM("free_free_of_three", 3, 40, 4, 0, {"0", "1", "2"}),
        /* What the owner takes while others free it. */
        PROGRAM("free_and_take", 2, 64, 2, 0, {"aa", "01"}),
        PROGRAM("free_into_owned", 2, 64, 2, 0, {"ara", "0"}),
        /* The slab goes while another thread wants it. */
        PROGRAM("going_and_taken", 2, 64, 3, 1, {"1", "aa"}),
        PROGRAM("going_taken_and_back", 3, 64, 3, 0, {"0", "1", "aa"}),
        /* The list's head comes back while a taker looks at what follows it. */
        PROGRAM("taken_and_listed_again", 2, 128, 3, 2, {"a", "aaaoo"}),
        PROGRAM("two_new_slabs", 2, 128, 0, 0, {"aa", "aa"}),
        /* A full arena: a slab that one size has left is the other one's, and stays in the list where
         * it is until somebody finds it there. */
        PROGRAM("other_size", 1, 64, 4, 0, {"0123bba"}, .other_bytes = 128, .slabs = 2),
        PROGRAM("used_up_in_another_list", 1, 64, 4, 0, {"01bbo"}, .other_bytes = 128, .slabs = 2),
        PROGRAM("blocks_of_another_size", 1, 64, 4, 0, {"01bbbboa"}, .other_bytes = 40, .slabs = 2),
        PROGRAM("other_size_and_back", 2, 64, 4, 2, {"23aa", "brb"}, .other_bytes = 40, .slabs = 2),
        PROGRAM("two_want_one_slab", 2, 128, 2, 1, {"a1", "br"}, .other_bytes = 64, .slabs = 2),
        PROGRAM("left_in_another_list", 3, 64, 4, 2, {"bbbo", "aar", "23"}, .other_bytes = 40,
                .slabs = 2),
        PROGRAM("anything_of_two_sizes", 3, 64, 4, 2, {"????", "????", "????"}, .other_bytes = 40,
                .slabs = 3),
        PROGRAM("counted", 2, 128, 0, 0, {"c", "aao"}),
        PROGRAM("made_by_two", 2, 64, 0, 0, {"a", "a"}, .is_new = true),
        PROGRAM("anything", 3, 64, 6, 0, {"????", "????", "????"}),
        PROGRAM("anything_alone", 3, 128, 4, 2, {"????", "????", "????"}),
    };
    return sched_main(argc, argv, programs, sizeof programs / sizeof *programs);
}
