/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Linearizability of the stack: threads work on a fresh stack, every operation and its answer is
 * recorded between two tickets of one counter, and the history is judged (stack_judge.h): "empty",
 * "full" and "closed", looks and snapshots included. At the end of each history one thread takes
 * out what is left. In most plans there is one cell, and everybody goes there first: pairs meet.
 *
 * Linked with a core that gives the processor away at random (yielding.c), or operations would
 * hardly ever meet.
 *
 * The judge is judged too: histories that are legal by construction pass, and do not after they
 * were spoilt.
 */
#include "scheme.h"
#include "stack_judge.h"

enum { THREADS_MOST = 4, OPERATIONS_MOST = 30 };

typedef struct history_plan {
    const char *name;
    int threads, operations;
    cc_stack_options options;
    int pushes_in_ten, looks_in_ten;
    bool closes;
    int64_t histories;
} history_plan;

typedef struct recording {
    const history_plan *plan;
    cc_stack *stack;
    _Atomic uint64_t ticket;
    _Atomic int next_word;
    _Atomic int64_t started, finished;
    int64_t answers[5];
    uint64_t eliminated, lost, operations_done;
    stack_operation ops[THREADS_MOST][OPERATIONS_MOST];
} recording;

static const cc_stack_words numbers = {0};

static void perform(recording *rec, stack_operation *o) {
    o->before = atomic_fetch_add(&rec->ticket, 1);
    carry_out_on(rec->stack, o);
    o->after = atomic_fetch_add(&rec->ticket, 1);
    CHECK(o->answer != CC_STACK_NO_MEMORY);
}

static void record(recording *rec, int thread, rng *r) {
    const history_plan *p = rec->plan;
    for (int i = 0; i < p->operations; i++) {
        stack_operation *o = &rec->ops[thread][i];
        *o = (stack_operation){.thread = thread};
        int64_t dice = rng_below(r, 10);
        o->name = p->closes && thread == 0 && i == p->operations / 2 ? S_CLOSE
                  : dice < p->pushes_in_ten                          ? S_PUSH
                  : dice < p->pushes_in_ten + p->looks_in_ten
                      ? (rng_below(r, 3) ? S_PEEK : S_SNAPSHOT)
                      : S_POP;
        if (o->name == S_PUSH) {
            o->word = atomic_fetch_add(&rec->next_word, 1) + 1;
            if (o->word > SJ_WORDS) { /* enough of them */
                o->name = S_POP;
                o->word = 0;
            }
        }
        perform(rec, o);
    }
}

static void judge_recording(recording *rec) {
    static stack_operation all[SJ_OPERATIONS];
    int n = 0;
    cc_stack_statistics statistics;
    cc_stack_get_statistics(rec->stack, &statistics);
    rec->eliminated += statistics.eliminated;
    rec->lost += statistics.lost;
    for (int t = 0; t < rec->plan->threads; t++) {
        for (int i = 0; i < rec->plan->operations; i++) {
            all[n++] = rec->ops[t][i];
            rec->answers[all[n - 1].answer]++;
        }
    }
    rec->operations_done += (uint64_t)n;
    do {
        CHECK(n < SJ_OPERATIONS);
        all[n] = (stack_operation){.thread = THREADS_MOST, .name = S_POP};
        perform(rec, &all[n]);
    } while (all[n++].answer == CC_STACK_OK);
    verdict v = judge_stack(all, n, rec->plan->options.capacity);
    if (v != LEGAL) {
        fprintf(stderr, "a history that is %s:\n",
                v == ILLEGAL ? "not linearizable" : "too hard to judge");
        print_stack_history(stderr, all, n, rec->plan->options.capacity);
        CHECK(v == LEGAL);
    }
}

