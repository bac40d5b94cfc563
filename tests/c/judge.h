/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is a recorded history of an int64 map linearizable? Wing and Gong's search with Lowe's memory of
 * states that have been tried.
 *
 * An operation takes effect at one moment between its ticket before and its ticket after; there must be
 * an order of those moments in which every answer is right. Operations on single keys are judged key by
 * key (linearizability composes); with ordered queries in it a history is judged as a whole.
 */
#ifndef CC_TEST_JUDGE_H
#define CC_TEST_JUDGE_H

#include "check.h"

enum { JUDGE_KEYS = 8, JUDGE_MOST = 256 };

/* What an operation's answer says. ABSENT and MISMATCH are answers of replace_if too. */
enum { ANSWER_ABSENT = -1, ANSWER_MISMATCH = -2 };

typedef enum operation_name {
    OP_GET,           /* answer: the value, or absent */
    OP_PUT,           /* answer: the old value, or absent */
    OP_PUT_IF_ABSENT, /* answer: the existing value, or absent (and then it is there) */
    OP_REPLACE_IF,    /* answer: `expected` when done, or absent, or mismatch */
    OP_REMOVE,        /* answer: the old value, or absent */
    OP_FIRST,         /* answer: key * JUDGE_SPREAD + value, or absent */
    OP_LAST,
    OP_FLOOR,
    OP_CEILING,
    OP_LOWER,
    OP_HIGHER,
    OP_NAMES
} operation_name;

/* Values are positive and smaller than this, so that a key and a value fit into one answer. */
#define JUDGE_SPREAD INT64_C(1000000)

static const char *const operation_names[OP_NAMES] UNUSED = {
    "get",  "put",   "put_if_absent", "replace_if", "remove", "first",
    "last", "floor", "ceiling",       "lower",      "higher",
};

typedef struct operation {
    int thread;
    operation_name name;
    int64_t key, value, expected, answer;
    uint64_t before, after; /* tickets, all different */
} operation;

typedef enum verdict { ILLEGAL, LEGAL, UNKNOWN } verdict;

/* The map's whole state: the value under each key, 0 where there is none. */
typedef struct map_state {
    int32_t value[JUDGE_KEYS];
} map_state;

/* If `o` can take effect in `s` with its answer, change s and return true. */
static inline UNUSED bool judge_step(map_state *s, const operation *o) {
    int64_t there = o->key >= 0 && o->key < JUDGE_KEYS ? s->value[o->key] : 0;
    int64_t answer = there ? there : ANSWER_ABSENT;
    int found = -1;
    switch (o->name) {
    case OP_GET:
        return o->answer == answer;
    case OP_PUT:
        s->value[o->key] = (int32_t)o->value;
        return o->answer == answer;
    case OP_PUT_IF_ABSENT:
        if (!there) {
            s->value[o->key] = (int32_t)o->value;
        }
        return o->answer == answer;
    case OP_REPLACE_IF:
        if (there && there == o->expected) {
            s->value[o->key] = (int32_t)o->value;
            return o->answer == o->expected;
        }
        return o->answer == (there ? ANSWER_MISMATCH : ANSWER_ABSENT);
    case OP_REMOVE:
        s->value[o->key] = 0;
        return o->answer == answer;
    case OP_FIRST:
    case OP_CEILING:
    case OP_HIGHER:
        for (int k = JUDGE_KEYS - 1; k >= (o->name == OP_FIRST     ? 0
                                           : o->name == OP_CEILING ? o->key
                                                                   : o->key + 1);
             k--) {
            found = s->value[k] ? k : found;
        }
        break;
    default:
        for (int k = 0; k <= (o->name == OP_LAST    ? JUDGE_KEYS - 1
                              : o->name == OP_FLOOR ? o->key
                                                    : o->key - 1);
             k++) {
            found = s->value[k] ? k : found;
        }
    }
    return o->answer == (found < 0 ? ANSWER_ABSENT : found * JUDGE_SPREAD + s->value[found]);
}

/* ---------------------------------------------------------------- states that have been tried */

typedef struct tried {
    uint64_t done[JUDGE_MOST / 64]; /* which operations have taken effect */
    map_state state;
} tried;

typedef struct memory {
    tried *slots;
    size_t size, used; /* size is a power of two */
    unsigned char *full;
} memory;

