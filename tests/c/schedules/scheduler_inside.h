/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of the scheduler share. Programs include scheduler.h.
 *
 * scheduler.c             fibres, store buffers, the hooks of cc_atomic.h
 * scheduler_choices.c     who goes next: random, PCT, enumeration, replay
 * scheduler_interrupts.c  the operating system's signals, simulated
 * scheduler_main.c        runs, what is said when one fails, the command line
 */
#ifndef CC_SCHEDULER_INSIDE_H
#define CC_SCHEDULER_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "scheduler.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

#define MOST_STEPS 30000u /* a run that takes more does not end: lock-free operations would */
#define BUFFER_ENTRIES 64u
#define NOBODY SCHED_MOST_FIBRES

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
    /* The interrupting signal: sent; to be handled before the next step; held back by the signal
     * mask. */
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

/* ---------------------------------------------------------------- the run */

extern fibre fibres[SCHED_MOST_FIBRES];
extern unsigned current; /* fibre, or NOBODY */
extern const sched_program *program;
extern sched_memory memory;
extern strategy how;
extern uint64_t seed;
extern action taken[MOST_STEPS + 8];
extern unsigned steps;
extern unsigned longest_run; /* steps of the longest run so far: where PCT places its changes */
extern bool points_behind_everywhere; /* on the command line */
extern bool only_first_is_preempted; /* in this run */

/* ---------------------------------------------------------------- scheduler.c */

bool may_drain(const fibre *f, unsigned index);
void drain_all(fibre *f);
void make_fibres(void);
void run_one(void);

/* ---------------------------------------------------------------- scheduler_choices.c */

void begin_strategy(void);
void begin_enumeration(unsigned most_preemptions, unsigned most_delays);
void begin_replay(const char *choices);

/* Moves to the next schedule of the enumeration; false after the last. */
bool advance_enumeration(void);

/* False if nobody can go on. */
bool anybody_can_run(void);

action next_action(void);
void remember(action a);

/* `drawn` is what is chosen when chance decides. */
unsigned choose(unsigned n, unsigned drawn);

/* When chance decides: is a signal that is not due handled now? */
bool chance_delivers(bool between_steps);

/* ---------------------------------------------------------------- scheduler_interrupts.c */

/* Before a step of the current fibre, or between two. */
void handle_interrupts(bool between_steps);

#endif
