/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Linearizability of the queues: threads work on a fresh queue, every operation and its answer is
 * recorded between two tickets of one counter, and the history is judged (queue_judge.h): "empty",
 * "full" and "closed" included. At the end of each history one thread takes out what is left.
 *
 * Linked with a core that gives the processor away at random (yielding.c), or operations would
 * hardly ever meet.
 *
 * The judge is judged too: histories that are legal by construction pass, and do not after they
 * were spoilt.
 *
 *   test_queue_histories NAME     writes some of all these to NAME.real, NAME.legal and
 *                                 NAME.illegal, for other judges (tests/linearizability)
 */
#include "queue_judge.h"
#include "queue_kinds.h"

enum { THREADS_MOST = 4, OPERATIONS_MOST = 40, WRITTEN_OF_A_KIND = 3, WRITTEN_OF_THE_MADE_UP = 60 };

static FILE *real_file, *legal_file, *illegal_file; /* NULL: nobody has asked for them */

/* In the words of judge.py, one operation a line. */
static void write_history(FILE *file, const queue_operation *ops, int n, size_t capacity) {
    static const char *const names[] = {"put", "get", "close"};
    for (int i = 0; file && i < n; i++) {
        const queue_operation *o = &ops[i];
        bool is_put = o->name == Q_PUT;
        int answer = o->answer == CC_QUEUE_OK       ? o->name == Q_GET ? o->word : 0
                     : o->answer == CC_QUEUE_CLOSED ? -3
                                                    : -1; /* empty, full */
        fprintf(file,
                "{\"C\": %d, \"O\": \"%s\", \"V\": %d, \"X\": %zu, \"R\": %d, \"S\": %" PRIu64
                ", \"E\": %" PRIu64 "}\n",
                o->thread, names[o->name], is_put ? o->word : 0, is_put ? capacity : 0, answer,
                o->before, o->after);
    }
    if (file) {
        fprintf(file, "\n");
    }
}

typedef struct history_plan {
    const char *name;
    int threads, operations;
    cc_queue_options options;
    int puts_in_ten;
    /* a thread closes it, or changes its bound; every second put overwrites */
    enum { STAYS, CLOSES, CHANGES, OVERWRITES, OVERWRITES_AND_CLOSES } also;
    int64_t histories;
} history_plan;

typedef struct recording {
    const history_plan *plan;
    cc_queue_kind kind;
    cc_queue *queue;
    _Atomic uint64_t ticket;
    _Atomic int next_word;
    _Atomic int64_t started, finished;
    int64_t overlaps, answers[4];
    int written;
    queue_operation ops[THREADS_MOST][OPERATIONS_MOST];
} recording;

static void perform(recording *rec, queue_operation *o) {
    o->before = atomic_fetch_add(&rec->ticket, 1);
    if (o->name == Q_PUT) {
        o->answer = cc_queue_put(rec->queue, (uintptr_t)o->word);
    } else if (o->name == Q_GET) {
        uintptr_t word = 0;
        o->answer = cc_queue_get(rec->queue, &word);
        o->word = (int)word;
    } else if (o->name == Q_OVER) {
        uintptr_t word;
        o->answer = cc_queue_put_overwriting(rec->queue, (uintptr_t)o->word, &word);
        o->oldest = (int)word;
    } else if (o->name == Q_SET) {
        CHECK(cc_queue_set_capacity(rec->queue, (size_t)o->word));
        o->answer = CC_QUEUE_OK;
    } else {
        cc_queue_close(rec->queue);
        o->answer = CC_QUEUE_OK;
    }
    o->after = atomic_fetch_add(&rec->ticket, 1);
    CHECK(o->answer != CC_QUEUE_NO_MEMORY);
}

