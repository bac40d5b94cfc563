/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every call into an operating system, behind one small header.
 *
 *     os_posix.c, os_windows.c                clocks, processors, thread exit, fork
 *     park_linux.c, park_condvar.c            waiting on an address (Windows: in os_windows.c)
 *     interrupt_linux.c, interrupt_none.c     interrupting a thread
 *
 * Each file compiles to nothing where it does not belong. Nothing here needs an interpreter.
 */
#ifndef CC_OS_H
#define CC_OS_H

#include <stdbool.h>
#include <stddef.h>
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
 * Does nothing where there is no fork. Returns 0, or -1 without memory. */
int cc_os_at_fork_in_child(void (*handler)(void));

/* The calling thread's number with the system, as debuggers show it; 0 where there is none. */
uint64_t cc_os_thread_number(void);

/* ---- memory by the page (memory/arena.c) ---- */

/* Bytes of address space that the process may have; UINT64_MAX: no limit. */
uint64_t cc_os_address_space(void);

/* Reserve address space, of which nothing can be used yet and nothing is counted as used. NULL
 * without. Give it back with cc_os_unreserve, whole. */
void *cc_os_reserve(size_t bytes);
void cc_os_unreserve(void *reserved, size_t bytes);

/* Make the pages of a part of it usable: zero, had from the system when they are touched;
 * `in_huge_pages` where the system has them. Again is harmless. False without memory. */
bool cc_os_commit(void *from, size_t bytes, bool in_huge_pages);

/* Give the system back the memory of the pages that lie in a part that is usable. It stays usable;
 * what is in it is not known. */
void cc_os_discard(void *from, size_t bytes);

/* ---- interrupting a thread of this process, wherever it is (memory/debra.c) ---- */

/* CC_FRAMES_ARE_HUGE: under AddressSanitizer without optimization frames are so large that the
 * handler could not tell what it has interrupted (CC_MOST_STACK in memory/debra.h). */
#if !defined(__OPTIMIZE__)
#if defined(CC_ASAN) || defined(__SANITIZE_ADDRESS__)
#define CC_FRAMES_ARE_HUGE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CC_FRAMES_ARE_HUGE 1
#endif
#endif
#endif

/* CC_HAS_INTERRUPTS: the platform has signals, and a barrier that reaches the other threads. Under
 * ThreadSanitizer signals arrive late, at the next call into its runtime, so there they are of no
 * use. */
#if defined(__linux__) && !defined(CC_TSAN) && !defined(CC_FRAMES_ARE_HUGE) &&                     \
    (defined(CC_ARCH_X86_64) || defined(CC_ARCH_AARCH64))
#define CC_HAS_INTERRUPTS 1
#include <setjmp.h>
#include <signal.h>
#else
#define CC_HAS_INTERRUPTS 0
#endif

/* Have `handler(context)` called on a thread that cc_os_interrupt interrupts, on top of whatever
 * the thread is doing. `context` is for the functions below. True: it is installed. False: the
 * system lacks something, the number is no signal that can be taken, or somebody else has a handler
 * for it. signal_number 0 stands for the default, a real-time signal. Thread-safe; again is
 * harmless. */
bool cc_os_interrupts_begin(int signal_number, void (*handler)(void *context));

/* The signal in use, 0 before the first successful cc_os_interrupts_begin. */
int cc_os_interrupt_signal(void);

/* Interrupt a thread. True: everything that the thread had stored when it was interrupted is
 * visible now, and it takes no step of what it was doing before the handler has run. False: that is
 * not sure (the thread has the signal blocked, or somebody has taken the handler away). Never waits
 * for the thread. */
bool cc_os_interrupt(uint64_t thread_number);

/* Whether the handler is still the one that was installed. Wait-free: a system call. */
bool cc_os_interrupts_are_ours(void);

/* In the handler: was the code that `context` was taken from running within `bytes` of stack below
 * `stack`? */
bool cc_os_was_interrupted_within(const void *context, const void *stack, size_t bytes);

/* In the handler, when it has interrupted another signal's handler: let that one finish, and come
 * again as soon as it has returned, before the code below it takes a step. */
void cc_os_interrupt_again_after_outer_handler(void *context);

/* In the handler, before leaving it by a jump: restore the signal mask of the interrupted code. */
void cc_os_restore_interrupted_mask(const void *context);

#if CC_HAS_INTERRUPTS
/* The calling thread takes no signal until its mask is set back: so nobody interrupts it, and
 * whoever wants to is told so (cc_os_interrupt says false). */
typedef union cc_os_mask {
    sigset_t signals;
    bool is_blocked; /* of a fibre of tests/c/schedules */
} cc_os_mask;

void cc_os_block_interrupts(cc_os_mask *before);
void cc_os_set_mask_back(const cc_os_mask *before);
#endif

/* ---- parking: wait until a word changes ---- */

typedef enum cc_park_result {
    CC_PARK_WOKEN, /* woken, or the word had changed already, or for no reason */
    CC_PARK_TIMED_OUT, /* the deadline has passed */
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
