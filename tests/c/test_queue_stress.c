/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Queues under many threads: exact accounting. Every word carries its producer and a number, so
 * that consumers see
 *
 *   - whether a word comes twice or never (each producer's words are ticked off, one bit each),
 *   - whether two words of one producer come to one consumer in the wrong order,
 *   - whether a word comes that nobody put,
 *
 * with rings of one to four slots, so that they are finalized, linked and recycled all the time,
 * without spinning, with few tickets, closed in the middle, used by threads that end in the middle.
 *
 *     test_queue_stress                 all of it, in less than a minute
 *     test_queue_stress --soak N [KIND] moves N words through each kind (or one: SCQ, LCRQ,
 *                                       FAAArrayQueue, wait-free), and says so now and then
 */
#include "queue_kinds.h"

typedef struct stress_plan {
    const char *name;
    int producers, consumers;
    int64_t words; /* in all */
    cc_queue_options options;
    int64_t lifetime; /* operations after which a thread is replaced by a new one; 0: never */
    int64_t close_after; /* words of the first producer; 0: closed when all has been put */
    bool both; /* every thread produces and consumes, `producers` of them */
} stress_plan;

typedef struct stress {
    const stress_plan *plan;
    cc_queue *queue;
    int64_t share;           /* words of each producer */
    _Atomic uint64_t *taken; /* a bit for each word */
    _Atomic int64_t *put;    /* words that each producer has put */
    _Atomic int64_t *seen_by; /* consumers x producers: the last number that came */
    _Atomic int64_t got, full, empty, closed_early;
    _Atomic int producing;
} stress;

enum { PRODUCERS_MOST = 64 };

static uintptr_t word_of(int producer, int64_t number) {
    return ((uintptr_t)number << 8 | (uintptr_t)producer) + 1;
}

static void tick_off(stress *s, int consumer, uintptr_t word) {
    int producer = (int)((word - 1) & 255);
    int64_t number = (int64_t)((word - 1) >> 8);
    CHECK(word != 0 && producer < s->plan->producers && number < s->share);
    int64_t at = producer * s->share + number;
    uint64_t bit = UINT64_C(1) << at % 64;
    if (atomic_fetch_or_explicit(&s->taken[at / 64], bit, memory_order_relaxed) & bit) {
        fprintf(stderr, "word %" PRId64 " of producer %d came twice\n", number, producer);
        CHECK(!"twice");
    }
    _Atomic int64_t *last = &s->seen_by[consumer * s->plan->producers + producer];
    int64_t before = atomic_load_explicit(last, memory_order_relaxed);
    if (before >= number) {
        fprintf(stderr, "word %" PRId64 " of producer %d came after its word %" PRId64 "\n", number,
                producer, before);
        CHECK(!"in the wrong order");
    }
    atomic_store_explicit(last, number, memory_order_relaxed);
}

static bool put_one(stress *s, int producer, int64_t number) {
    for (;;) {
        switch (cc_queue_put(s->queue, word_of(producer, number))) {
        case CC_QUEUE_OK:
            atomic_store_explicit(&s->put[producer], number + 1, memory_order_relaxed);
            return true;
        case CC_QUEUE_FULL:
            atomic_fetch_add_explicit(&s->full, 1, memory_order_relaxed);
            sched_yield();
            break;
        case CC_QUEUE_CLOSED:
            CHECK(cc_queue_is_closed(s->queue));
            return false;
        default:
            CHECK(!"put");
        }
    }
}

/* CLOSED, or OK: and whether a word came. */
static cc_queue_status get_one(stress *s, int consumer, bool *came) {
    uintptr_t word = 0;
    cc_queue_status status = cc_queue_get(s->queue, &word);
    *came = status == CC_QUEUE_OK;
    if (*came) {
        tick_off(s, consumer, word);
        atomic_fetch_add_explicit(&s->got, 1, memory_order_relaxed);
    } else if (status == CC_QUEUE_EMPTY) {
        atomic_fetch_add_explicit(&s->empty, 1, memory_order_relaxed);
    }
    return status;
}

typedef struct shift { /* what one thread does until it is replaced */
    stress *s;
    int index;
    int64_t next, operations;
    bool done;
} shift;

static void *work(void *argument) {
    shift *w = argument;
    stress *s = w->s;
    const stress_plan *p = s->plan;
    bool produces = w->index < p->producers, consumes = p->both || !produces;
    int consumer = p->both ? w->index : w->index - p->producers;
    for (int64_t i = 0; i < w->operations && !w->done; i++) {
        if (produces && w->next < s->share) {
            if (put_one(s, w->index, w->next)) {
                w->next++;
            } else {
                atomic_fetch_add(&s->closed_early, 1);
                w->next = s->share;
            }
            if (p->close_after && w->index == 0 && w->next == p->close_after) {
                cc_queue_close(s->queue);
            }
            if (w->next == s->share && atomic_fetch_sub(&s->producing, 1) == 1) {
                cc_queue_close(s->queue); /* the last one turns off the light */
            }
        } else if (produces && !consumes) {
            w->done = true;
        }
        if (consumes) {
            bool came;
            cc_queue_status status = get_one(s, consumer, &came);
            CHECK(status != CC_QUEUE_NO_MEMORY && status != CC_QUEUE_FULL);
            if (status == CC_QUEUE_CLOSED) {
                CHECK(cc_queue_is_closed(s->queue));
                w->done = !produces || w->next == s->share;
            } else if (!came && !(produces && w->next < s->share)) {
                sched_yield();
            }
        }
    }
    return NULL;
}

static void begin_work(int index, void *argument) {
    stress *s = argument;
    shift w = {.s = s, .index = index};
    w.operations = s->plan->lifetime ? s->plan->lifetime : INT64_MAX;
    while (!w.done) {
        if (s->plan->lifetime) { /* a thread ends, and with it its membership */
            pthread_t thread;
            CHECK_EQ(pthread_create(&thread, NULL, work, &w), 0);
            pthread_join(thread, NULL);
        } else {
            work(&w);
        }
    }
}

static void settle(stress *s) {
    const stress_plan *p = s->plan;
    int64_t expected = 0;
    uintptr_t word;
    CHECK_EQ(cc_queue_get(s->queue, &word), CC_QUEUE_CLOSED);
    for (int producer = 0; producer < p->producers; producer++) {
        int64_t put = atomic_load(&s->put[producer]);
        expected += put;
        for (int64_t number = 0; number < s->share; number++) {
            int64_t at = producer * s->share + number;
            bool was_taken = atomic_load(&s->taken[at / 64]) >> at % 64 & 1;
            if (was_taken != (number < put)) {
                fprintf(stderr, "word %" PRId64 " of producer %d of %" PRId64 " was %s\n", number,
                        producer, put, was_taken ? "taken and not put" : "lost");
                CHECK(!"lost or made up");
            }
        }
    }
    CHECK_EQ(atomic_load(&s->got), expected);
    CHECK_EQ(cc_queue_puts(s->queue), expected);
    CHECK_EQ(cc_queue_gets(s->queue), expected);
    CHECK_EQ(cc_queue_length(s->queue), 0);
}

static void carry_out(const queue_kind *kind, const stress_plan *plan) {
    double start = seconds();
    int consumers = plan->both ? plan->producers : plan->consumers;
    stress s = {.plan = plan, .queue = queue_of(kind, plan->options)};
    s.share = scaled(plan->words) / plan->producers + 1;
    s.taken = calloc((size_t)(s.share * plan->producers) / 64 + 1, sizeof *s.taken);
    s.put = calloc((size_t)plan->producers, sizeof *s.put);
    s.seen_by = calloc((size_t)(consumers * plan->producers), sizeof *s.seen_by);
    CHECK(s.taken && s.put && s.seen_by && plan->producers <= PRODUCERS_MOST);
    for (int i = 0; i < consumers * plan->producers; i++) {
        atomic_store(&s.seen_by[i], -1);
    }
    atomic_store(&s.producing, plan->producers);
    run_threads(plan->both ? plan->producers : plan->producers + plan->consumers, begin_work, &s);
    settle(&s);
    printf("    %-9s %8" PRId64 " words, %" PRId64 " x full, %" PRId64
           " x empty, %zu bytes: %.2f s\n",
           kind->name, atomic_load(&s.got), atomic_load(&s.full), atomic_load(&s.empty),
           cc_queue_bytes(s.queue), seconds() - start);
    cc_queue_free(s.queue, NULL);
    free((void *)s.taken);
    free((void *)s.put);
    free((void *)s.seen_by);
}

/* spins counts plus one: 1 is none. patience the same. */
static const stress_plan plans[] = {
    {"one to one", 1, 1, 100000, {0}, 0, 0, false},
    {"one slot, no spins", 2, 2, 60000, {.ring_slots = 1, .spins = 1, .patience = 1}, 0, 0, false},
    {"two slots, no spins", 4, 4, 60000, {.ring_slots = 2, .spins = 1, .patience = 1}, 0, 0, false},
    {"four slots, one spin",
     4,
     4,
     60000,
     {.ring_slots = 4, .spins = 2, .patience = 2},
     0,
     0,
     false},
    {"all put and get, one slot",
     4,
     0,
     60000,
     {.ring_slots = 1, .spins = 1, .patience = 1},
     0,
     0,
     true},
    {"all put and get", 16, 0, 100000, {0}, 0, 0, true},
    {"one producer", 1, 15, 60000, {.spins = 1, .patience = 1}, 0, 0, false},
    {"one consumer", 15, 1, 60000, {.spins = 1, .patience = 1}, 0, 0, false},
    {"few tickets", 4, 4, 60000, {.ring_slots = 4, .spins = 1, .ticket_limit = 7}, 0, 0, false},
    {"one ticket", 2, 2, 30000, {.ring_slots = 2, .spins = 1, .ticket_limit = 1}, 0, 0, false},
    {"chains of 2", 4, 4, 60000, {.ring_slots = 16, .chain_length = 2, .spins = 1}, 0, 0, false},
    {"chains of 4, all put and get",
     8,
     0,
     60000,
     {.ring_slots = 32, .chain_length = 4},
     0,
     0,
     true},
    {"chains of 4, few tickets",
     4,
     4,
     60000,
     {.ring_slots = 32, .chain_length = 4, .spins = 1, .patience = 1, .ticket_limit = 37},
     0,
     0,
     false},
    {"chains of 3, a bound of 4",
     4,
     4,
     20000,
     {.capacity = 4, .ring_slots = 16, .chain_length = 3, .spins = 1},
     0,
     0,
     false},
    {"chains of 2, threads that end",
     4,
     4,
     30000,
     {.ring_slots = 8, .chain_length = 2, .patience = 1, .ticket_limit = 50},
     50,
     0,
     false},
    {"a bound of 1", 2, 2, 10000, {.capacity = 1, .spins = 1, .patience = 1}, 0, 0, false},
    {"a bound of 1, one slot",
     4,
     4,
     10000,
     {.capacity = 1, .ring_slots = 1, .patience = 2},
     0,
     0,
     false},
    {"a bound of 2",
     4,
     4,
     20000,
     {.capacity = 2, .ring_slots = 2, .spins = 1, .patience = 1},
     0,
     0,
     false},
    {"a bound of 3", 8, 8, 20000, {.capacity = 3, .ring_slots = 1, .patience = 1}, 0, 0, false},
    {"a bound of 16",
     8,
     8,
     60000,
     {.capacity = 16, .ring_slots = 4, .spins = 1, .patience = 1},
     0,
     0,
     false},
    {"a bound of 16, all put and get", 8, 0, 60000, {.capacity = 16, .patience = 1}, 0, 0, true},
#ifndef CC_SCHED /* there nobody waits for another's burst */
    {"in bursts", 4, 4, 100000, {.ring_slots = 4, .backoff_wait = 20001}, 0, 0, false},
    {"in bursts, all put and get", 8, 0, 100000, {.backoff_wait = 20001}, 0, 0, true},
    {"in bursts, threads that end", 4, 4, 30000, {.backoff_wait = 8001}, 50, 0, false},
#endif
    {"threads that end", 4, 4, 30000, {.ring_slots = 1, .spins = 1, .patience = 1}, 50, 0, false},
    {"threads that end, bound of 2", 4, 4, 10000, {.capacity = 2, .ring_slots = 2}, 40, 0, false},
    {"closed in the middle",
     4,
     4,
     60000,
     {.ring_slots = 2, .spins = 1, .patience = 1},
     0,
     3000,
     false},
    {"closed in the middle, bound of 4",
     4,
     4,
     40000,
     {.capacity = 4, .ring_slots = 1},
     0,
     1000,
     false},
};

/* ---------------------------------------------------------------- closing, again and again */

typedef struct closing_round {
    cc_queue *queue;
    const queue_kind *kind;
    _Atomic int64_t put, got, ready;
    int64_t rounds;
    _Atomic int64_t finished;
} closing_round;

enum { CLOSERS = 4 };

static void put_get_or_close(int index, void *argument) {
    closing_round *c = argument;
    rng r = rng_from((uint64_t)index);
    for (int64_t round = 0; round < c->rounds; round++) {
        if (index == 0) {
            cc_queue_options options = {.ring_slots = 1u << round % 5,
                                        .chain_length = (uint32_t)(round % 3),
                                        .capacity = (size_t)(round % 4),
                                        .spins = 1,
                                        .patience = 1};
            c->queue = queue_of(c->kind, options);
            atomic_store(&c->put, 0);
            atomic_store(&c->got, 0);
        }
        atomic_fetch_add(&c->ready, 1);
        while (atomic_load(&c->ready) < (round + 1) * CLOSERS) {
            sched_yield();
        }
        cc_queue *queue = c->queue;
        uintptr_t word;
        if (index == 3) {
            for (int64_t n = rng_below(&r, 60); n > 0; n--) {
                sched_yield();
            }
            cc_queue_close(queue);
            CHECK_EQ(cc_queue_put(queue, 1), CC_QUEUE_CLOSED);
        } else if (index == 2) {
            cc_queue_status status;
            while ((status = cc_queue_get(queue, &word)) != CC_QUEUE_CLOSED) {
                atomic_fetch_add(&c->got, status == CC_QUEUE_OK);
                if (status == CC_QUEUE_EMPTY) {
                    sched_yield();
                }
            }
        } else {
            cc_queue_status status;
            while ((status = cc_queue_put(queue, 1 + (uintptr_t)index)) != CC_QUEUE_CLOSED) {
                atomic_fetch_add(&c->put, status == CC_QUEUE_OK);
                if (rng_below(&r, 8) == 0) {
                    sched_yield();
                }
            }
        }
        atomic_fetch_add(&c->finished, 1);
        if (index == 0) {
            while (atomic_load(&c->finished) < (round + 1) * CLOSERS) {
                sched_yield();
            }
            CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_CLOSED);
            CHECK_EQ(c->put, c->got); /* no word is left behind by "closed" */
            cc_queue_free(queue, NULL);
        }
    }
}

