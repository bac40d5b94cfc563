/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Linearizability of counters: threads work on a fresh counter, every operation and its answer is
 * recorded between two tickets, and the history is judged (linearize.h). The model is a number. Of a
 * striped counter only adds of 1 and sums are judged: with other amounts it promises less.
 *
 * Linked with a core that gives the processor away at random (yielding.c), or operations would
 * hardly ever meet.
 *
 * The judge is judged too: histories that are legal by construction pass, and do not after they
 * were spoilt.
 */
#include "linearize.h"
#include "sync/counters.h"

enum { THREADS_MOST = 4, OPERATIONS_MOST = 20, ALL_MOST = THREADS_MOST * OPERATIONS_MOST };

typedef enum operation_name { C_GET, C_ADD, C_COUNT, C_SET, C_GET_AND_SET, C_CAS } operation_name;

typedef struct operation {
    operation_name name;
    int64_t amount, expected; /* added or stored; for compare_and_set */
    bool done;                /* it fitted, or was what was expected */
    int64_t answer;
    uint64_t before, after;
} operation;

/* ---------------------------------------------------------------- the model */

static bool sum_fits(int64_t a, int64_t b) {
    return b < 0 ? a >= INT64_MIN - b : a <= INT64_MAX - b;
}

/* What the operation does to the number, and its answer. */
static void carry_out_on(int64_t *number, operation *o) {
    o->done = true;
    o->answer = 0;
    switch (o->name) {
    case C_GET:
        o->answer = *number;
        break;
    case C_ADD:
    case C_COUNT: /* an add that does not tell the new value */
        o->done = sum_fits(*number, o->amount);
        *number += o->done ? o->amount : 0;
        o->answer = o->done && o->name == C_ADD ? *number : 0;
        break;
    case C_GET_AND_SET:
        o->answer = *number;
        *number = o->amount;
        break;
    case C_SET:
        *number = o->amount;
        break;
    default:
        o->done = *number == o->expected;
        *number = o->done ? o->amount : *number;
    }
}

static bool take(const void *model, const uint64_t *done, void *state, int i) {
    const operation *o = (const operation *)model + i;
    operation again = *o;
    int64_t number;
    (void)done;
    memcpy(&number, state, sizeof number);
    carry_out_on(&number, &again);
    memcpy(state, &number, sizeof number);
    return again.done == o->done && again.answer == o->answer;
}

static int by_before(const void *a, const void *b) {
    uint64_t x = ((const operation *)a)->before, y = ((const operation *)b)->before;
    return x < y ? -1 : x > y;
}

static verdict judge(operation *ops, int n, int64_t first) {
    interval steps[ALL_MOST];
    CHECK(n <= ALL_MOST);
    qsort(ops, (size_t)n, sizeof *ops, by_before);
    for (int i = 0; i < n; i++) {
        steps[i] = (interval){ops[i].before, ops[i].after};
    }
    history h = {steps, n, sizeof first, take, ops};
    return linearize(&h, &first, 2000000);
}

/* ---------------------------------------------------------------- histories */

typedef struct plan {
    const char *name;
    int threads, operations;
    int64_t first;
    int64_t most; /* amounts are -most .. most */
    uint32_t cells; /* 0: an atomic counter */
    int64_t histories;
} plan;

static struct {
    const plan *plan;
    cc_atomic_counter *atomic;
    cc_striped_counter *striped;
    _Atomic uint64_t ticket;
    _Atomic int64_t started, finished;
    int64_t overlaps, refused, of_name[C_CAS + 1];
    operation ops[THREADS_MOST][OPERATIONS_MOST];
} rec;

static void perform(operation *o) {
    o->done = true;
    o->answer = 0;
    o->before = atomic_fetch_add(&rec.ticket, 1);
    switch (o->name) {
    case C_GET:
        if (rec.striped) {
            CHECK_EQ(cc_striped_counter_sum(rec.striped, &o->answer, NULL), CC_COUNTER_OK);
        } else {
            o->answer = cc_atomic_counter_get(rec.atomic);
        }
        break;
    case C_ADD:
        o->done = cc_atomic_counter_add(rec.atomic, o->amount, &o->answer) == CC_COUNTER_OK;
        break;
    case C_COUNT:
        o->done = cc_striped_counter_add(rec.striped, o->amount) == CC_COUNTER_OK;
        break;
    case C_SET:
        cc_atomic_counter_set(rec.atomic, o->amount);
        break;
    case C_GET_AND_SET:
        o->answer = cc_atomic_counter_get_and_set(rec.atomic, o->amount);
        break;
    default:
        o->done = cc_atomic_counter_compare_and_set(rec.atomic, o->expected, o->amount);
    }
    o->after = atomic_fetch_add(&rec.ticket, 1);
}

