/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The arena under every schedule that the explorer can reach: is a block ever given out twice, or
 * lost?
 *
 * Slabs have one, two or three blocks, and threads keep none at hand, so each operation moves slabs
 * between owners and lists. The judge knows whose each block is. At the end, when all are free,
 * each slab must be owned by one fibre, or be in the list once and have no memory.
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
    /* What each fibre does: `a` take a block, `r` free the last one taken, `o` the oldest, a digit:
     * free that one of those given, `?`: one of these, as the schedule decides. */
    const char *plans[SCHED_MOST_FIBRES];
} setting;

static void *given[MOST_BLOCKS];
static void *mine[SCHED_MOST_FIBRES + 1][MOST_BLOCKS];
static unsigned taken[SCHED_MOST_FIBRES + 1];
static void *in_use[4 * MOST_BLOCKS]; /* by whomever */

static const setting *the_setting(void) {
    return sched_argument();
}

static void note(void *block, bool is_taken) {
    void *sought = is_taken ? NULL : block;
    unsigned place = 0;
    for (unsigned i = 0; i < sizeof in_use / sizeof *in_use; i++) {
        if (is_taken && in_use[i] == block) {
            sched_fail("a block is given out that is in use");
        }
        if (in_use[i] == sought) {
            place = i;
        }
    }
    in_use[place] = is_taken ? block : NULL;
}

static void *take(void) {
    void *block = arena_alloc(cc_thread_self(), the_setting()->bytes);
    if (!block) {
        sched_fail("there is no memory");
    }
    note(block, true);
    memset(block, 0x11, the_setting()->bytes);
    return block;
}

static void give(void *block) {
    note(block, false);
    arena_free(block, the_setting()->bytes);
}

static void set_up(void) {
    const setting *s = the_setting();
    memset(in_use, 0, sizeof in_use);
    memset(taken, 0, sizeof taken);
    for (unsigned who = 0; who < SCHED_MOST_FIBRES; who++) {
        memset(sched_record(who)->blocks, 0, sizeof sched_record(who)->blocks);
    }
    region *r = the_region();
    if (r) { /* as it was when it was made */
        for (uint64_t i = r->begin; i < r->taken.word; i++) {
            memset((void *)&r->slabs[i], 0, sizeof r->slabs[i]);
        }
        r->taken.word = r->committed.word = r->begin;
        r->fresh.word = 0;
        memset((void *)r->lists, 0, sizeof r->lists);
    }
    for (unsigned i = 0; i < s->given; i++) {
        given[i] = take();
    }
    for (unsigned i = 0; i < s->freed; i++) {
        give(given[i]);
        given[i] = NULL;
    }
}

static void do_one(unsigned who, char what) {
    if (what == 'a') {
        if (taken[who] < MOST_BLOCKS) {
            void *block = take();
            mine[who][taken[who]++] = block;
        }
    } else if (what == 'r') {
        if (taken[who]) {
            give(mine[who][--taken[who]]);
        }
    } else if (what == 'o') {
        if (taken[who]) {
            void *block = mine[who][0];
            memmove(&mine[who][0], &mine[who][1], --taken[who] * sizeof block);
            give(block);
        }
    } else {
        void *block = given[what - '0'];
        given[what - '0'] = NULL;
        if (block) {
            give(block);
        }
    }
}

static void fibre(unsigned who) {
    for (const char *plan = the_setting()->plans[who]; *plan; plan++) {
        char what = *plan;
        if (what == '?') {
            unsigned choice = sched_choose(2 + the_setting()->given);
            what = choice == 0 ? 'a' : choice == 1 ? 'r' : (char)('0' + choice - 2);
        }
        do_one(who, what);
    }
}

static bool is_owned_by(unsigned who, uint64_t number) {
    return sched_record(who)->blocks[size_of(the_setting()->bytes)].slab == number;
}

static const char *judge(void) {
    region *r = the_region();
    for (unsigned who = 0; who <= SCHED_MOST_FIBRES; who++) {
        while (taken[who]) {
            give(mine[who][--taken[who]]);
        }
    }
    for (unsigned i = 0; i < the_setting()->given; i++) {
        if (given[i]) {
            give(given[i]);
            given[i] = NULL;
        }
    }
    unsigned size = size_of(the_setting()->bytes), listed = 0, seen = 0;
    for (uint64_t i = r->lists[size].word & NUMBER_MASK; i; i = r->slabs[i].next.word) {
        if (++seen > MOST_BLOCKS) {
            return "the list of slabs has no end";
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
        if (!owners && state != (FRESH | LISTED)) {
            return "a slab without an owner is lost, or keeps its memory";
        }
    }
    return listed == seen ? NULL : "the list of slabs has another length";
}

#define PROGRAM(its_name, fibre_count, ...)                                                        \
    {                                                                                              \
        .name = its_name, .fibres = fibre_count, .set_up = set_up, .fibre = fibre, .judge = judge, \
        .dfs_preemptions = 3, .argument = &(const setting) {                                       \
            __VA_ARGS__                                                                            \
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
        PROGRAM("taken_and_listed_again", 2, 128, 3, 2, {"a", "aaoa"}),
        PROGRAM("two_new_slabs", 2, 128, 0, 0, {"aa", "aa"}),
        PROGRAM("anything", 3, 64, 6, 0, {"????", "????", "????"}),
        PROGRAM("anything_alone", 3, 128, 4, 2, {"????", "????", "????"}),
    };
    return sched_main(argc, argv, programs, sizeof programs / sizeof *programs);
}
