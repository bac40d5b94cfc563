/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See scheduler.h. The command line of every program that is linked with this file:
 *
 *   (nothing)                 every program: enumeration, then random schedules and PCT
 *   --program NAME            only this one
 *   --random N | --pct N      only that many schedules of one strategy
 *   --dfs P,D                 only the enumeration, with at most P preemptions and D delayed stores
 *   --enumerate N             only the enumeration within each program's own bounds, N schedules each
 *   --limit N                 of schedules, per enumeration
 *   --memory sc|tso|pso       only this memory
 *   --seed S                  of the first schedule; the n-th one has S + n
 *   --behind 1                points behind read-modify-writes, too, as in programs that ask for them
 *   --percent P               of the default numbers of schedules (also CC_TEST_PERCENT)
 *   --replay 'TEXT'           one schedule: what a failing run has printed behind `--replay`
 *
 * Exit code 0: nothing found. 1: a bug, described on stderr. 2: a wrong command line.
 *
 * Strategies
 *   random  Each schedule draws how often it switches and how lazily it drains, then each step. A
 *           uniform draw alone would hardly ever delay a store past more than a few steps.
 *   PCT     Burckhardt et al., ASPLOS 2010: the actor with the highest priority runs, and at a few
 *           random steps the running one falls to the lowest. Fibres and store buffers are actors.
 *   DFS     Every schedule with at most P preemptions, in which at most D stores stay in their
 *           buffer until the fibre's next fence; all others are seen at once.
 */
#include "scheduler.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "platform/cc_os.h"
#include "sized.h"

/* Hooks of csrc/sync/event_count.c. */
cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);
void cc_sched_unpark_one(cc_atomic_u32 *word);

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES (256u * 1024u)
#define MOST_STEPS 30000u /* a run that takes more does not end: lock-free operations would */
#define BUFFER_ENTRIES 64u
#define NOBODY SCHED_MOST_FIBRES

/* ---------------------------------------------------------------- state */

typedef struct buffered_store {
    char *address;
    unsigned bytes;
    uint64_t value;
    bool release;
    bool undecided; /* enumeration: nobody has said yet whether it stays in the buffer */
} buffered_store;

typedef struct fibre {
    ucontext_t context;
    char *stack;
    void *fake_stack; /* ASAN's */
    cc_thread *record;
    bool is_done;
    const void *sleeps_on; /* the address of a futex; NULL: it is awake */
    bool may_time_out;
    bool blocks_interrupts; /* at the beginning of the run, and at its end */
    /* The interrupting signal: sent; to be handled before the next step; held back by the signal mask. */
    bool is_pending, is_due, is_blocked;
    unsigned foreign_handlers; /* on top of the fibre's own code */
    unsigned stores;
    buffered_store buffer[BUFFER_ENTRIES];
} fibre;

typedef enum action_kind { RUN, DRAIN, CHOOSE } action_kind;

typedef struct action {
    uint8_t kind;
    uint8_t who;
    uint16_t index; /* of the store that drains; the number chosen */
} action;

typedef enum strategy { RANDOM, PCT, DFS, REPLAY } strategy;
static const char *const strategy_names[] = {"random", "pct", "dfs", "replay"};
static const char *const memory_names[] = {"sc", "tso", "pso"};

static fibre fibres[SCHED_MOST_FIBRES];
static ucontext_t main_context;
static void *main_fake_stack;
static const void *main_stack_bottom;
static size_t main_stack_bytes;
static unsigned current = NOBODY;

static const sched_program *program;
static sched_memory memory;
static strategy how;
static uint64_t seed, schedule_number, stamp;
static const char *executable;

static action taken[MOST_STEPS + 8];
static unsigned steps;
static unsigned longest_run; /* steps of the longest run so far: where PCT places its changes */

static struct {
    const char *from, *to;
} constants[8];
static unsigned constant_count;
static bool points_behind, points_behind_everywhere; /* in this run; on the command line */

/* ---------------------------------------------------------------- chance */

static uint64_t random_state;

