/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The stack under every schedule that the explorer can reach, with a single cell for pairs to meet
 * in, and nodes that are used again as soon as nobody can see them.
 *
 * A fibre carries out a script, one letter an operation: P push, O pop, K peek, S snapshot, C
 * close; at L it looks at the sums; at R it retires so much that debra neutralizes whoever is in a
 * region; after E the fibre is another thread, which has taken over the record of the one that
 * ended. Every operation is recorded with the stamps of its beginning and end; when all fibres have
 * ended, what is left is taken out, and the whole must be linearizable (stack_judge.h). Words are
 * counted: whoever pops one drops it at once, so a look that acquires it too late is found, and so
 * is one that is released twice or never. A node that is touched after it was freed is found by
 * ASAN.
 */
#include <stdlib.h>
#include <string.h>

#include "scheduler.h"

#include "../stack_judge.h"
#include "memory/smr_fast.h"

enum { THRESHOLD = 1 };

typedef struct scenario {
    const char *name;
    cc_stack_options options;
    const char *scripts[SCHED_MOST_FIBRES];
    const char *before; /* a script that is carried out before the fibres start, by all in turn */
    bool both;          /* under both schemes: it is about reclamation */
    cc_smr_scheme scheme;
} scenario;

static cc_stack *stack;
static stack_operation ops[SJ_OPERATIONS];
static int op_count, next_word;
static int references[SJ_WORDS + 1];

static const scenario *current_scenario(void) {
    return sched_argument();
}

static void acquire_word(uintptr_t word) {
    sched_point();
    if (references[word] <= 0) {
        sched_fail("word %d is acquired after its release", (int)word);
    }
    references[word]++;
}

static void release_word(uintptr_t word) {
    if (references[word] <= 0) {
        sched_fail("word %d is released too often", (int)word);
    }
    references[word]--;
}

static const cc_stack_words counted = {acquire_word, release_word};

static cc_stack_status carry_out(unsigned who, char what) {
    if (op_count == SJ_OPERATIONS || next_word == SJ_WORDS) {
        sched_fail("this program does too much");
    }
    stack_operation *o = &ops[op_count++];
    *o = (stack_operation){.thread = (int)who};
    o->name = what == 'P'   ? S_PUSH
              : what == 'O' ? S_POP
              : what == 'K' ? S_PEEK
              : what == 'S' ? S_SNAPSHOT
                            : S_CLOSE;
    o->word = what == 'P' ? ++next_word : 0;
    references[o->word] += what == 'P';
    int word = o->word;
    o->before = sched_stamp();
    carry_out_on(stack, o);
    o->after = sched_stamp();
    if (o->answer == CC_STACK_NO_MEMORY) {
        sched_fail("an operation says that there is no memory");
    }
    if (what == 'P' && o->answer != CC_STACK_OK) {
        release_word((uintptr_t)word);
    } else if ((what == 'O' || what == 'K') && o->answer == CC_STACK_OK) {
        release_word((uintptr_t)o->word);
    }
    for (int i = 0; what == 'S' && i < o->seen_count; i++) {
        release_word(o->seen[i]);
    }
    return o->answer;
}

/* Every word that has been popped is counted as pushed, and there are never more than the
 * capacity. */
static void look_at_sums(void) {
    uint64_t pops = cc_stack_pops(stack), pushes = cc_stack_pushes(stack);
    size_t capacity = cc_stack_capacity(stack);
    if (pushes < pops) {
        sched_fail("more words are counted as popped than as pushed");
    }
    pushes = cc_stack_pushes(stack);
    pops = cc_stack_pops(stack);
    if (capacity && (int64_t)(pushes - pops) > (int64_t)capacity) {
        sched_fail("more words are counted than there is room for");
    }
}

/* As much as others in regions may keep from being freed, and one more. */
static void retire_much(void) {
    cc_thread *self = cc_thread_self();
    cc_smr_domain *domain = cc_stack_domain(stack);
    for (int i = 0; i < 2 * THRESHOLD + 1; i++) {
        if (cc_reserve(self, 1)) {
            sched_fail("there is no memory");
        }
        references[++next_word] = 1;
        cc_retire(domain, self, cc_take_spare(self), (uintptr_t)next_word, 0, 0, 0);
        cc_poll(domain, self);
    }
}

static void set_up(void) {
    const scenario *s = current_scenario();
    op_count = next_word = 0;
    memset(references, 0, sizeof references);
    cc_store_relaxed_u32(&cc_smr_settings.scheme, s->scheme);
    cc_store_relaxed_u32(&cc_smr_settings.retire_threshold,
                         THRESHOLD); /* readers are neutralized soon */
    stack = cc_stack_new(&counted, &s->options);
    if (!stack) {
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
        if (*what == 'E') {
            cc_thread_end_for_schedule(sched_record(who));
            if (cc_thread_make_for_schedule() != sched_record(who)) {
                sched_fail("the new thread has got another record");
            }
            cc_thread_impersonate(sched_record(who));
        } else if (*what == 'L') {
            look_at_sums();
        } else if (*what == 'R') {
            retire_much();
        } else {
            carry_out(who, *what);
        }
    }
}