static void record_many(int index, void *argument) {
    recording *rec = argument;
    const history_plan *p = rec->plan;
    rng r = rng_from((uint64_t)index + 77);
    for (int64_t h = 0; h < scaled(p->histories); h++) {
        if (index == 0) {
            rec->stack = cc_stack_new(&numbers, &p->options);
            CHECK(rec->stack);
            atomic_store(&rec->ticket, 1);
            atomic_store(&rec->next_word, 0);
        }
        wait_for_all(&rec->started, (h + 1) * p->threads);
        record(rec, index, &r);
        wait_for_all(&rec->finished, (h + 1) * p->threads);
        if (index == 0) {
            judge_recording(rec);
            cc_stack_free(rec->stack);
        }
    }
}

#if defined(CC_TEST_HOOKS)
#define FORCED_IN(n) .cells = n, .wait = 17, .eliminates_first = true
#else
#define FORCED_IN(n) .cells = n, .wait = 17
#endif
#define FORCED FORCED_IN(1)

static const history_plan plans[] = {
    {"as it is", 3, 25, {0}, 5, 0, false, 300},
    {"one cell", 4, 20, {.cells = 1}, 5, 1, false, 300},
    {"one cell, first of all", 3, 25, {FORCED}, 5, 0, false, 500},
    {"one cell, mostly empty", 4, 25, {FORCED}, 4, 0, false, 400},
    {"one cell, looked at", 4, 15, {FORCED}, 4, 3, false, 400},
    {"one cell, short waits", 4, 20, {.cells = 1, .wait = 3}, 5, 0, false, 300},
    {"no cell", 4, 20, {.wait = 1}, 5, 1, false, 300},
    {"a bound of 1", 3, 20, {FORCED, .capacity = 1}, 5, 1, false, 300},
    {"a bound of 2", 4, 15, {.cells = 1, .capacity = 2}, 6, 1, false, 300},
    {"a bound of 7", 4, 20, {FORCED, .capacity = 7}, 7, 0, false, 200},
    {"closed in the middle", 4, 15, {FORCED}, 6, 1, true, 500},
    {"several cells", 4, 20, {FORCED_IN(3)}, 5, 0, false, 300},
    {"several cells, closed in the middle", 4, 15, {FORCED_IN(2)}, 6, 1, true, 500},
    {"closed in the middle, bound of 2", 4, 12, {FORCED, .capacity = 2}, 6, 1, true, 300},
};

static void test_histories(void) {
    static recording rec;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        const history_plan *p = &plans[i];
        begin_test(p->name);
        double start = seconds();
        memset((void *)&rec, 0, sizeof rec);
        rec.plan = p;
        run_threads(p->threads, record_many, &rec);
        printf("    %5" PRId64 " histories of %d x %d: %" PRId64 " ok, %" PRId64 " empty, %" PRId64
               " full, %" PRId64 " closed; %" PRIu64 " races lost, %" PRIu64
               " pairs eliminated: %.2f s\n",
               scaled(p->histories), p->threads, p->operations, rec.answers[CC_STACK_OK],
               rec.answers[CC_STACK_EMPTY], rec.answers[CC_STACK_FULL],
               rec.answers[CC_STACK_CLOSED], rec.lost, rec.eliminated, seconds() - start);
#if defined(CC_TEST_HOOKS)
        /* Or the plan shows nothing. */
        CHECK(!p->options.eliminates_first || rec.eliminated || scaled(100) < 100);
#endif
    }
}

/* ---------------------------------------------------------------- judging the judge */

/* A stack that is right by construction: each operation takes effect at a moment inside its
 * interval. */
