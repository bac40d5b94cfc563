/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The wait-free ring of indices under every schedule that the explorer can reach: is it a FIFO
 * queue?
 *
 * Fibres enqueue and dequeue indices on a ring of 2 or 4 slots, mostly without any patience, so
 * that every operation is a request, and everybody helps everybody. The judge drains the ring, and
 * then looks for an order of all operations, the draining ones included, in which every answer is
 * that of a queue. So an index that is lost, doubled or out of order shows, and so does an "empty"
 * that is not true at any moment.
 */
#include <stdio.h>
#include <string.h>

#undef WCQ_HELP_EVERY
#define WCQ_HELP_EVERY 1u
#include "queue/wcq_ring.h"
#include "scheduler.h"

#define MOST_OPERATIONS 32u
#define MOST_INDICES 4u

typedef struct operation {
    bool is_enqueue;
    int index; /* -1: empty; -2: closed */
    uint64_t before, after;
} operation;

typedef struct setting {
    unsigned indices;  /* n: the ring has 2n slots */
    unsigned filled;   /* indices 0 .. filled - 1 are in it at the beginning */
    uint32_t patience; /* of fibre 0; the others' is in `patience_of_others` */
    uint32_t patience_of_others;

    bool helps_fibre_0; /* everybody, with the first operation */
    unsigned lost_tickets; /* of tail, at the beginning: as if enqueuers had failed with them */
    const char *plans[SCHED_MOST_FIBRES]; /* what each fibre does, see follow() */
} setting;

static cc_handles handles;
static wcq_ring ring;
static wcq_pair slots[2 * MOST_INDICES];
static wcq_record records[SCHED_MOST_FIBRES + 1];
static operation history[MOST_OPERATIONS];
static unsigned operations;
static bool is_drained; /* somebody has found the ring final, and empty after that */

static const setting *the_setting(void) {
    return sched_argument();
}

/* ---------------------------------------------------------------- what fibres do */

static operation *begin_operation(bool is_enqueue, int index) {
    if (operations == MOST_OPERATIONS) {
        sched_fail("this program does too much");
    }
    operation *o = &history[operations++];
    *o = (operation){is_enqueue, index, sched_stamp(), 0};
    return o;
}

/* The ring has none. */
static uint32_t patience_of(const wcq_record *me) {
    return me == &records[0] ? the_setting()->patience : the_setting()->patience_of_others;
}

static bool enqueue(wcq_record *me, int index) {
    operation *o = begin_operation(true, index);
    if (wcq_is_time_to_help(me)) {
        wcq_help_the_next(&handles, me, NULL);
    }
    wcq_outcome outcome = WCQ_MISSED;
    for (uint32_t i = 0; i < patience_of(me) && outcome == WCQ_MISSED; i++) {
        outcome = wcq_enqueue_once(&ring, (uint64_t)index);
    }
    if (outcome == WCQ_MISSED) {
        outcome = wcq_enqueue(&ring, me, (uint64_t)index);
    }
    if (outcome == WCQ_SHUT) {
        o->index = -2;
    } else if (outcome != WCQ_DONE) {
        sched_fail("enqueue says %d", outcome);
    }
    o->after = sched_stamp();
    return outcome == WCQ_DONE;
}

static int dequeue(wcq_record *me) {
    uint64_t index = 0;
    operation *o = begin_operation(false, -1);
    bool was_over = is_drained;
    if (wcq_is_time_to_help(me)) {
        wcq_help_the_next(&handles, me, NULL);
    }
    wcq_outcome outcome = WCQ_MISSED;
    for (uint32_t i = 0; i < patience_of(me) && outcome == WCQ_MISSED; i++) {
        outcome = wcq_dequeue_once(&ring, &index);
    }
    if (outcome == WCQ_MISSED) {
        outcome = wcq_dequeue(&ring, me, &index);
    }
    if (outcome == WCQ_DONE) {
        if (index >= the_setting()->indices) {
            sched_fail("there is no index %d", (int)index);
        }
        if (was_over) {
            sched_fail("index %d was left in a drained ring", (int)index);
        }
        o->index = (int)index;
    } else if (outcome != WCQ_EMPTY) {
        sched_fail("dequeue says %d", outcome);
    }
    o->after = sched_stamp();
    return o->index;
}