static void record(recording *rec, int thread, rng *r) {
    const history_plan *p = rec->plan;
    for (int i = 0; i < p->operations; i++) {
        queue_operation *o = &rec->ops[thread][i];
        *o = (queue_operation){.thread = thread};
        bool puts = rng_below(r, 10) < p->puts_in_ten;
        bool closes = p->also == CLOSES || p->also == OVERWRITES_AND_CLOSES;
        bool overwrites = p->also >= OVERWRITES && rng_below(r, 2);
        bool is_special = thread == 0 && (closes               ? i == p->operations / 2
                                          : p->also == CHANGES ? i % 3 == 0
                                                               : false);
        o->name = is_special   ? closes ? Q_CLOSE : Q_SET
                  : !puts      ? Q_GET
                  : overwrites ? Q_OVER
                               : Q_PUT;
        o->word = o->name == Q_PUT || o->name == Q_OVER ? atomic_fetch_add(&rec->next_word, 1) + 1
                  : o->name == Q_SET                    ? 1 + (int)rng_below(r, 4)
                                                        : 0;
        if (o->word > QJ_WORDS) { /* enough of them */
            o->name = Q_GET;
            o->word = 0;
        }
        perform(rec, o);
    }
}

static void judge_recording(recording *rec) {
    static queue_operation all[QJ_OPERATIONS];
    int n = 0;
    for (int t = 0; t < rec->plan->threads; t++) {
        for (int i = 0; i < rec->plan->operations; i++) {
            all[n++] = rec->ops[t][i];
            rec->answers[all[n - 1].answer]++;
        }
    }
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++) {
            rec->overlaps += all[i].thread != all[k].thread && all[i].before < all[k].after &&
                             all[k].before < all[i].after;
        }
    }
    do {
        CHECK(n < QJ_OPERATIONS);
        all[n] = (queue_operation){.thread = THREADS_MOST, .name = Q_GET};
        perform(rec, &all[n]);
    } while (all[n++].answer == CC_QUEUE_OK);
    verdict v = judge_queue(all, n, rec->plan->options.capacity);
    if (rec->plan->also < CHANGES && rec->written++ < WRITTEN_OF_A_KIND) {
        write_history(real_file, all, n, rec->plan->options.capacity);
    }
    if (v != LEGAL) {
        fprintf(stderr, "a history that is %s:\n",
                v == ILLEGAL ? "not linearizable" : "too hard to judge");
        print_queue_history(stderr, all, n, rec->plan->options.capacity);
        CHECK(v == LEGAL);
    }
}

static void record_many(int index, void *argument) {
    recording *rec = argument;
    const history_plan *p = rec->plan;
    rng r = rng_from((uint64_t)index + 77);
    for (int64_t h = 0; h < scaled(p->histories); h++) {
        if (index == 0) {
            rec->queue = cc_queue_new(rec->kind, &p->options);
            CHECK(rec->queue);
            atomic_store(&rec->ticket, 1);
            atomic_store(&rec->next_word, 0);
        }
        wait_for_all(&rec->started, (h + 1) * p->threads);
        record(rec, index, &r);
        wait_for_all(&rec->finished, (h + 1) * p->threads);
        if (index == 0) {
            judge_recording(rec);
            cc_queue_free(rec->queue, NULL);
        }
    }
}

static void carry_out(const history_plan *p, const queue_kind *kind) {
    static recording rec;
    double start = seconds();
    memset((void *)&rec, 0, sizeof rec);
    rec.plan = p;
    rec.kind = kind->kind;
    run_threads(p->threads, record_many, &rec);
    printf("    %-9s %5" PRId64 " histories of %d x %d, %.2f overlaps an operation, %" PRId64
           " ok, %" PRId64 " empty, %" PRId64 " full, %" PRId64 " closed: %.2f s\n",
           kind->name, scaled(p->histories), p->threads, p->operations,
           (double)rec.overlaps / (double)(scaled(p->histories) * p->threads * p->operations),
           rec.answers[CC_QUEUE_OK], rec.answers[CC_QUEUE_EMPTY], rec.answers[CC_QUEUE_FULL],
           rec.answers[CC_QUEUE_CLOSED], seconds() - start);
}