static void test_closing_rounds(const queue_kind *kind) {
    closing_round c = {.kind = kind, .rounds = scaled(1500)};
    run_threads(CLOSERS, put_get_or_close, &c);
}

/* ---------------------------------------------------------------- never empty */

/* Each thread puts and then gets: there is always a word for it, so "empty" is a lie. */
static void never_empty(int index, void *argument) {
    cc_queue *queue = argument;
    for (int64_t n = scaled(20000); n > 0; n--) {
        uintptr_t word;
        CHECK_EQ(cc_queue_put(queue, (uintptr_t)index + 1), CC_QUEUE_OK);
        CHECK_EQ(cc_queue_get(queue, &word), CC_QUEUE_OK);
    }
}

static void test_never_empty(const queue_kind *kind) {
    for (uint32_t slots = 0; slots <= 4; slots++) {
        cc_queue *queue = queue_of(
            kind,
            (cc_queue_options){.ring_slots = slots, .spins = slots % 2, .patience = slots % 2});
        run_threads(4, never_empty, queue);
        CHECK_EQ(cc_queue_length(queue), 0);
        cc_queue_free(queue, NULL);
    }
}

/* ---------------------------------------------------------------- the soak */

typedef struct soak {
    cc_queue *queue;
    int64_t words;
    _Atomic uint64_t *taken; /* a bit for each word */
    _Atomic int64_t moved;
} soak;

