/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The queues' core under every schedule that the explorer can reach: rings of one to four slots, so
 * that every few operations a ring is full, final, linked, left and recycled.
 *
 * A fibre carries out a script, one letter an operation: P put, G get, C close, S look at the sums,
 * O put overwriting, a digit sets the bound (in one fibre of a program at most), and wakes those for whom there is room;
 * p and g wait for room or a word as a caller of queue and event count does, and every try of
 * theirs is an operation; n wakes all; after E the fibre is another thread, which has taken over
 * the record of the one that ended. Every operation is recorded with the stamps of its beginning
 * and end; when all fibres have ended, what is left in the queue is taken out, and the whole must
 * be linearizable (queue_judge.h). So a lost word, one that is taken twice, a wrong order, and an
 * "empty" or "full" that was never true are all found; a ring that is used after it was recycled is
 * found by ASAN (ring_list.c poisons it). A lost wake-up is a run in which every fibre that has not
 * ended is asleep.
 *
 * Whoever notifies has no fence here, as on x86: what puts and gets publish with is to be enough.
 * (sched_event_count has the fence, and a container that does the least.)
 */
#include <stdlib.h>
#include <string.h>

#include "concurrent_collections/cc_atomic.h"
#define cc_fence_seq_cst_after_rmw(dummy) ((void)(dummy))
#include "scheduler.h"
#include "sync/event_count.h"

#include "../queue_judge.h"

typedef struct scenario {
    const char *name;
    cc_queue_options options;
    const char *scripts[SCHED_MOST_FIBRES];
    const char
        *before; /* a script that is carried out before the fibres start, by all of them in turn */
    cc_queue_kind kind;
} scenario;

static cc_queue *queue;
static cc_event_count not_empty, not_full;
static cc_waiter waiters[SCHED_MOST_FIBRES]; /* on no stack, as in sched_event_count.c */
static queue_operation ops[QJ_OPERATIONS];
static int op_count, next_word;

static const scenario *current_scenario(void) {
    return sched_argument();
}

/* Every word that has been taken is counted as put, and there are never more than the capacity. */
static void look_at_sums(void) {
    uint64_t gets = cc_queue_gets(queue), puts = cc_queue_puts(queue);
    size_t capacity = cc_queue_capacity(queue);
    if (puts < gets) {
        sched_fail("more words are counted as taken than as put");
    }
    puts = cc_queue_puts(queue);
    gets = cc_queue_gets(queue);
    if (capacity && (int64_t)(puts - gets) > (int64_t)capacity) {
        sched_fail("more words are counted than there is room for");
    }
}

static cc_queue_status carry_out(unsigned who, char what) {
    if (what == 'S') {
        look_at_sums();
        return CC_QUEUE_OK;
    }
    if (op_count == QJ_OPERATIONS || next_word == QJ_WORDS) {
        sched_fail("this program does too much");
    }
    int i = op_count++;
    queue_operation *o = &ops[i];
    *o = (queue_operation){.thread = (int)who};
    bool sets = what >= '0' && what <= '9';
    o->name = what == 'P'   ? Q_PUT
              : what == 'O' ? Q_OVER
              : what == 'G' ? Q_GET
              : sets        ? Q_SET
                            : Q_CLOSE;
    o->word = what == 'P' || what == 'O' ? ++next_word : sets ? what - '0' : 0;
    o->before = sched_stamp();
    if (what == 'P') {
        o->answer = cc_queue_put(queue, (uintptr_t)o->word);
    } else if (what == 'O') {
        uintptr_t oldest = 0;
        o->answer = cc_queue_put_overwriting(queue, (uintptr_t)o->word, &oldest);
        o->oldest = (int)oldest;
    } else if (what == 'G') {
        uintptr_t word = 0;
        o->answer = cc_queue_get(queue, &word);
        o->word = (int)word;
        if (o->answer == CC_QUEUE_CLOSED && cc_queue_length(queue) != 0) {
            sched_fail("a drained queue has a length");
        }
    } else if (sets) {
        if (!cc_queue_set_capacity(queue, (size_t)o->word)) {
            sched_fail("the bound of this queue cannot be changed");
        }
    } else {
        cc_queue_close(queue);
    }
    ops[i].after = sched_stamp();
    if (o->answer == CC_QUEUE_NO_MEMORY) {
        sched_fail("an operation says that there is no memory");
    }
    return o->answer;
}

/* Put or get and, in programs where somebody waits, notify, as
 * concurrent_collections/object_store.c does. */