static uint64_t next_random(void) { /* splitmix64 */
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static unsigned random_below(unsigned n) {
    return (unsigned)(next_random() >> 33) % n;
}

static bool happens_once_in(unsigned n) {
    return random_below(n) == 0;
}

/* ---------------------------------------------------------------- saying what was found */

static void print_choices(FILE *out) {
    fprintf(out, "--replay '%s %s", program->name, memory_names[memory]);
    for (unsigned i = 0; i < steps;) {
        action a = taken[i];
        unsigned same = 1;
        while (i + same < steps && memcmp(&taken[i + same], &a, sizeof a) == 0) {
            same++;
        }
        if (a.kind == RUN) {
            fprintf(out, same > 1 ? " %u*%u" : " %u", a.who, same);
        } else {
            same = 1;
            if (a.kind == DRAIN) {
                fprintf(out, " d%u.%u", a.who, a.index);
            } else {
                fprintf(out, " c%u", a.index);
            }
        }
        i += same;
    }
    fprintf(out, "'\n");
}

static void print_where(void) {
    static bool already;
    if (already || !program) {
        return;
    }
    already = true;
    fprintf(stderr,
            "FOUND by %s in program %s, memory %s, at schedule %" PRIu64 " (seed %" PRIu64 ")\n",
            strategy_names[how], program->name, memory_names[memory], schedule_number, seed);
    fprintf(stderr, "%s ", executable);
    print_choices(stderr);
    fflush(stderr);
}

void sched_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "broken: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    print_where();
    _exit(1);
}

static void on_signal(int number) {
    fprintf(stderr, "broken: signal %d (%s)\n", number, strsignal(number));
    print_where();
    _exit(1);
}

static void catch_signals(void) {
    static char signal_stack[64 * 1024];
    stack_t alternative = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    sigaltstack(&alternative, NULL);
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaction(SIGABRT, &act, NULL);
#ifdef UNDER_ASAN
    __sanitizer_set_death_callback(print_where);
#else
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
#endif
}

/* ---------------------------------------------------------------- memory */

static bool may_drain(const fibre *f, unsigned index) {
    if (index == 0) {
        return true;
    }
    if (memory != SCHED_PSO || f->buffer[index].release) {
        return false;
    }
    for (unsigned i = 0; i < index; i++) {
        if (f->buffer[i].address == f->buffer[index].address) {
            return false;
        }
    }
    return true;
}

static void drain_one(fibre *f, unsigned index) {
    buffered_store s = f->buffer[index];
    f->stores--;
    memmove(&f->buffer[index], &f->buffer[index + 1], (f->stores - index) * sizeof s);
    write_sized(s.address, s.bytes, s.value);
}

static void drain_all(fibre *f) {
    while (f->stores) {
        drain_one(f, 0);
    }
}

/* ---------------------------------------------------------------- strategies */

/* Random: this schedule's habits. */
static unsigned switches_once_in, drains_once_in;

/* Random and PCT: when a signal is handled that is not due. Some places are a single instruction wide, between two
 * that concern nobody else: there alone, in some schedules. Of the seed, not of chance, so that schedules
 * without signals are what they would be without this. */
static unsigned delivers_once_in;
static bool delivers_between_steps_only;

/* PCT. Actors are the fibres, then their buffers. */
#define MOST_CHANGES 4u
static int priorities[2 * SCHED_MOST_FIBRES];
static unsigned changes[MOST_CHANGES], change_count;
static int lowest_priority;

/* DFS: the decisions on the way to this schedule. */
typedef struct decision {
    uint8_t options, pick;
} decision;
static decision decisions[2 * MOST_STEPS + 16];
static unsigned decision_count, decisions_made, preemptions, delays;
static unsigned most_preemptions, most_delays;

/* Replay: what is left of the text. */
static const char *replay_rest;
static unsigned replay_repeats;
static action replay_action;
static bool replay_strayed;

static void begin_strategy(void) {
    static const unsigned delivery_habits[] = {1, 2, 8, 1000};
    delivers_once_in = delivery_habits[seed % 4];
    delivers_between_steps_only = seed / 4 % 4 == 0;
    random_state = seed * 0x2545f4914f6cdd1du + 1;
    switch (how) {
    case RANDOM: {
        static const unsigned switch_habits[] = {1, 1, 2, 4, 8, 16, 32};
        static const unsigned drain_habits[] = {1, 2, 8, 32, 1000};
        switches_once_in = switch_habits[random_below(7)];
        drains_once_in = drain_habits[random_below(5)];
        break;
    }
    case PCT:
        for (unsigned i = 0; i < 2 * SCHED_MOST_FIBRES; i++) {
            priorities[i] = (int)random_below(1000) + 1;
        }
        change_count = random_below(MOST_CHANGES + 1);
        for (unsigned i = 0; i < change_count; i++) {
            changes[i] = random_below(longest_run ? longest_run : 100);
        }
        lowest_priority = 0;
        break;
    case DFS:
        decisions_made = preemptions = delays = 0;
        break;
    case REPLAY:
        break;
    }
}