static void record(int thread, rng *r) {
    const plan *p = rec.plan;
    int64_t seen = p->first;
    for (int i = 0; i < p->operations; i++) {
        operation *o = &rec.ops[thread][i];
        *o = (operation){.name = C_COUNT, .amount = 1};
        if (p->cells) {
            o->name = rng_below(r, 3) ? C_COUNT : C_GET;
        } else {
            static const operation_name names[] = {C_GET, C_ADD,         C_ADD, C_ADD,
                                                   C_SET, C_GET_AND_SET, C_CAS, C_CAS};
            o->name = names[rng_below(r, 8)];
            o->amount = rng_below(r, 2 * p->most + 1) - p->most;
            if (o->name != C_ADD && sum_fits(p->first, o->amount)) {
                o->amount += p->first; /* near the first value */
            }
            o->expected = seen;
        }
        perform(o);
        if (o->name == C_GET || (o->name == C_ADD && o->done)) {
            seen = o->answer;
        }
    }
}

static void judge_recording(void) {
    operation all[ALL_MOST];
    int n = 0;
    for (int t = 0; t < rec.plan->threads; t++) {
        for (int i = 0; i < rec.plan->operations; i++) {
            all[n] = rec.ops[t][i];
            rec.refused += !all[n].done;
            rec.of_name[all[n].name]++;
            for (int k = 0; k < t * rec.plan->operations; k++) {
                rec.overlaps += all[n].before < all[k].after && all[k].before < all[n].after;
            }
            n++;
        }
    }
    verdict v = judge(all, n, rec.plan->first);
    if (v != LEGAL) {
        fprintf(stderr, "a history that is %s:\n",
                v == ILLEGAL ? "not linearizable" : "too hard to judge");
        for (int i = 0; i < n; i++) {
            fprintf(stderr,
                    "  %" PRIu64 "-%" PRIu64 " operation %d amount %" PRId64 " expected %" PRId64
                    ": %d, %" PRId64 "\n",
                    all[i].before, all[i].after, (int)all[i].name, all[i].amount, all[i].expected,
                    all[i].done, all[i].answer);
        }
        CHECK(v == LEGAL);
    }
}

static void record_many(int index, void *argument) {
    const plan *p = rec.plan;
    rng r = rng_from((uint64_t)index + 50);
    (void)argument;
    for (int64_t h = 0; h < scaled(p->histories); h++) {
        if (index == 0) {
            rec.atomic = cc_atomic_counter_new(p->first);
            rec.striped = p->cells ? cc_striped_counter_new_with(p->first, p->cells) : NULL;
            atomic_store(&rec.ticket, 1);
        }
        wait_for_all(&rec.started, (h + 1) * p->threads);
        record(index, &r);
        wait_for_all(&rec.finished, (h + 1) * p->threads);
        if (index == 0) {
            judge_recording();
            cc_atomic_counter_free(rec.atomic);
            cc_striped_counter_free(rec.striped);
        }
    }
}

static void carry_out(const plan *p) {
    begin_test(p->name);
    memset((void *)&rec, 0, sizeof rec);
    rec.plan = p;
    run_threads(p->threads, record_many, NULL);
    printf("    %" PRId64 " histories of %d x %d, %.2f overlaps an operation, %" PRId64
           " refused\n",
           scaled(p->histories), p->threads, p->operations,
           (double)rec.overlaps / (double)(scaled(p->histories) * p->threads * p->operations),
           rec.refused);
    CHECK(rec.overlaps > 0);
}

static const plan plans[] = {
    {"few numbers", 3, 15, 0, 2, 0, 3000},
    {"at the upper edge", 4, 12, INT64_MAX - 2, 2, 0, 3000},
    {"at the lower edge", 4, 12, INT64_MIN + 2, 2, 0, 3000},
    {"striped, one cell", 3, 15, 0, 1, 1, 1500},
    {"striped, two cells", 3, 15, 5, 1, 2, 3000},
    {"striped, four cells", 4, 15, -5, 1, 4, 3000},
};