/* spins and patience count plus one: 1 is none. */
static const history_plan plans[] = {
    {"unbounded", 3, 30, {0}, 5, STAYS, 400},
    {"unbounded, one slot", 4, 20, {.ring_slots = 1, .spins = 1, .patience = 1}, 5, STAYS, 400},
    {"unbounded, two slots", 3, 30, {.ring_slots = 2, .spins = 1, .patience = 2}, 6, STAYS, 400},
    {"mostly empty", 4, 30, {.ring_slots = 4, .spins = 1, .patience = 1}, 3, STAYS, 400},
    {"mostly filled", 4, 25, {.ring_slots = 2, .spins = 2, .patience = 1}, 7, STAYS, 400},
    {"few tickets", 4, 20, {.ring_slots = 4, .spins = 1, .ticket_limit = 3}, 5, STAYS, 400},
    {"a bound of 1", 3, 25, {.capacity = 1, .spins = 1, .patience = 1}, 5, STAYS, 400},
    {"a bound of 1, one slot",
     4,
     15,
     {.capacity = 1, .ring_slots = 1, .patience = 1},
     5,
     STAYS,
     400},
    {"a bound of 2",
     4,
     20,
     {.capacity = 2, .ring_slots = 2, .spins = 1, .patience = 1},
     6,
     STAYS,
     400},
    {"a bound of 4", 4, 20, {.capacity = 4, .spins = 1}, 7, STAYS, 400},
    /* More than one ring of wCQ takes in this build. */
    {"a bound of 17", 4, 25, {.capacity = 17, .spins = 1, .patience = 1}, 8, STAYS, 200},
    {"closed in the middle", 4, 15, {.ring_slots = 1, .spins = 1, .patience = 1}, 6, CLOSES, 600},
    {"closed in the middle, bound of 2", 4, 15, {.capacity = 2, .patience = 1}, 6, CLOSES, 600},
    /* As many words as credits in a ring of wCQ cannot change. */
    {"a bound that changes", 4, 20, {.capacity = 17, .spins = 1, .patience = 1}, 7, CHANGES, 600},
    {"a bound that changes, one slot",
     3,
     25,
     {.capacity = 17, .ring_slots = 1, .patience = 1},
     7,
     CHANGES,
     400},
    {"overwriting, a bound of 1", 3, 25, {.capacity = 1, .patience = 1}, 7, OVERWRITES, 400},
    {"overwriting, a bound of 2",
     4,
     20,
     {.capacity = 2, .ring_slots = 2, .spins = 1, .patience = 1},
     8,
     OVERWRITES,
     200},
    {"overwriting, a bound of 17",
     3,
     15, /* of CRTurn on one processor, 18 came near what can be judged */
     {.capacity = 17, .ring_slots = 2, .patience = 1},
     9,
     OVERWRITES,
     200},
    {"overwriting, closed in the middle",
     4,
     15,
     {.capacity = 2, .patience = 1},
     8,
     OVERWRITES_AND_CLOSES,
     400},
};

/* ---------------------------------------------------------------- judging the judge */

/* One after the other: a bound of 2 that becomes 1, and 2 again. */
static void test_judge_of_changes(void) {
    static const queue_operation all[] = {
        {.name = Q_PUT, .answer = CC_QUEUE_OK, .word = 1},
        {.name = Q_PUT, .answer = CC_QUEUE_OK, .word = 2},
        {.name = Q_SET, .answer = CC_QUEUE_OK, .word = 1},
        {.name = Q_GET, .answer = CC_QUEUE_OK, .word = 1},
        {.name = Q_PUT, .answer = CC_QUEUE_FULL, .word = 3},
        {.name = Q_SET, .answer = CC_QUEUE_OK, .word = 2},
        {.name = Q_PUT, .answer = CC_QUEUE_OK, .word = 3},
        {.name = Q_GET, .answer = CC_QUEUE_OK, .word = 2},
        {.name = Q_GET, .answer = CC_QUEUE_OK, .word = 3},
    };
    enum { N = sizeof all / sizeof *all };
    begin_test("the judge knows which bound is in effect");
    for (int without = -1; without < N; without++) {
        queue_operation ops[N];
        int n = 0;
        for (int i = 0; i < N; i++) {
            if (i != without) {
                ops[n] = all[i];
                ops[n].before = 2 * (uint64_t)i;
                ops[n].after = 2 * (uint64_t)i + 1;
                n++;
            }
        }
        /* A refusal may be missing, and so may a change that the other one makes idle. */
        CHECK_EQ(judge_queue(ops, n, 2), without == -1 || without == 4 ? LEGAL : ILLEGAL);
    }
}