static unsigned decide(unsigned options) {
    if (options <= 1) {
        return 0;
    }
    if (decisions_made == decision_count) {
        decisions[decision_count++] = (decision){(uint8_t)options, 0};
    }
    return decisions[decisions_made++].pick;
}

/* Moves to the next schedule of the enumeration; false after the last. */
static bool advance_dfs(void) {
    while (decision_count) {
        decision *last = &decisions[decision_count - 1];
        if (++last->pick < last->options) {
            return true;
        }
        decision_count--;
    }
    return false;
}

static bool can_run(unsigned who) {
    if (who >= program->fibres || fibres[who].is_done) {
        return false;
    }
    return !fibres[who].sleeps_on || fibres[who].may_time_out;
}

static unsigned runnable(unsigned *who) {
    unsigned n = 0;
    for (unsigned i = 0; i < program->fibres; i++) {
        if (can_run(i)) {
            who[n++] = i;
        }
    }
    return n;
}

static action any_drain(bool *found) {
    action possible[SCHED_MOST_FIBRES * BUFFER_ENTRIES];
    unsigned n = 0;
    for (unsigned f = 0; f < program->fibres; f++) {
        for (unsigned i = 0; i < fibres[f].stores; i++) {
            if (may_drain(&fibres[f], i)) {
                possible[n++] = (action){DRAIN, (uint8_t)f, (uint16_t)i};
            }
        }
    }
    *found = n > 0;
    return n ? possible[random_below(n)] : (action){0};
}

static action next_by_chance(void) {
    unsigned who[SCHED_MOST_FIBRES];
    if (memory != SCHED_SC && happens_once_in(drains_once_in)) {
        bool found;
        action a = any_drain(&found);
        if (found && (drains_once_in > 1 || happens_once_in(2))) {
            return a;
        }
    }
    if (can_run(current) && !happens_once_in(switches_once_in)) {
        return (action){RUN, (uint8_t)current, 0};
    }
    unsigned n = runnable(who);
    return (action){RUN, (uint8_t)who[random_below(n)], 0};
}

static action next_by_priority(void) {
    for (unsigned i = 0; i < change_count; i++) {
        if (changes[i] == steps && current != NOBODY) {
            priorities[current] = --lowest_priority;
        }
    }
    unsigned best = NOBODY;
    for (unsigned f = 0; f < program->fibres; f++) {
        if (can_run(f) && (best == NOBODY || priorities[f] > priorities[best])) {
            best = f;
        }
    }
    for (unsigned f = 0; f < program->fibres; f++) {
        if (fibres[f].stores && priorities[SCHED_MOST_FIBRES + f] > priorities[best]) {
            unsigned index = random_below(fibres[f].stores);
            return (action){DRAIN, (uint8_t)f, may_drain(&fibres[f], index) ? (uint16_t)index : 0};
        }
    }
    return (action){RUN, (uint8_t)best, 0};
}

static action next_by_enumeration(void) {
    if (current != NOBODY) {
        fibre *f = &fibres[current];
        unsigned newest = f->stores - 1;
        if (f->stores && f->buffer[newest].undecided) {
            f->buffer[newest].undecided = false;
            if (may_drain(f, newest)) {
                if (!decide(delays < most_delays ? 2 : 1)) {
                    return (action){DRAIN, (uint8_t)current, (uint16_t)newest};
                }
                delays++;
            }
        }
    }
    unsigned who[SCHED_MOST_FIBRES];
    unsigned n = runnable(who);
    if (!can_run(current) || fibres[current].sleeps_on) {
        return (action){RUN, (uint8_t)who[decide(n)], 0};
    }
    unsigned pick = decide(preemptions < most_preemptions ? n : 1);
    if (pick == 0) {
        return (action){RUN, (uint8_t)current, 0};
    }
    preemptions++;
    unsigned other = who[pick - 1] < current ? who[pick - 1] : who[pick];
    return (action){RUN, (uint8_t)other, 0};
}

