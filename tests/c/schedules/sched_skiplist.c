/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list, and the one with locks, under every schedule that the explorer can reach: two or
 * three threads, one to three operations each, on a list of a few entries.
 *
 * The judge asks of every run:
 *   - Is there an order of the operations that respects their real-time order, and in which each
 *     one answers what a sequential map would? Found or refuted by brute force. A scan counts as
 *     one lookup for each entry it returned: it is weakly consistent.
 *   - Is every word released exactly once, and never touched after? Words count their references
 *     and know when they are dead.
 *   - Does cc_ordered_check find the list in order: levels, marks, builders, the index, counts?
 *   - Do the core's own invariants hold (CC_DEBUG_INVARIANTS), among them that no link leads to a
 *     node when it is retired; and does ASAN see no use after free?
 */
#include <stdio.h>
#include <string.h>

#include "memory/smr_fast.h"
#include "ordered/skiplist.h"
#include "ordered/skiplist_locked.h"
#include "sched_skiplist.h"

const cc_ordered_operations *tested_operations = &cc_skiplist_operations;
const bool tested_clear_is_atomic = false;

/* ---------------------------------------------------------------- drawn at random */

static operation any_operation(void) {
    /* Changes more often than queries, and mostly of one key. */
    static const uint8_t kinds[] = {
        GET,     GET,    PUT,    PUT,       PUT,       PUT_IF_ABSENT, PUT_IF_PRESENT, REPLACE_EXACT,
        REMOVE,  REMOVE, REMOVE, POP_FIRST, POP_LAST,  FIRST,         LAST,           FLOOR,
        CEILING, LOWER,  HIGHER, SCAN_UP,   SCAN_DOWN, CLEAR,         SNAPSHOT,       SNAPSHOT};
    static const uint8_t some_keys[] = {2, 2, 2, 3, 3, 1};
    operation o = {.what = kinds[sched_choose(sizeof kinds)],
                   .key = some_keys[sched_choose(6)],
                   .height = (uint8_t)(1 + sched_choose(3)),
                   .no_tick = sched_choose(2) == 1};
    if (o.what == REPLACE_EXACT) {
        o.expected = (uint8_t)any_value();
    }
    return o;
}

static operation one_of(const uint8_t *kinds, unsigned count) {
    return (operation){.what = kinds[sched_choose(count)],
                       .key = (uint8_t)(1 + sched_choose(4)),
                       .height = (uint8_t)(1 + sched_choose(2)),
                       .no_tick = sched_choose(2) == 1};
}

/* A snapshot with an operation or two in the middle of its walk, somebody who writes, and somebody
 * who mostly looks: the answers, and what the snapshot has, bind their order. */
static void draw_beside_snapshot(void) {
    static const uint8_t writes[] = {PUT,    PUT,       PUT,      REMOVE,
                                     REMOVE, POP_FIRST, POP_LAST, PUT_IF_ABSENT};
    static const uint8_t looks[] = {FIRST,  LAST,      FLOOR,    CEILING, LOWER,
                                    HIGHER, POP_FIRST, POP_LAST, GET,     SNAPSHOT};
    now.by[0][0] = (operation){.what = SNAPSHOT};
    for (unsigned i = 1, n = 1 + sched_choose(2); i <= n; i++) {
        now.by[0][i] =
            sched_choose(4) ? one_of(writes, sizeof writes) : one_of(looks, sizeof looks - 1);
        now.by[0][i].when = IN_WALK;
    }
    for (unsigned i = 0, n = 1 + sched_choose(2); i < n; i++) {
        now.by[1][i] = one_of(writes, sizeof writes);
    }
    for (unsigned i = 0, n = 1 + sched_choose(2); i < n; i++) {
        now.by[2][i] = one_of(looks, sizeof looks);
    }
}

static void set_up_anything(void) {
    const scenario *frame = sched_argument();
    unsigned entries = sched_choose(4);
    now = *frame;
    for (unsigned i = 0; i < entries; i++) {
        now.before[i] = (operation){.what = PUT,
                                    .key = (uint8_t)(1 + sched_choose(4)),
                                    .height = (uint8_t)(1 + sched_choose(3))};
    }
    for (unsigned f = 0; f < SCHED_MOST_FIBRES && !now.beside_snapshot; f++) {
        unsigned n = 1 + sched_choose(f == 2 ? 1 : MOST_OPERATIONS_DRAWN);
        for (unsigned i = 0; i < n; i++) {
            now.by[f][i] = any_operation();
        }
    }
    if (now.beside_snapshot) {
        draw_beside_snapshot();
    }
    begin();
}

static void set_up_anything_under_debra(void) {
    use_debra();
    set_up_anything();
}

static void set_up_with_locks(void) {
    tested_operations = &cc_skiplist_locked_operations;
    set_up();
    tested_operations = &cc_skiplist_operations;
}

static void set_up_anything_with_locks(void) {
    tested_operations = &cc_skiplist_locked_operations;
    set_up_anything();
    tested_operations = &cc_skiplist_operations;
}

static void set_up_with_locks_under_debra(void) {
    use_debra();
    set_up_with_locks();
}

