/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Linearizability: threads work on a fresh cc_i64map with few keys, every operation and its answer
 * is recorded, and the history is judged (judge.h). Thousands of short histories, for an illegal
 * one is found quickly only when it is short.
 *
 * The order of calls and returns comes from one counter: a ticket before the call, one after it.
 * There is no lock in the recorder; the counter orders the threads a little, so that some rounds
 * read the clock instead.
 *
 * pop_first and pop_last promise only that the entry was first (last) at some moment of the call,
 * and are not judged here.
 *
 * The judge is judged too: it must accept made-up histories that are legal by construction, and
 * reject them after an answer was changed so that none of the orders can explain it. With a file
 * name as argument the histories are also written there, for the judges in tests/linearizability.
 */
#include "judge.h"

#include "concurrent_collections/cc_i64map.h"
#include "ordered_kinds.h"
#include "scheme.h"

enum { THREADS_MOST = 4, OPERATIONS_MOST = 50 };

typedef struct recording {
    cc_i64map *map;
    uint64_t seed;
    int threads, operations; /* of each thread */
    int64_t keys;
    bool ordered_queries, by_clock;
    _Atomic uint64_t ticket;
    operation ops[THREADS_MOST][OPERATIONS_MOST];
} recording;

static uint64_t moment(recording *rec) {
    if (rec->by_clock) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    }
    return atomic_fetch_add(&rec->ticket, 1);
}

static void perform(cc_i64map *map, operation *o) {
    uintptr_t old = 0;
    int64_t found = 0;
    int status = 0;
    switch (o->name) {
    case OP_GET:
        status = cc_i64map_get(map, o->key, &old);
        break;
    case OP_PUT:
        status = cc_i64map_put(map, o->key, (uintptr_t)o->value, &old);
        break;
    case OP_PUT_IF_ABSENT:
        status = cc_i64map_put_if_absent(map, o->key, (uintptr_t)o->value, &old);
        break;
    case OP_REPLACE_IF:
        status = cc_i64map_replace_if(map, o->key, (uintptr_t)o->expected, (uintptr_t)o->value);
        old = (uintptr_t)o->expected;
        break;
    case OP_REMOVE:
        status = cc_i64map_remove(map, o->key, &old);
        break;
    case OP_REMOVE_IF:
        status = cc_i64map_remove_if(map, o->key, (uintptr_t)o->expected);
        old = (uintptr_t)o->expected;
        break;
    case OP_GET_OR_INSERT:
        status = cc_i64map_get_or_insert(map, o->key, (uintptr_t)o->value, &old);
        break;
    case OP_FIRST:
        status = cc_i64map_first(map, &found, &old);
        break;
    case OP_LAST:
        status = cc_i64map_last(map, &found, &old);
        break;
    case OP_FLOOR:
        status = cc_i64map_floor(map, o->key, &found, &old);
        break;
    case OP_CEILING:
        status = cc_i64map_ceiling(map, o->key, &found, &old);
        break;
    case OP_LOWER:
        status = cc_i64map_lower(map, o->key, &found, &old);
        break;
    default:
        status = cc_i64map_higher(map, o->key, &found, &old);
    }
    bool has_value = status != CC_I64MAP_ABSENT || o->name == OP_GET_OR_INSERT;
    o->answer = !has_value                     ? ANSWER_ABSENT
                : status == CC_I64MAP_MISMATCH ? ANSWER_MISMATCH
                : o->name >= OP_FIRST          ? found * JUDGE_SPREAD + (int64_t)old
                                               : (int64_t)old;
}