/* One after the other, in a bound of 2: what an overwriting put says it took, and when. */
static void test_judge_of_overwriting(void) {
    static const queue_operation all[] = {
        {.name = Q_OVER, .answer = CC_QUEUE_OK, .word = 1},
        {.name = Q_PUT, .answer = CC_QUEUE_OK, .word = 2},
        {.name = Q_OVER, .answer = CC_QUEUE_OK, .word = 3, .oldest = 1},
        {.name = Q_PUT, .answer = CC_QUEUE_FULL, .word = 9},
        {.name = Q_GET, .answer = CC_QUEUE_OK, .word = 2},
        {.name = Q_GET, .answer = CC_QUEUE_OK, .word = 3},
    };
    enum { N = sizeof all / sizeof *all };
    static const struct {
        int at;
        queue_operation instead;
    } lies[] = {
        {1, {.name = Q_PUT, .answer = CC_QUEUE_FULL, .word = 2}}, /* then 2 is from nowhere */
        {2, {.name = Q_OVER, .answer = CC_QUEUE_OK, .word = 3, .oldest = 2}}, /* 1 is older */
        {2, {.name = Q_OVER, .answer = CC_QUEUE_OK, .word = 3}}, /* 1 is lost, too many inside */
        {2, {.name = Q_OVER, .answer = CC_QUEUE_FULL, .word = 3}}, /* there is a word */
        {2, {.name = Q_OVER, .answer = CC_QUEUE_CLOSED, .word = 3, .oldest = 1}},
        {3, {.name = Q_PUT, .answer = CC_QUEUE_OK, .word = 9}}, /* there is no room */
        {4, {.name = Q_GET, .answer = CC_QUEUE_OK, .word = 1}}, /* taken before */
        {5, {.name = Q_OVER, .answer = CC_QUEUE_OK, .word = 8, .oldest = 3}}, /* there is room */
    };
    begin_test("the judge knows what an overwriting put takes");
    for (int lie = -1; lie < (int)(sizeof lies / sizeof *lies); lie++) {
        queue_operation ops[N];
        for (int i = 0; i < N; i++) {
            ops[i] = lie >= 0 && lies[lie].at == i ? lies[lie].instead : all[i];
            ops[i].before = 2 * (uint64_t)i;
            ops[i].after = 2 * (uint64_t)i + 1;
        }
        CHECK_EQ(judge_queue(ops, N, 2), lie < 0 ? LEGAL : ILLEGAL);
    }
}

/* A queue that is right by construction: each operation takes effect step by step at moments inside
 * its interval. */
