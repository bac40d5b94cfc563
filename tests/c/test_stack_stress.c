/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The stack under many threads: exact accounting. Every word is memory of its own, which says who
 * pushed it and when; it is freed with its last reference. So
 *
 *   - a word that comes twice or never is ticked off twice or never,
 *   - a word that is handed over while somebody looks at it is a use after free (for a sanitizer,
 *     and by what stands in it),
 *   - two words that one thread has pushed, and pops itself while nobody else does, come in the
 *     wrong order,
 *   - more words than the capacity are counted.
 *
 *     test_stack_stress                 all of it, in some seconds
 *     test_stack_stress --soak N        moves N words, and says so now and then
 */
#include "memory/cc_alloc.h"
#include "scheme.h"
#include "stack/stack.h"

#include "check.h"

enum { INSIDE = 0x600d600d, GONE = 0x0badbad0 };

typedef struct thing {
    _Atomic int references;
    uint32_t state;
    int64_t number; /* of all that are pushed in this run */
} thing;

typedef struct stress_plan {
    const char *name;
    int threads;   /* that push and pop */
    int lookers;   /* that peek, and sometimes take a snapshot */
    int64_t words; /* in all */
    cc_stack_options options;
    int pushes_in_ten;
    int64_t lifetime; /* operations after which a thread is replaced by a new one; 0: never */
    bool closes;      /* in the middle */
} stress_plan;

typedef struct stress {
    const stress_plan *plan;
    cc_stack *stack;
    int64_t share; /* words of each thread */
    _Atomic uint64_t *out; /* a bit for each word */
    _Atomic int64_t pushed, popped, refused, looks, seen_most;
    _Atomic int64_t *next; /* of each thread */
    _Atomic int at_work;
} stress;

static _Atomic int64_t alive;

static thing *new_thing(int64_t number) {
    thing *t = malloc(sizeof *t);
    CHECK(t);
    *t = (thing){1, INSIDE, number};
    atomic_fetch_add_explicit(&alive, 1, memory_order_relaxed);
    return t;
}

static void acquire_thing(uintptr_t word) {
    thing *t = (thing *)word;
    CHECK(t->state == INSIDE);
    CHECK(atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed) > 0);
}

static void release_thing(uintptr_t word) {
    thing *t = (thing *)word;
    int before = atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1) {
        t->state = GONE;
        free(t);
        atomic_fetch_sub_explicit(&alive, 1, memory_order_relaxed);
    }
}

static const cc_stack_words things = {acquire_thing, release_thing};

static void tick_off(stress *s, uintptr_t word) {
    thing *t = (thing *)word;
    CHECK(t->state == INSIDE);
    uint64_t bit = UINT64_C(1) << t->number % 64;
    CHECK(!(atomic_fetch_or_explicit(&s->out[t->number / 64], bit, memory_order_relaxed) & bit));
    atomic_fetch_add_explicit(&s->popped, 1, memory_order_relaxed);
    release_thing(word);
}

static bool push_one(stress *s, int index) {
    int64_t number = atomic_load_explicit(&s->next[index], memory_order_relaxed);
    thing *t = new_thing(index * s->share + number);
    cc_stack_status status = cc_stack_push(s->stack, (uintptr_t)t);
    if (status == CC_STACK_OK) {
        atomic_store_explicit(&s->next[index], number + 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->pushed, 1, memory_order_relaxed);
        return true;
    }
    CHECK(status == CC_STACK_FULL || (status == CC_STACK_CLOSED && s->plan->closes));
    CHECK(status == CC_STACK_CLOSED || s->plan->options.capacity);
    release_thing((uintptr_t)t);
    atomic_fetch_add_explicit(&s->refused, 1, memory_order_relaxed);
    return status != CC_STACK_CLOSED;
}

static bool pop_one(stress *s) {
    uintptr_t word;
    cc_stack_status status = cc_stack_pop(s->stack, &word);
    if (status == CC_STACK_OK) {
        tick_off(s, word);
    }
    return status == CC_STACK_OK;
}

/* Returns whether there is more to do. */
static bool work(stress *s, int index, rng *r) {
    const stress_plan *p = s->plan;
    bool goes_on = true;
    for (int64_t i = 0; goes_on && (!p->lifetime || i < p->lifetime); i++) {
        int64_t next = atomic_load_explicit(&s->next[index], memory_order_relaxed);
        if (p->closes && index == 0 && next == s->share / 2) {
            cc_stack_close(s->stack);
        }
        if (next == s->share) {
            goes_on = pop_one(s);
        } else if (rng_below(r, 10) < p->pushes_in_ten) {
            goes_on = push_one(s, index);
        } else if (!pop_one(s)) {
            sched_yield();
        }
        if (p->options.capacity) {
            CHECK(cc_stack_length(s->stack) <= p->options.capacity);
        }
    }
    return goes_on;
}

struct life {
    stress *s;
    int index;
    rng *r;
    bool goes_on;
};

static void *live(void *argument) {
    struct life *l = argument;
    l->goes_on = work(l->s, l->index, l->r);
    return NULL;
}