static bool read_replay(action *a) {
    if (!replay_repeats) {
        char *end = NULL;
        while (*replay_rest == ' ') {
            replay_rest++;
        }
        if (!*replay_rest) {
            return false;
        }
        char kind = *replay_rest;
        replay_rest += kind == 'd' || kind == 'c';
        unsigned first = (unsigned)strtoul(replay_rest, &end, 10);
        unsigned second = 1;
        if (*end == '.' || *end == '*') {
            second = (unsigned)strtoul(end + 1, &end, 10);
        }
        if (end == replay_rest || (*end && *end != ' ')) {
            fprintf(stderr, "cannot read the choice list at: %s\n", replay_rest);
            exit(2);
        }
        replay_rest = end;
        replay_action = kind == 'd'   ? (action){DRAIN, (uint8_t)first, (uint16_t)second}
                        : kind == 'c' ? (action){CHOOSE, 0, (uint16_t)first}
                                      : (action){RUN, (uint8_t)first, 0};
        replay_repeats = kind == 'd' || kind == 'c' ? 1 : second;
    }
    replay_repeats--;
    *a = replay_action;
    return true;
}

static action next_by_replay(void) {
    action a;
    if (!replay_strayed && read_replay(&a)) {
        if (a.kind == RUN && can_run(a.who)) {
            return a;
        }
        if (a.kind == DRAIN && a.who < program->fibres && a.index < fibres[a.who].stores) {
            return a;
        }
        fprintf(stderr, "note: the choice list does not fit this build from step %u on\n", steps);
        replay_strayed = true;
    }
    unsigned who[SCHED_MOST_FIBRES];
    runnable(who);
    return (action){RUN, (uint8_t)(can_run(current) ? current : who[0]), 0};
}

static void remember(action a) {
    if (steps >= MOST_STEPS) {
        sched_fail("no end after %u steps: the fibres keep each other busy", steps);
    }
    taken[steps++] = a;
}

static action next_action(void) {
    switch (how) {
    case RANDOM:
        return next_by_chance();
    case PCT:
        return next_by_priority();
    case DFS:
        return next_by_enumeration();
    default:
        return next_by_replay();
    }
}

/* `drawn` is what is chosen when chance decides. */
static unsigned choose(unsigned n, unsigned drawn) {
    unsigned chosen = drawn;
    action a;
    if (how == DFS) {
        chosen = decide(n);
    } else if (how == REPLAY) {
        chosen = !replay_strayed && read_replay(&a) && a.kind == CHOOSE ? a.index % n : 0;
    }
    remember((action){CHOOSE, 0, (uint16_t)chosen});
    return chosen;
}

unsigned sched_choose(unsigned n) {
    bool by_chance = how == RANDOM || how == PCT;
    return choose(n, by_chance ? random_below(n) : 0);
}

/* ---------------------------------------------------------------- fibres */

static void before_switch(void **save, const void *bottom, size_t bytes) {
#ifdef UNDER_ASAN
    __sanitizer_start_switch_fiber(save, bottom, bytes);
#else
    (void)save, (void)bottom, (void)bytes;
#endif
}

static void after_switch(void *saved, const void **old_bottom, size_t *old_bytes) {
#ifdef UNDER_ASAN
    __sanitizer_finish_switch_fiber(saved, old_bottom, old_bytes);
#else
    (void)saved, (void)old_bottom, (void)old_bytes;
#endif
}

/* Go on in fibre `next`, or in the main program when that is NOBODY. */
static void switch_to(unsigned next) {
    unsigned me = current;
    ucontext_t *from = me == NOBODY ? &main_context : &fibres[me].context;
    void **save = me == NOBODY ? &main_fake_stack : &fibres[me].fake_stack;
    current = next;
    if (next == NOBODY) {
        cc_thread_impersonate(fibres[0].record);
        before_switch(save, main_stack_bottom, main_stack_bytes);
        swapcontext(from, &main_context);
    } else {
        cc_thread_impersonate(fibres[next].record);
        before_switch(save, fibres[next].stack, STACK_BYTES);
        swapcontext(from, &fibres[next].context);
    }
    after_switch(*save, NULL, NULL);
}

static bool all_are_done(void) {
    for (unsigned i = 0; i < program->fibres; i++) {
        if (!fibres[i].is_done) {
            return false;
        }
    }
    return true;
}