static void set_up_anything_with_locks_under_debra(void) {
    use_debra();
    set_up_anything_with_locks();
}

/* ---------------------------------------------------------------- scenarios */

#define TALL .height = 3
#define SCENARIO(...) (&(const scenario){__VA_ARGS__})
#define BEFORE .before =
#define THREE_ENTRIES {{PUT, 1}, {PUT, 2}, {PUT, 3}}
#define INSIDE .when = IN_WALK
#define BEHIND .when = WHEN_CLOSED
#define FIRST_FIBRE .by[0] =
#define SECOND_FIBRE .by[1] =
#define THIRD_FIBRE .by[2] =

static const sched_program programs_of_ibr[] = {
    {"insert_insert", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(FIRST_FIBRE{{PUT, 2}, {GET, 2}}, SECOND_FIBRE{{PUT_IF_ABSENT, 2}, {PUT, 3}})},
    {"insert_remove_insert", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 3}}, FIRST_FIBRE{{PUT, 2}, {GET, 2}}, SECOND_FIBRE{{REMOVE, 2}},
              THIRD_FIBRE{{PUT, 2}, {REMOVE, 2}})},
    {"remove_remove", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REMOVE, 2}, {GET, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 2}})},
    {"put_remove_get", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}}, FIRST_FIBRE{{PUT, 2}, {PUT, 2}}, SECOND_FIBRE{{REMOVE, 2}},
              THIRD_FIBRE{{GET, 2}, {GET, 2}})},
    {"replace_replace_get", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(BEFORE{{PUT, 2}}, FIRST_FIBRE{{PUT, 2}, {PUT, 2}}, SECOND_FIBRE{{PUT, 2}, {PUT, 2}},
              THIRD_FIBRE{{GET, 2}, {GET, 2}})},
    {"value_births", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}}, SECOND_FIBRE{{PUT, 3}, {PUT, 2}},
              THIRD_FIBRE{{PUT, 2}, {PUT, 2}})},
    {"value_births_and_eras", 3, set_up, fibre, judge, 3, 0, 400,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}}, SECOND_FIBRE{{PUT, 3}},
              THIRD_FIBRE{{PUT, 2}, {PUT, 2}})},
    {"exact", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(BEFORE{{PUT, 2}}, FIRST_FIBRE{{REPLACE_EXACT, 2, .expected = 1}, {REMOVE, 2}},
              SECOND_FIBRE{{PUT, 2}, {REPLACE_EXACT, 2, .expected = 1}, {PUT_IF_PRESENT, 2}})},
    {"exact_removal", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}},
              FIRST_FIBRE{{REMOVE_EXACT, 2, .expected = 1}, {PUT_IF_ABSENT, 2}},
              SECOND_FIBRE{{REPLACE_EXACT, 2, .expected = 1}, {REMOVE_EXACT, 2, .expected = 4}})},
    {"pops", 2, set_up, fibre, judge, 3, 1, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2, 2}, {PUT, 3}}, FIRST_FIBRE{{POP_FIRST}, {POP_LAST}},
              SECOND_FIBRE{{PUT, 1}, {PUT, 2}, {POP_FIRST}})},
    {"pops_of_one", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2, TALL}}, FIRST_FIBRE{{POP_LAST}, {PUT, 3}},
              SECOND_FIBRE{{POP_FIRST}, {PUT, 2, 2}}, THIRD_FIBRE{{PUT, 4, 2}, {POP_LAST}})},
    {"pops_undecided", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 2, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{POP_LAST}},
              SECOND_FIBRE{{PUT, 4, 2}, {POP_FIRST}}, THIRD_FIBRE{{PUT, 1, 2}, {REMOVE, 3}})},
    {"tower_and_removal", 2, set_up, fibre, judge, 3, 0, 200,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 4, 2}, {PUT, 4, TALL}, {REMOVE, 4}},
              FIRST_FIBRE{{PUT, 2, TALL}}, SECOND_FIBRE{{REMOVE, 2}})},
    {"tower_removal_tower", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 4, TALL}}, FIRST_FIBRE{{PUT, 2, TALL}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 2, TALL}}, THIRD_FIBRE{{PUT, 3, TALL}, {REMOVE, 3}})},
    {"neighbours_die", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2, 2}, {PUT, 3}},
              FIRST_FIBRE{{REMOVE, 1}, {REMOVE, 2}, {REMOVE, 3}},
              SECOND_FIBRE{{GET, 2}, {GET, 3}})},
    /* A search stands on key 1's upper level while 1 gets a young successor and both die. */
    {"predecessor_dies", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 4}}, FIRST_FIBRE{{GET, 3}},
              SECOND_FIBRE{{PUT, 4}, {PUT, 2}, {REMOVE, 1}}, THIRD_FIBRE{{REMOVE, 2}})},
    {"both_ends", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{FIRST}, {LAST}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 1}, {REMOVE, 3}})},
    {"floor_ceiling", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{FLOOR, 3}, {CEILING, 2}},
              SECOND_FIBRE{{REMOVE, 3}, {REMOVE, 2}, {PUT, 3}})},
    {"lower_higher", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{LOWER, 3}, {HIGHER, 1}},
              SECOND_FIBRE{{PUT, 4}, {REMOVE, 2}, {REMOVE, 3}})},
    /* Found by the explorer: the key was the right one before key 2 came, the value one from
     * after. */
    {"neighbour_changes", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 3}}, FIRST_FIBRE{{HIGHER, 1}, {LAST}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 3}, {PUT, 4}})},
    {"scans", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2, 2}, {PUT, 4}},
              FIRST_FIBRE{{SCAN_UP}, {SCAN_DOWN, 3}},
              SECOND_FIBRE{{PUT, 3}, {REMOVE, 2}, {REMOVE, 4}})},
    {"scan_down_loses_its_bound", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{SCAN_DOWN, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}})},
    {"scan_down_asks_and_loses_its_bound", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 4}},
              FIRST_FIBRE{{SCAN_DOWN, 2}}, SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}})},
    /* The node where a segment ends dies while those on both sides are walked. */
    {"scan_by_segments", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 3, 2}, {PUT, 4}},
              FIRST_FIBRE{{SCAN_UP}}, SECOND_FIBRE{{REMOVE, 3}, {REMOVE, 2}})},
    /* The node that a segment's walk stands on dies; before that it gets a young successor, which
     * dies, too. */
    {"scan_stands_on_a_dead_node", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 3}, {PUT, 4, 2}},
              FIRST_FIBRE{{SCAN_UP}}, SECOND_FIBRE{{REMOVE, 2}, {PUT, 2}})},
    {"scan_and_a_young_successor", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 4, 2}}, FIRST_FIBRE{{SCAN_UP}},
              SECOND_FIBRE{{PUT, 4}, {PUT, 3}, {REMOVE, 2}}, THIRD_FIBRE{{REMOVE, 3}})},
    {"sample_beside_changes", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1, 2}, {PUT, 2, 2}, {PUT, 4, 2}},
              FIRST_FIBRE{{SAMPLE, 0, 2}, {SAMPLE, 1, 2}}, SECOND_FIBRE{{REMOVE, 2}, {PUT, 3, 2}},
              THIRD_FIBRE{{REMOVE, 4}, {SAMPLE, 2, 1}})},
    {"sample_begins_at_a_dead_node", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(BEFORE{{PUT, 3, 2}, {PUT, 4, 2}}, FIRST_FIBRE{{SAMPLE, 2, 2}},
              SECOND_FIBRE{{REMOVE, 3}}, THIRD_FIBRE{{PUT, 1, 2}})},
    {"sample_undecided", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{SAMPLE, 1, 2}},
              SECOND_FIBRE{{REMOVE, 1}, {PUT, 2, 2}})},
    {"compared_keys", 2, set_up, fibre, judge, 2, 1, 0,
     SCENARIO(.keys = COMPARED, BEFORE{{PUT, 1}, {PUT, 3}}, FIRST_FIBRE{{PUT, 2, 2}, {REMOVE, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}})},
    {"undecided_keys", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1}, {PUT, 3, 2}}, FIRST_FIBRE{{PUT, 2, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {REMOVE, 1}})},
    /* The index begins with one slot, so the second key needs another table. Copies of a table go on
     * while its keys come and go, and are looked for. */
    {"index_get_remove", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2}, {PUT, 3}, {PUT, 2}}, FIRST_FIBRE{{GET, 2}, {GET, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 2}}, THIRD_FIBRE{{PUT, 2}})},
    {"index_first_growth", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2}}, FIRST_FIBRE{{PUT, 3}, {GET, 2}},
              SECOND_FIBRE{{PUT, 4}, {GET, 3}}, THIRD_FIBRE{{REMOVE, 2}, {PUT, 2}})},
    {"index_growth", 2, set_up, fibre, judge, 3, 0, 300,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}, {GET, 2}},
              SECOND_FIBRE{{PUT, 4}, {REMOVE, 2}, {REMOVE, 3}})},
    {"index_growth_and_removal", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}, {GET, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {REMOVE, 3}}, THIRD_FIBRE{{PUT, 4}, {PUT, 4}})},
    /* A key that somebody has seen in the list is in the index. */
    {"index_miss", 3, set_up, fibre, judge, 2, 0, 600,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2}}, FIRST_FIBRE{{PUT, 4}},
              SECOND_FIBRE{{LAST}, {GET, 4}}, THIRD_FIBRE{{PUT, 3}, {GET, 4}})},
    {"index_miss_after_growth", 3, set_up, fibre, judge, 3, 0, 600,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}, {PUT, 2}}, FIRST_FIBRE{{PUT, 4}},
              SECOND_FIBRE{{PUT, 3}, {LAST}, {GET, 4}}, THIRD_FIBRE{{LAST}, {GET, 4}})},
    /* One key: whose CAS is lost leaves a node in the tables. */
    {"index_insert_insert", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, .keys = COUNTED, BEFORE{{PUT, 3}}, FIRST_FIBRE{{PUT, 2}, {GET, 2}},
              SECOND_FIBRE{{PUT_IF_ABSENT, 2}, {REMOVE, 2}}, THIRD_FIBRE{{GET, 2}, {GET, 2}})},
    {"index_insert_insert_grow", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, .keys = COUNTED, BEFORE{{PUT, 3}}, FIRST_FIBRE{{PUT, 2}, {GET, 2}},
              SECOND_FIBRE{{PUT, 2}, {REMOVE, 2}}, THIRD_FIBRE{{PUT, 1}, {PUT, 4}})},
    {"index_remove_put_get", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REMOVE, 2}, {PUT, 2}},
              SECOND_FIBRE{{GET, 2}, {GET, 2}}, THIRD_FIBRE{{PUT, 4}, {REMOVE, 2}})},
    /* All keys have one hash, and more of them one home than find room. */
    {"index_lost", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, .keys = COMPARED, BEFORE{{PUT, 1}, {PUT, 2}},
              FIRST_FIBRE{{PUT, 3}, {GET, 3}}, SECOND_FIBRE{{PUT, 4}, {LAST}, {GET, 3}},
              THIRD_FIBRE{{REMOVE, 1}, {LAST}, {GET, 4}})},
    /* Keys were lost and are gone, so the first change makes all homes say so; and the other one's
     * key finds no room meanwhile. */
    {"index_heals", 2, set_up, fibre, judge, 3, 0, 400,
     SCENARIO(.hashed = true, .keys = COMPARED,
              BEFORE{{PUT, 1},
                     {PUT, 2},
                     {PUT, 3},
                     {PUT, 4},
                     {REMOVE, 1},
                     {REMOVE, 4},
                     {PUT, 2},
                     {PUT, 2},
                     {PUT, 2},
                     {PUT, 2}},
              FIRST_FIBRE{{PUT, 2}, {GET, 3}}, SECOND_FIBRE{{PUT, 4}})},
    /* Rule C. The first thread stops, with a table in hand, and others do all that makes what it finds
     * there a trap: a younger node is put in, the table is replaced, the node is removed and freed. */
    {"index_stale_slot_found", 2, set_up, fibre, judge, 1, 0, 25,
     SCENARIO(.hashed = true, .first_stops = true,
              BEFORE{{PUT, 1}, {PUT, 3}, {PUT, 4}, {REMOVE, 4}, {GET, 1}}, FIRST_FIBRE{{GET, 2}},
              SECOND_FIBRE{{PUT, 3},
                           {PUT, 2},
                           {PUT, 4},
                           {PUT, 3},
                           {PUT, 3},
                           {PUT, 3},
                           {PUT, 3},
                           {PUT, 3},
                           {REMOVE, 2},
                           {PUT, 3}})},
    {"index_stale_slot_copied", 3, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(.hashed = true, .first_stops = true,
              BEFORE{{PUT, 1},
                     {PUT, 3},
                     {PUT, 4},
                     {PUT, 2},
                     {PUT, 3},
                     {PUT, 3},
                     {PUT, 3},
                     {PUT, 3},
                     {PUT, 3},
                     {PUT, 3},
                     {REMOVE, 2},
                     {REMOVE, 3},
                     {REMOVE, 4},
                     {PUT, 1},
                     {PUT, 1},
                     {PUT, 1},
                     {PUT, 1}},
              FIRST_FIBRE{{PUT, 1}}, SECOND_FIBRE{{PUT, 1}, {PUT, 2}},
              THIRD_FIBRE{{PUT, 1},
                          {PUT, 1},
                          {PUT, 1},
                          {PUT, 1},
                          {PUT, 1},
                          {PUT, 1},
                          {PUT, 1},
                          {REMOVE, 2},
                          {PUT, 1}})},
    {"index_stale_next", 2, set_up, fibre, judge, 1, 0, 25,
     SCENARIO(.hashed = true, .first_stops = true, BEFORE{{PUT, 1}}, FIRST_FIBRE{{REMOVE, 1}},
              SECOND_FIBRE{{PUT, 1},
                           {PUT, 3},
                           {PUT, 4},
                           {PUT, 2},
                           {PUT, 1},
                           {PUT, 1},
                           {PUT, 1},
                           {PUT, 1},
                           {PUT, 1},
                           {PUT, 1}})},
    /* The same with a table that stays: only a protected load protects what is younger. */
    {"index_young_node_freed", 3, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(.hashed = true, .first_stops = true,
              BEFORE{{PUT, 1}, {PUT, 3}, {PUT, 4}, {REMOVE, 4}, {GET, 1}}, FIRST_FIBRE{{GET, 2}},
              SECOND_FIBRE{{PUT, 3}, {PUT, 2}}, THIRD_FIBRE{{REMOVE, 2}, {PUT, 3}})},
    /* Behind putting a new table in place: it is replaced and freed. */
    {"index_new_table_freed", 2, set_up, fibre, judge, 1, 0, 25,
     SCENARIO(.hashed = true, .first_stops = true, .behind = true, BEFORE{{PUT, 1}},
              FIRST_FIBRE{{PUT, 3}},
              SECOND_FIBRE{{PUT, 1},
                           {CLEAR},
                           {PUT, 4},
                           {PUT, 2},
                           {PUT, 1},
                           {PUT, 1},
                           {PUT, 1},
                           {PUT, 1},
                           {PUT, 1}})},
    {"index_shrinks", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}, {PUT, 4}},
              FIRST_FIBRE{{REMOVE, 1}, {REMOVE, 2}, {REMOVE, 3}}, SECOND_FIBRE{{GET, 4}, {PUT, 3}},
              THIRD_FIBRE{{REMOVE, 4}, {PUT, 2}})},
    {"clear", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.hashed = true, .keys = COUNTED, BEFORE{{PUT, 2, TALL}, {PUT, 3}, {GET, 2}},
              FIRST_FIBRE{{CLEAR}}, SECOND_FIBRE{{PUT, 2, 2}, {REMOVE, 3}},
              THIRD_FIBRE{{GET, 2}, {PUT, 4, TALL}})},
    /* What has put the new table in place must not look at it any more. */
    {"index_growth_and_clear", 2, set_up, fibre, judge, 3, 0, 200,
     SCENARIO(.hashed = true, .behind = true, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT, 4}},
              SECOND_FIBRE{{CLEAR}})},
    {"scan_begins_at_a_dead_node", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(BEFORE{{PUT, 3}, {PUT, 4}}, FIRST_FIBRE{{SCAN_UP, 3}}, SECOND_FIBRE{{REMOVE, 3}},
              THIRD_FIBRE{{PUT, 2}})},
    /* The scan meets a node whose upper link leads where it led before the node was linked. */
    {"scan_beside_a_builder", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.behind = true, BEFORE{{PUT, 3, TALL}, {PUT, 4, TALL}}, FIRST_FIBRE{{PUT, 2, TALL}},
              SECOND_FIBRE{{SCAN_UP}, {SCAN_UP, 1}}, THIRD_FIBRE{{REMOVE, 3}, {PUT, 1, TALL}})},
    /* The node that the index finds for a scan's bound gets a young successor and dies. */
    {"scan_begins_by_the_index", 3, set_up, fibre, judge, 2, 0, 400,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{SCAN_UP, 2}},
              SECOND_FIBRE{{PUT, 4}, {PUT, 3}, {REMOVE, 2}}, THIRD_FIBRE{{REMOVE, 3}})},
    {"append_beside_insertion", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.hashed = true, .keys = COUNTED, BEFORE{{PUT, 1, 2}},
              FIRST_FIBRE{{APPEND, 2, 2}, {GET, 3}}, SECOND_FIBRE{{PUT, 4, 2}, {PUT, 3, 2}})},
    {"append_beside_removal", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(.hashed = true, .keys = COUNTED, BEFORE{{PUT, 1, 2}, {PUT, 2, 2}},
              FIRST_FIBRE{{APPEND, 3, TALL}}, SECOND_FIBRE{{REMOVE, 3}, {POP_LAST}, {PUT, 3, 2}})},
    {"append_behind_what_dies", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1, 2}, {PUT, 2, 2}}, FIRST_FIBRE{{APPEND, 3, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {GET, 4}}, THIRD_FIBRE{{SCAN_UP, 2}, {PUT, 2}})},
    {"append_and_miss", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}}, FIRST_FIBRE{{APPEND, 2}},
              SECOND_FIBRE{{LAST}, {GET, 2}, {GET, 3}})},
    {"append_append", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.hashed = true, .keys = COUNTED, BEFORE{{PUT, 1, 2}}, FIRST_FIBRE{{APPEND, 2, 2}},
              SECOND_FIBRE{{APPEND, 3, 2}})},
    /* Of a snapshot and what is inside it, beside one operation that has not ended: each way to see
     * an effect. */
    {"snapshot_seen", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES, FIRST_FIBRE{{SNAPSHOT}, {GET, 2, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{PUT, 2}})},
    {"snapshot_seen_by_index", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(.hashed = true, BEFORE THREE_ENTRIES,
              FIRST_FIBRE{{SNAPSHOT}, {GET, 2, INSIDE}, {PUT, 3, INSIDE}}, SECOND_FIBRE{{PUT, 2}})},
    {"snapshot_failed", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES,
              FIRST_FIBRE{{SNAPSHOT}, {REPLACE_EXACT, 2, .expected = 2, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{PUT, 2}})},
    {"snapshot_failed_removal", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES, FIRST_FIBRE{{SNAPSHOT}, {REMOVE, 2, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{REMOVE, 2}})},
    {"snapshot_put_if_absent", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES,
              FIRST_FIBRE{{SNAPSHOT}, {PUT_IF_ABSENT, 2, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{PUT, 2}})},
    {"snapshot_gone", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES, FIRST_FIBRE{{SNAPSHOT}, {GET, 2, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{REMOVE, 2}})},
    {"snapshot_gone_by_index", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}, {PUT, 2}},
              FIRST_FIBRE{{SNAPSHOT}, {GET, 2, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{REMOVE, 2}})},
    {"snapshot_behind", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES, FIRST_FIBRE{{SNAPSHOT}, {PUT, 2, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{REMOVE, 2}})},
    {"snapshot_first", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES, FIRST_FIBRE{{SNAPSHOT}, {FIRST, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{REMOVE, 1}})},
    {"snapshot_floor", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES, FIRST_FIBRE{{SNAPSHOT}, {FLOOR, 2, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{PUT, 2}})},
    {"snapshot_lower", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 4}}, FIRST_FIBRE{{SNAPSHOT}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{PUT, 2}}, THIRD_FIBRE{{LOWER, 4}})},
    /* So does one that is replaced: who replaces it does not wait for a list's locks. */
    {"snapshot_lower_replaced", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 4}}, FIRST_FIBRE{{SNAPSHOT}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{PUT, 1}}, THIRD_FIBRE{{LOWER, 4}})},
    {"snapshot_first_replaced", 3, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{SNAPSHOT}, {PUT, 1, INSIDE}},
              SECOND_FIBRE{{PUT, 2}}, THIRD_FIBRE{{FIRST}})},
    {"snapshot_scan", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES, FIRST_FIBRE{{SNAPSHOT}, {SCAN_UP, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{PUT, 2}})},
    {"snapshot_pop", 2, set_up, fibre, judge, 2, 0, 25,
     SCENARIO(BEFORE THREE_ENTRIES, FIRST_FIBRE{{SNAPSHOT}, {GET, 1, INSIDE}, {PUT, 3, INSIDE}},
              SECOND_FIBRE{{POP_FIRST}})},
    /* Beside threads that have not ended, or have not begun. */
    {"snapshot_one", 2, set_up, fibre, judge, 2, 1, 25,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT, 2}, {PUT, 3}},
              SECOND_FIBRE{{SNAPSHOT}})},
    {"snapshot_late", 2, set_up, fibre, judge, 3, 0, 100,
     SCENARIO(.hashed = true, BEFORE{{PUT, 2}},
              FIRST_FIBRE{{SNAPSHOT}, {PUT, 3, BEHIND}, {PUT, 2, BEHIND}}, SECOND_FIBRE{{GET, 2}})},
    {"snapshot_looked", 3, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT, 2}}, SECOND_FIBRE{{GET, 2}, {PUT, 3}},
              THIRD_FIBRE{{SNAPSHOT}})},
    {"snapshot_overtaken", 3, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}}, SECOND_FIBRE{{PUT, 2}, {PUT, 3}},
              THIRD_FIBRE{{SNAPSHOT}})},
    {"snapshot_older", 3, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT, 2}, {PUT, 3}}, SECOND_FIBRE{{PUT, 2}},
              THIRD_FIBRE{{SNAPSHOT}})},
    {"snapshot_share", 3, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT, 2}}, SECOND_FIBRE{{SNAPSHOT}},
              THIRD_FIBRE{{SNAPSHOT}, {PUT, 3}})},
    {"snapshot_row", 3, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT, 2}}, SECOND_FIBRE{{GET, 2}, {PUT, 3}},
              THIRD_FIBRE{{SNAPSHOT}, {SNAPSHOT}})},
    {"snapshot_new", 3, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(.keys = COUNTED, .hashed = true, BEFORE{{PUT, 3}}, FIRST_FIBRE{{PUT, 2}, {PUT, 3}},
              SECOND_FIBRE{{GET, 2}, {PUT, 4}}, THIRD_FIBRE{{SNAPSHOT}})},
    {"snapshot_again", 3, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REMOVE, 2}, {PUT, 2}},
              SECOND_FIBRE{{PUT, 3}}, THIRD_FIBRE{{SNAPSHOT}})},
    {"snapshot_append", 3, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1}}, FIRST_FIBRE{{APPEND, 2}},
              SECOND_FIBRE{{GET, 3}, {REMOVE, 1}}, THIRD_FIBRE{{SNAPSHOT}})},
    {"anything", 3, set_up_anything, fibre, judge, 0, 0, 1000, SCENARIO(.keys = DIGESTS)},
    {"anything_indexed", 3, set_up_anything, fibre, judge, 0, 0, 1000,
     SCENARIO(.keys = COUNTED, .hashed = true)},
    {"anything_compared", 3, set_up_anything, fibre, judge, 0, 0, 300,
     SCENARIO(.keys = COMPARED, .hashed = true)},
    {"anything_undecided", 3, set_up_anything, fibre, judge, 0, 0, 500,
     SCENARIO(.keys = UNDECIDED)},
    {"anything_undecided_indexed", 3, set_up_anything, fibre, judge, 0, 0, 500,
     SCENARIO(.keys = UNDECIDED, .hashed = true)},
    {"beside_snapshot", 3, set_up_anything, fibre, judge, 0, 0, 500,
     SCENARIO(.keys = DIGESTS, .beside_snapshot = true)},
    {"beside_snapshot_indexed", 3, set_up_anything, fibre, judge, 0, 0, 250,
     SCENARIO(.keys = COUNTED, .hashed = true, .beside_snapshot = true)},
};

