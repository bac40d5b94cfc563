/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is a recorded history of a queue linearizable (linearize.h), on the model of csrc/queue/queue.h?
 *
 *   put     sees that close has not happened, takes a credit (in a bounded queue), then publishes
 *           its word
 *   get     takes the oldest word, then gives the credit back
 *   over    of a put that overwrites: a put; or there is no credit, then it takes the oldest word,
 *           then publishes its own in its place. Closed with a word taken: it gives a credit back
 *   full    there is no credit; over: and, at a moment behind that, no word
 *   set     there are more credits, or fewer, perhaps less than none, at one moment; one caller at a
 *           time
 *   empty   there is no word, and close has not happened
 *   closed  put: close has happened; until then it may have held a credit. get: close has happened,
 *           there is no word, and nothing is published any more
 *
 * Each step has one moment between the operation's ticket before and its ticket after, one after
 * the other. Without a bound and without close a put is one step, so the model is that of a plain
 * FIFO queue.
 *
 * Every word is put once, and a history ends with a thread that takes what is left: so it is known
 * which get takes which word. That allows a look ahead without which queues explode: a word is not
 * published while another, whose get has ended before this one's get began, has yet to be.
 */
#ifndef CC_TEST_QUEUE_JUDGE_H
#define CC_TEST_QUEUE_JUDGE_H

#include "linearize.h"
#include "queue/queue.h"

enum { QJ_OPERATIONS = 256, QJ_STEPS = 4 * QJ_OPERATIONS, QJ_WORDS = 128 };

typedef enum queue_operation_name { Q_PUT, Q_GET, Q_CLOSE, Q_SET, Q_OVER } queue_operation_name;

typedef struct queue_operation {
    int thread;
    queue_operation_name name;
    cc_queue_status answer;
    int word; /* 1 .. QJ_WORDS: put, or taken; of Q_SET: the new bound */
    uint64_t before, after;
    int oldest; /* of Q_OVER: taken; 0: none */
} queue_operation;

typedef enum step_kind {
    LOOK, /* of a put that succeeds: close has not happened */
    RESERVE,
    PUBLISH,
    TAKE,
    FREE,
    SAY_FULL,
    SAY_EMPTY,
    SEE_NO_WORD, /* of a put that overwrites and says full */
    PUT_SAYS_CLOSED,
    GET_SAYS_CLOSED,
    HOLD, /* of a put that says closed in the end: until then it may have a credit */
    CLOSE,
    CHANGE
} step_kind;

typedef struct queue_step {
    step_kind kind;
    int operation, word, after_step; /* -1: any time */
} queue_step;

typedef struct queue_state {
    uint8_t words[QJ_WORDS]; /* in the queue, oldest first; zeros behind */
    int32_t length, credits, bound;
    int32_t is_closed, is_over;
    uint64_t holds[QJ_OPERATIONS / 64]; /* puts with HOLD */
    uint64_t published[QJ_WORDS / 64 + 1];
} queue_state;

typedef struct queue_problem {
    queue_step steps[QJ_STEPS];
    interval when[QJ_STEPS];
    int count;
    /* Of each word: the words that must be published before it. */
    uint64_t earlier[QJ_WORDS + 1][QJ_WORDS / 64 + 1];
} queue_problem;

static inline UNUSED bool qj_may_publish(const queue_problem *p, const uint64_t *published,
                                         int word) {
    for (int i = 0; i <= QJ_WORDS / 64; i++) {
        if (p->earlier[word][i] & ~published[i]) {
            return false;
        }
    }
    return true;
}