static void look(stress *s, rng *r) {
    uintptr_t word, *words;
    size_t count;
    while (atomic_load(&s->at_work)) {
        if (rng_below(r, 20)) {
            if (cc_stack_peek(s->stack, &word) == CC_STACK_OK) {
                CHECK(((thing *)word)->state == INSIDE);
                release_thing(word);
            }
        } else {
            CHECK_EQ(cc_stack_snapshot(s->stack, &words, &count), CC_STACK_OK);
            for (size_t i = 0; i < count; i++) {
                CHECK(((thing *)words[i])->state == INSIDE);
                release_thing(words[i]);
            }
            if ((int64_t)count > atomic_load(&s->seen_most)) {
                atomic_store(&s->seen_most, (int64_t)count);
            }
            size_t capacity = s->plan->options.capacity;
            CHECK(!capacity || count <= capacity);
            cc_free(words);
        }
        atomic_fetch_add_explicit(&s->looks, 1, memory_order_relaxed);
        sched_yield();
    }
}

static void take_part(int index, void *argument) {
    stress *s = argument;
    rng r = rng_from((uint64_t)index + 1234);
    if (index >= s->plan->threads) {
        look(s, &r);
        return;
    }
    struct life l = {s, index, &r, true};
    while (l.goes_on) {
        if (s->plan->lifetime) {
            pthread_t thread;
            CHECK_EQ(pthread_create(&thread, NULL, live, &l), 0);
            pthread_join(thread, NULL);
        } else {
            live(&l);
        }
    }
    atomic_fetch_sub(&s->at_work, 1);
}

static void carry_out(const stress_plan *p) {
    stress s = {.plan = p};
    double start = seconds();
    s.share = p->words / p->threads + 1;
    s.out = calloc((size_t)(s.share * p->threads / 64 + 1), sizeof *s.out);
    s.next = calloc((size_t)p->threads, sizeof *s.next);
    s.stack = cc_stack_new(&things, &p->options);
    CHECK(s.out && s.next && s.stack);
    s.at_work = p->threads;
    run_threads(p->threads + p->lookers, take_part, &s);
    uint64_t pushes = cc_stack_pushes(s.stack);
    CHECK_EQ(pushes, s.pushed);
    CHECK_EQ(cc_stack_length(s.stack), s.pushed - s.popped);
    while (pop_one(&s)) {
    }
    CHECK_EQ(s.popped, s.pushed);
    for (int t = 0; t < p->threads; t++) { /* what is not out was refused */
        for (int64_t i = 0; i < s.share; i++) {
            int64_t at = t * s.share + i;
            CHECK_EQ(s.out[at / 64] >> at % 64 & 1, i < s.next[t]);
        }
    }
    cc_stack_statistics statistics;
    cc_stack_get_statistics(s.stack, &statistics);
    cc_smr_flush(cc_stack_domain(s.stack));
    printf("    %" PRId64 " words, %" PRId64 " refused, %" PRId64 " looks, at up to %" PRId64
           " words; %" PRIu64 " races lost, %" PRIu64 " offers, %" PRIu64
           " pairs eliminated: %.2f s\n",
           s.pushed, s.refused, s.looks, s.seen_most, statistics.lost, statistics.offers,
           statistics.eliminated, seconds() - start);
    cc_stack_free(s.stack);
    CHECK_EQ(alive, 0);
    free((void *)s.out);
    free((void *)s.next);
}

#if defined(CC_TEST_HOOKS)
#define FORCED .cells = 1, .wait = 17, .eliminates_first = true
#else
#define FORCED .cells = 1, .wait = 17
#endif

static void run_plans(void) {
    const stress_plan plans[] = {
        {"as it is", 4, 0, 60000, {0}, 5, 0, false},
        {"looked at", 3, 2, 30000, {0}, 5, 0, false},
        {"one cell", 4, 1, 40000, {FORCED}, 5, 0, false},
        {"no elimination", 4, 1, 40000, {.wait = 1}, 5, 0, false},
        {"more threads than processors", 16, 2, 40000, {0}, 6, 0, false},
        {"many pushes", 4, 1, 20000, {0}, 8, 0, false},
        {"threads that end", 6, 1, 6000, {FORCED}, 5, 40, false},
        {"closed in the middle", 4, 1, 20000, {FORCED}, 6, 0, true},
    };
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        stress_plan p = plans[i];
        begin_test(p.name);
        p.words = scaled(p.words);
        carry_out(&p);
    }
    begin_test("closed in the middle, several cells");
    static const uint32_t cells[] = {2, 7, 8, 9, 16}; /* around ELIMINATION_CELLS */
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        stress_plan p = {"", 6, 0, scaled(20000), {FORCED}, 6, 0, true};
        p.options.cells = cells[i];
        carry_out(&p);
    }
    begin_test("capacities 1 to 16");
    for (size_t capacity = 1; capacity <= 16; capacity++) {
        stress_plan p = {"", 4, 1, scaled(4000), {FORCED, .capacity = capacity}, 6, 0, false};
        p.options.eliminates_first = capacity % 2;
        p.closes = capacity % 3 == 0;
        carry_out(&p);
    }
}

int main(int argc, char **argv) {
    use_scheme_of_the_environment();
    if (argc == 3 && strcmp(argv[1], "--soak") == 0) {
        int64_t left = atoll(argv[2]);
        for (int round = 0; left > 0; round++) {
            stress_plan p = {"soak",   4, round % 2, left < 10000000 ? left : 10000000,
                             {FORCED}, 5, 0,         false};
            p.options.eliminates_first = round % 3 == 1;
            alarm(0);
            carry_out(&p);
            left -= p.words;
            printf("%" PRId64 " words to go\n", left);
            fflush(stdout);
        }
        return 0;
    }
    run_plans();
    return 0;
}