static void record(int index, void *argument) {
    recording *rec = argument;
    rng r = rng_from(rec->seed * 16 + (uint64_t)index);
    int64_t last_seen = 1;
    for (int i = 0; i < rec->operations; i++) {
        operation *o = &rec->ops[index][i];
        static const operation_name of_one_key[] = {
            OP_PUT,       OP_PUT,    OP_PUT_IF_ABSENT, OP_GET_OR_INSERT, OP_REPLACE_IF,
            OP_REMOVE_IF, OP_REMOVE, OP_REMOVE,        OP_GET,           OP_GET};
        int64_t which = rng_below(&r, rec->ordered_queries ? 15 : 10);
        o->name = which < 10 ? of_one_key[which] : (operation_name)(OP_FIRST + rng_below(&r, 6));
        o->thread = index;
        o->key = rng_below(&r, rec->keys);
        o->value = 1 + i * rec->threads + index; /* all differ */
        o->expected = rng_below(&r, 4) ? last_seen : o->value + 1;
        if (rng_below(&r, 8) == 0) {
            sched_yield();
        }
        o->before = moment(rec);
        perform(rec->map, o);
        o->after = moment(rec);
        if (o->answer > 0) {
            last_seen = o->answer % JUDGE_SPREAD;
        }
    }
}

/* The threads of one round live for many histories: starting threads takes longer than a
 * history. */
typedef struct round {
    recording rec;
    _Atomic int64_t started, finished; /* counts threads, over all histories */
    int64_t histories, seed;
    int64_t overlaps;
    FILE *file;
    int64_t written;
} round_of_histories;

static int collect(recording *rec, operation *all) {
    int n = 0;
    for (int t = 0; t < rec->threads; t++) {
        for (int i = 0; i < rec->operations; i++) {
            all[n++] = rec->ops[t][i];
        }
    }
    return n;
}

static void judge_recording(round_of_histories *r) {
    static operation all[JUDGE_MOST];
    int n = collect(&r->rec, all);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) {
            r->overlaps += all[i].thread != all[k].thread && all[i].before < all[k].after &&
                           all[k].before < all[i].after;
        }
    }
    verdict v = judge(all, n, !r->rec.ordered_queries);
    if (r->file && (v != LEGAL || r->written < 50)) {
        write_history(r->file, all, n);
        r->written++;
    }
    if (v != LEGAL) {
        fprintf(stderr, "a history that is %s:\n",
                v == ILLEGAL ? "not linearizable" : "too hard to judge");
        write_history(stderr, all, n);
        CHECK(v == LEGAL);
    }
}

/* A map of int64 of the tested kind: such a map is an ordered container of plain words. */
static cc_i64map *new_i64map(void) {
    static const cc_word_table plain_words = {0};
    return (cc_i64map *)ordered_of(&plain_words);
}

static void record_many(int index, void *argument) {
    round_of_histories *r = argument;
    int threads = r->rec.threads;
    for (int64_t h = 0; h < r->histories; h++) {
        if (index == 0) {
            r->rec.seed = (uint64_t)(r->seed + h);
            r->rec.map = new_i64map();
            atomic_store(&r->rec.ticket, 1);
            CHECK(r->rec.map);
        }
        wait_for_all(&r->started, (h + 1) * threads);
        record(index, &r->rec);
        wait_for_all(&r->finished, (h + 1) * threads);
        if (index == 0) {
            CHECK_NULL(cc_i64map_check(r->rec.map));
            judge_recording(r);
            cc_i64map_free(r->rec.map);
        }
    }
}

static void test_real_histories(const char *what, int threads, int operations, int64_t keys,
                                bool ordered, bool by_clock, int64_t histories, FILE *file) {
    begin_test(what);
    double start = seconds();
    static round_of_histories r;
    memset((void *)&r, 0, sizeof r);
    r.rec.threads = threads;
    r.rec.operations = operations;
    r.rec.keys = keys;
    r.rec.ordered_queries = ordered;
    r.rec.by_clock = by_clock;
    r.histories = scaled_for_kind(histories);
    r.seed = threads * 1000003 + keys * 101 + ordered;
    r.file = file;
    run_threads(threads, record_many, &r);
    printf("    %" PRId64 " histories of %d x %d operations, %" PRId64
           " keys: %.2f s, %.2f overlaps per operation\n",
           r.histories, threads, operations, keys, seconds() - start,
           (double)r.overlaps / (double)(r.histories * threads * operations));
}

