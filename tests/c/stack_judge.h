/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is a history of stack operations linearizable? linearize.h searches; here is the model.
 *
 * An operation is one step or two. A push of a bounded stack takes a credit, and later its word is
 * in; a pop's word is out, and later it gives the credit back. One that says "closed" may have had
 * a credit for a while. All else is one step, closing too.
 *
 * Every word is pushed once, and a history ends with a thread that takes what is left: so it is
 * known which pop takes which word. That allows a look ahead without which stacks explode: a word
 * is not pushed on top of another whose pop has ended before this one's begins.
 */
#ifndef CC_TEST_STACK_JUDGE_H
#define CC_TEST_STACK_JUDGE_H

#include "linearize.h"
#include "memory/cc_alloc.h"
#include "stack/stack.h"

enum { SJ_OPERATIONS = 256, SJ_STEPS = 2 * SJ_OPERATIONS, SJ_WORDS = 120, SJ_SEEN = 32 };

typedef enum stack_operation_name {
    S_PUSH,
    S_POP,
    S_PEEK,
    S_SNAPSHOT,
    S_CLOSE
} stack_operation_name;

typedef struct stack_operation {
    int thread;
    stack_operation_name name;
    cc_stack_status answer;
    int word; /* 1 .. SJ_WORDS: pushed, popped, or peeked at */
    int seen_count;
    uint8_t seen[SJ_SEEN]; /* of a snapshot, top first, as many as have room */
    uint64_t before, after;
} stack_operation;

typedef enum stack_step_kind {
    SJ_RESERVE,
    SJ_PUSH,
    SJ_POP,
    SJ_FREE,
    SJ_TOP,
    SJ_SEE,
    SJ_SAY_FULL,
    SJ_SAY_EMPTY,
    SJ_HOLD,
    SJ_PUSH_SAYS_CLOSED,
    SJ_POP_SAYS_CLOSED,
    SJ_CLOSE
} stack_step_kind;

typedef struct stack_step {
    stack_step_kind kind;
    int operation, after_step; /* -1: any time */
    const stack_operation *of;
} stack_step;

typedef struct stack_state {
    uint8_t words[SJ_WORDS]; /* inside, bottom first; zeros behind */
    int32_t length, credits, is_closed, unused;
    uint64_t holds[SJ_OPERATIONS / 64]; /* pushes with SJ_HOLD */
} stack_state;

typedef struct stack_problem {
    stack_step steps[SJ_STEPS];
    interval when[SJ_STEPS];
    int count;
    /* Of each word: the words that are popped before it, whatever the order. */
    uint64_t earlier[SJ_WORDS + 1][SJ_WORDS / 64 + 1];
} stack_problem;

static inline UNUSED bool sj_sees(const stack_state *s, const stack_operation *o) {
    bool equal = o->seen_count == s->length;
    for (int i = 0; equal && i < o->seen_count && i < SJ_SEEN; i++) {
        equal = o->seen[i] == s->words[s->length - 1 - i];
    }
    return equal;
}

static inline UNUSED bool sj_take_step(const void *problem, const uint64_t *done, void *state,
                                       int i) {
    const stack_problem *p = problem;
    const stack_step *step = &p->steps[i];
    stack_state *s = state;
    if (step->after_step >= 0 && !has_bit(done, step->after_step)) {
        return false;
    }
    int top = s->length ? s->words[s->length - 1] : 0;
    switch (step->kind) {
    case SJ_RESERVE:
        return s->credits-- > 0;
    case SJ_PUSH:
        for (int k = 0; k < s->length; k++) {
            if (has_bit(p->earlier[step->of->word], s->words[k])) {
                return false;
            }
        }
        s->words[s->length++] = (uint8_t)step->of->word;
        return !s->is_closed;
    case SJ_POP:
        if (!top || top != step->of->word) {
            return false;
        }
        s->words[--s->length] = 0;
        return true;
    case SJ_FREE:
        s->credits++;
        return true;
    case SJ_TOP:
        return top && top == step->of->word;
    case SJ_SEE:
        return sj_sees(s, step->of);
    case SJ_SAY_FULL:
        return s->credits == 0;
    case SJ_SAY_EMPTY:
        return !top && !s->is_closed;
    case SJ_HOLD:
        if (s->credits > 0) { /* or it did not get that far */
            s->credits--;
            set_bit(s->holds, step->operation);
        }
        return true;
    case SJ_PUSH_SAYS_CLOSED:
        if (has_bit(s->holds, step->operation)) {
            s->credits++;
            s->holds[step->operation / 64] &= ~(UINT64_C(1) << step->operation % 64);
        }
        return s->is_closed;
    case SJ_POP_SAYS_CLOSED:
        return s->is_closed && !top;
    default:
        s->is_closed = 1;
        return true;
    }
}

/* ---------------------------------------------------------------- the verdict */

static inline UNUSED int sj_by_before(const void *a, const void *b) {
    uint64_t x = ((const stack_operation *)a)->before, y = ((const stack_operation *)b)->before;
    return x < y ? -1 : x > y;
}

static inline UNUSED void sj_add_step(stack_problem *p, stack_step_kind kind,
                                      const stack_operation *o, int operation, int after_step) {
    p->when[p->count] = (interval){o->before, o->after};
    p->steps[p->count++] = (stack_step){kind, operation, after_step, o};
}

