/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Queues of every kind against an array: threads take turns, so that each has a handle with its own
 * cached indices and free places, and yet every answer is known. The first bytes choose the kind,
 * the bound, and the sizes.
 */
#include "fuzz.h"

#include <semaphore.h>

#include "../queue_kinds.h"

enum { THREADS = 3, MOST = 4096 };
const int64_t random_inputs = 1000;

/* ---------------------------------------------------------------- threads that take turns */

typedef struct worker {
    sem_t begin, done;
    pthread_t thread;
    void (*work)(void *argument); /* NULL: end */
    void *argument;
} worker;

static worker workers[THREADS];

static void *follow(void *argument) {
    worker *self = argument;
    for (;;) {
        while (sem_wait(&self->begin) != 0) { /* a signal */
        }
        if (!self->work) {
            return NULL;
        }
        self->work(self->argument);
        sem_post(&self->done);
    }
}

static void start_worker(worker *w) {
    CHECK_EQ(sem_init(&w->begin, 0, 0), 0);
    CHECK_EQ(sem_init(&w->done, 0, 0), 0);
    CHECK_EQ(pthread_create(&w->thread, NULL, follow, w), 0);
}

static void let_do(worker *w, void (*work)(void *), void *argument) {
    w->work = work;
    w->argument = argument;
    sem_post(&w->begin);
    while (sem_wait(&w->done) != 0) {
    }
}

/* It ends, and another one takes its place: what it had cached must not be lost. */
static void replace_worker(worker *w) {
    w->work = NULL;
    sem_post(&w->begin);
    pthread_join(w->thread, NULL);
    sem_destroy(&w->begin);
    sem_destroy(&w->done);
    start_worker(w);
}

/* ---------------------------------------------------------------- operations and the model */

typedef struct game {
    cc_queue *queue;
    uintptr_t words[MOST]; /* first .. last - 1 are in the queue */
    size_t first, last;
    uintptr_t next;
    size_t capacity;
    bool closed;
    /* What one worker does now. */
    bool puts, now;
    size_t times;
} game;

static size_t inside(const game *g) {
    return g->last - g->first;
}

static void put_one(game *g) {
    bool fits = g->capacity == 0 || inside(g) < g->capacity;
    uintptr_t word = ++g->next;
    CHECK_EQ(g->now ? cc_queue_put_now(g->queue, word) : cc_queue_put(g->queue, word),
             g->closed ? CC_QUEUE_CLOSED
             : fits    ? CC_QUEUE_OK
                       : CC_QUEUE_FULL);
    if (!g->closed && fits) {
        g->words[g->last++ % MOST] = word;
    }
}

static void get_one(game *g) {
    uintptr_t word = 0;
    bool there = inside(g) > 0;
    CHECK_EQ(g->now ? cc_queue_get_now(g->queue, &word) : cc_queue_get(g->queue, &word),
             there       ? CC_QUEUE_OK
             : g->closed ? CC_QUEUE_CLOSED
                         : CC_QUEUE_EMPTY);
    if (there) {
        CHECK_EQ(word, g->words[g->first++ % MOST]);
    }
}

static void take_a_turn(void *argument) {
    game *g = argument;
    for (size_t i = 0; i < g->times; i++) {
        if (!g->puts) {
            get_one(g);
        } else if (inside(g) < MOST) {
            put_one(g);
        }
    }
}

static int is_the_next(uintptr_t word, void *argument) {
    game *g = argument;
    CHECK_EQ(word, g->words[g->first++ % MOST]);
    return 0;
}

static void check_whole(game *g) {
    size_t first = g->first;
    CHECK_EQ(cc_queue_visit(g->queue, is_the_next, g), 0);
    CHECK_EQ(g->first, g->last);
    g->first = first;
    CHECK_EQ(cc_queue_length(g->queue), inside(g));
    CHECK_EQ(cc_queue_puts(g->queue) - cc_queue_gets(g->queue), inside(g));
}

static game playing;

static void release_next(uintptr_t word) {
    is_the_next(word, &playing);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const size_t capacities[] = {0, 0, 0, 1, 2, 3, 17, 100};
    static const uint32_t slots[] = {0, 1, 2, 4, 16, 64};
    if (!workers[0].thread) {
        for (int i = 0; i < THREADS; i++) {
            start_worker(&workers[i]);
        }
    }
    rng r = choices_of(bytes, count);
    size_t kinds = sizeof all_queue_kinds / sizeof *all_queue_kinds;
    const queue_kind *kind = &all_queue_kinds[rng_below(&r, (int64_t)kinds)];
    cc_queue_options options = {
        .capacity = capacities[rng_below(&r, 8)],
        .ring_slots = slots[rng_below(&r, 6)],
        .patience = (uint32_t)rng_below(&r, 3),
        .spins = (uint32_t)rng_below(&r, 2),
        .chain_length = (uint32_t)rng_below(&r, 5),
        .ticket_limit = (uint32_t)rng_below(&r, 2) * (1 + (uint32_t)rng_below(&r, 100)),
    };
    if (!cc_queue_kind_is_available(kind->kind)) {
        return 0;
    }
    game *g = &playing;
    *g = (game){.queue = queue_of(kind, options), .capacity = options.capacity};
    while (r.left > 0) {
        worker *w = &workers[rng_below(&r, THREADS)];
        int64_t what = rng_below(&r, 64);
        switch (what) {
        case 0:
            cc_queue_close(g->queue);
            g->closed = true;
            break;
        case 1:
            replace_worker(w);
            break;
        case 2:
        case 3:
            check_whole(g);
            break;
        default:
            g->puts = what & 1;
            g->now = what & 2;
            g->times = what < 40 ? 1 : (size_t)(1 + rng_below(&r, 80));
            let_do(w, take_a_turn, g);
        }
        CHECK_EQ(cc_queue_is_closed(g->queue), g->closed);
    }
    check_whole(g);
    cc_queue_free(g->queue, release_next);
    CHECK_EQ(g->first, g->last);
    return 0;
}