static int make_up(queue_operation *all, rng *r, size_t capacity, bool close) {
    enum { OPERATIONS = 24 };
    int threads = 2 + (int)rng_below(r, 3), n = 0, word = 0;
    struct {
        uint64_t at;
        int operation, step;
    } steps[2 * OPERATIONS * 4];
    int count = 0, held = 0, first = 0, last = 0, queue[OPERATIONS * 4];
    bool is_closed = false, is_over = false, was_reserved[OPERATIONS * 4] = {false};
    uint64_t end = 0;
    for (int t = 0; t < threads; t++) {
        uint64_t clock = (uint64_t)rng_below(r, 500);
        for (int i = 0; i < OPERATIONS / threads; i++, n++) {
            queue_operation *o = &all[n];
            *o = (queue_operation){.thread = t};
            o->name = close && t == 0 && i == 4 ? Q_CLOSE : rng_below(r, 2) ? Q_PUT : Q_GET;
            o->before = clock += 1 + (uint64_t)rng_below(r, 300);
            for (int step = 0; step < 2; step++) {
                steps[count].at = clock += 1 + (uint64_t)rng_below(r, 500);
                steps[count].operation = n;
                steps[count++].step = step;
            }
            o->after = clock += 1 + (uint64_t)rng_below(r, 300);
            end = o->after > end ? o->after : end;
        }
    }
    for (int i = 1; i < count; i++) {
        for (int k = i; k > 0 && steps[k - 1].at > steps[k].at; k--) {
            uint64_t at = steps[k].at;
            int operation = steps[k].operation, step = steps[k].step;
            steps[k] = steps[k - 1];
            steps[k - 1].at = at;
            steps[k - 1].operation = operation;
            steps[k - 1].step = step;
        }
    }
    bool plain = capacity == 0 && !close;
    for (int i = 0; i < count; i++) {
        queue_operation *o = &all[steps[i].operation];
        bool is_first = steps[i].step == 0;
        if (o->name == Q_CLOSE) {
            is_closed = true;
        } else if (o->name == Q_PUT && is_first) {
            o->answer = is_closed                           ? CC_QUEUE_CLOSED
                        : capacity && held >= (int)capacity ? CC_QUEUE_FULL
                                                            : CC_QUEUE_OK;
            held += o->answer == CC_QUEUE_OK;
            was_reserved[steps[i].operation] = o->answer == CC_QUEUE_OK;
            if (plain) {
                queue[last++] = o->word = ++word;
            }
        } else if (o->name == Q_PUT) {
            if (was_reserved[steps[i].operation] && !plain && !is_over) {
                queue[last++] = o->word = ++word;
            } else if (was_reserved[steps[i].operation] && !plain) {
                o->answer = CC_QUEUE_CLOSED; /* a get has said so meanwhile */
                held--;
            }
        } else if (is_first) {
            o->answer = first < last ? CC_QUEUE_OK : is_closed ? CC_QUEUE_CLOSED : CC_QUEUE_EMPTY;
            o->word = first < last ? queue[first++] : 0;
            is_over |= o->answer == CC_QUEUE_CLOSED;
        } else {
            held -= o->answer == CC_QUEUE_OK;
        }
    }
    while (first < last) {
        all[n] = (queue_operation){9, Q_GET, CC_QUEUE_OK, queue[first++], end + 1, end + 2, 0};
        end += 2;
        n++;
    }
    all[n++] = (queue_operation){
        9, Q_GET, close && is_closed ? CC_QUEUE_CLOSED : CC_QUEUE_EMPTY, 0, end + 1, end + 2, 0};
    return n;
}

static queue_operation *find(queue_operation *all, int n, rng *r, queue_operation_name name,
                             cc_queue_status answer) {
    int start = (int)rng_below(r, n);
    for (int i = 0; i < n; i++) {
        queue_operation *o = &all[(start + i) % n];
        if (o->name == name && o->answer == answer) {
            return o;
        }
    }
    return NULL;
}

static const queue_operation *get_of(const queue_operation *all, int n, int word) {
    for (int i = 0; i < n; i++) {
        if (all[i].name == Q_GET && all[i].answer == CC_QUEUE_OK && all[i].word == word) {
            return &all[i];
        }
    }
    return NULL;
}

/* Change something so that nothing explains it; false when this history offers no place for it. */
static bool spoil(queue_operation *all, int n, rng *r, int how, size_t capacity) {
    queue_operation *o = find(all, n, r, Q_GET, CC_QUEUE_OK), *p;
    int there = 0;
    switch (how) {
    case 0: /* a word is lost */
        if (o) {
            o->answer = CC_QUEUE_EMPTY;
            o->word = 0;
        }
        return o;
    case 1: /* a word comes twice */
        p = find(all, n, r, Q_GET, CC_QUEUE_EMPTY);
        if (o && p) {
            p->answer = CC_QUEUE_OK;
            p->word = o->word;
        }
        return o && p;
    case 2: /* two words of puts and gets that do not overlap change places */
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
                queue_operation *a = &all[i], *b = &all[k];
                if (a->name == Q_PUT && b->name == Q_PUT && a->answer == CC_QUEUE_OK &&
                    b->answer == CC_QUEUE_OK && a->after < b->before) {
                    queue_operation *x = (queue_operation *)get_of(all, n, a->word);
                    queue_operation *y = (queue_operation *)get_of(all, n, b->word);
                    if (x && y && x->after < y->before) {
                        int word = x->word;
                        x->word = y->word;
                        y->word = word;
                        return true;
                    }
                }
            }
        }
        return false;
    case 3: /* "empty" between a put that is over and a get that has not begun */
        for (int i = 0; i < n; i++) {
            queue_operation *a = &all[i];
            const queue_operation *g =
                a->name == Q_PUT && a->answer == CC_QUEUE_OK ? get_of(all, n, a->word) : NULL;
            for (int k = 0; g && k < n; k++) {
                queue_operation *b = &all[k];
                if (b->name == Q_PUT && b->answer != CC_QUEUE_OK && b->before > a->after &&
                    b->after < g->before) {
                    *b = (queue_operation){b->thread, Q_GET, CC_QUEUE_EMPTY, 0, b->before,
                                           b->after,  0};
                    return true;
                }
            }
        }
        return false;
    case 4: /* "full" where nothing was ever put before it ended */
        for (int i = 0; capacity && i < n; i++) {
            queue_operation *b = &all[i];
            if (b->name != Q_GET || b->answer != CC_QUEUE_EMPTY) {
                continue;
            }
            there = 0;
            for (int k = 0; k < n; k++) {
                there += all[k].name == Q_PUT && all[k].answer == CC_QUEUE_OK &&
                         all[k].before <= b->after;
            }
            if (there < (int)capacity) {
                *b = (queue_operation){b->thread, Q_PUT, CC_QUEUE_FULL, 0, b->before, b->after, 0};
                return true;
            }
        }
        return false;
    default: /* a put that succeeds after close is over */
        for (int i = 0; i < n; i++) {
            for (int k = 0; all[i].name == Q_CLOSE && k < n; k++) {
                if (all[k].name == Q_PUT && all[k].answer == CC_QUEUE_OK) {
                    uint64_t end = all[n - 1].after;
                    all[n - 1].before += 10; /* the last get, which says closed */
                    all[n - 1].after += 20;
                    int word = all[k].word;
                    queue_operation *g = (queue_operation *)get_of(all, n, word);
                    *g =
                        (queue_operation){g->thread, Q_GET, CC_QUEUE_OK, word, end + 3, end + 4, 0};
                    all[k].before = end + 1;
                    all[k].after = end + 2;
                    return true;
                }
            }
        }
        return false;
    }
}