static cc_queue_status try_to(unsigned who, char what) {
    cc_queue_status status = carry_out(who, what);
    if (status == CC_QUEUE_OK && what == 'P') {
        cc_event_notify(&not_empty);
    } else if (status == CC_QUEUE_OK && what == 'G' && current_scenario()->options.capacity) {
        cc_event_notify(&not_full);
    }
    return status;
}

/* As cc_object_store_tell_of_room does. */
static void set_bound(unsigned who, char what) {
    size_t before = cc_queue_capacity(queue), after = (size_t)(what - '0');
    carry_out(who, what);
    for (; after > before; after--) {
        cc_event_notify(&not_full);
    }
}

static bool is_over(cc_queue_status status) {
    return status == CC_QUEUE_OK || status == CC_QUEUE_CLOSED;
}

static void wait_and(unsigned who, char what) {
    cc_event_count *e = what == 'P' ? &not_full : &not_empty;
    cc_waiter *w = &waiters[who];
    if (is_over(try_to(who, what))) {
        return;
    }
    cc_waiter_init(w, CC_WAITER_THREAD, NULL);
    for (;;) {
        cc_waiter_enqueue(e, w, true);
        if (is_over(try_to(who, what))) {
            if (cc_waiter_leave(w)) {
                cc_event_notify(e);
            }
            return;
        }
        cc_waiter_sleep(w, 0, CC_PARK_FOREVER);
        cc_waiter_leave(w);
        if (is_over(try_to(who, what))) {
            return;
        }
    }
}

/* In one fibre of a program at most: a new thread gets the lowest record that is free. */
static void end_and_begin(unsigned who) {
    cc_thread_end_for_schedule(sched_record(who));
    if (cc_thread_make_for_schedule() != sched_record(who)) {
        sched_fail("the new thread has got another record");
    }
    cc_thread_impersonate(sched_record(who));
}

static void set_up(void) {
    const scenario *s = current_scenario();
    op_count = next_word = 0;
    cc_event_count_init(&not_empty);
    cc_event_count_init(&not_full);
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
        if (*what == 'p' || *what == 'g') {
            wait_and(who, *what == 'p' ? 'P' : 'G');
        } else if (*what == 'n') {
            cc_event_notify_all(&not_empty);
            cc_event_notify_all(&not_full);
        } else if (*what == 'E') {
            end_and_begin(who);
        } else if (*what >= '0' && *what <= '9') {
            set_bound(who, *what);
        } else {
            carry_out(who, *what);
        }
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
        const queue_operation *o = &ops[i];
        ok[0] += (o->name == Q_PUT || o->name == Q_OVER) && o->answer == CC_QUEUE_OK;
        ok[1] += (o->name == Q_GET && o->answer == CC_QUEUE_OK) || o->oldest;
    }
    if (length != ok[0] - ok[1] || puts != ok[0] || gets != ok[1]) {
        wrong = "the counts are wrong";
    }
    if (judge_queue(ops, op_count, s->options.capacity) != LEGAL) {
        FILE *text = fmemopen(complaint, sizeof complaint, "w");
        fprintf(text, "no order of the operations explains their answers\n");
        print_queue_history(text, ops, op_count, s->options.capacity);
        fclose(text);
        wrong = complaint;
    }
    if (not_empty.threads.first || not_full.threads.first) {
        wrong = "all have gone, but somebody is in line";
    }
    cc_queue_free(queue, NULL);
    return wrong;
}

/* Spins and patience are counted plus one, so 1 is none. Scripts that come before make every fibre
 * a handle, or leave a cached index and a hazard behind; without them threads come while others are
 * at work, and rings are outgrown. */
#define IMPATIENT .spins = 1, .patience = 1