static int make_up(stack_operation *all, rng *r, bool close) {
    enum { OPERATIONS = 40 };
    int threads = 2 + (int)rng_below(r, 3), n = 0, word = 0, inside[OPERATIONS], length = 0;
    struct {
        uint64_t at;
        int operation;
    } order[OPERATIONS];
    bool is_closed = false;
    uint64_t end = 0;
    for (int t = 0; t < threads; t++) {
        uint64_t clock = (uint64_t)rng_below(r, 300);
        for (int i = 0; i < OPERATIONS / threads; i++, n++) {
            stack_operation *o = &all[n];
            int64_t dice = rng_below(r, 10);
            *o = (stack_operation){.thread = t};
            o->name = close && t == 0 && i == 5 ? S_CLOSE
                      : dice < 4                ? S_PUSH
                      : dice < 8                ? S_POP
                      : dice < 9                ? S_PEEK
                                                : S_SNAPSHOT;
            o->before = clock += 1 + (uint64_t)rng_below(r, 200);
            order[n].at = clock += 1 + (uint64_t)rng_below(r, 300);
            order[n].operation = n;
            o->after = clock += 1 + (uint64_t)rng_below(r, 300);
            end = o->after > end ? o->after : end;
        }
    }
    for (int i = 0; i < n; i++) {
        for (int k = i + 1; k < n; k++) {
            if (order[k].at < order[i].at) {
                uint64_t at = order[i].at;
                int operation = order[i].operation;
                order[i] = order[k];
                order[k].at = at;
                order[k].operation = operation;
            }
        }
    }
    for (int i = 0; i < n; i++) {
        stack_operation *o = &all[order[i].operation];
        cc_stack_status nothing = is_closed ? CC_STACK_CLOSED : CC_STACK_EMPTY;
        if (o->name == S_CLOSE) {
            is_closed = true;
        } else if (o->name == S_PUSH) {
            o->answer = is_closed ? CC_STACK_CLOSED : CC_STACK_OK;
            if (!is_closed) {
                inside[length++] = o->word = ++word;
            }
        } else if (o->name == S_SNAPSHOT) {
            o->seen_count = length;
            for (int k = 0; k < length && k < SJ_SEEN; k++) {
                o->seen[k] = (uint8_t)inside[length - 1 - k];
            }
        } else {
            o->answer = length ? CC_STACK_OK : nothing;
            o->word = length ? inside[length - 1] : 0;
            length -= length && o->name == S_POP;
        }
    }
    while (length) {
        all[n++] = (stack_operation){.thread = 9,
                                     .name = S_POP,
                                     .word = inside[--length],
                                     .before = end + 1,
                                     .after = end + 2};
        end += 2;
    }
    return n;
}

static stack_operation *find(stack_operation *all, int n, rng *r, stack_operation_name name,
                             cc_stack_status answer) {
    int start = (int)rng_below(r, n);
    for (int i = 0; i < n; i++) {
        stack_operation *o = &all[(start + i) % n];
        if (o->name == name && o->answer == answer) {
            return o;
        }
    }
    return NULL;
}

static stack_operation *of_word(stack_operation *all, int n, stack_operation_name name, int word) {
    for (int i = 0; i < n; i++) {
        if (all[i].name == name && all[i].answer == CC_STACK_OK && all[i].word == word) {
            return &all[i];
        }
    }
    return NULL;
}

