/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the programs of both trees have in common: how a run begins, what is drawn at random, and
 * that every program runs under both schemes. The runs and the judge are those of the skip list
 * (sched_skiplist.c says what he asks). For one file each, which defines programs_of_ibr below it.
 */
#ifndef CC_SCHED_TREES_H
#define CC_SCHED_TREES_H

#include <stdio.h>
#include <string.h>

#include "memory/smr_fast.h"
#include "sched_skiplist.h"

enum { MOST_PROGRAMS = 64 };

static operation any_operation(void) {
    static const uint8_t kinds[] = {
        GET,    GET,    PUT,       PUT,       PUT,   PUT_IF_ABSENT, REPLACE_EXACT, REMOVE,
        REMOVE, REMOVE, POP_FIRST, POP_LAST,  FIRST, LAST,          FLOOR,         CEILING,
        LOWER,  HIGHER, SCAN_UP,   SCAN_DOWN, CLEAR, SNAPSHOT};
    operation o = {.what = kinds[sched_choose(sizeof kinds)],
                   .key = (uint8_t)(1 + sched_choose(4)),
                   .no_tick = sched_choose(2) == 1};
    if (o.what == REPLACE_EXACT) {
        o.expected = (uint8_t)any_value();
    }
    return o;
}

static void set_up_anything(void) {
    const scenario *frame = sched_argument();
    unsigned entries = sched_choose(5);
    now = *frame;
    for (unsigned i = 0; i < entries; i++) {
        now.before[i] = (operation){.what = PUT, .key = (uint8_t)(1 + sched_choose(4))};
    }
    for (unsigned f = 0; f < SCHED_MOST_FIBRES; f++) {
        unsigned n = 1 + sched_choose(f == 2 ? 1 : MOST_OPERATIONS_DRAWN);
        for (unsigned i = 0; i < n; i++) {
            now.by[f][i] = any_operation();
        }
    }
    begin();
}

static void set_up_anything_under_debra(void) {
    use_debra();
    set_up_anything();
}

static operation one_of(const uint8_t *kinds, unsigned n) {
    return (operation){.what = kinds[sched_choose(n)],
                       .key = (uint8_t)(1 + sched_choose(4)),
                       .no_tick = sched_choose(2) == 1};
}

/* A snapshot with something inside it, beside writers and somebody who looks: what is seen and what
 * is in the snapshot have one order. */
static void set_up_beside_snapshot(void) {
    static const uint8_t writes[] = {PUT,    PUT,    PUT,       PUT_IF_ABSENT, REMOVE,
                                     REMOVE, REMOVE, POP_FIRST, POP_LAST,      CLEAR};
    static const uint8_t looks[] = {GET,   FIRST,  LAST,    FLOOR,     CEILING,
                                    LOWER, HIGHER, SCAN_UP, SCAN_DOWN, SNAPSHOT};
    unsigned entries = sched_choose(4);
    now = *(const scenario *)sched_argument();
    for (unsigned i = 0; i < entries; i++) {
        now.before[i] = (operation){.what = PUT, .key = (uint8_t)(1 + sched_choose(4))};
    }
    now.by[0][0] = (operation){.what = SNAPSHOT};
    for (unsigned i = 1, n = 1 + sched_choose(2); i <= n; i++) {
        now.by[0][i] =
            sched_choose(4) ? one_of(writes, sizeof writes - 1) : one_of(looks, sizeof looks - 1);
        now.by[0][i].when = IN_WALK;
    }
    for (unsigned i = 0, n = 1 + sched_choose(2); i < n; i++) {
        now.by[1][i] = one_of(writes, sizeof writes);
    }
    for (unsigned i = 0, n = 1 + sched_choose(2); i < n; i++) {
        now.by[2][i] =
            sched_choose(4) ? one_of(looks, sizeof looks) : one_of(writes, sizeof writes);
    }
    begin();
}

static void set_up_beside_snapshot_under_debra(void) {
    use_debra();
    set_up_beside_snapshot();
}

/* The least of that which goes wrong when a query reports too late: while a snapshot walks, a value
 * is replaced, an entry comes or one goes, a query depends on it, and something comes in front of
 * what the query has answered. */
static void set_up_query_beside_snapshot(void) {
    static const uint8_t queries[2][4] = {{LAST, POP_LAST, LOWER, FLOOR},
                                          {FIRST, POP_FIRST, HIGHER, CEILING}};
    now = *(const scenario *)sched_argument();
    const unsigned up = sched_choose(2), query = sched_choose(4), change = sched_choose(3);
    const bool at_end = query < 2;
    /* Keys as they are for those that go down. */
    const uint8_t key[KEYS] = {0, up ? 4 : 1, up ? 3 : 2, up ? 2 : 3, up ? 1 : 4};
    unsigned n = 0;
    now.before[n++] = (operation){.what = PUT, .key = key[1]};
    if (!at_end) {
        now.before[n++] = (operation){.what = PUT, .key = key[4]};
    }
    if (change == 2) {
        now.before[n++] = (operation){.what = PUT, .key = key[2]};
    }
    now.by[0][0] = (operation){.what = SNAPSHOT};
    now.by[0][1] = (operation){.what = PUT, .key = key[3], .when = IN_WALK};
    now.by[1][0] = (operation){.what = change == 2 ? REMOVE : PUT, .key = key[change == 0 ? 1 : 2]};
    now.by[2][0] = (operation){.what = queries[up][query], .key = at_end ? 0 : key[6 - query]};
    begin();
}

static void set_up_query_beside_snapshot_under_debra(void) {
    use_debra();
    set_up_query_beside_snapshot();
}

#define SCENARIO(...) (&(const scenario){__VA_ARGS__})
#define BEFORE .before =
#define FIRST_FIBRE .by[0] =
#define SECOND_FIBRE .by[1] =
#define THIRD_FIBRE .by[2] =
#define INSIDE .when = IN_WALK

/* Every one of `count` programs, and once more under CC_SMR_DEBRA. */
static int run_under_both_schemes(int argc, char **argv, const sched_program *of_ibr,
                                  unsigned count) {
    static sched_program programs[2 * MOST_PROGRAMS];
    static char names[MOST_PROGRAMS][64];
    memcpy(programs, of_ibr, count * sizeof *of_ibr);
#if CC_HAS_INTERRUPTS
    static void (*const under_debra[][2])(void) = {
        {set_up, set_up_under_debra},
        {set_up_anything, set_up_anything_under_debra},
        {set_up_beside_snapshot, set_up_beside_snapshot_under_debra},
        {set_up_query_beside_snapshot, set_up_query_beside_snapshot_under_debra},
    };
    for (unsigned i = 0; i < count; i++) {
        sched_program *p = &programs[count + i];
        *p = of_ibr[i];
        snprintf(names[i], sizeof names[i], "%s_debra", p->name);
        p->name = names[i];
        for (unsigned s = 0; s < sizeof under_debra / sizeof *under_debra; s++) {
            p->set_up = of_ibr[i].set_up == under_debra[s][0] ? under_debra[s][1] : p->set_up;
        }
    }
    return sched_main(argc, argv, programs, 2 * count);
#else
    (void)names;
    return sched_main(argc, argv, programs, count);
#endif
}

#endif
