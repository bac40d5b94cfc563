/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The queues' core under every schedule that the explorer can reach: rings of one to four slots, so that every few
 * operations a ring is full, final, linked, left and recycled.
 *
 * A fibre carries out a script, one letter an operation: P put, G get, C close. Every operation is recorded with the
 * stamps of its beginning and end; when all fibres have ended, what is left in the queue is taken out, and the whole must
 * be linearizable (queue_judge.h). So a lost word, one that is taken twice, a wrong order, and an "empty" or "full" that
 * was never true are all found; a ring that is used after it was recycled is found by ASAN (ring_list.c poisons it).
 */
#include <stdlib.h>
#include <string.h>

#include "scheduler.h"

#include "../queue_judge.h"

typedef struct scenario {
    cc_queue_kind kind;
    cc_queue_options options;
    const char *scripts[SCHED_MOST_FIBRES];
    const char
        *before; /* a script that is carried out before the fibres start, by all of them in turn */
} scenario;

static cc_queue *queue;
static queue_operation ops[QJ_OPERATIONS];
static int op_count, next_word;

static const scenario *current_scenario(void) {
    return sched_argument();
}

static void carry_out(unsigned who, char what) {
    int i = op_count++;
    queue_operation *o = &ops[i];
    *o = (queue_operation){.thread = (int)who};
    o->name = what == 'P' ? Q_PUT : what == 'G' ? Q_GET : Q_CLOSE;
    o->word = what == 'P' ? ++next_word : 0;
    o->before = sched_stamp();
    if (what == 'P') {
        o->answer = cc_queue_put(queue, (uintptr_t)o->word);
    } else if (what == 'G') {
        uintptr_t word = 0;
        o->answer = cc_queue_get(queue, &word);
        o->word = (int)word;
    } else {
        cc_queue_close(queue);
    }
    ops[i].after = sched_stamp();
    if (o->answer == CC_QUEUE_NO_MEMORY) {
        sched_fail("an operation says that there is no memory");
    }
}

static void set_up(void) {
    const scenario *s = current_scenario();
    op_count = next_word = 0;
    queue = cc_queue_new(s->kind, &s->options);
    if (!queue) {
        abort();
    }
    for (unsigned i = 0; s->before && s->before[i]; i++) {
        cc_thread_impersonate(sched_record(i % SCHED_MOST_FIBRES));
        carry_out(i % SCHED_MOST_FIBRES, s->before[i]);
    }
    cc_thread_impersonate(sched_record(0));
}

static void fibre(unsigned who) {
    for (const char *what = current_scenario()->scripts[who]; *what; what++) {
        carry_out(who, *what);
    }
}

static const char *judge(void) {
    static char complaint[4096];
    const scenario *s = current_scenario();
    int before_the_end = op_count;
    size_t length = cc_queue_length(queue);
    uint64_t puts = cc_queue_puts(queue), gets = cc_queue_gets(queue), ok[2] = {0, 0};
    const char *wrong = NULL;
    do {
        carry_out(0, 'G');
    } while (ops[op_count - 1].answer == CC_QUEUE_OK && op_count < QJ_OPERATIONS);
    for (int i = 0; i < before_the_end; i++) {
        ok[ops[i].name == Q_GET] += ops[i].name != Q_CLOSE && ops[i].answer == CC_QUEUE_OK;
    }
    if (length != ok[0] - ok[1] || puts != ok[0] || gets != ok[1]) {
        wrong = "the counts are wrong";
    }
    if (judge_queue(ops, op_count, s->options.capacity) != Q_LEGAL) {
        FILE *text = fmemopen(complaint, sizeof complaint, "w");
        fprintf(text, "no order of the operations explains their answers\n");
        print_queue_history(text, ops, op_count, s->options.capacity);
        fclose(text);
        wrong = complaint;
    }
    cc_queue_free(queue, NULL);
    return wrong;
}