/* For debra alone: somebody is in the middle of something while others retire enough to interrupt
 * it. */
static const sched_program programs_of_debra[] = {
    {"interrupted_scan", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{SCAN_UP}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}, {PUT, 3}})},
    {"interrupted_scan_down", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{SCAN_DOWN, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 1}, {PUT, 1}})},
    /* The walk is interrupted between the entries of a segment. */
    {"interrupted_snapshot", 2, set_up, fibre, judge, 0, 0, 100,
     SCENARIO(BEFORE{{PUT, 3, 2}, {PUT, 4}}, FIRST_FIBRE{{SNAPSHOT}},
              SECOND_FIBRE{{PUT, 3}, {PUT, 3}})},
    {"interrupted_clear", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{CLEAR}},
              SECOND_FIBRE{{PUT, 3}, {PUT, 3}, {REMOVE, 2}})},
    {"interrupted_get", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 2}, {GET, 2}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 2}, {REMOVE, 2}})},
    {"interrupted_put_if_absent", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT_IF_ABSENT, 2}, {PUT_IF_ABSENT, 3}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 2}, {PUT, 3}})},
    {"interrupted_put", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{PUT_IF_PRESENT, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}, {PUT, 3}})},
    {"interrupted_exact", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REPLACE_EXACT, 2, .expected = 1}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}, {PUT, 3}})},
    {"interrupted_tower", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3, TALL}},
              SECOND_FIBRE{{REMOVE, 1}, {PUT, 4}, {PUT, 4}})},
    {"twice_interrupted_tower", 2, set_up, fibre, judge, 3, 0, 0,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 2, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 3, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {REMOVE, 1}, {PUT, 4}})},
    {"interrupted_comparison", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{GET, 3}},
              SECOND_FIBRE{{REMOVE, 2}, {REMOVE, 1}, {REMOVE, 3}})},
    {"interrupted_removal_by_asking", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1, 2}, {PUT, 2}, {PUT, 3}}, FIRST_FIBRE{{REMOVE, 2}},
              SECOND_FIBRE{{REMOVE, 2}, {PUT, 3}, {PUT, 3}})},
    {"interrupted_question_of_a_tower", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 1, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{PUT, 4, TALL}},
              SECOND_FIBRE{{PUT, 2, 2}, {REMOVE, 4}},
              THIRD_FIBRE{{REMOVE, 3}, {PUT, 1}, {PUT, 1}})},
    {"interrupted_question", 2, set_up, fibre, judge, 2, 0, 0,
     SCENARIO(.keys = UNDECIDED, BEFORE{{PUT, 2}}, FIRST_FIBRE{{GET, 3}},
              SECOND_FIBRE{{PUT, 2}, {PUT, 2}})},
    {"interrupted_insertion", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 3, 2}, {PUT, 4}}, FIRST_FIBRE{{PUT, 2, TALL}},
              SECOND_FIBRE{{REMOVE, 1}, {REMOVE, 3}}, THIRD_FIBRE{{PUT, 4}, {PUT, 4}})},
    {"interrupted_removal", 3, set_up, fibre, judge, 2, 0, 200,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2, 2}, {PUT, 3}},
              FIRST_FIBRE{{REMOVE, 2}, {REMOVE, 1}}, SECOND_FIBRE{{GET, 2}, {FLOOR, 2}},
              THIRD_FIBRE{{PUT, 3}, {PUT, 3}, {PUT, 3}})},
};

