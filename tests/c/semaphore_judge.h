/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A sequential semaphore for linearize.h: is there an order of recorded operations in which every
 * answer is right?
 *
 * A try, or an acquire whose time is over, is refused when no permit is free; and if the semaphore
 * is fair, when somebody else is waiting. A wait that is given up has no effect, but others may be
 * refused because of it, as long as it lasts.
 */
#ifndef CC_TEST_SEMAPHORE_JUDGE_H
#define CC_TEST_SEMAPHORE_JUDGE_H

#include "linearize.h"

enum { SJ_OPERATIONS = 256, SJ_BUDGET = 2000000 };

typedef enum semaphore_operation_name {
    S_TRY,
    S_ACQUIRE,
    S_GIVE,
    S_GAVE_UP
} semaphore_operation_name;

typedef struct semaphore_operation {
    semaphore_operation_name name;
    int thread;
    uint64_t n;  /* of S_GIVE */
    bool answer; /* it has a permit; of S_GIVE: it was not too much */
    bool stood_in_line; /* of S_ACQUIRE and S_GAVE_UP */
    uint64_t before, after;
} semaphore_operation;

typedef struct semaphore_model {
    uint64_t value, most;
    bool is_fair;
    int count;
    const semaphore_operation *ops;
} semaphore_model;

/* In line, beside it. Who is handed a permit leaves the line a moment after the permit has been taken for it, and is
 * still in the way until then. */
static inline UNUSED bool sj_somebody_waits(const semaphore_model *m, const uint64_t *done,
                                            int step) {
    for (int i = 0; i < m->count; i++) {
        const semaphore_operation *w = &m->ops[i];
        if (i != step && w->stood_in_line && w->before < m->ops[step].after &&
            m->ops[step].before < w->after && (w->answer || !has_bit(done, i))) {
            return true;
        }
    }
    return false;
}

static inline UNUSED bool sj_take(const void *model, const uint64_t *done, void *state, int step) {
    const semaphore_model *m = model;
    const semaphore_operation *o = &m->ops[step];
    uint64_t *permits = state;
    switch (o->name) {
    case S_TRY:
    case S_ACQUIRE:
        if (!o->answer) {
            return *permits == 0 || (m->is_fair && sj_somebody_waits(m, done, step));
        }
        return (*permits)-- > 0;
    case S_GIVE:
        if (!o->answer) {
            return o->n > m->most - *permits;
        }
        *permits += o->n;
        return *permits <= m->most;
    case S_GAVE_UP:
        return true;
    }
    return false;
}

static inline UNUSED int sj_by_beginning(const void *a, const void *b) {
    const semaphore_operation *x = a, *y = b;
    return x->before < y->before ? -1 : x->before > y->before;
}

/* Sorts the operations. */
static inline UNUSED verdict judge_semaphore(semaphore_operation *ops, int count, uint64_t value,
                                             uint64_t most, bool is_fair) {
    static interval steps[SJ_OPERATIONS];
    semaphore_model m = {value, most, is_fair, count, ops};
    CHECK(count <= SJ_OPERATIONS);
    qsort(ops, (size_t)count, sizeof *ops, sj_by_beginning);
    for (int i = 0; i < count; i++) {
        steps[i] = (interval){ops[i].before, ops[i].after};
    }
    history h = {steps, count, sizeof(uint64_t), sj_take, &m};
    return linearize(&h, &value, SJ_BUDGET);
}

static inline UNUSED void print_semaphore_history(FILE *file, const semaphore_operation *ops,
                                                  int count) {
    static const char *const names[] = {"try", "acquire", "give", "gave up"};
    for (int i = 0; i < count; i++) {
        fprintf(file, "  thread %d  %s %" PRIu64 " -> %d  (%" PRIu64 " .. %" PRIu64 ")\n",
                ops[i].thread, names[ops[i].name], ops[i].n, ops[i].answer, ops[i].before,
                ops[i].after);
    }
}

#endif