/* A plan: '0'..'3' enqueues that index; '-' dequeues; '+' enqueues what the last '-' has got, if it
 * did; 'c' closes; 'o' dequeues like wcq.c, which wants to know whether the ring is drained. */
static void follow(unsigned who) {
    wcq_record *me = &records[who];
    int mine = -1;
    for (const char *p = the_setting()->plans[who]; p && *p; p++) {
        if (*p == '-') {
            mine = dequeue(me);
        } else if (*p == 'c') {
            wcq_finalize(&ring);
        } else if (*p == 'o') {
            if (dequeue(me) == -1 && wcq_is_final(&ring) && dequeue(me) == -1) {
                is_drained = true;
            }
        } else if (*p != '+') {
            enqueue(me, *p - '0');
        } else if (mine >= 0) {
            enqueue(me, mine);
        }
    }
}

/* ---------------------------------------------------------------- beginnings and ends */

static void set_up(void) {
    const setting *s = the_setting();
    memset((void *)&handles, 0, sizeof handles);
    memset((void *)records, 0, sizeof records);
    cc_handles_begin(&handles, sizeof(wcq_record), wcq_begin_record);
    operations = 0;
    is_drained = false;
    for (unsigned i = 0; i <= SCHED_MOST_FIBRES; i++) {
        wcq_begin_record(&records[i].common);
        if (!cc_handles_register(&handles, &records[i].common)) {
            sched_fail("no memory");
        }
    }
    for (unsigned i = 0; i <= SCHED_MOST_FIBRES; i++) {
        if (s->helps_fibre_0) { /* at once, and not when its turn comes */
            records[i].last_helped = SCHED_MOST_FIBRES + 1;
        }
    }
    wcq_ring_begin(&ring, slots, wcq_bits_for(s->indices), 0, s->filled, 1, &handles, 7, NULL, 0,
                   0);
    cc_store_relaxed_u64(&ring.tail.half.first,
                         cc_load_relaxed_u64(&ring.tail.half.first) + s->lost_tickets);
    for (unsigned i = 0; i < s->filled; i++) {
        operation *o = begin_operation(true, (int)i);
        o->after = sched_stamp();
    }
}

/* Is there an order of the operations that are not in `done` after which the queue holds
 * `content`? */
static bool can_be_ordered(uint32_t done, const int8_t *content, unsigned length) {
    if (done == (UINT32_C(1) << operations) - 1) {
        return true;
    }
    uint64_t first_end = UINT64_MAX;
    for (unsigned i = 0; i < operations; i++) {
        if (!(done >> i & 1) && history[i].after < first_end) {
            first_end = history[i].after;
        }
    }
    for (unsigned i = 0; i < operations; i++) {
        const operation *o = &history[i];
        if (done >> i & 1 || o->before > first_end) {
            continue;
        }
        int8_t after[MOST_OPERATIONS];
        unsigned n = length;
        if (o->index == -2) {
            memcpy(after, content, length);
        } else if (o->is_enqueue) {
            memcpy(after, content, length);
            after[n++] = (int8_t)o->index;
        } else if (o->index == -1) {
            if (length) {
                continue;
            }
        } else {
            if (!length || content[0] != o->index) {
                continue;
            }
            memcpy(after, content + 1, --n);
        }
        if (can_be_ordered(done | UINT32_C(1) << i, after, n)) {
            return true;
        }
    }
    return false;
}

static const char *judge(void) {
    static char text[512];
    while (dequeue(&records[SCHED_MOST_FIBRES]) >= 0) {
    }
    int8_t nothing[1] = {0};
    if (can_be_ordered(0, nothing, 0)) {
        return NULL;
    }
    int at = snprintf(text, sizeof text, "no order of the operations explains their answers:");
    for (unsigned i = 0; i < operations && at < (int)sizeof text - 32; i++) {
        at += snprintf(text + at, sizeof text - (size_t)at, " %s%d[%d,%d]",
                       history[i].is_enqueue ? "+" : "-", history[i].index, (int)history[i].before,
                       (int)history[i].after);
    }
    return text;
}