static void schedule(void) {
    unsigned who[SCHED_MOST_FIBRES];
    if (!runnable(who)) { /* stores that still are in buffers wake nobody: that takes a call */
        sched_fail("every fibre that has not ended is asleep");
    }
    for (;;) {
        action a = next_action();
        remember(a);
        if (a.kind == DRAIN) {
            drain_one(&fibres[a.who], a.index);
        } else {
            if (a.who != current) {
                switch_to(a.who);
            }
            return;
        }
    }
}

/* Fibres live as long as the process; each turn of the loop is one run. They are first entered from
 * the main program, whose stack ASAN wants to be told when we go back there. */
static void fibre_main(void) {
    after_switch(NULL, &main_stack_bottom, &main_stack_bytes);
    switch_to(NOBODY);
    for (;;) {
        program->fibre(current);
        fibres[current].is_done = true;
        if (all_are_done()) {
            switch_to(NOBODY);
        } else {
            schedule();
        }
    }
}

static void make_fibre(fibre *f) {
    f->stack = malloc(STACK_BYTES);
    f->record = cc_thread_make_for_schedule();
    if (!f->stack || !f->record) {
        abort();
    }
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK_BYTES;
    f->context.uc_link = NULL;
    makecontext(&f->context, fibre_main, 0);
}

static void make_fibres(void) {
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        make_fibre(&fibres[i]);
        switch_to(i);
    }
    cc_thread_impersonate(fibres[0].record);
}

static void reset_record(cc_thread *t) {
    while (t->spare) { /* so that ASAN sees a use after the run that made them */
        cc_retired *r = t->spare;
        t->spare = r->next;
        cc_free(r);
    }
    t->spare_count = 0;
    t->operations = 0;
    t->random = 0x9e3779b97f4a7c15u * (t->index + 1u) | 1u;
    cc_store_relaxed_u64(&t->lower, CC_ERA_IDLE);
    cc_store_relaxed_u64(&t->upper, 0);
    cc_store_relaxed_uptr(&t->domain, 0);
    cc_store_relaxed_u64(&t->number, t->index + 1u); /* cc_os_interrupt finds the fibre by it */
    cc_store_relaxed_u64(&t->region, 0);
    cc_store_relaxed_u64(&t->voided, 0);
    cc_store_relaxed_u64(&t->answered, 0);
    cc_store_relaxed_u32(&t->held_count, 0);
    cc_store_relaxed_u64(&t->neutralizations, 0);
    cc_store_relaxed_u64(&t->refusals, 0);
#if CC_HAS_INTERRUPTS
    t->phase = CC_PHASE_WRITE;
    t->interrupted = 0;
#endif
}

/* ---------------------------------------------------------------- interrupts: platform/cc_os.h, simulated
 *
 * A signal that was sent may be handled at any point of its fibre from then on. The barrier, which comes after
 * it, makes it due: it is handled before the fibre's next step. A blocked one waits, and is due when the mask
 * is restored. While our handler runs the signal is blocked, as the kernel does it. */

#define SIGNAL_NUMBER 40

static void (*interrupt_handler)(void *context);

typedef struct interrupted_code {
    bool is_blocked; /* its signal mask */
    unsigned foreign_handlers;
} interrupted_code;

static void handle_interrupt(fibre *f) {
    interrupted_code below = {f->is_blocked, f->foreign_handlers};
    f->is_pending = f->is_due = false;
    f->is_blocked = true;
    interrupt_handler(&below); /* which may jump */
    f->is_blocked = below.is_blocked;
}

static bool chance_delivers(bool between_steps) {
    return (how == RANDOM || how == PCT) && (between_steps || !delivers_between_steps_only) &&
           happens_once_in(delivers_once_in);
}

/* Before a step of the current fibre, or between two. */
static void handle_interrupts(bool between_steps) {
    fibre *f = &fibres[current];
    while (f->is_pending && !f->is_blocked &&
           (f->is_due || choose(2, chance_delivers(between_steps)))) {
        handle_interrupt(f);
    }
}

static void step(void) {
    schedule();
    handle_interrupts(false);
}

#if CC_HAS_INTERRUPTS
void sched_block_interrupts(unsigned who) {
    fibres[who].is_blocked = fibres[who].blocks_interrupts = true;
}

