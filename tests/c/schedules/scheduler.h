/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A deterministic scheduler for the C core, and a memory that is as weak as real ones.
 *
 * Threads are fibres of one OS thread. Every atomic access of the core (cc_atomic.h under CC_SCHED)
 * first asks the scheduler who goes next, so a run is nothing but a list of choices: it can be
 * drawn at random, enumerated, printed, and taken back.
 *
 * Stores go through a store buffer of the fibre. Other fibres do not see them before they *drain*,
 * and when that is, is a choice like any other. Loads are served from the fibre's own buffer first;
 * read-modify-writes and full fences empty it. Without these buffers a missing store-load fence is
 * never found, however many schedules are tried.
 *
 * What this memory does not do: let a load pass an earlier load, or let loads pass the store half
 * of a read-modify-write, as ARM and POWER may. Those orders are argued for, and watched by TSAN.
 */
#ifndef CC_SCHEDULER_H
#define CC_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/cc_thread.h"

#define SCHED_MOST_FIBRES 3u

typedef enum sched_memory {
    SCHED_SC,  /* stores are seen at once */
    SCHED_TSO, /* stores drain in order: x86 */
    SCHED_PSO  /* relaxed stores overtake others to different words; a release store waits for all
                * before it */
} sched_memory;

typedef struct sched_program {
    const char *name;
    unsigned fibres;
    void (*set_up)(void);           /* before the fibres start; nothing is scheduled in it */
    void (*fibre)(unsigned who);    /* what fibre 0, 1, ... does */
    const char *(*judge)(void);     /* after all have ended: NULL, or what is wrong; cleans up */
    unsigned dfs_preemptions;       /* bounds of the default search; 0: no enumeration */
    unsigned dfs_delays;
    unsigned share;                 /* of the random schedules, in percent; 0 stands for 100 */
    const void *argument;           /* sched_argument returns it */
} sched_program;

/* Runs what the command line says (see sched_main in scheduler.c), or the default search. */
int sched_main(int argc, char **argv, const sched_program *programs, unsigned count);

/* What the running program's table entry carries. */
const void *sched_argument(void);

/* A scheduling point that accesses nothing. */
void sched_point(void);

/* One of 0 .. n-1: data that the schedule decides, for fibres and set_up. */
unsigned sched_choose(unsigned n);

/* A clock that ticks at every call: stamps beginnings and ends of operations. */
uint64_t sched_stamp(void);

/* The run has shown a bug: say so, with the choices that lead to it, and end the process. */
void sched_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The running fibre, or SCHED_MOST_FIBRES outside of fibres. */
unsigned sched_me(void);

/* The thread record that fibre `who` runs with. set_up and judge use fibre 0's. */
cc_thread *sched_record(unsigned who);

/* ---- interrupts: the functions of platform/cc_os.h that memory/debra.c calls are simulated
 * ---- */

/* In set_up: fibre `who` has the signal blocked, for the whole run. */
void sched_block_interrupts(unsigned who);

/* In a fibre: a signal handler of somebody else runs on top of it for two steps, with our signal
 * blocked or not. May not come back: where it is called, ours may jump. */
void sched_foreign_handler(bool blocks);

/* In set_up: in this run there are points behind read-modify-writes, too. For plain accesses to
 * what they have published. */
void sched_points_behind(void);

/* In set_up: in this run the enumeration preempts nobody but fibre 0, which begins. So it has all
 * schedules in which fibre 0 stands still once or twice, wherever it may be, while others do all
 * that they have to. */
void sched_only_first_is_preempted(void);

/* Nobody writes there during a run: loading from it is no scheduling point. */
void sched_constant(const void *address, unsigned bytes);

#endif
