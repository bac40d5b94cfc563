/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Orders of steps that a test writes down, but for a few numbers which it tries out: each thread of
 * a queue is a fibre, which begins an operation when it is told to, and goes on as many steps as it
 * is told. What the operations answer is recorded and judged (queue_judge.h).
 */
#ifndef CC_TEST_QUEUE_ORDERS_H
#define CC_TEST_QUEUE_ORDERS_H

#include "fibres.h"
#include "queue_judge.h"

static cc_queue *queue;
static queue_operation ops[QJ_OPERATIONS];
static int op_count, next_word;
static uint64_t ticks;
static struct {
    queue_operation_name operation;
    bool is_busy;
} orders[MOST_FIBRES];

static inline UNUSED void obey(void) {
    int me = current;
    for (;;) {
        queue_operation *o = &ops[op_count++];
        *o = (queue_operation){.thread = me, .name = orders[me].operation, .before = ticks++};
        fibres[me].steps = 0;
        if (o->name == Q_PUT) {
            o->word = ++next_word;
            o->answer = cc_queue_put(queue, (uintptr_t)o->word);
        } else {
            uintptr_t word = 0;
            o->answer = cc_queue_get(queue, &word);
            o->word = (int)word;
        }
        o->after = ticks++;
        orders[me].is_busy = false;
        give_way();
    }
}

/* Let `who` begin an operation. */
static inline UNUSED void order(int who, queue_operation_name operation) {
    CHECK(!orders[who].is_busy && op_count < QJ_OPERATIONS);
    orders[who].operation = operation;
    orders[who].is_busy = true;
    run_fibre(who);
}

/* Let it go on until it is about to take its step number `until`, or has done its operation. */
static inline UNUSED void go_on(int who, int64_t until) {
    while (orders[who].is_busy && fibres[who].steps < until) {
        run_fibre(who);
    }
}

static inline UNUSED void do_whole(int who, queue_operation_name operation) {
    order(who, operation);
    go_on(who, INT64_MAX);
}

/* A new queue, which fibres 0 .. handles - 1 have joined in this order by a get that finds
 * nothing. */
static inline UNUSED void begin_orders(cc_queue_kind kind, const cc_queue_options *options,
                                       int handles) {
    queue = cc_queue_new(kind, options);
    CHECK(queue);
    op_count = next_word = 0;
    ticks = 1;
    memset(orders, 0, sizeof orders);
    begin_fibres(handles, obey);
    for (int i = 0; i < handles; i++) {
        do_whole(i, Q_GET);
        CHECK_EQ(ops[i].answer, CC_QUEUE_EMPTY);
    }
}

/* All operations are over. Takes out what is left; is there an explanation for the answers? */
static inline UNUSED bool is_explained(size_t capacity) {
    do {
        do_whole(0, Q_GET);
    } while (ops[op_count - 1].answer == CC_QUEUE_OK);
    bool is_legal = judge_queue(ops, op_count, capacity) == LEGAL;
    cc_queue_free(queue, NULL);
    return is_legal;
}

#endif
