/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is there an order of recorded steps in which every answer is right? Wing and Gong's search (1993)
 * with Lowe's memory of states that have been tried (2017). What a step does is the model's:
 * judge.h has one of a map, queue_judge.h one of a queue.
 *
 * A step takes effect at one moment between its ticket before and its ticket after.
 */
#ifndef CC_TEST_LINEARIZE_H
#define CC_TEST_LINEARIZE_H

#include "check.h"

typedef enum verdict { ILLEGAL, LEGAL, UNKNOWN } verdict;

typedef struct interval {
    uint64_t before, after; /* tickets */
} interval;

typedef struct history {
    const interval *steps; /* sorted by `before` */
    int count;
    size_t state_bytes; /* of the model: a multiple of 8, without padding */
    /* If this step can come next in `state` with its answer, change the state and return true; else
     * it may be left as it pleases. `done` has a bit for each step that has taken effect, this one
     * included. */
    bool (*take)(const void *model, const uint64_t *done, void *state, int step);
    const void *model;
} history;

static inline UNUSED bool has_bit(const uint64_t *bits, int i) {
    return bits[i / 64] >> i % 64 & 1;
}

static inline UNUSED void set_bit(uint64_t *bits, int i) {
    bits[i / 64] |= UINT64_C(1) << i % 64;
}

/* ---------------------------------------------------------------- states that have been tried */

/* Each is what has been done, and the model's state behind it. */
typedef struct tried_states {
    uint64_t *slots;
    unsigned char *full;
    size_t size, used, words; /* size is a power of two; words of each */
} tried_states;

/* True when it is new. */
static inline UNUSED bool remember_state(tried_states *m, const uint64_t *state) {
    if (2 * m->used >= m->size) {
        tried_states larger = {.size = m->size ? 2 * m->size : 256, .words = m->words};
        larger.slots = malloc(larger.size * larger.words * sizeof *larger.slots);
        larger.full = calloc(larger.size, 1);
        CHECK(larger.slots && larger.full);
        for (size_t i = 0; i < m->size; i++) {
            if (m->full[i]) {
                remember_state(&larger, &m->slots[i * m->words]);
            }
        }
        free(m->slots);
        free(m->full);
        *m = larger;
    }
    uint64_t h = 1;
    for (size_t i = 0; i < m->words; i++) {
        h = (h ^ state[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    size_t at = h & (m->size - 1);
    while (m->full[at]) {
        if (memcmp(&m->slots[at * m->words], state, m->words * sizeof *state) == 0) {
            return false;
        }
        at = (at + 1) & (m->size - 1);
    }
    memcpy(&m->slots[at * m->words], state, m->words * sizeof *state);
    m->full[at] = 1;
    m->used++;
    return true;
}

/* ---------------------------------------------------------------- the search */

/* When the first of the steps that have not taken effect ends: what starts later has to wait. */
static inline UNUSED uint64_t deadline_of(const history *h, const uint64_t *done) {
    uint64_t deadline = UINT64_MAX;
    for (int i = 0; i < h->count && h->steps[i].before < deadline; i++) {
        if (!has_bit(done, i) && h->steps[i].after < deadline) {
            deadline = h->steps[i].after;
        }
    }
    return deadline;
}

/* `first` is the model's state before all steps. Tries at most `budget` states. */
static inline UNUSED verdict linearize(const history *h, const void *first, size_t budget) {
    struct frame {
        int next; /* the step to try next; -1: the deadline is not known yet */
        uint64_t deadline;
    } *stack = calloc((size_t)h->count + 1, sizeof *stack);
    size_t done_words = (size_t)h->count / 64 + 1, words = done_words + h->state_bytes / 8;
    uint64_t *states = calloc((size_t)h->count + 1, words * sizeof *states);
    tried_states seen = {.words = words};
    int depth = 0;
    verdict answer = ILLEGAL;
    CHECK(stack && states && h->state_bytes % 8 == 0);
    memcpy(states + done_words, first, h->state_bytes);
    stack[0].next = -1;
    for (;;) {
        struct frame *f = &stack[depth];
        uint64_t *here = states + (size_t)depth * words, *there = here + words;
        if (depth == h->count) {
            answer = LEGAL;
            break;
        }
        if (f->next < 0) {
            f->next = 0;
            f->deadline = deadline_of(h, here);
        }
        bool deeper = false;
        while (!deeper && f->next < h->count && h->steps[f->next].before <= f->deadline) {
            int i = f->next++;
            if (!has_bit(here, i)) {
                memcpy(there, here, words * sizeof *here);
                set_bit(there, i);
                deeper =
                    h->take(h->model, there, there + done_words, i) && remember_state(&seen, there);
            }
        }
        if (deeper) {
            stack[++depth].next = -1;
        } else if (depth-- == 0) {
            break;
        }
        if (seen.used > budget) {
            answer = UNKNOWN;
            break;
        }
    }
    free(seen.slots);
    free(seen.full);
    free(states);
    free(stack);
    return answer;
}

/* ---------------------------------------------------------------- for the other judges */

static inline UNUSED FILE *open_beside(const char *name, const char *suffix) {
    char path[1024];
    snprintf(path, sizeof path, "%s%s", name, suffix);
    FILE *file = fopen(path, "w");
    CHECK(file);
    return file;
}

#endif