/* For the list with locks alone. */
static const sched_program programs_of_locks[] = {
    /* Everybody needs the head. */
    {"wait_in_line", 3, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(FIRST_FIBRE{{PUT, 2, 2}}, SECOND_FIBRE{{PUT, 3, 2}}, THIRD_FIBRE{{POP_FIRST}})},
    /* Each one's predecessor goes. */
    {"neighbours_go", 3, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(.keys = COUNTED, BEFORE{{PUT, 1}, {PUT, 2, 2}, {PUT, 3}, {PUT, 4}},
              FIRST_FIBRE{{REMOVE, 3}}, SECOND_FIBRE{{REMOVE, 2}},
              THIRD_FIBRE{{REMOVE, 4}, {GET, 3}})},
    {"insert_behind_what_goes", 3, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 4, 2}}, FIRST_FIBRE{{PUT, 2, 2}, {GET, 2}},
              SECOND_FIBRE{{REMOVE, 1}}, THIRD_FIBRE{{PUT, 3, 2}})},
    /* What a query finds dead is passed over; what comes in its place meanwhile is not the answer. */
    {"over_the_dead", 3, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 2}, {PUT, 4}}, FIRST_FIBRE{{LOWER, 3}, {HIGHER, 1}},
              SECOND_FIBRE{{REMOVE, 2}}, THIRD_FIBRE{{PUT, 3}})},
    {"floor_of_what_goes", 3, set_up, fibre, judge, 3, 0, 100,
     SCENARIO(BEFORE{{PUT, 2}}, FIRST_FIBRE{{FLOOR, 2}}, SECOND_FIBRE{{PUT, 1}},
              THIRD_FIBRE{{REMOVE, 2}})},
    /* What is found to be last, and dead, has got a successor before it died. */
    {"last_gets_a_successor", 3, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(BEFORE{{PUT, 1}, {PUT, 2}}, FIRST_FIBRE{{LAST}}, SECOND_FIBRE{{PUT, 4}},
              THIRD_FIBRE{{REMOVE, 2}})},
    /* A clear keeps a young node that is not linked on all its levels yet. */
    {"clear_beside_insertions", 3, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(BEFORE{{PUT, 3, 2}, {PUT, 4, TALL}}, FIRST_FIBRE{{CLEAR}}, SECOND_FIBRE{{PUT, 1, 2}},
              THIRD_FIBRE{{PUT, 2, 2}})},
    /* The last node of a chain has none of its upper links yet. */
    {"last_of_a_chain_goes", 2, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(.hashed = true, BEFORE{{PUT, 1, 2}, {PUT, 2, 2}}, FIRST_FIBRE{{APPEND, 3, 2}},
              SECOND_FIBRE{{POP_LAST}})},
    /* So has what is in front of it, and goes, too; the lock of the tallest node covers neither. */
    {"last_of_three_goes", 3, set_up, fibre, judge, 3, 0, 100,
     SCENARIO(.hashed = true,
              BEFORE{
                  {PUT, 1, 2}, {PUT, 2}, {PUT, 3}, {PUT, 4}, {REMOVE, 4}, {REMOVE, 3}, {REMOVE, 2}},
              FIRST_FIBRE{{APPEND_THREE, 2, 2}}, SECOND_FIBRE{{POP_LAST}},
              THIRD_FIBRE{{REMOVE, 3}, {LAST}})},
    {"the_last_goes", 3, set_up, fibre, judge, 2, 0, 100,
     SCENARIO(BEFORE{{PUT, 1, 2}, {PUT, 3, 2}}, FIRST_FIBRE{{POP_LAST}, {LAST}},
              SECOND_FIBRE{{REMOVE, 3}, {PUT, 2}}, THIRD_FIBRE{{PUT, 4}})},
};