static inline UNUSED bool qj_take_step(const void *problem, const uint64_t *done, void *state,
                                       int i) {
    const queue_problem *p = problem;
    queue_state *s = state;
    const queue_step *step = &p->steps[i];
    if (step->after_step >= 0 && !has_bit(done, step->after_step)) {
        return false;
    }
    switch (step->kind) {
    case LOOK:
        return !s->is_closed;
    case RESERVE:
        return s->credits-- > 0;
    case PUBLISH:
        if (s->is_over || !qj_may_publish(p, s->published, step->word)) {
            return false;
        }
        set_bit(s->published, step->word);
        s->words[s->length++] = (uint8_t)step->word;
        return true;
    case TAKE:
        if (s->length == 0 || s->words[0] != step->word) {
            return false;
        }
        s->length--;
        memmove(s->words, s->words + 1, (size_t)s->length);
        s->words[s->length] = 0;
        return true;
    case FREE:
        s->credits++;
        return true;
    case SAY_FULL:
        return s->credits <= 0;
    case SAY_EMPTY:
        return s->length == 0 && !s->is_closed;
    case SEE_NO_WORD:
        return s->length == 0;
    case HOLD:
        if (s->credits >
            0) { /* or it did not get that far: then this step comes late enough to say nothing */
            s->credits--;
            set_bit(s->holds, step->operation);
        }
        return true;
    case PUT_SAYS_CLOSED:
        if (has_bit(s->holds, step->operation)) {
            s->credits++;
            s->holds[step->operation / 64] &= ~(UINT64_C(1) << step->operation % 64);
        }
        return s->is_closed;
    case GET_SAYS_CLOSED:
        s->is_over = 1;
        return s->is_closed && s->length == 0;
    case CHANGE:
        s->credits += step->word - s->bound;
        s->bound = step->word;
        return true;
    default:
        s->is_closed = 1;
        return true;
    }
}

/* ---------------------------------------------------------------- the verdict */

static inline UNUSED int qj_by_before(const void *a, const void *b) {
    uint64_t x = ((const queue_operation *)a)->before, y = ((const queue_operation *)b)->before;
    return x < y ? -1 : x > y;
}

static inline UNUSED void qj_add_step(queue_problem *p, step_kind kind, const queue_operation *o,
                                      int operation, int after_step) {
    p->when[p->count] = (interval){o->before, o->after};
    p->steps[p->count++] = (queue_step){kind, operation, o->word, after_step};
}

/* An overwriting put that took a word. */
static inline UNUSED void qj_add_overwriting(queue_problem *p, const queue_operation *o, int i,
                                             bool closes) {
    if (closes && o->answer == CC_QUEUE_OK) {
        qj_add_step(p, LOOK, o, i, -1);
    }
    qj_add_step(p, SAY_FULL, o, i, closes && o->answer == CC_QUEUE_OK ? p->count - 1 : -1);
    qj_add_step(p, TAKE, o, i, p->count - 1);
    p->steps[p->count - 1].word = o->oldest;
    if (o->answer == CC_QUEUE_OK) {
        qj_add_step(p, PUBLISH, o, i, p->count - 1);
    } else {
        qj_add_step(p, FREE, o, i, p->count - 1);
        qj_add_step(p, PUT_SAYS_CLOSED, o, i, p->count - 2);
    }
}

/* False: it is no word, or another one has it. */
static inline UNUSED bool qj_note(const queue_operation **of, const queue_operation *o, int word) {
    if (word < 1 || word > QJ_WORDS || of[word]) {
        return false;
    }
    of[word] = o;
    return true;
}