void sched_foreign_handler(bool blocks) {
    fibre *f = &fibres[current];
    bool was_blocked = f->is_blocked;
    f->foreign_handlers++;
    f->is_blocked = was_blocked || blocks;
    sched_point();
    sched_point();
    f->foreign_handlers--;
    f->is_blocked = was_blocked;
    f->is_due = f->is_pending;
    handle_interrupts(false);
}

bool cc_os_interrupts_begin(int signal_number, void (*handler)(void *context)) {
    (void)signal_number;
    interrupt_handler = handler;
    return true;
}

int cc_os_interrupt_signal(void) {
    return interrupt_handler ? SIGNAL_NUMBER : 0;
}

bool cc_os_interrupt(uint64_t thread_number) {
    fibre *f = &fibres[thread_number - 1];
    sched_point();
    f->is_pending = true;
    sched_point();
    for (unsigned i = 0; i < program->fibres; i++) {
        drain_all(&fibres[i]);
    }
    f->is_due = f->is_pending;
    sched_point();
    return !f->is_blocked;
}

bool cc_os_interrupts_are_ours(void) {
    return true;
}

bool cc_os_was_interrupted_within(const void *context, const void *stack, size_t bytes) {
    (void)stack, (void)bytes;
    return ((const interrupted_code *)context)->foreign_handlers == 0;
}

void cc_os_interrupt_again_after_outer_handler(void *context) {
    fibre *f = &fibres[current];
    f->is_pending = f->is_due = true;
    ((interrupted_code *)context)->is_blocked = true;
}

void cc_os_restore_interrupted_mask(const void *context) {
    if (fibres[current].foreign_handlers) {
        sched_fail("a handler of somebody else is cut off");
    }
    fibres[current].is_blocked = ((const interrupted_code *)context)->is_blocked;
}
#endif

/* ---------------------------------------------------------------- the hooks of cc_atomic.h */

static bool is_no_point(const void *address) {
    const char *a = address;
    const char *own =
        (const char *)fibres[current].record; /* what the owner reads there only it writes */
    if (a >= own && a < own + sizeof(cc_thread)) {
        return true;
    }
    for (unsigned i = 0; i < constant_count; i++) {
        if (a >= constants[i].from && a < constants[i].to) {
            return true;
        }
    }
    return false;
}

void cc_sched_store(void *address, unsigned bytes, uint64_t value, bool release) {
    if (current == NOBODY) {
        write_sized(address, bytes, value);
        return;
    }
    step();
    if (memory == SCHED_SC) {
        write_sized(address, bytes, value);
        return;
    }
    fibre *f = &fibres[current];
    if (f->stores == BUFFER_ENTRIES) {
        drain_one(f, 0);
    }
    f->buffer[f->stores++] = (buffered_store){address, bytes, value, release, how == DFS};
}

uint64_t cc_sched_load(const void *address, unsigned bytes) {
    if (current == NOBODY) {
        return read_sized(address, bytes);
    }
    if (!is_no_point(address)) {
        step();
    }
    fibre *f = &fibres[current];
    const char *from = address;
    for (unsigned i = f->stores; i-- > 0;) {
        const buffered_store *s = &f->buffer[i];
        if (s->address == from && s->bytes == bytes) {
            return s->value;
        }
        /* A part of the word: the processor waits until that store is done, and so all before it. */
        if (s->address < from + bytes && from < s->address + s->bytes) {
            drain_all(f);
            break;
        }
    }
    return read_sized(address, bytes);
}

void cc_sched_drain(void) {
    if (current != NOBODY) {
        step();
        drain_all(&fibres[current]);
    }
}

/* A futex. Whoever sleeps with a deadline may find at any moment that it has passed. */
cc_park_result cc_sched_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    cc_sched_drain();
    if (read_sized(word, sizeof *word) != expected) {
        return CC_PARK_WOKEN;
    }
    fibre *f = &fibres[current];
    f->may_time_out = deadline != CC_PARK_FOREVER;
    f->sleeps_on = word;
    schedule();
    bool timed_out = f->sleeps_on != NULL;
    f->sleeps_on = NULL;
    return timed_out ? CC_PARK_TIMED_OUT : CC_PARK_WOKEN;
}