static const char *judge(void) {
    static char complaint[4096];
    const scenario *s = current_scenario();
    const char *wrong = NULL;
    int before_the_end = op_count;
    size_t length = cc_stack_length(stack);
    uint64_t pushes = cc_stack_pushes(stack), pops = cc_stack_pops(stack), ok[2] = {0, 0};
    while (carry_out(0, 'O') == CC_STACK_OK) {
    }
    for (int i = 0; i < before_the_end; i++) {
        ok[0] += ops[i].name == S_PUSH && ops[i].answer == CC_STACK_OK;
        ok[1] += ops[i].name == S_POP && ops[i].answer == CC_STACK_OK;
    }
    if (length != ok[0] - ok[1] || pushes != ok[0] || pops != ok[1]) {
        wrong = "the counts are wrong";
    }
    if (judge_stack(ops, op_count, s->options.capacity) != LEGAL) {
        FILE *text = fmemopen(complaint, sizeof complaint, "w");
        fprintf(text, "no order of the operations explains their answers\n");
        print_stack_history(text, ops, op_count, s->options.capacity);
        fclose(text);
        wrong = complaint;
    }
    if (cc_smr_flush(cc_stack_domain(stack)) && !wrong) {
        wrong = "nobody is in a region, and a flush leaves something waiting";
    }
    cc_stack_free(stack);
    for (int i = 0; i <= SJ_WORDS && !wrong; i++) {
        if (references[i]) {
            wrong = "a word has never been released";
        }
    }
    return wrong;
}

/* Waits are counted plus one. */
#define BRIEF .cells = 1, .wait = 2
#define FORCED .cells = 1, .wait = 2, .eliminates_first = true

static const scenario scenarios[] = {
    {"pairs", {BRIEF}, {"PO", "PO"}, NULL, false, 0},
    {"aba", {.wait = 1}, {"O", "OOP"}, "PPP", true, 0},
    {"aba_three", {.wait = 1}, {"OO", "OOP", "PO"}, "PPPOO", true, 0},
    /* The second thread has a spare node before: it keeps the first one it pops, not the second. */
    {"aba_neutralized", {.wait = 1}, {"O", "ROOP"}, "PPPPO", true, 0},
    {"nodes_come_back", {BRIEF}, {"OPO", "OOPP", "PO"}, "PPPP", true, 0},
    {"crowd", {BRIEF}, {"PP", "OO", "PO"}, "P", false, 0},
    {"a_pair_meets", {FORCED}, {"P", "O"}, "PPP", false, 0},
    {"a_pair_may_meet", {FORCED}, {"PP", "OO", "P"}, "P", false, 0},
    {"two_takers", {FORCED}, {"PP", "OO", "OO"}, "PPP", false, 0},
    {"two_offer", {FORCED}, {"PO", "PO", "OP"}, "PP", true, 0},
    {"owner_changes", {FORCED}, {"PEPEP", "OO", "O"}, NULL, false, 0},
    {"bound_of_one", {FORCED, .capacity = 1}, {"PPO", "OOP"}, NULL, false, 0},
    {"bound_of_two", {BRIEF, .capacity = 2}, {"PP", "PO", "OO"}, "P", false, 0},
    {"sums", {FORCED, .capacity = 1}, {"PP", "OO", "LL"}, NULL, false, 0},
    {"close", {BRIEF}, {"PP", "C", "OOO"}, NULL, false, 0},
    {"close_beside_pairs", {FORCED}, {"PP", "C", "OOO"}, NULL, true, 0},
    {"close_beside_an_offer", {FORCED}, {"P", "C", "OO"}, NULL, false, 0},
    {"close_bound", {FORCED, .capacity = 1}, {"PP", "CO", "OO"}, NULL, false, 0},
    {"peek", {.wait = 1}, {"K", "O"}, "P", true, 0},
    {"peek_beside_pops", {.wait = 1}, {"K", "OOO"}, "PPPP", true, 0},
    {"peeks", {BRIEF}, {"KK", "OPO", "OP"}, "PP", true, 0},
    {"snapshot", {.wait = 1}, {"S", "OOP"}, "PPP", true, 0},
    {"snapshots", {BRIEF}, {"SK", "OOP", "PO"}, "PPP", true, 0},
};

int main(int argc, char **argv) {
    enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };
    static sched_program programs[2 * SCENARIOS];
    static scenario of_scheme[2 * SCENARIOS];
    static char names[2 * SCENARIOS][64];
    unsigned count = 0;
    for (int scheme = 0; scheme < (CC_HAS_INTERRUPTS ? 2 : 1); scheme++) {
        for (int i = 0; i < SCENARIOS; i++) {
            if (scheme && !scenarios[i].both) {
                continue;
            }
            unsigned fibres = scenarios[i].scripts[2] ? 3 : 2;
            of_scheme[count] = scenarios[i];
            of_scheme[count].scheme = scheme ? CC_SMR_DEBRA : CC_SMR_IBR;
            snprintf(names[count], sizeof names[count], "%s%s", scenarios[i].name,
                     scheme ? "_debra" : "");
            programs[count] = (sched_program){.name = names[count],
                                              .fibres = fibres,
                                              .set_up = set_up,
                                              .fibre = fibre,
                                              .judge = judge,
                                              .dfs_preemptions = fibres == 2 ? 3 : 2,
                                              .dfs_delays = 1,
                                              .share = 30,
                                              .argument = &of_scheme[count]};
            count++;
        }
    }
    return sched_main(argc, argv, programs, count);
}