static const scenario scenarios[] = {
    {"pairs_in_one_slot", {.ring_slots = 1, IMPATIENT}, {"PG", "PG"}, NULL, 0},
    {"put_and_get", {.ring_slots = 2, IMPATIENT}, {"PP", "GG"}, "GG", 0},
    {"three_and_three", {.ring_slots = 2, IMPATIENT}, {"PPP", "GGG"}, "GG", 0},
    {"three_pairs", {.ring_slots = 4, IMPATIENT}, {"PG", "PG", "PG"}, "GGG", 0},
    {"late_getters", {.ring_slots = 1, IMPATIENT}, {"PP", "GG", "GG"}, NULL, 0},
    {"two_put", {.ring_slots = 4, IMPATIENT}, {"PP", "PP", "GGG"}, "GGG", 0},
    {"with_spins", {.ring_slots = 2, .spins = 3}, {"PGP", "GPG"}, "PGPG", 0},
    {"few_tickets", {.ring_slots = 2, IMPATIENT, .ticket_limit = 2}, {"PGP", "GPG"}, "PG", 0},
    {"one_ticket", {.ring_slots = 4, IMPATIENT, .ticket_limit = 1}, {"PP", "GG", "PG"}, NULL, 0},
    {"bound_of_one", {.capacity = 1, .ring_slots = 1, IMPATIENT}, {"PP", "GG"}, NULL, 0},
    {"bound_of_one_three",
     {.capacity = 1, .ring_slots = 4, IMPATIENT},
     {"PG", "PG", "GP"},
     "GGG",
     0},
    {"bound_of_two", {.capacity = 2, .ring_slots = 2, IMPATIENT}, {"PPP", "GGP"}, "PGPG", 0},
    /* More than one ring of wCQ takes in this build. */
    {"bound_of_three", {.capacity = 3, .ring_slots = 1, IMPATIENT}, {"PPPG", "PPGG"}, NULL, 0},
    {"close_with_bound_of_three",
     {.capacity = 3, .ring_slots = 1, IMPATIENT},
     {"PPP", "PC", "GGG"},
     NULL,
     0},
    {"close_small", {.ring_slots = 1, IMPATIENT}, {"PP", "C", "GGG"}, NULL, 0},
    {"close", {.ring_slots = 4, IMPATIENT}, {"PP", "CP", "GG"}, "GGG", 0},
    {"close_with_bound", {.capacity = 2, .ring_slots = 2, IMPATIENT}, {"PPP", "GC", "GG"}, "P", 0},
    {"rings_are_recycled", {.ring_slots = 1, IMPATIENT}, {"PPPPG", "GGGGG"}, NULL, 0},
    {"recycled_at_once",
     {.ring_slots = 1, IMPATIENT, .ticket_limit = 1},
     {"PGPGP", "PGPG"},
     NULL,
     0},
    {"stalled_in_a_ring", {.ring_slots = 1, IMPATIENT}, {"PG", "PPP", "GGG"}, NULL, 0},
    {"sums", {.capacity = 2, .ring_slots = 2, IMPATIENT}, {"PP", "GGG", "SSS"}, NULL, 0},
    /* A put that finds no room; and one that finds the room of a get that is about to end. */
    {"sums_of_one", {.capacity = 1, .ring_slots = 1, IMPATIENT}, {"PP", "GG", "SS"}, NULL, 0},
    /* One get stalls while others go once around the ring: a get and a put of its entry's next
     * cycle meet it. */
    {"overtaken_get", {.ring_slots = 4, IMPATIENT}, {"G", "PGPGPGPGPGPGPGP", "G"}, "PGGP", 0},
    /* The threshold of a new ring has yet to be set: a put stalls, one behind it does not. */
    {"first_puts", {.ring_slots = 4, IMPATIENT}, {"P", "P", "G"}, "GGG", 0},
    {"get_first", {.ring_slots = 2, IMPATIENT}, {"GP", "GP", "PG"}, "PPGG", 0},
    /* Free indices in chains (index_cache.h): taken, cached, given back; by handles that may not
     * cache any; in rings that come again. */
    {"chains", {.ring_slots = 16, .chain_length = 2, IMPATIENT}, {"PPPP", "GGGGG"}, "GG", 0},
    {"chains_of_all", {.ring_slots = 16, .chain_length = 2, IMPATIENT}, {"PGPP", "PPGG"}, "PG", 0},
    {"chains_used_up",
     {.ring_slots = 8, .chain_length = 2, IMPATIENT},
     {"PPPPGGGGPPPPPPPPP", "G"},
     "GG",
     0},
    {"chains_not_cached",
     {.ring_slots = 4, .chain_length = 2, IMPATIENT},
     {"PPG", "PGP", "GPG"},
     "GGG",
     0},
    {"chains_recycled",
     {.ring_slots = 8, .chain_length = 2, IMPATIENT, .ticket_limit = 3},
     {"PPPPGP", "GPGGG"},
     NULL,
     0},
    {"cached_recycled",
     {.ring_slots = 4, .chain_length = 1, IMPATIENT, .ticket_limit = 1},
     {"PGPGPGPG", "PG"},
     NULL,
     0},
    /* Rings that a thread protects which has ended, and indices that it has cached. */
    {"owner_changes", {.ring_slots = 1, IMPATIENT}, {"PEPGG", "PPGGG"}, NULL, 0},
    {"owner_ends", {.ring_slots = 1, IMPATIENT, .ticket_limit = 1}, {"PGE", "PGPGPG"}, NULL, 0},
    {"owner_is_back", {.ring_slots = 4, IMPATIENT, .ticket_limit = 2}, {"EP", "GGGGPG"}, "PPPP", 0},
    {"owner_of_cached_changes",
     {.ring_slots = 4, .chain_length = 1, IMPATIENT, .ticket_limit = 1},
     {"PGEGPPG", "PGPGPG"},
     NULL,
     0},
    {"owner_of_chains_changes",
     {.ring_slots = 8, .chain_length = 2, IMPATIENT, .ticket_limit = 3},
     {"PPGEPPGG", "PPGGPGG"},
     NULL,
     0},
    {"chains_with_bound",
     {.capacity = 2, .ring_slots = 8, .chain_length = 2, IMPATIENT},
     {"PPGP", "GPGG"},
     "PG",
     0},
    {"waiting_get", {.ring_slots = 4, IMPATIENT}, {"gg", "pp"}, "PG", 0},
    {"waiting_gets", {.ring_slots = 4, IMPATIENT}, {"g", "g", "pp"}, "PGGP", 0},
    {"waiting_get_two_puts", {.ring_slots = 1, IMPATIENT}, {"gg", "p", "p"}, NULL, 0},
    {"waiting_put", {.capacity = 1, .ring_slots = 1, IMPATIENT}, {"ppp", "ggg"}, NULL, 0},
    {"waiting_puts", {.capacity = 1, .ring_slots = 4, IMPATIENT}, {"p", "pp", "ggg"}, "GGG", 0},
    /* Bounds that change; of three, or wCQ sees to its bound itself. */
    {"bound_goes_down", {.capacity = 3, .ring_slots = 4, IMPATIENT}, {"PP", "GP", "1"}, "PP", 0},
    {"bound_goes_up", {.capacity = 3, .ring_slots = 4, IMPATIENT}, {"PP", "GP", "14"}, "PPP", 0},
    {"waiting_for_a_bound", {.capacity = 3, .ring_slots = 4, IMPATIENT}, {"pp", "5"}, "PPP", 0},
    {"waiting_for_either", {.capacity = 3, .ring_slots = 4, IMPATIENT}, {"p", "g", "24"}, "PPP", 0},
    /* Puts that overwrite: beside each other, puts and gets; the close comes between their two
     * halves; the bound goes down. */
    {"overwrites_of_one", {.capacity = 1, .ring_slots = 1, IMPATIENT}, {"OO", "OG"}, "P", 0},
    {"overwrites_and_puts", {.capacity = 1, .ring_slots = 2, IMPATIENT}, {"O", "PG", "O"}, "P", 0},
    {"overwrites_of_three",
     {.capacity = 3, .ring_slots = 1, IMPATIENT},
     {"OO", "GO", "P"},
     "PPP",
     0},
    {"overwrites_and_sums", {.capacity = 1, .ring_slots = 1, IMPATIENT}, {"OG", "SS"}, "P", 0},
    {"overwrites_and_close",
     {.capacity = 2, .ring_slots = 2, IMPATIENT},
     {"OO", "C", "GG"},
     "PP",
     0},
    {"overwrites_list_and_close",
     {.capacity = 3, .ring_slots = 1, IMPATIENT},
     {"OO", "C", "GGG"},
     "PPP",
     0},
    {"overwrites_beside_a_bound",
     {.capacity = 3, .ring_slots = 4, IMPATIENT},
     {"OO", "G", "13"},
     "PPP",
     0},
    {"waiting_for_the_end", {.ring_slots = 4, IMPATIENT}, {"gg", "p", "Cn"}, "GGG", 0},
};

static const char *const kind_names[] = {"scq", "faa", "lcrq", "wait_free", "crturn"};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios, KINDS = 5 };

int main(int argc, char **argv) {
    static sched_program programs[KINDS * SCENARIOS];
    static scenario of_kind[KINDS * SCENARIOS];
    static char names[KINDS * SCENARIOS][64];
    unsigned count = 0;
    for (int kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < SCENARIOS && cc_queue_kind_is_available((cc_queue_kind)kind); i++) {
            unsigned fibres = scenarios[i].scripts[2] ? 3 : 2;
            of_kind[count] = scenarios[i];
            of_kind[count].kind = (cc_queue_kind)kind;
            snprintf(names[count], sizeof names[count], "%s_%s", kind_names[kind],
                     scenarios[i].name);
            programs[count] = (sched_program){.name = names[count],
                                              .fibres = fibres,
                                              .set_up = set_up,
                                              .fibre = fibre,
                                              .judge = judge,
                                              .dfs_preemptions = fibres == 2 ? 3 : 2,
                                              .dfs_delays = 1,
                                              .share = 60,
                                              .argument = &of_kind[count]};
            count++;
        }
    }
    return sched_main(argc, argv, programs, count);
}