enum { SOAK_PAIRS = 2 };

static void soak_thread(int index, void *argument) {
    soak *s = argument;
    int64_t share = s->words / SOAK_PAIRS;
    if (index < SOAK_PAIRS) {
        for (int64_t number = 0; number < share; number++) {
            cc_queue_status status;
            while ((status = cc_queue_put(s->queue, word_of(index, number))) == CC_QUEUE_FULL) {
                sched_yield();
            }
            CHECK_EQ(status, CC_QUEUE_OK);
        }
        return;
    }
    int64_t last[SOAK_PAIRS] = {-1, -1}, moved = 0, told = 0;
    double start = seconds();
    for (;;) {
        uintptr_t word;
        cc_queue_status status = cc_queue_get(s->queue, &word);
        if (status == CC_QUEUE_CLOSED) {
            break;
        }
        if (status == CC_QUEUE_EMPTY) {
            if (atomic_load(&s->moved) + moved - told >= share * SOAK_PAIRS) {
                cc_queue_close(s->queue);
            }
            sched_yield();
            atomic_fetch_add(&s->moved, moved - told);
            told = moved;
            continue;
        }
        CHECK_EQ(status, CC_QUEUE_OK);
        int producer = (int)((word - 1) & 255);
        int64_t number = (int64_t)((word - 1) >> 8);
        CHECK(producer < SOAK_PAIRS && number < share && number > last[producer]);
        last[producer] = number;
        int64_t at = producer * share + number;
        uint64_t bit = UINT64_C(1) << at % 64;
        CHECK(!(atomic_fetch_or_explicit(&s->taken[at / 64], bit, memory_order_relaxed) & bit));
        if (++moved % (1 << 16) == 0) {
            alarm(240); /* as long as something moves */
            int64_t all = atomic_fetch_add(&s->moved, moved - told) + moved - told;
            told = moved;
            if (all / 50000000 != (all - (1 << 16)) / 50000000) {
                printf("    %" PRId64 " million, %.0f s\n", all / 1000000, seconds() - start);
            }
        }
    }
    atomic_fetch_add(&s->moved, moved - told);
}