/* ---------------------------------------------------------------- programs */

int main(int argc, char **argv) {
    static const setting settings[] = {
        {.indices = 1, .plans = {"0", "-"}},
        {.indices = 1, .plans = {"0-", "-", "-"}},
        {.indices = 1, .plans = {"0", "--", "-"}},
        {.indices = 1, .filled = 1, .plans = {"-+", "-+"}},
        {.indices = 1, .filled = 1, .plans = {"-+", "-+", "-"}},
        {.indices = 2, .plans = {"0", "1", "-"}},
        {.indices = 2, .plans = {"0-", "1-", "-"}},
        {.indices = 2, .filled = 2, .plans = {"-+-+", "-+", "-"}},
        {.indices = 2, .filled = 1, .patience_of_others = 8, .plans = {"-+", "-+-+", "1-"}},
        {.indices = 2, .filled = 1, .patience_of_others = 1, .plans = {"-+-+", "-+-+"}},
        {.indices = 1, .patience_of_others = 8, .plans = {"0", "--", "--"}},
        {.indices = 2, .patience_of_others = 8, .plans = {"-", "0-", "1-"}},
        {.indices = 2, .filled = 1, .plans = {"-+", "1", "c"}},
        {.indices = 2, .plans = {"0", "1", "c-"}},
        {.indices = 2,
         .filled = 1,
         .helps_fibre_0 = true,
         .lost_tickets = 3,
         .plans = {"1", "-", "-"}},
        {.indices = 2, .helps_fibre_0 = true, .lost_tickets = 1, .plans = {"0-", "1"}},
        {.indices = 1, .lost_tickets = 2, .patience_of_others = 8, .plans = {"0", "-", "-"}},
        {.indices = 1, .lost_tickets = 1, .plans = {"0", "co", "o"}},
        {.indices = 2, .patience_of_others = 8, .plans = {"0", "-", "co"}},
    };
    static const sched_program programs[] = {
        {"one_each", 2, set_up, follow, judge, 2, 1, 0, &settings[0]},
        {"one_index", 3, set_up, follow, judge, 2, 1, 0, &settings[1]},
        {"takers_overtake", 3, set_up, follow, judge, 2, 1, 0, &settings[2]},
        {"one_index_circulates", 2, set_up, follow, judge, 2, 1, 0, &settings[3]},
        {"one_index_is_wanted", 3, set_up, follow, judge, 2, 1, 0, &settings[4]},
        {"two_come", 3, set_up, follow, judge, 2, 1, 0, &settings[5]},
        {"two_come_and_go", 3, set_up, follow, judge, 2, 1, 0, &settings[6]},
        {"two_circulate", 3, set_up, follow, judge, 2, 1, 0, &settings[7]},
        {"a_request_among_the_patient", 3, set_up, follow, judge, 2, 1, 0, &settings[8]},
        {"hardly_patient", 2, set_up, follow, judge, 2, 1, 0, &settings[9]},
        {"a_put_among_patient_takers", 3, set_up, follow, judge, 2, 1, 0, &settings[10]},
        {"a_get_among_the_patient", 3, set_up, follow, judge, 2, 1, 0, &settings[11]},
        {"closing", 3, set_up, follow, judge, 2, 1, 0, &settings[12]},
        {"closing_when_empty", 3, set_up, follow, judge, 2, 1, 0, &settings[13]},
        {"occupied_by_a_late_taker", 3, set_up, follow, judge, 2, 1, 0, &settings[14]},
        {"behind_a_lost_ticket", 2, set_up, follow, judge, 3, 1, 0, &settings[15]},
        {"counted_late", 3, set_up, follow, judge, 2, 1, 0, &settings[16]},
        {"over_behind_a_lost_ticket", 3, set_up, follow, judge, 2, 1, 0, &settings[17]},
        {"closed_while_catching_up", 3, set_up, follow, judge, 2, 1, 0, &settings[18]},
    };
    return sched_main(argc, argv, programs, sizeof programs / sizeof *programs);
}
