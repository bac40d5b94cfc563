/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cc_atomic.h, operation by operation in one thread, then under several: sums that come out, flags
 * that exactly one gets, messages that are whole when they arrive, pairs that are never torn, and
 * the store-load fence. Also backoff, features, and the names of the machine.
 */
#include "check.h"
#include "concurrent_collections/cc_atomic.h"
#include "concurrent_collections/cc_backoff.h"

#define CHECK_ALL_OPERATIONS(NAME, T)                                                              \
    static void check_##NAME(void) {                                                               \
        const T big = (T) ~(T)0;                                                                   \
        cc_atomic_##NAME a = {0};                                                                  \
        T expected;                                                                                \
        cc_store_relaxed_##NAME(&a, 5);                                                            \
        CHECK(cc_load_relaxed_##NAME(&a) == 5);                                                    \
        cc_store_release_##NAME(&a, big);                                                          \
        CHECK(cc_load_acquire_##NAME(&a) == big);                                                  \
        CHECK(cc_load_seq_cst_##NAME(&a) == big);                                                  \
        CHECK(cc_exchange_acq_rel_##NAME(&a, 7) == big);                                           \
        CHECK(cc_exchange_seq_cst_##NAME(&a, 8) == 7);                                             \
        expected = 9;                                                                              \
        CHECK(!cc_cas_acq_rel_##NAME(&a, &expected, 1) && expected == 8);                          \
        CHECK(cc_cas_acq_rel_##NAME(&a, &expected, 10) && expected == 8);                          \
        CHECK(!cc_cas_seq_cst_##NAME(&a, &expected, 1) && expected == 10);                         \
        CHECK(cc_cas_seq_cst_##NAME(&a, &expected, big) && cc_load_relaxed_##NAME(&a) == big);     \
        CHECK(cc_fetch_add_relaxed_##NAME(&a, 2) == big); /* wraps */                              \
        CHECK(cc_fetch_add_acq_rel_##NAME(&a, 3) == 1);                                            \
        CHECK(cc_fetch_add_seq_cst_##NAME(&a, 4) == 4);                                            \
        CHECK(cc_fetch_sub_acq_rel_##NAME(&a, 6) == 8);                                            \
        CHECK(cc_fetch_or_acq_rel_##NAME(&a, 5) == 2);                                             \
        CHECK(cc_fetch_or_seq_cst_##NAME(&a, 8) == 7);                                             \
        CHECK(cc_load_relaxed_##NAME(&a) == 15);                                                   \
        CHECK(sizeof a == sizeof(T));                                                              \
    }

CHECK_ALL_OPERATIONS(u64, uint64_t)
CHECK_ALL_OPERATIONS(u32, uint32_t)
CHECK_ALL_OPERATIONS(uptr, uintptr_t)

/* ---------------------------------------------------------------- several threads */

enum { THREADS = 4 };

typedef struct shared {
    int64_t rounds;
    cc_atomic_u64 sum, swapped, exchanged;
    cc_atomic_u32 bits[4096];
    cc_atomic_u64 winners;
    _Atomic uint64_t taken_out;
} shared;

static void count_together(int index, void *argument) {
    shared *s = argument;
    uint64_t carried = 0;
    for (int64_t i = 0; i < s->rounds; i++) {
        cc_fetch_add_relaxed_u64(&s->sum, 3);
        cc_fetch_sub_acq_rel_u64(&s->sum, 2);
        uint64_t seen = cc_load_relaxed_u64(&s->swapped);
        cc_backoff backoff = cc_backoff_start(1, 16);
        while (!cc_cas_acq_rel_u64(&s->swapped, &seen, seen + 1)) {
            cc_backoff_step(&backoff);
        }
        if (!(cc_fetch_or_acq_rel_u32(&s->bits[i % 4096], 1u) &
              1u)) { /* exactly one of all sets it */
            cc_fetch_add_acq_rel_u64(&s->winners, 1);
        }
        carried += cc_exchange_acq_rel_u64(&s->exchanged,
                                           (uint64_t)index + 1); /* nothing is lost or doubled */
        carried -= (uint64_t)index + 1;
    }
    atomic_fetch_add(&s->taken_out, carried);
}

static void test_together(void) {
    begin_test("counters, bits and exchanges under four threads");
    static shared s;
    s.rounds = scaled(300000);
    run_threads(THREADS, count_together, &s);
    CHECK_EQ(cc_load_relaxed_u64(&s.sum), THREADS * s.rounds);
    CHECK_EQ(cc_load_relaxed_u64(&s.swapped), THREADS * s.rounds);
    CHECK_EQ(cc_load_relaxed_u64(&s.winners), s.rounds < 4096 ? s.rounds : 4096);
    CHECK_EQ(s.taken_out + cc_load_relaxed_u64(&s.exchanged), 0);
}

typedef struct mail {
    int64_t rounds;
    uint64_t plain[4];
    cc_atomic_u32 full;
} mail;

static void send_or_receive(int index, void *argument) {
    mail *m = argument;
    for (int64_t i = 1; i <= m->rounds; i++) {
        while (cc_load_acquire_u32(&m->full) != (uint32_t)index) {
            sched_yield();
        }
        for (int k = 0; k < 4;
             k++) { /* plain memory: a missing order shows, in TSAN at the latest */
            if (index == 0) {
                m->plain[k] = (uint64_t)i + (uint64_t)k;
            } else {
                CHECK_EQ(m->plain[k], i + k);
            }
        }
        cc_store_release_u32(&m->full, (uint32_t)!index);
    }
}

static void test_messages(void) {
    begin_test("release and acquire: a message is whole");
    static mail m;
    m.rounds = scaled(20000);
    run_threads(2, send_or_receive, &m);
}

/* Dekker: both store, then both look at the other. That both see nothing is what the fence forbids.
 * With two busy processors the two seldom meet closely enough; where the core's fences matter they
 * are tested by tests/c/schedules, with simulated store buffers. */
typedef struct dekker {
    int64_t rounds;
    bool publishes;
    cc_atomic_u64 flag[2];
    cc_atomic_u64 turn[2];
    uint64_t saw[2];
    int64_t both, neither;
} dekker;

static void meet(dekker *d, int index, uint64_t moment) {
    cc_fetch_add_seq_cst_u64(&d->turn[index], 1);
    for (int spins = 0; cc_load_seq_cst_u64(&d->turn[!index]) < moment; spins++) {
        if (spins > 5000) { /* much later than the other should come: both must run at once */
            sched_yield();
        }
    }
}

static void store_then_look(int index, void *argument) {
    dekker *d = argument;
    uint64_t moment = 0;
    rng r = rng_from((uint64_t)index);
    for (int64_t i = 0; i < d->rounds; i++) {
        meet(d, index, ++moment);
        for (int64_t k = rng_below(&r, 200); k > 0;
             k--) { /* who comes second is ahead: even that out */
            atomic_signal_fence(memory_order_seq_cst);
        }
        if (d->publishes) {
            cc_publish_u64(&d->flag[index], 1);
        } else {
            cc_store_relaxed_u64(&d->flag[index], 1);
            cc_fence_seq_cst(&d->flag[index]);
        }
        d->saw[index] = cc_load_acquire_u64(&d->flag[!index]);
        meet(d, index, ++moment);
        if (index == 0) {
            d->neither += !d->saw[0] && !d->saw[1];
            d->both += d->saw[0] && d->saw[1];
            cc_store_relaxed_u64(&d->flag[0], 0);
            cc_store_relaxed_u64(&d->flag[1], 0);
        }
        meet(d, index, ++moment);
    }
}

static void test_fences(void) {
    begin_test("store, fence, load: of two threads at least one sees the other");
    for (int publishes = 0; publishes < 2; publishes++) {
        dekker d = {.rounds = scaled(20000), .publishes = publishes};
        run_threads(2, store_then_look, &d);
        printf("    by %s: both saw the other %" PRId64 " times in %" PRId64 "\n",
               publishes ? "publish" : "fence", d.both, d.rounds);
#if !defined(CC_TSAN) /* there a fence is an RMW of one word, which is no fence in theory */
        CHECK_EQ(d.neither, 0);
#endif
    }
}

/* ---------------------------------------------------------------- sixteen bytes */

#if defined(CC_HAVE_PAIR_CAS) && !defined(CC_TSAN) /* TSAN does not see what assembler writes */
#define MIX(x) ((x) * UINT64_C(0x9e3779b97f4a7c15) ^ UINT64_C(0x5555))

typedef struct pairs {
    int64_t rounds;
    cc_pair pair;
    _Atomic int64_t failures;
} pairs;

static void hammer(int index, void *argument) {
    pairs *p = argument;
    cc_pair seen = {0, MIX(0)};
    (void)index;
    for (int64_t i = 0; i < p->rounds; i++) {
        for (;;) {
            cc_pair next = {seen.low + 1, MIX(seen.low + 1)};
            if (cc_pair_cas(&p->pair, &seen, next)) {
                seen = next;
                break;
            }
            CHECK(seen.high == MIX(seen.low)); /* the two halves are of one moment */
            atomic_fetch_add_explicit(&p->failures, 1, memory_order_relaxed);
        }
    }
}

static void test_pairs(void) {
#if defined(CC_ARCH_X86_64)
    if (!(cc_features() & CC_FEATURE_CMPXCHG16B)) {
        printf("no CMPXCHG16B: pairs are not tested\n");
        return;
    }
#endif
    begin_test("pairs: compare and swap of sixteen bytes, never torn");
    static pairs p;
    CHECK_EQ((uintptr_t)&p.pair % 16, 0);
    cc_pair a = {1, 2}, expected = {1, 3}, desired = {4, 5};
    CHECK(!cc_pair_cas(&a, &expected, desired) && expected.low == 1 && expected.high == 2 &&
          a.low == 1 && a.high == 2);
    expected = (cc_pair){0, 2};
    CHECK(!cc_pair_cas(&a, &expected, desired) && expected.low == 1 && expected.high == 2);
    CHECK(cc_pair_cas(&a, &expected, desired) && a.low == 4 && a.high == 5 && expected.low == 1 &&
          expected.high == 2);
    p.pair = (cc_pair){0, MIX(0)};
    p.rounds = scaled(200000);
    run_threads(THREADS, hammer, &p);
    CHECK_EQ(p.pair.low, THREADS * p.rounds);
    CHECK(p.pair.high == MIX(p.pair.low));
    printf("    %" PRId64 " lost races\n", p.failures);
}
#else
static void test_pairs(void) {
    printf("no pairs on this machine or in this build\n");
}
#endif

/* ---------------------------------------------------------------- the rest */

static void test_backoff(void) {
    begin_test("backoff doubles up to its ceiling");
    cc_backoff b = cc_backoff_start(CC_BACKOFF_FIRST, CC_BACKOFF_CEILING);
    int steps = 0;
    while (!cc_backoff_is_spent(&b)) {
        cc_backoff_step(&b);
        steps++;
    }
    CHECK_EQ(steps, 6); /* 4, 8, ... 256 */
    cc_backoff_step(&b);
    CHECK(cc_backoff_is_spent(&b));
    CHECK_EQ(b.next, CC_BACKOFF_CEILING);
    b = cc_backoff_start(0, 0); /* nonsense does not hang */
    cc_backoff_step(&b);
    CHECK(cc_backoff_is_spent(&b));
}

static void ask_features(int index, void *argument) {
    (void)index;
    CHECK_EQ(cc_features(), *(unsigned *)argument);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    begin_test("every operation, alone");
    check_u64();
    check_u32();
    check_uptr();
    unsigned features = cc_features();
    printf("%s, features %u, cache line %d\n", CC_ARCH_NAME, features, CC_CACHE_LINE);
    run_threads(8, ask_features, &features);
    test_together();
    test_messages();
    test_fences();
    test_pairs();
    test_backoff();
    printf("passed\n");
    return 0;
}