/* Every word comes once (as many come as were put, and none comes twice), and in order. */
static void run_soak(const queue_kind *kind, int64_t words, size_t capacity) {
    double start = seconds();
    soak s = {.queue = queue_of(kind, (cc_queue_options){.capacity = capacity}),
              .words = words / SOAK_PAIRS * SOAK_PAIRS};
    s.taken = calloc((size_t)s.words / 64 + 1, sizeof *s.taken);
    CHECK(s.taken);
    run_threads(2 * SOAK_PAIRS, soak_thread, &s);
    CHECK_EQ(s.moved, s.words);
    CHECK_EQ(cc_queue_gets(s.queue), s.words);
    printf("  %s, capacity %zu: %" PRId64 " words, nothing lost or doubled, %.0f s\n", kind->name,
           capacity, s.words, seconds() - start);
    cc_queue_free(s.queue, NULL);
    free((void *)s.taken);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc >= 3 && strcmp(argv[1], "--soak") == 0) {
        for (size_t i = 0; i < sizeof all_queue_kinds / sizeof *all_queue_kinds; i++) {
            const queue_kind *kind = &all_queue_kinds[i];
            if (cc_queue_kind_is_available(kind->kind) &&
                (argc == 3 || strcmp(argv[3], kind->name) == 0)) {
                begin_test("soak");
                int64_t words = strtoll(argv[2], NULL, 10);
                run_soak(kind, words / 2, 0);
                run_soak(kind, words - words / 2, 1000);
            }
        }
        return 0;
    }
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        begin_test(plans[i].name);
        for (size_t k = 0; k < sizeof all_queue_kinds / sizeof *all_queue_kinds; k++) {
            if (cc_queue_kind_is_available(all_queue_kinds[k].kind)) {
                carry_out(&all_queue_kinds[k], &plans[i]);
            }
        }
    }
    begin_test("who has put a word gets one");
    for_every_kind(test_never_empty);
    begin_test("closing while others put and get, again and again");
    for_every_kind(test_closing_rounds);
    printf("passed\n");
    return 0;
}