/* ---------------------------------------------------------------- judging the judge */

/* A history that is legal by construction: every operation has a moment of effect inside its
 * interval, and its answer is what the map says at that moment. Dense: most operations overlap. */
static int make_up(operation *all, rng *r, int threads, int operations, int64_t keys,
                   bool ordered) {
    int n = 0;
    static struct {
        uint64_t effect;
        int index;
    } order[JUDGE_MOST];
    for (int t = 0; t < threads; t++) {
        uint64_t clock = (uint64_t)rng_below(r, 1000);
        for (int i = 0; i < operations; i++, n++) {
            operation *o = &all[n];
            *o = (operation){.thread = t, .key = rng_below(r, keys), .value = 1 + n};
            o->name = (operation_name)rng_below(r, ordered ? OP_SNAPSHOT : OP_FIRST);
            o->expected = 1 + rng_below(r, n + 1);
            o->before = clock += 1 + (uint64_t)rng_below(r, 300);
            order[n].effect = clock += (uint64_t)rng_below(r, 1000);
            order[n].index = n;
            o->after = clock += 1 + (uint64_t)rng_below(r, 1000);
        }
    }
    for (int i = 1; i < n; i++) { /* by moment of effect */
        for (int k = i; k > 0 && order[k - 1].effect > order[k].effect; k--) {
            uint64_t effect = order[k].effect;
            int index = order[k].index;
            order[k] = order[k - 1];
            order[k - 1].effect = effect;
            order[k - 1].index = index;
        }
    }
    map_state s = {{0}};
    for (int i = 0; i < n; i++) {
        operation *o = &all[order[i].index];
        if ((o->name == OP_REPLACE_IF || o->name == OP_REMOVE_IF) && s.value[o->key] &&
            rng_below(r, 2)) {
            o->expected = s.value[o->key];
        }
        for (o->answer = ANSWER_MISMATCH;; o->answer++) { /* the only answer that the map gives */
            map_state try = s;
            if (o->name >= OP_FIRST && o->answer == 0) { /* a key and its value */
                for (int k = 0; k < JUDGE_KEYS; k++) {
                    o->answer = k * JUDGE_SPREAD + s.value[k];
                    try = s;
                    if (s.value[k] && judge_step(&try, o)) {
                        break;
                    }
                }
            }
            try = s;
            if (judge_step(&try, o)) {
                s = try;
                break;
            }
            CHECK(o->answer <= n);
        }
    }
    return n;
}

/* Change something in such a way that no order explains it. Returns false when this history offers
 * no place for it. */
static bool spoil(operation *all, int n, rng *r, int how) {
    int start = (int)rng_below(r, n);
    for (int i = 0; i < n; i++) {
        operation *o = &all[(start + i) % n];
        switch (how) {
        case 0: /* a value that nobody ever stored */
            if (o->answer > 0 && o->name <= OP_PUT) {
                o->answer = 999;
                return true;
            }
            break;
        case 1: /* a value that is removed by two */
            if (o->name == OP_REMOVE && o->answer > 0) {
                for (int k = 0; k < n; k++) {
                    operation *p = &all[k];
                    if (p != o && p->name == OP_REMOVE && p->key == o->key &&
                        p->answer != o->answer) {
                        p->answer = o->answer;
                        return true;
                    }
                }
            }
            break;
        case 2: /* a value that is read before it was stored */
            if (o->name == OP_PUT) {
                for (int k = 0; k < n; k++) {
                    operation *p = &all[k];
                    if (p->name == OP_GET && p->key == o->key && p->after < o->before) {
                        p->answer = o->value;
                        return true;
                    }
                }
            }
            break;
        case 3: /* a floor that is above what was asked for */
            if (o->name == OP_FLOOR && o->answer > 0 && o->key < JUDGE_KEYS - 1) {
                o->answer += (o->key - o->answer / JUDGE_SPREAD + 1) * JUDGE_SPREAD;
                return true;
            }
            break;
        case 4: /* a value that a remove_if took, and that is there again */
            if (o->name == OP_REMOVE_IF && o->answer > 0) {
                for (int k = 0; k < n; k++) {
                    operation *p = &all[k];
                    if (p->name == OP_GET_OR_INSERT && p->key == o->key && p->before > o->after) {
                        p->answer = o->answer;
                        return true;
                    }
                }
            }
            break;
        default: /* a put that says the key was absent right after a put by itself, all alone */
            if (o->name == OP_PUT && o->answer == ANSWER_ABSENT) {
                for (int k = 0; k < n; k++) {
                    operation *p = &all[k];
                    if (p->name == OP_PUT && p->key == o->key && p != o && p->after < o->before) {
                        bool alone = true; /* is there a remove that could come between the two? */
                        for (int m = 0; m < n; m++) {
                            alone &= !(all[m].name == OP_REMOVE && all[m].key == o->key);
                        }
                        if (alone) {
                            return true;
                        }
                    }
                }
            }
        }
    }
    return false;
}

