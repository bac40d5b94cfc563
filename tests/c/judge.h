/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is a recorded history of an int64 map linearizable (linearize.h)? Operations on single keys are
 * judged key by key (linearizability composes); with ordered queries in it a history is judged as a
 * whole.
 */
#ifndef CC_TEST_JUDGE_H
#define CC_TEST_JUDGE_H

#include "linearize.h"

enum { JUDGE_KEYS = 8, JUDGE_MOST = 256 };

/* What an operation's answer says. ABSENT and MISMATCH are answers of replace_if and remove_if
 * too. */
enum { ANSWER_ABSENT = -1, ANSWER_MISMATCH = -2 };

typedef enum operation_name {
    OP_GET,           /* answer: the value, or absent */
    OP_PUT,           /* answer: the old value, or absent */
    OP_PUT_IF_ABSENT, /* answer: the existing value, or absent (and then it is there) */
    OP_REPLACE_IF,    /* answer: `expected` when done, or absent, or mismatch */
    OP_REMOVE,        /* answer: the old value, or absent */
    OP_REMOVE_IF,     /* as replace_if */
    OP_GET_OR_INSERT, /* answer: the value that is there afterwards */
    OP_FIRST,         /* answer: key * JUDGE_SPREAD + value, or absent */
    OP_LAST,
    OP_FLOOR,
    OP_CEILING,
    OP_LOWER,
    OP_HIGHER,
    OP_SNAPSHOT, /* answer: `content` */
    OP_NAMES
} operation_name;

/* Values are positive and smaller than this, so that a key and a value fit into one answer. */
#define JUDGE_SPREAD INT64_C(1000000)

static const char *const operation_names[OP_NAMES] UNUSED = {
    "get",   "put",  "put_if_absent", "replace_if", "remove", "remove_if", "get_or_insert",
    "first", "last", "floor",         "ceiling",    "lower",  "higher",    "snapshot",
};

/* The map's whole state: the value under each key, 0 where there is none. */
typedef struct map_state {
    int32_t value[JUDGE_KEYS];
} map_state;

typedef struct operation {
    int thread;
    operation_name name;
    int64_t key, value, expected, answer;
    map_state content;
    uint64_t before, after; /* tickets, all different */
} operation;

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
    case OP_REMOVE_IF:
        if (there && there == o->expected) {
            s->value[o->key] = o->name == OP_REMOVE_IF ? 0 : (int32_t)o->value;
            return o->answer == o->expected;
        }
        return o->answer == (there ? ANSWER_MISMATCH : ANSWER_ABSENT);
    case OP_GET_OR_INSERT:
        if (!there) {
            s->value[o->key] = (int32_t)o->value;
        }
        return o->answer == s->value[o->key];
    case OP_REMOVE:
        s->value[o->key] = 0;
        return o->answer == answer;
    case OP_SNAPSHOT:
        return memcmp(s, &o->content, sizeof *s) == 0;
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

/* ---------------------------------------------------------------- the verdict */

static inline UNUSED int by_ticket_before(const void *a, const void *b) {
    uint64_t x = (*(operation *const *)a)->before, y = (*(operation *const *)b)->before;
    return x < y ? -1 : x > y;
}

static inline UNUSED bool take_operation(const void *model, const uint64_t *done, void *state,
                                         int i) {
    const operation *const *ops = model;
    (void)done;
    return judge_step(state, ops[i]);
}

/* The operations are sorted by `before`. */
static inline UNUSED verdict judge_sorted(const operation *const *ops, int n, size_t budget) {
    interval steps[JUDGE_MOST];
    static const map_state empty = {{0}};
    CHECK(n <= JUDGE_MOST);
    for (int i = 0; i < n; i++) {
        steps[i] = (interval){ops[i]->before, ops[i]->after};
    }
    history h = {steps, n, sizeof empty, take_operation, ops};
    return linearize(&h, &empty, budget);
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

/* A history that cannot be judged within a budget is judged again with a larger one, and in the end
 * it counts as a failure. */
static inline UNUSED verdict judge(const operation *ops, int n, bool key_by_key) {
    verdict v = UNKNOWN;
    for (size_t budget = 20000; v == UNKNOWN && budget <= 2000000; budget *= 10) {
        v = judge_within(ops, n, key_by_key, budget);
    }
    return v;
}

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
        if (o->name >= OP_FIRST && o->name < OP_SNAPSHOT && o->answer >= 0) {
            fprintf(file, ",\"RK\":%" PRId64 ",\"R\":%" PRId64 "}\n", o->answer / JUDGE_SPREAD,
                    o->answer % JUDGE_SPREAD);
        } else {
            fprintf(file, ",\"R\":%" PRId64 "}\n", o->answer);
        }
        for (int k = 0; o->name == OP_SNAPSHOT && k < JUDGE_KEYS; k++) {
            fprintf(file, "%s%d", k ? " " : "    content: ", (int)o->content.value[k]);
            if (k == JUDGE_KEYS - 1) {
                fprintf(file, "\n");
            }
        }
    }
    fprintf(file, "\n");
}

#endif