void cc_sched_unpark_one(cc_atomic_u32 *word) {
    unsigned sleepers[SCHED_MOST_FIBRES], count = 0;
    cc_sched_drain();
    for (unsigned i = 0; i < program->fibres; i++) {
        if (fibres[i].sleeps_on == word) {
            sleepers[count++] = i;
        }
    }
    if (count) {
        fibres[sleepers[count > 1 ? sched_choose(count) : 0]].sleeps_on = NULL;
    }
}

/* Only where it is asked for: it doubles the steps, and what comes next is an atomic access as a rule, with a point of
 * its own. */
void sched_points_behind(void) {
    points_behind = true;
}

void cc_sched_behind(const int *unused) {
    (void)unused;
    if (current != NOBODY && (points_behind_everywhere || points_behind)) {
        step();
    }
}

/* Between two instructions that concern the thread and its handler alone: nobody else needs a turn. */
void cc_sched_signal_point(void) {
    if (current != NOBODY) {
        handle_interrupts(true);
    }
}

void sched_point(void) {
    if (current != NOBODY) {
        step();
    }
}

const void *sched_argument(void) {
    return program->argument;
}

uint64_t sched_stamp(void) {
    return ++stamp;
}

unsigned sched_me(void) {
    return current;
}

cc_thread *sched_record(unsigned who) {
    return fibres[who].record;
}

void sched_constant(const void *address, unsigned bytes) {
    constants[constant_count].from = address;
    constants[constant_count++].to = (const char *)address + bytes;
}

/* ---------------------------------------------------------------- runs */

static void run_one(void) {
    steps = 0;
    stamp = 0;
    for (unsigned i = 0; i < SCHED_MOST_FIBRES; i++) {
        fibres[i].is_done = false;
        fibres[i].sleeps_on = NULL;
        fibres[i].stores = 0;
        fibres[i].is_pending = fibres[i].is_due = fibres[i].is_blocked = false;
        fibres[i].blocks_interrupts = false;
        fibres[i].foreign_handlers = 0;
        reset_record(fibres[i].record);
    }
    begin_strategy();
    points_behind = false;
    program->set_up();
    action first = next_action();
    while (first.kind != RUN) { /* nothing is buffered yet, but a replay may stray */
        first = next_action();
    }
    remember(first);
    switch_to(first.who);
    for (unsigned i = 0; i < program->fibres; i++) { /* nobody is left to see the order */
        drain_all(&fibres[i]);
        if (fibres[i].is_blocked != fibres[i].blocks_interrupts) {
            sched_fail("fibre %u is left with another signal mask", i);
        }
    }
    const char *wrong = program->judge();
    if (wrong) {
        sched_fail("%s", wrong);
    }
    if (steps > longest_run) {
        longest_run = steps;
    }
}

static uint64_t run_many(strategy strategy_, uint64_t count, uint64_t first_seed) {
    how = strategy_;
    for (uint64_t i = 0; i < count; i++) {
        schedule_number = i + 1;
        seed = first_seed + i;
        run_one();
    }
    return count;
}