/* Locks and debra meet where a writer waits, and where it has looked for its place. */
static const char *const with_locks_under_debra[] = {"wait_in_line",
                                                     "neighbours_go",
                                                     "over_the_dead",
                                                     "pops",
                                                     "last_of_a_chain_goes",
                                                     "index_insert_insert",
                                                     "clear",
                                                     "append_beside_removal",
                                                     "anything",
                                                     "anything_indexed",
                                                     "anything_undecided",
                                                     "beside_snapshot",
                                                     "interrupted_clear",
                                                     "interrupted_put",
                                                     "interrupted_insertion",
                                                     "interrupted_removal"};

enum {
    OF_IBR = sizeof programs_of_ibr / sizeof *programs_of_ibr,
    OF_DEBRA = sizeof programs_of_debra / sizeof *programs_of_debra,
    OF_LOCKS = sizeof programs_of_locks / sizeof *programs_of_locks,
    MOST_PROGRAMS = 4 * OF_IBR + 2 * OF_DEBRA + 2 * OF_LOCKS
};

static sched_program programs[MOST_PROGRAMS];
static unsigned program_count;

/* A copy under another name. */
static sched_program *add(const sched_program *of, const char *format, void (*set_up_given)(void),
                          void (*set_up_drawn)(void)) {
    static char names[MOST_PROGRAMS][64];
    sched_program *p = &programs[program_count];
    *p = *of;
    snprintf(names[program_count], sizeof names[0], format, of->name);
    p->name = names[program_count++];
    p->set_up = of->set_up == set_up ? set_up_given : set_up_drawn;
    return p;
}

