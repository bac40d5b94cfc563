/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Thread records: what the other threads must be able to see of a thread.
 *
 * A record is made at a thread's first operation, linked into one list for the whole process, and
 * never freed: a scan may be reading it. When its thread ends it is marked free, and a later thread
 * takes it over. So memory is bounded by the largest number of threads that ever lived at once,
 * and there is no other limit on threads.
 *
 * Nothing that belongs to a container is kept in a record; a thread that ends leaves no garbage
 * behind, and no hook of the interpreter is needed.
 *
 * fork(): the child has one thread. A handler of pthread_atfork, which runs before anything else in
 * the child, withdraws every other record's reservation and frees the record: dead threads hold
 * nothing up. It only stores to memory that is always mapped. What a dead thread was doing to a
 * container stays half done, as it would for any memory that two threads share: an operation that
 * had not reached its linearization point did not happen; memory that the dead thread had in its
 * hands is lost.
 */
#ifndef CC_THREAD_H
#define CC_THREAD_H

#include "concurrent_collections/cc_atomic.h"

/* The lower end of a reservation while its thread is in no protected region. */
#define CC_ERA_IDLE UINT64_MAX

#define CC_WRITE_MARKS 8 /* a power of two */

struct cc_smr_domain;
struct cc_retired;

typedef struct cc_thread {
    /* Written by the owner at every operation, read by scans. See memory/ibr.c. */
    cc_atomic_u64 lower;
    cc_atomic_u64 upper;
    cc_atomic_uptr domain;
    char keep_scans_off_the_private_part[CC_CACHE_LINE - 3 * sizeof(uint64_t)];

    /* Only the owner touches these. */
    struct cc_retired *spare;  /* records for things that must wait, ready to use */
    uint32_t spare_count;
    uint32_t operations;       /* counts calls of cc_smr_leave; spreads the polling */
    uint64_t random;           /* xorshift state, never 0 */
    void *deferred;            /* destructions put off until the running one returns */
    bool is_releasing;         /* a release function is running further up this stack */
    uint8_t unused[3];
    uint32_t publications;     /* since this thread last moved an era on */
    /* How often this thread has changed a container, by a hash of the container: an iterator of the
     * same thread sees by it that its prefetched entries are stale. */
    uint32_t write_marks[CC_WRITE_MARKS];
    /* Statistics, counted only when enabled; other threads add them up. */
    cc_atomic_u64 retired, released, scans, retries;

    uint32_t index; /* 0, 1, 2, ... in order of creation */
    cc_atomic_u32 in_use;
    struct cc_thread *next; /* written once, before the record is published */
} cc_thread;

/* The calling thread's record; NULL when there is no memory for one. Registration is complete,
 * with seq_cst, before the record is returned. Lock-free; one thread-local load after the first
 * call. */
cc_thread *cc_thread_self(void);

/* Head of the list of all records, for scans; follow ->next. */
cc_thread *cc_thread_first(void);

/* Records in the list, free ones included. */
uint32_t cc_thread_count(void);

static inline uint64_t cc_thread_random(cc_thread *self) {
    uint64_t x = self->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return self->random = x;
}

/* Where this thread counts its changes of the container at `address`. */
static inline uint32_t *cc_thread_write_mark(cc_thread *self, const void *address) {
    return &self->write_marks[((uintptr_t)address >> 6) % CC_WRITE_MARKS];
}

#ifdef CC_SCHED
/* The schedule build runs its threads as fibres of one thread: it says which record is current. */
void cc_thread_impersonate(cc_thread *record);
cc_thread *cc_thread_make_for_schedule(void);
#endif

#endif