/* False: a word comes out twice, was never pushed, or is lost. */
static inline UNUSED bool sj_pose(stack_problem *p, const stack_operation *ops, int n,
                                  size_t capacity) {
    const stack_operation *pushed[SJ_WORDS + 1] = {0}, *popped[SJ_WORDS + 1] = {0};
    for (int i = 0; i < n; i++) {
        const stack_operation *o = &ops[i];
        bool ok = o->answer == CC_STACK_OK, is_push = o->name == S_PUSH;
        if (ok && (is_push || o->name == S_POP)) {
            const stack_operation **of = is_push ? pushed : popped;
            if (o->word < 1 || o->word > SJ_WORDS || of[o->word]) {
                return false;
            }
            of[o->word] = o;
        }
        if (o->name == S_CLOSE) {
            sj_add_step(p, SJ_CLOSE, o, i, -1);
        } else if (o->name == S_SNAPSHOT) {
            sj_add_step(p, SJ_SEE, o, i, -1);
        } else if (o->name == S_PEEK && ok) {
            sj_add_step(p, SJ_TOP, o, i, -1);
        } else if (ok && is_push) {
            if (capacity) {
                sj_add_step(p, SJ_RESERVE, o, i, -1);
            }
            sj_add_step(p, SJ_PUSH, o, i, capacity ? p->count - 1 : -1);
        } else if (ok) {
            sj_add_step(p, SJ_POP, o, i, -1);
            if (capacity) {
                sj_add_step(p, SJ_FREE, o, i, p->count - 1);
            }
        } else if (o->answer == CC_STACK_CLOSED && is_push) {
            if (capacity) {
                sj_add_step(p, SJ_HOLD, o, i, -1);
            }
            sj_add_step(p, SJ_PUSH_SAYS_CLOSED, o, i, capacity ? p->count - 1 : -1);
        } else {
            sj_add_step(p,
                        o->answer == CC_STACK_FULL    ? SJ_SAY_FULL
                        : o->answer == CC_STACK_EMPTY ? SJ_SAY_EMPTY
                                                      : SJ_POP_SAYS_CLOSED,
                        o, i, -1);
        }
    }
    for (int w = 1; w <= SJ_WORDS; w++) {
        if (!pushed[w] != !popped[w]) {
            return false; /* from nowhere, or lost */
        }
        for (int x = 1; popped[w] && x <= SJ_WORDS; x++) {
            if (popped[x] && popped[x]->after < popped[w]->before) {
                set_bit(p->earlier[w], x);
            }
        }
    }
    return true;
}

/* A history that cannot be judged counts as a failure in the end. Sorts the operations. */
static inline UNUSED verdict judge_stack(stack_operation *ops, int n, size_t capacity) {
    CHECK(n <= SJ_OPERATIONS);
    qsort(ops, (size_t)n, sizeof *ops, sj_by_before);
    stack_problem *p = calloc(1, sizeof *p);
    CHECK(p);
    verdict answer = ILLEGAL;
    if (sj_pose(p, ops, n, capacity)) {
        stack_state first = {.credits = (int32_t)capacity};
        history h = {p->when, p->count, sizeof first, sj_take_step, p};
        answer = linearize(&h, &first, 2000000);
    }
    free(p);
    return answer;
}

static inline UNUSED void print_stack_history(FILE *file, const stack_operation *ops, int n,
                                              size_t capacity) {
    static const char *const names[] = {"push", "pop", "peek", "snapshot", "close"};
    static const char *const answers[] = {"ok", "empty", "full", "closed", "no memory"};
    fprintf(file, "capacity %zu\n", capacity);
    for (int i = 0; i < n; i++) {
        const stack_operation *o = &ops[i];
        fprintf(file, "thread %d  %6" PRIu64 " .. %6" PRIu64 "  %s %d: %s", o->thread, o->before,
                o->after, names[o->name], o->word, answers[o->answer]);
        for (int k = 0; o->name == S_SNAPSHOT && k < o->seen_count && k < SJ_SEEN; k++) {
            fprintf(file, " %d", o->seen[k]);
        }
        fprintf(file, "\n");
    }
}

/* ---------------------------------------------------------------- carrying out */

/* Carry out what *o names on a stack of small numbers. */
static inline UNUSED void carry_out_on(cc_stack *stack, stack_operation *o) {
    uintptr_t word = (uintptr_t)o->word;
    if (o->name == S_PUSH) {
        o->answer = cc_stack_push(stack, word);
    } else if (o->name == S_CLOSE) {
        cc_stack_close(stack);
        o->answer = CC_STACK_OK;
    } else if (o->name == S_SNAPSHOT) {
        uintptr_t *words;
        size_t count;
        o->answer = cc_stack_snapshot(stack, &words, &count);
        o->seen_count = o->answer == CC_STACK_OK ? (int)count : 0;
        for (size_t i = 0; o->answer == CC_STACK_OK && i < count && i < SJ_SEEN; i++) {
            o->seen[i] = (uint8_t)words[i];
        }
        if (o->answer == CC_STACK_OK) {
            cc_free(words);
        }
    } else {
        o->answer = o->name == S_POP ? cc_stack_pop(stack, &word) : cc_stack_peek(stack, &word);
        o->word = o->answer == CC_STACK_OK ? (int)word : 0;
    }
}

#endif