static inline UNUSED uint64_t hash_of_tried(const tried *t) {
    uint64_t h = 1;
    for (size_t i = 0; i < sizeof *t / 8; i++) {
        uint64_t word;
        memcpy(&word, (const char *)t + 8 * i, 8);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h;
}

/* True when it is new. */
static inline UNUSED bool remember(memory *m, const tried *t) {
    if (2 * m->used >= m->size) {
        memory larger = {.size = m->size ? 2 * m->size : 1024};
        larger.slots = malloc(larger.size * sizeof *larger.slots);
        larger.full = calloc(larger.size, 1);
        CHECK(larger.slots && larger.full);
        for (size_t i = 0; i < m->size; i++) {
            if (m->full[i]) {
                remember(&larger, &m->slots[i]);
            }
        }
        free(m->slots);
        free(m->full);
        *m = larger;
    }
    size_t at = hash_of_tried(t) & (m->size - 1);
    while (m->full[at]) {
        if (memcmp(&m->slots[at], t, sizeof *t) == 0) {
            return false;
        }
        at = (at + 1) & (m->size - 1);
    }
    m->slots[at] = *t;
    m->full[at] = 1;
    m->used++;
    return true;
}

/* ---------------------------------------------------------------- the search */

static inline UNUSED int by_ticket_before(const void *a, const void *b) {
    uint64_t x = (*(operation *const *)a)->before, y = (*(operation *const *)b)->before;
    return x < y ? -1 : x > y;
}

/* The operations are sorted by `before`. Tries at most `budget` states. */
static inline UNUSED verdict judge_sorted(const operation *const *ops, int n, size_t budget) {
    struct frame {
        tried here;
        int next; /* the operation to try next */
        uint64_t deadline; /* something unfinished ends then: what starts later has to wait */
    } *stack = calloc((size_t)n + 1, sizeof *stack);
    memory seen = {0};
    int depth = 0;
    verdict answer = ILLEGAL;
    CHECK(n <= JUDGE_MOST && stack);
    stack[0].next = -1;
    for (;;) {
        struct frame *f = &stack[depth];
        if (depth == n) {
            answer = LEGAL;
            break;
        }
        if (f->next < 0) {
            f->next = 0;
            f->deadline = UINT64_MAX;
            for (int i = 0; i < n && ops[i]->before < f->deadline; i++) {
                if (!(f->here.done[i / 64] >> i % 64 & 1) && ops[i]->after < f->deadline) {
                    f->deadline = ops[i]->after;
                }
            }
        }
        bool deeper = false;
        while (f->next < n && ops[f->next]->before <= f->deadline) {
            int i = f->next++;
            if (f->here.done[i / 64] >> i % 64 & 1) {
                continue;
            }
            struct frame *g = &stack[depth + 1];
            g->here = f->here;
            g->here.done[i / 64] |= UINT64_C(1) << i % 64;
            if (judge_step(&g->here.state, ops[i]) && remember(&seen, &g->here)) {
                g->next = -1;
                deeper = true;
                break;
            }
        }
        if (deeper) {
            depth++;
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
    free(stack);
    return answer;
}

static inline UNUSED verdict judge_within(const operation *ops, int n, bool key_by_key,
                                          size_t budget) {
    const operation *some[JUDGE_MOST];
    verdict worst = LEGAL;
    for (int64_t key = 0; key < (key_by_key ? JUDGE_KEYS : 1); key++) {
        int count = 0;
        for (int i = 0; i < n; i++) {
            if (!key_by_key || ops[i].key == key) {
                some[count++] = &ops[i];
            }
        }
        qsort(some, (size_t)count, sizeof *some, by_ticket_before);
        verdict v = judge_sorted(some, count, budget);
        if (v == ILLEGAL) {
            return ILLEGAL;
        }
        worst = v == UNKNOWN ? UNKNOWN : worst;
    }
    return worst;
}

/* A history that cannot be judged within a budget is judged again with a larger one, and in the end it
 * counts as a failure. */
static inline UNUSED verdict judge(const operation *ops, int n, bool key_by_key) {
    verdict v = UNKNOWN;
    for (size_t budget = 20000; v == UNKNOWN && budget <= 2000000; budget *= 10) {
        v = judge_within(ops, n, key_by_key, budget);
    }
    return v;
}

/* ---------------------------------------------------------------- for the other judges */

/* One line per operation, an empty line after the history: tests/linearizability/judge.py says what
 * the fields mean. */
static inline UNUSED void write_history(FILE *file, const operation *ops, int n) {
    for (int i = 0; i < n; i++) {
        const operation *o = &ops[i];
        fprintf(file,
                "{\"C\":%d,\"O\":\"%s\",\"K\":%" PRId64 ",\"V\":%" PRId64 ",\"X\":%" PRId64
                ",\"S\":%" PRIu64 ",\"E\":%" PRIu64,
                o->thread, operation_names[o->name], o->key, o->value, o->expected, o->before,
                o->after);
        if (o->name >= OP_FIRST && o->answer >= 0) {
            fprintf(file, ",\"RK\":%" PRId64 ",\"R\":%" PRId64 "}\n", o->answer / JUDGE_SPREAD,
                    o->answer % JUDGE_SPREAD);
        } else {
            fprintf(file, ",\"R\":%" PRId64 "}\n", o->answer);
        }
    }
    fprintf(file, "\n");
}

#endif