static void test_the_judge(void) {
    begin_test("the judge: legal histories pass, spoilt ones do not");
    enum { WAYS = 6 };
    static queue_operation all[QJ_OPERATIONS];
    rng r = rng_from(3);
    int64_t accepted = 0, rejected[WAYS] = {0};
    for (int64_t h = scaled(3000); h > 0; h--) {
        size_t capacity = (size_t)(h % 4);
        bool close = h / 4 % 3 == 0;
        int n = make_up(all, &r, capacity, close);
        CHECK_EQ(judge_queue(all, n, capacity), LEGAL);
        accepted++;
        if (h <= WRITTEN_OF_THE_MADE_UP) {
            write_history(legal_file, all, n, capacity);
        }
        int how = (int)(h / 12 % WAYS);
        if (spoil(all, n, &r, how, capacity)) {
            if (judge_queue(all, n, capacity) != ILLEGAL) {
                print_queue_history(stderr, all, n, capacity);
                fprintf(stderr, "spoilt in way %d\n", how);
                CHECK(!"a spoilt history passes");
            }
            rejected[how]++;
            if (h <= WRITTEN_OF_THE_MADE_UP) {
                write_history(illegal_file, all, n, capacity);
            }
        }
    }
    printf("    %" PRId64 " accepted; rejected: %" PRId64 " lost, %" PRId64 " twice, %" PRId64
           " in the wrong order, %" PRId64 " not empty, %" PRId64 " not full, %" PRId64
           " put after close\n",
           accepted, rejected[0], rejected[1], rejected[2], rejected[3], rejected[4], rejected[5]);
    for (int i = 0; i < WAYS && scaled(100) >= 100; i++) {
        CHECK(rejected[i] > 0);
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1) {
        real_file = open_beside(argv[1], ".real");
        legal_file = open_beside(argv[1], ".legal");
        illegal_file = open_beside(argv[1], ".illegal");
    }
    test_the_judge();
    test_judge_of_changes();
    test_judge_of_overwriting();
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        begin_test(plans[i].name);
        for (size_t k = 0; k < sizeof all_queue_kinds / sizeof *all_queue_kinds; k++) {
            if (cc_queue_kind_is_available(all_queue_kinds[k].kind)) {
                carry_out(&plans[i], &all_queue_kinds[k]);
            }
        }
    }
    if (argc > 1) {
        fclose(real_file);
        fclose(legal_file);
        fclose(illegal_file);
    }
    printf("passed\n");
    return 0;
}
