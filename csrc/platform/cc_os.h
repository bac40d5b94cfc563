/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every call into an operating system, behind one small header. os_posix.c and os_windows.c hold
 * the small ones, park_*.c the waiting on an address; each file compiles to nothing elsewhere.
 */
#ifndef CC_OS_H
#define CC_OS_H

#include <stdbool.h>
#include <stdint.h>

#include "concurrent_collections/cc_atomic.h"

/* Nanoseconds of a monotonic clock. Wait-free. */
uint64_t cc_os_now(void);

/* Processors this process may run on, at least 1. */
unsigned cc_os_cpu_count(void);

/* Offer the processor to another thread. */
void cc_os_yield(void);

/* CC_FEATURE_ bits that only the operating system can tell (aarch64). */
unsigned cc_os_features(void);

/* Have `hook(argument)` called when the calling thread ends. `hook` is the same function in every
 * call of the process. Returns 0, or -1 where the system has no slot or memory left. The hook runs
 * after the interpreter's thread state is gone: it must not touch Python. */
int cc_os_at_thread_exit(void (*hook)(void *), void *argument);

/* Have `handler` called in the child of every later fork(), before fork() returns there. The child
 * has one thread and may hold locks of the dead ones: the handler only stores to plain memory.
 * Does nothing where there is no fork. */
void cc_os_at_fork_in_child(void (*handler)(void));

/* ---- parking: wait until a word changes ---- */

typedef enum cc_park_result {
    CC_PARK_WOKEN,      /* somebody woke us, or the word had changed already, or for no reason */
    CC_PARK_TIMED_OUT,  /* the deadline has passed */
    CC_PARK_INTERRUPTED /* a signal arrived: let its handler run, then look again */
} cc_park_result;

#define CC_PARK_FOREVER UINT64_MAX

/* Sleep while *word == expected, until cc_unpark or until `deadline` (of cc_os_now, or
 * CC_PARK_FOREVER). Wakes may be spurious: the caller looks at its condition again. Blocks; the
 * caller is detached from the interpreter. */
cc_park_result cc_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline);

/* Wake one thread, or every thread, that sleeps on `word`. Change *word before. Never blocks for
 * longer than a short internal lock (and on Linux not at all). */
void cc_unpark_one(cc_atomic_u32 *word);
void cc_unpark_all(cc_atomic_u32 *word);

/* The name of the mechanism: "futex", "os_sync_wait_on_address", "WaitOnAddress", "condvar". */
const char *cc_park_name(void);

#endif