static void test_the_judge(FILE *legal, FILE *illegal) {
    begin_test("the judge: legal histories pass, spoilt ones do not");
    rng r = rng_from(5);
    static operation all[JUDGE_MOST];
    int64_t accepted = 0, rejected[5] = {0};
    for (int64_t h = scaled(800); h > 0; h--) {
        bool ordered = h % 2;
        int operations = 5 + (int)rng_below(&r, ordered ? 16 : 36);
        int n =
            make_up(all, &r, 2 + (int)rng_below(&r, 3), operations, 1 + rng_below(&r, 5), ordered);
        CHECK_EQ(judge(all, n, !ordered), LEGAL);
        if (!ordered) { /* as a whole it must be the same; only slower */
            CHECK(judge_within(all, n, false, 200000) != ILLEGAL);
        }
        accepted++;
        if (legal && h <= 60) {
            write_history(legal, all, n);
        }
        int how = (int)(h / 2 % 5);
        if (spoil(all, n, &r, how)) {
            CHECK_EQ(judge(all, n, !ordered), ILLEGAL);
            rejected[how]++;
            if (illegal && h <= 60) {
                write_history(illegal, all, n);
            }
        }
    }
    printf("    %" PRId64 " accepted; rejected: %" PRId64 " with a value from nowhere, %" PRId64
           " removed twice, %" PRId64 " read too early, %" PRId64 " floors above, %" PRId64
           " there again\n",
           accepted, rejected[0], rejected[1], rejected[2], rejected[3], rejected[4]);
    for (int how = 0; how < 5; how++) {
        CHECK(scaled(100) < 100 || rejected[how]);
    }
}

static FILE *real_histories;

static void test_kind(void) {
    test_real_histories("one key, point operations", 3, 30, 1, false, false, 2000, real_histories);
    test_real_histories("three keys, point operations", 4, 50, 3, false, false, 3000,
                        real_histories);
    test_real_histories("two keys, point operations, by the clock", 4, 40, 2, false, true, 2000,
                        real_histories);
    test_real_histories("four keys, with ordered queries", 3, 20, 4, true, false, 3000,
                        real_histories);
    test_real_histories("eight keys, with ordered queries", 3, 25, 8, true, false, 1500,
                        real_histories);
    test_real_histories("five keys, with ordered queries, by the clock", 4, 20, 5, true, true, 1500,
                        real_histories);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    use_scheme_of_the_environment();
    const char *name = argc > 1 ? argv[1] : NULL;
    FILE *real = name ? open_beside(name, ".real") : NULL;
    FILE *legal = name ? open_beside(name, ".legal") : NULL;
    FILE *illegal = name ? open_beside(name, ".illegal") : NULL;
    test_the_judge(legal, illegal);
    real_histories = real;
    for_every_ordered_kind(test_kind);
    if (name) {
        fclose(real);
        fclose(legal);
        fclose(illegal);
    }
    printf("passed\n");
    return 0;
}