/* Those of the other lists once more, with fewer schedules: what locks change is in their own. */
static void add_with_locks(const sched_program *of) {
    sched_program *p = add(of, "%s_locked", set_up_with_locks, set_up_anything_with_locks);
    p->dfs_preemptions = 0;
    p->share = of->share ? (of->share + 5) / 6 : 17;
}

static void add_with_locks_under_debra(const sched_program *of) {
    for (size_t i = 0; i < sizeof with_locks_under_debra / sizeof *with_locks_under_debra; i++) {
        if (strcmp(of->name, with_locks_under_debra[i]) == 0) {
            sched_program *p = add(of, "%s_locked_debra", set_up_with_locks_under_debra,
                                   set_up_anything_with_locks_under_debra);
            p->dfs_preemptions = 0;
            p->share = of->share > 300 ? 100 : 25;
        }
    }
}

int main(int argc, char **argv) {
    for (unsigned i = 0; i < OF_IBR; i++) {
        add(&programs_of_ibr[i], "%s", set_up, set_up_anything);
        add_with_locks(&programs_of_ibr[i]);
    }
    for (unsigned i = 0; i < OF_LOCKS; i++) {
        add(&programs_of_locks[i], "%s_locked", set_up_with_locks, set_up_anything_with_locks);
    }
#if CC_HAS_INTERRUPTS
    for (unsigned i = 0; i < OF_IBR + OF_DEBRA + OF_LOCKS; i++) {
        const sched_program *p = i < OF_IBR ? &programs_of_ibr[i]
                                 : i < OF_IBR + OF_DEBRA
                                     ? &programs_of_debra[i - OF_IBR]
                                     : &programs_of_locks[i - OF_IBR - OF_DEBRA];
        if (i < OF_IBR + OF_DEBRA) {
            add(p, "%s_debra", set_up_under_debra, set_up_anything_under_debra);
        }
        add_with_locks_under_debra(p);
    }
#else
    (void)programs_of_debra, (void)add_with_locks_under_debra;
    (void)set_up_under_debra, (void)set_up_anything_under_debra;
#endif
    return sched_main(argc, argv, programs, program_count);
}