static uint64_t run_dfs(unsigned p, unsigned d, uint64_t limit, bool *exhausted) {
    how = DFS;
    seed = 0;
    decision_count = 0;
    most_preemptions = p;
    most_delays = d;
    for (schedule_number = 1;; schedule_number++) {
        run_one();
        *exhausted = !advance_dfs();
        if (*exhausted || schedule_number >= limit) {
            return schedule_number;
        }
    }
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

typedef struct wishes {
    const char *only_program, *replay;
    int only_memory;
    bool wants_random, wants_pct, wants_dfs;
    uint64_t random, pct, limit, seed;
    int preemptions, delays;
} wishes;

static void explore(const sched_program *p, const wishes *w) {
    double start = seconds();
    uint64_t enumerated = 0, drawn = 0;
    bool all = true;
    program = p;
    longest_run = 0;
    for (int m = SCHED_SC; m <= SCHED_PSO; m++) {
        /* Delays are all that distinguishes memories, and PSO does what TSO does and more. */
        if (w->only_memory >= 0 ? m != w->only_memory : m == SCHED_SC) {
            continue;
        }
        memory = (sched_memory)m;
        unsigned preemptions_ = w->preemptions >= 0 ? (unsigned)w->preemptions : p->dfs_preemptions;
        unsigned delays_ = w->delays >= 0 ? (unsigned)w->delays : p->dfs_delays;
        if (w->wants_dfs && preemptions_ && (m != SCHED_PSO || w->only_memory >= 0)) {
            bool exhausted;
            enumerated += run_dfs(preemptions_, delays_, w->limit, &exhausted);
            all = all && exhausted;
        }
        unsigned share = p->share ? p->share : 100;
        if (w->wants_random) {
            drawn += run_many(RANDOM, w->random * share / 100, w->seed);
        }
        if (w->wants_pct) {
            drawn += run_many(PCT, w->pct * share / 100, w->seed);
        }
    }
    printf("%-28s %8" PRIu64 " enumerated%s %8" PRIu64 " drawn, up to %4u steps, %5.1f s\n",
           p->name, enumerated,
           !enumerated ? "       "
           : all       ? " (all) "
                       : " (part)",
           drawn, longest_run, seconds() - start);
    fflush(stdout);
}

static int replay(const sched_program *programs, unsigned count, const char *text) {
    char name[64], memory_name[8];
    int used = 0;
    if (sscanf(text, "%63s %7s%n", name, memory_name, &used) != 2) {
        return 2;
    }
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(programs[i].name, name) == 0) {
            program = &programs[i];
        }
    }
    memory = strcmp(memory_name, "pso") == 0   ? SCHED_PSO
             : strcmp(memory_name, "tso") == 0 ? SCHED_TSO
                                               : SCHED_SC;
    if (!program) {
        fprintf(stderr, "there is no program %s\n", name);
        return 2;
    }
    how = REPLAY;
    schedule_number = 1;
    replay_rest = text + used;
    run_one();
    printf("%s: this schedule ends well\n", name);
    return 0;
}

int sched_main(int argc, char **argv, const sched_program *programs, unsigned count) {
    executable = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    wishes w = {.only_memory = -1,
                .random = 3000,
                .pct = 1000,
                .limit = 10000,
                .preemptions = -1,
                .delays = -1,
                .seed = 1};
    unsigned percent = getenv("CC_TEST_PERCENT") ? (unsigned)atoi(getenv("CC_TEST_PERCENT")) : 100;
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[++i] : NULL;
        if (!value) {
            fprintf(stderr, "%s wants a value\n", option);
            return 2;
        } else if (strcmp(option, "--program") == 0) {
            w.only_program = value;
        } else if (strcmp(option, "--random") == 0) {
            w.wants_random = true;
            w.random = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--pct") == 0) {
            w.wants_pct = true;
            w.pct = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--dfs") == 0) {
            w.wants_dfs = true;
            w.limit = UINT64_MAX;
            if (sscanf(value, "%d,%d", &w.preemptions, &w.delays) != 2) {
                return 2;
            }
        } else if (strcmp(option, "--enumerate") == 0) {
            w.wants_dfs = true;
            w.limit = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--limit") == 0) {
            w.limit = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--seed") == 0) {
            w.seed = strtoull(value, NULL, 0);
        } else if (strcmp(option, "--percent") == 0) {
            percent = (unsigned)atoi(value);
        } else if (strcmp(option, "--memory") == 0) {
            w.only_memory = strcmp(value, "sc") == 0    ? SCHED_SC
                            : strcmp(value, "tso") == 0 ? SCHED_TSO
                                                        : SCHED_PSO;
        } else if (strcmp(option, "--behind") == 0) {
            points_behind_everywhere = atoi(value) != 0;
        } else if (strcmp(option, "--replay") == 0) {
            w.replay = value;
        } else {
            fprintf(stderr, "unknown option %s\n", option);
            return 2;
        }
    }
    catch_signals();
    make_fibres();
    sched_constant(&cc_smr_settings, sizeof cc_smr_settings);
    if (w.replay) {
        return replay(programs, count, w.replay);
    }
    if (!w.wants_random && !w.wants_pct && !w.wants_dfs) {
        w.wants_random = w.wants_pct = w.wants_dfs = true;
        w.random = w.random * percent / 100;
        w.pct = w.pct * percent / 100;
        w.limit = w.limit * percent / 100;
    }
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        if (!w.only_program || strcmp(w.only_program, programs[i].name) == 0) {
            explore(&programs[i], &w);
            any = true;
        }
    }
    if (!any) {
        fprintf(stderr, "there is no program %s\n", w.only_program);
        return 2;
    }
    return 0;
}
