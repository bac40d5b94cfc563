/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The B+tree under every schedule that the explorer can reach: two or three threads, one to three
 * operations each, on leaves of two entries, which are split and joined all the time. The runs and
 * the judge are those of the skip list (sched_skiplist.c says what he asks); every program under
 * both schemes.
 */
#include <stdio.h>
#include <string.h>

#include "memory/smr_fast.h"
#include "ordered/bptree.h"
#include "sched_skiplist.h"

const cc_ordered_operations *tested_operations = &cc_bptree_operations;
const bool tested_clear_is_atomic = true;

static void set_up(void) {
    now = *(const scenario *)sched_argument();
    if (now.behind) {
        sched_points_behind();
    }
    begin();
}

static void set_up_under_debra(void) {
    use_debra();
    set_up();
}

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

#define SCENARIO(...) (&(const scenario){__VA_ARGS__})
#define BEFORE .before =
#define FIRST_FIBRE .by[0] =
#define SECOND_FIBRE .by[1] =
#define THIRD_FIBRE .by[2] =

static const sched_program programs_of_ibr[] = {
    {"first_leaf", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(.keys = COUNTED, FIRST_FIBRE{{PUT, 2}, {GET, 2}}, SECOND_FIBRE{{PUT, 3}, {GET, 3}})},
    {"shifts", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REMOVE, 2}, {PUT, 2}},
              SECOND_FIBRE{{GET, 3}, {GET, 2}}, THIRD_FIBRE{{PUT, 3}})},
    {"scan_beside_a_shift", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}, {REMOVE, 1}}, FIRST_FIBRE{{SCAN_UP, 2}},
              SECOND_FIBRE{{PUT, 1}})},
    {"split_and_get", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3}},
              SECOND_FIBRE{{PUT, 4}, {GET, 2}}, THIRD_FIBRE{{GET, 4}, {GET, 3}})},
    {"splits", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3}}, SECOND_FIBRE{{PUT, 1}, {GET, 3}},
              THIRD_FIBRE{{LOWER, 4}, {CEILING, 2}})},
    {"split_and_remove", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3}},
              SECOND_FIBRE{{REMOVE, 4}, {REMOVE, 2}}, THIRD_FIBRE{{SCAN_UP}})},
    {"emptied_leaf", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REMOVE, 3}},
              SECOND_FIBRE{{PUT, 4}, {GET, 3}}, THIRD_FIBRE{{LOWER, 4}, {FLOOR, 4}})},
    {"emptied_beside_a_split", 3, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 3}, {PUT, 4}}, FIRST_FIBRE{{REMOVE, 4}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 1}}, THIRD_FIBRE{{GET, 1}})},
    {"emptied_and_split", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}, {PUT, 4}}, FIRST_FIBRE{{REMOVE, 4}, {REMOVE, 3}},
              SECOND_FIBRE{{REMOVE, 1}, {PUT, 1}}, THIRD_FIBRE{{FIRST}, {LAST}})},
    {"border", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}, {REMOVE, 2}},
              FIRST_FIBRE{{PUT, 2}}, SECOND_FIBRE{{PUT, 1}, {PUT, 1}},
              THIRD_FIBRE{{LOWER, 3}, {LOWER, 3}})},
    {"exact", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(BEFORE{{PUT, 2}}, FIRST_FIBRE{{REPLACE_EXACT, 2, .expected = 1}, {REMOVE, 2}},
              SECOND_FIBRE{{PUT, 2}, {REPLACE_EXACT, 2, .expected = 1}, {PUT_IF_PRESENT, 2}})},
    {"pops", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}, {PUT, 4}},
              FIRST_FIBRE{{POP_FIRST}, {POP_LAST}}, SECOND_FIBRE{{PUT, 1}, {POP_FIRST}},
              THIRD_FIBRE{{POP_LAST}})},
    {"clear", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}, {PUT, 4}}, FIRST_FIBRE{{CLEAR}, {GET, 2}},
              SECOND_FIBRE{{PUT, 1}, {PUT, 3}}, THIRD_FIBRE{{REMOVE, 4}, {GET, 1}})},
    {"copy", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{SNAPSHOT}},
              SECOND_FIBRE{{PUT, 3}, {PUT, 1}}, THIRD_FIBRE{{GET, 1}, {GET, 3}})},
    {"copy_and_split", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{SNAPSHOT}}, SECOND_FIBRE{{PUT, 3}, {PUT, 1}},
              THIRD_FIBRE{{REMOVE, 4}})},
    {"copies", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}, {PUT, 4}}, FIRST_FIBRE{{SNAPSHOT}},
              SECOND_FIBRE{{SNAPSHOT}}, THIRD_FIBRE{{PUT, 1}, {PUT, 4}})},
    {"copy_and_clear", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}, {PUT, 4}}, FIRST_FIBRE{{SNAPSHOT}},
              SECOND_FIBRE{{CLEAR}, {PUT, 1}}, THIRD_FIBRE{{PUT, 3}, {REMOVE, 2}})},
    {"append", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, .hashed = true, BEFORE{{PUT, 1}}, FIRST_FIBRE{{APPEND, 3}},
              SECOND_FIBRE{{PUT, 4}, {POP_LAST}}, THIRD_FIBRE{{PUT, 2}})},
    {"interrupted_writer", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 2}}, FIRST_FIBRE{{PUT, 2}, {REMOVE, 1}},
              SECOND_FIBRE{{PUT, 3}, {PUT, 3}, {PUT, 3}})},
    {"value_births", 3, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}}, SECOND_FIBRE{{PUT, 3}, {PUT, 2}},
              THIRD_FIBRE{{PUT, 2}, {PUT, 2}})},
    {"compared", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COMPARED, BEFORE{{PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3}, {REMOVE, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 2}}, THIRD_FIBRE{{GET, 4}})},
    {"undecided", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3}, {REMOVE, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {GET, 4}})},
    {"prefixes", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = PREFIXED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 4}},
              FIRST_FIBRE{{PUT, 3}, {REMOVE, 2}}, SECOND_FIBRE{{GET, 3}, {PUT, 2}},
              THIRD_FIBRE{{LOWER, 4}, {CEILING, 3}})},
    {"prefixes_beside_an_empty_leaf", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = PREFIXED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}, {PUT, 4}, {REMOVE, 4}},
              FIRST_FIBRE{{REMOVE, 3}, {PUT, 3}, {REMOVE, 2}, {PUT, 4}, {SCAN_UP}},
              SECOND_FIBRE{{LAST}, {PUT, 1}})},
    {"prefixes_before_an_empty_leaf", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = PREFIXED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}, {PUT, 4}},
              FIRST_FIBRE{{REMOVE, 1}, {PUT, 1}}, SECOND_FIBRE{{REMOVE, 2}, {POP_LAST}},
              THIRD_FIBRE{{PUT, 2}, {GET, 1}})},
    {"anything", 3, set_up_anything, fibre, judge, 0, 0, 300, SCENARIO(.keys = DIGESTS)},
    {"anything_counted", 3, set_up_anything, fibre, judge, 0, 0, 300, SCENARIO(.keys = COUNTED)},
    {"anything_prefixed", 3, set_up_anything, fibre, judge, 0, 0, 300, SCENARIO(.keys = PREFIXED)},
    {"anything_undecided", 3, set_up_anything, fibre, judge, 0, 0, 200,
     SCENARIO(.keys = UNDECIDED)},
};

enum { OF_IBR = sizeof programs_of_ibr / sizeof *programs_of_ibr };

int main(int argc, char **argv) {
    static sched_program programs[2 * OF_IBR];
    static char names[OF_IBR][64];
    memcpy(programs, programs_of_ibr, sizeof programs_of_ibr);
#if CC_HAS_INTERRUPTS
    for (unsigned i = 0; i < OF_IBR; i++) {
        sched_program *p = &programs[OF_IBR + i];
        *p = programs_of_ibr[i];
        snprintf(names[i], sizeof names[i], "%s_debra", p->name);
        p->name = names[i];
        p->set_up = p->set_up == set_up ? set_up_under_debra : set_up_anything_under_debra;
    }
    return sched_main(argc, argv, programs, 2 * OF_IBR);
#else
    (void)names;
    return sched_main(argc, argv, programs, OF_IBR);
#endif
}