/* Spins are counted plus one, so 1 is none. */
#define NO_SPINS .spins = 1

/* Each for every kind. "late" ones: threads come while others are at work, and rings are outgrown. Some before-scripts
 * make every fibre a member first, and leave the queue empty. */
#define SCENARIOS(KIND)                                                                            \
    {KIND, {.ring_slots = 1, NO_SPINS}, {"PG", "PG"}, NULL},                                       \
        {KIND, {.ring_slots = 2, NO_SPINS}, {"PP", "GG"}, "GG"},                                   \
        {KIND, {.ring_slots = 2, NO_SPINS}, {"PPP", "GGG"}, "GG"},                                 \
        {KIND, {.ring_slots = 4, NO_SPINS}, {"PG", "PG", "PG"}, "GGG"},                            \
        {KIND, {.ring_slots = 1, NO_SPINS}, {"PP", "GG", "GG"}, NULL},                             \
        {KIND, {.ring_slots = 4, NO_SPINS}, {"PP", "PP", "GGG"}, "GGG"},                           \
        {KIND, {.ring_slots = 2, .spins = 3}, {"PGP", "GPG"}, "PGPG"},                             \
        {KIND, {.ring_slots = 2, NO_SPINS, .ticket_limit = 2}, {"PGP", "GPG"}, "PG"},              \
        {KIND, {.ring_slots = 4, NO_SPINS, .ticket_limit = 1}, {"PP", "GG", "PG"}, NULL},          \
        {KIND, {.capacity = 1, .ring_slots = 1, NO_SPINS}, {"PP", "GG"}, NULL},                    \
        {KIND, {.capacity = 1, .ring_slots = 4, NO_SPINS}, {"PG", "PG", "GP"}, "GGG"},             \
        {KIND, {.capacity = 2, .ring_slots = 2, NO_SPINS}, {"PPP", "GGP"}, "PGPG"},                \
        {KIND, {.ring_slots = 1, NO_SPINS}, {"PP", "C", "GGG"}, NULL},                             \
        {KIND, {.ring_slots = 4, NO_SPINS}, {"PP", "CP", "GG"}, "GGG"},                            \
        {KIND, {.capacity = 2, .ring_slots = 2, NO_SPINS}, {"PPP", "GC", "GG"}, "P"}, {            \
        KIND, {.ring_slots = 1, NO_SPINS}, {"PPPPG", "GGGGG"}, NULL                                \
    }

static const char *const scenario_names[] = {
    "pairs_in_one_slot", "put_and_get",  "three_and_three",    "three_pairs",
    "late_getters",      "two_put",      "with_spins",         "few_tickets",
    "one_ticket",        "bound_of_one", "bound_of_one_three", "bound_of_two",
    "close_small",       "close",        "close_with_bound",   "rings_are_recycled",
};
enum { EACH = sizeof scenario_names / sizeof *scenario_names };

static const scenario scenarios[] = {
    SCENARIOS(CC_QUEUE_SCQ),
    SCENARIOS(CC_QUEUE_LCRQ),
    SCENARIOS(CC_QUEUE_WAIT_FREE),
};

static const char *const kind_names[] = {"scq", "lcrq", "wait_free"};

int main(int argc, char **argv) {
    static sched_program programs[sizeof scenarios / sizeof *scenarios];
    static char names[sizeof scenarios / sizeof *scenarios][64];
    unsigned count = 0;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        const scenario *s = &scenarios[i];
        if (!cc_queue_kind_is_available(s->kind)) {
            continue;
        }
        unsigned fibres = s->scripts[2] ? 3 : 2;
        snprintf(names[count], sizeof names[count], "%s_%s", kind_names[s->kind],
                 scenario_names[i % EACH]);
        programs[count] = (sched_program){names[count],        fibres, set_up, fibre, judge,
                                          fibres == 2 ? 3 : 2, 1,      60,     s};
        count++;
    }
    return sched_main(argc, argv, programs, count);
}