/* Change something so that nothing explains it; false when this history offers no place for it. */
static bool spoil(stack_operation *all, int n, rng *r, int how) {
    stack_operation *o = find(all, n, r, S_POP, CC_STACK_OK);
    stack_operation *p = find(all, n, r, S_POP, CC_STACK_EMPTY);
    switch (how) {
    case 0: /* a word is lost */
        if (o) {
            o->answer = CC_STACK_EMPTY;
            o->word = 0;
        }
        return o;
    case 1: /* a word comes twice */
        if (o && p) {
            p->answer = CC_STACK_OK;
            p->word = o->word;
        }
        return o && p;
    case 2: /* first in, first out: of two words that were inside together */
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                stack_operation *a = &all[i], *b = &all[k];
                if (a->name != S_PUSH || b->name != S_PUSH || a->answer || b->answer ||
                    a->after >= b->before) {
                    continue;
                }
                stack_operation *x = of_word(all, n, S_POP, a->word);
                stack_operation *y = of_word(all, n, S_POP, b->word);
                if (b->after < y->before && y->after < x->before) {
                    x->word = b->word;
                    y->word = a->word;
                    return true;
                }
            }
        }
        return false;
    case 3: /* "empty" while a word is inside */
        for (int i = 0; i < n; i++) {
            stack_operation *b = &all[i];
            for (int w = 1; b->name == S_PEEK && w <= SJ_WORDS; w++) {
                stack_operation *in = of_word(all, n, S_PUSH, w), *out = of_word(all, n, S_POP, w);
                if (in && in->after < b->before && b->after < out->before) {
                    b->answer = CC_STACK_EMPTY;
                    b->word = 0;
                    return true;
                }
            }
        }
        return false;
    case 4: /* a look at a word that has gone */
        for (int i = 0; i < n; i++) {
            stack_operation *b = &all[i];
            for (int w = 1; b->name == S_PEEK && w <= SJ_WORDS; w++) {
                stack_operation *out = of_word(all, n, S_POP, w);
                if (out && out->after < b->before) {
                    b->answer = CC_STACK_OK;
                    b->word = w;
                    return true;
                }
            }
        }
        return false;
    case 5: /* a snapshot that has a word twice */
        o = find(all, n, r, S_SNAPSHOT, CC_STACK_OK);
        if (o && o->seen_count > 1) {
            o->seen[1] = o->seen[0];
        }
        return o && o->seen_count > 1;
    case 6: /* a snapshot that lacks a word */
        o = find(all, n, r, S_SNAPSHOT, CC_STACK_OK);
        for (int i = 0; o && i < o->seen_count; i++) {
            stack_operation *in = of_word(all, n, S_PUSH, o->seen[i]);
            stack_operation *out = of_word(all, n, S_POP, o->seen[i]);
            if (in->after < o->before && o->after < out->before) {
                memmove(o->seen + i, o->seen + i + 1, (size_t)(SJ_SEEN - i - 1));
                o->seen_count--;
                return true;
            }
        }
        return false;
    default: /* "empty" of a closed stack */
        p = find(all, n, r, S_CLOSE, CC_STACK_OK);
        o = find(all, n, r, S_POP, CC_STACK_CLOSED);
        if (p && o && o->before > p->after) {
            o->answer = CC_STACK_EMPTY;
            return true;
        }
        return false;
    }
}

static void test_judge(void) {
    static stack_operation all[SJ_OPERATIONS], spoilt[SJ_OPERATIONS];
    enum { WAYS = 8 };
    int64_t refused[WAYS] = {0};
    rng r = rng_from(5);
    begin_test("the judge accepts what is right, and refuses what was spoilt");
    for (int64_t i = 0; i < scaled(2000); i++) {
        int n = make_up(all, &r, i % 2);
        for (int how = 0; how < WAYS; how++) {
            memcpy(spoilt, all, sizeof all);
            if (spoil(spoilt, n, &r, how)) {
                CHECK_EQ(judge_stack(spoilt, n, 0), ILLEGAL);
                refused[how]++;
            }
        }
        CHECK_EQ(judge_stack(all, n, 0), LEGAL);
    }
    for (int how = 0; how < WAYS; how++) {
        printf("    spoilt in way %d: %" PRId64 " refused\n", how, refused[how]);
        CHECK(refused[how] > 0 || scaled(100) < 100);
    }
}

/* A full stack that is not, and one that is: by hand. */
static void test_judge_of_bounds(void) {
    begin_test("the judge knows what is full");
    stack_operation two[] = {
        {.name = S_PUSH, .word = 1, .before = 1, .after = 2},
        {.name = S_PUSH, .word = 2, .answer = CC_STACK_FULL, .before = 3, .after = 4},
        {.name = S_POP, .word = 1, .before = 5, .after = 6},
    };
    CHECK_EQ(judge_stack(two, 3, 1), LEGAL);
    CHECK_EQ(judge_stack(two, 3, 2), ILLEGAL);
    two[1].answer = CC_STACK_CLOSED;
    CHECK_EQ(judge_stack(two, 3, 1), ILLEGAL);
}

int main(void) {
    use_scheme_of_the_environment();
    test_judge();
    test_judge_of_bounds();
    test_histories();
    return 0;
}