/* ---------------------------------------------------------------- judging the judge */

/* Right by construction: each operation takes effect at a moment inside its interval. With
 * `only_adds` there are adds of 1 .. 9 and gets. */
static int make_up(operation *all, rng *r, bool only_adds) {
    int threads = 2 + (int)rng_below(r, 3), n = 0;
    uint64_t moments[ALL_MOST];
    for (int t = 0; t < threads; t++) {
        uint64_t clock = (uint64_t)rng_below(r, 500) * 8 + (uint64_t)t;
        for (int i = 0; i < OPERATIONS_MOST / 2; i++, n++) {
            operation *o = &all[n];
            *o = (operation){.name = (operation_name)rng_below(r, only_adds ? 2 : C_CAS + 1)};
            o->amount = only_adds ? 1 + rng_below(r, 9) : rng_below(r, 5) - 2;
            o->expected = rng_below(r, 5) - 2;
            /* Multiples of 8, and the thread's number: no two are equal. */
            o->before = clock += 8 * (uint64_t)(1 + rng_below(r, 300));
            moments[n] = clock += 8 * (uint64_t)(1 + rng_below(r, 300));
            o->after = clock += 8 * (uint64_t)(1 + rng_below(r, 300));
        }
    }
    int64_t number = 0;
    for (int left = n; left; left--) {
        int next = -1;
        for (int i = 0; i < n; i++) {
            if (moments[i] && (next < 0 || moments[i] < moments[next])) {
                next = i;
            }
        }
        moments[next] = 0;
        carry_out_on(&number, &all[next]);
    }
    return n;
}

/* Change something so that nothing explains it; false when there is no place for it. */
static bool spoil(operation *all, int n, rng *r, int how) {
    int start = (int)rng_below(r, n);
    for (int a = 0; a < n; a++) {
        operation *o = &all[(start + a) % n];
        for (int b = 0; b < n; b++) {
            operation *p = &all[b];
            bool is_later = o->after < p->before;
            switch (how) {
            case 0: /* a number that never was */
                if (o->name == C_GET) {
                    o->answer += 1000000;
                    return true;
                }
                break;
            case 1: /* two adds make the same number of it */
                if (o != p && o->name == C_ADD && p->name == C_ADD) {
                    o->answer = p->answer;
                    return true;
                }
                break;
            case 2: /* an add has less than an earlier one */
                if (is_later && o->name == C_ADD && p->name == C_ADD) {
                    int64_t answer = o->answer;
                    o->answer = p->answer;
                    p->answer = answer;
                    return true;
                }
                break;
            case 3: /* an add that is over is not seen */
                if (is_later && o->name == C_ADD && p->name == C_GET) {
                    p->answer = o->answer - o->amount;
                    return true;
                }
                break;
            case 4: /* an add is refused that fits */
                if (o->name == C_ADD) {
                    o->done = false;
                    o->answer = 0;
                    return true;
                }
                break;
            default: /* a number that never was is found by compare_and_set */
                if (o->name == C_CAS && o->done) {
                    o->expected = 1000000;
                    return true;
                }
            }
        }
    }
    return false;
}

static void test_the_judge(void) {
    begin_test("the judge: legal histories pass, spoilt ones do not");
    enum { WAYS = 6 };
    operation all[ALL_MOST];
    rng r = rng_from(4);
    int64_t accepted = 0, rejected[WAYS] = {0};
    for (int64_t h = scaled(3000); h; h--) {
        int how = (int)(h % WAYS);
        int n = make_up(all, &r, how < WAYS - 1);
        CHECK(judge(all, n, 0) == LEGAL);
        accepted++;
        if (spoil(all, n, &r, how)) {
            CHECK(judge(all, n, 0) == ILLEGAL);
            rejected[how]++;
        }
    }
    printf("    %" PRId64 " accepted; rejected", accepted);
    for (int i = 0; i < WAYS; i++) {
        printf(" %" PRId64, rejected[i]);
    }
    printf("\n");
    for (int i = 0; i < WAYS && scaled(100) == 100; i++) {
        CHECK(rejected[i] > 50);
    }
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_the_judge();
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        carry_out(&plans[i]);
    }
    printf("passed\n");
    return 0;
}