/* False: a word is taken twice, or was never put. */
static inline UNUSED bool qj_pose(queue_problem *p, const queue_operation *ops, int n,
                                  size_t capacity) {
    const queue_operation *get_of[QJ_WORDS + 1] = {0}, *put_of[QJ_WORDS + 1] = {0};
    bool closes = false;
    for (int i = 0; i < n; i++) {
        const queue_operation *o = &ops[i];
        closes |= o->name == Q_CLOSE;
        bool is_put = (o->name == Q_PUT || o->name == Q_OVER) && o->answer == CC_QUEUE_OK;
        bool is_get = o->name == Q_GET && o->answer == CC_QUEUE_OK;
        int taken = is_get ? o->word : o->name == Q_OVER ? o->oldest : 0;
        if ((is_put && !qj_note(put_of, o, o->word)) ||
            ((is_get || taken) && !qj_note(get_of, o, taken))) {
            return false;
        }
    }
    for (int w = 1; w <= QJ_WORDS; w++) {
        if (!put_of[w] != !get_of[w]) {
            return false; /* from nowhere, or lost */
        }
        for (int x = 1; put_of[w] && x <= QJ_WORDS; x++) {
            if (get_of[x] && get_of[x]->after < get_of[w]->before) {
                set_bit(p->earlier[w], x);
            }
        }
    }
    for (int i = 0; i < n; i++) {
        const queue_operation *o = &ops[i];
        if (o->name == Q_CLOSE) {
            qj_add_step(p, CLOSE, o, i, -1);
        } else if (o->name == Q_SET) {
            qj_add_step(p, CHANGE, o, i, -1);
        } else if (o->name == Q_OVER && o->oldest) {
            qj_add_overwriting(p, o, i, closes);
        } else if (o->name == Q_OVER && o->answer == CC_QUEUE_FULL) {
            qj_add_step(p, SAY_FULL, o, i, -1);
            qj_add_step(p, SEE_NO_WORD, o, i, p->count - 1);
        } else if (o->name != Q_GET && o->answer == CC_QUEUE_OK) {
            if (closes) {
                qj_add_step(p, LOOK, o, i, -1);
            }
            if (capacity) {
                qj_add_step(p, RESERVE, o, i, closes ? p->count - 1 : -1);
            }
            qj_add_step(p, PUBLISH, o, i, closes || capacity ? p->count - 1 : -1);
        } else if (o->name == Q_GET && o->answer == CC_QUEUE_OK) {
            qj_add_step(p, TAKE, o, i, -1);
            if (capacity) {
                qj_add_step(p, FREE, o, i, p->count - 1);
            }
        } else if (o->name != Q_GET && o->answer == CC_QUEUE_CLOSED) {
            if (capacity) {
                qj_add_step(p, HOLD, o, i, -1);
            }
            qj_add_step(p, PUT_SAYS_CLOSED, o, i, capacity ? p->count - 1 : -1);
        } else {
            qj_add_step(p,
                        o->answer == CC_QUEUE_FULL    ? SAY_FULL
                        : o->answer == CC_QUEUE_EMPTY ? SAY_EMPTY
                                                      : GET_SAYS_CLOSED,
                        o, i, -1);
        }
    }
    return true;
}

static inline UNUSED verdict judge_queue_within(queue_operation *ops, int n, size_t capacity,
                                                size_t budget) {
    CHECK(n <= QJ_OPERATIONS);
    qsort(ops, (size_t)n, sizeof *ops, qj_by_before);
    queue_problem *p = calloc(1, sizeof *p);
    CHECK(p);
    verdict answer = ILLEGAL;
    if (qj_pose(p, ops, n, capacity)) {
        queue_state first = {.credits = (int32_t)capacity, .bound = (int32_t)capacity};
        history h = {p->when, p->count, sizeof first, qj_take_step, p};
        answer = linearize(&h, &first, budget);
    }
    free(p);
    return answer;
}

/* A history that cannot be judged counts as a failure in the end. Sorts the operations. */
static inline UNUSED verdict judge_queue(queue_operation *ops, int n, size_t capacity) {
    verdict v = UNKNOWN;
    for (size_t budget = 5000; v == UNKNOWN && budget <= 500000; budget *= 10) {
        v = judge_queue_within(ops, n, capacity, budget);
    }
    return v;
}

static inline UNUSED void print_queue_history(FILE *file, const queue_operation *ops, int n,
                                              size_t capacity) {
    static const char *const names[] = {"put", "get", "close", "set the bound to",
                                        "put overwriting"};
    static const char *const answers[] = {"ok", "empty", "full", "closed", "no memory"};
    fprintf(file, "capacity %zu\n", capacity);
    for (int i = 0; i < n; i++) {
        const queue_operation *o = &ops[i];
        fprintf(file, "thread %d  %6" PRIu64 " .. %6" PRIu64 "  %s %d: %s, %d\n", o->thread,
                o->before, o->after, names[o->name], o->word, answers[o->answer], o->oldest);
    }
}

#endif
