/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Thread records: what the other threads must be able to see of a thread.
 *
 * What a caller may rely on:
 *   - cc_thread_self is one thread-local load after a thread's first call, and lock-free in it; the
 *     record stays the thread's until it ends.
 *   - No record is ever freed, so a scan may read one whose thread has ended.
 *   - A thread that ends holds nothing back and leaves no garbage: nothing that belongs to a
 *     container is kept in a record, and no hook of the interpreter is needed.
 *   - In the child of fork() the dead threads hold nothing up.
 *
 * Registration. A record is made at a thread's first operation and linked into one list for the
 * whole process. When its thread ends its place is free, and a later thread takes it over: the free
 * place with the lowest number (beside others that come and go, a low one). So after thousands of
 * threads have ended, those that come have low numbers again, and what containers keep by number
 * stays small.
 *
 * Progress. Coming and going take a constant number of steps, and one more for every 4096 records.
 *
 * Memory. Bounded by the largest number of threads that ever lived at once; there is no other limit
 * on threads.
 *
 * Fork. The child has one thread. A handler of pthread_atfork, which runs before anything else in
 * the child, withdraws every other record's reservation, gives back the locks that stand in it, and
 * frees the record. It only stores to memory that is always mapped, and to nodes that a dead thread
 * had in its hands, and so nobody could free. What a dead thread was doing to a container stays
 * half done, as it would for any memory that two threads share: an operation that had not reached
 * its linearization point did not happen; memory that the dead thread had in its hands is lost.
 *
 * Layer: above platform/ and cc_alloc.h, below everything else in this directory. The fields of a
 * record belong to the files that are named beside them; who may touch them is said there.
 */
#ifndef CC_THREAD_H
#define CC_THREAD_H

#include "../platform/cc_os.h"
#include "concurrent_collections/cc_atomic.h"

/* The lower end of a reservation while its thread is in no protected region. */
#define CC_ERA_IDLE UINT64_MAX

#ifndef CC_WRITE_MARKS
#define CC_WRITE_MARKS 8 /* a power of two */
#endif

struct cc_smr_domain;
struct cc_retired;

#ifndef CC_DOMAINS_TO_COME_BACK_TO
#define CC_DOMAINS_TO_COME_BACK_TO 8u
#endif

/* Words that a write phase of debra.c can hold: two a level of a skip list, and a few. */
#ifndef CC_MOST_HELD
#define CC_MOST_HELD 40u
#endif

/* Locks that a thread holds at a time: one for each level of a skip list, and one for each node of
 * a chain (ordered/skiplist_build.c). In the words of nodes that have them, this bit is the lock
 * (ordered/node_lock.h). */
#ifndef CC_MOST_LOCKS
#define CC_MOST_LOCKS 80u
#endif
#define CC_LOCK_BIT (UINT64_C(1) << 61)

/* Sizes of blocks that arena.c has: in bytes, and how many there are. */
#define CC_ARENA_LEAST 32u
#define CC_ARENA_MOST 128u
#define CC_ARENA_SIZES ((CC_ARENA_MOST - CC_ARENA_LEAST) / 8u + 1u)

/* What a thread has at hand of one size, all by reference (arena.h). */
typedef struct cc_blocks_at_hand {
    uint32_t first, count; /* free blocks; each begins with the reference of the next, 0 for none */
    uint32_t unused, unused_count; /* from here on blocks of `slab` that have never been used */
    uint32_t slab; /* the number of the slab that it takes them from; 0: none */
    uint32_t waiting, last_waiting, waiting_count; /* freed, not to be used again soon */
} cc_blocks_at_hand;

typedef struct cc_thread {
    /* ibr.c: written by the owner at every operation, read by scans. */
    cc_atomic_u64 lower;
    cc_atomic_u64 upper;
    cc_atomic_uptr domain;
    /* debra.c: the same. */
    cc_atomic_u64 region; /* counts read phases; never goes back, whoever owns the record */
    cc_atomic_u64 neutralized; /* the read phase that a scan has ended; written by scans */
    cc_atomic_u64
        answered; /* the read phase that the signal handler has found, and will not let go on */
    cc_atomic_u32 held_count;
    char keep_scans_off_the_private_part[CC_CACHE_LINE - 6 * sizeof(uint64_t) - sizeof(uint32_t)];
    cc_atomic_uptr held[CC_MOST_HELD];

    /* Only the owner touches these. */
    struct cc_retired *spare; /* retired.c: records for things that must wait */
    uint32_t spare_count;
    uint32_t operations; /* counts calls of cc_smr_leave; spreads the polling */
    uint64_t random; /* xorshift state, never 0 */
    /* deferred.c: */
    uint32_t releases; /* release functions that are running further up this stack */
    cc_atomic_u32 put_off; /* destructions in the next list; others add them up */
    uint32_t domains_to_come_back_to;
    void *deferred; /* destructions put off until the running one returns */
    struct cc_retired *in_hand; /* about to be released by the loops up the stack */
    struct {
        struct cc_smr_domain *domain;
        uint64_t things; /* that were put off there */
    } come_back_to[CC_DOMAINS_TO_COME_BACK_TO];
    cc_blocks_at_hand blocks[CC_ARENA_SIZES]; /* arena.c */
    /* ordered/node_lock.h: cc_atomic_u64 *, the words whose lock this thread has or tries to take;
     * read by the child of fork(). */
    cc_atomic_u32 lock_count;
    cc_atomic_uptr locks[CC_MOST_LOCKS];
    bool gave_locks_back; /* and has not woken those who wait for them yet; the owner's */
    /* What to do when the thread has ended; NULL until it has run a release function. */
    void (*when_it_ends)(struct cc_thread *self);
    /* How often this thread has changed a container, by a hash of the container: an iterator of the
     * same thread sees by it that its prefetched entries are stale. */
    uint32_t write_marks[CC_WRITE_MARKS];
    /* Statistics, counted only when enabled; other threads add them up. */
    cc_atomic_u64 retired, released, scans, retries;
    /* Of debra.c, rare enough to be counted always: read phases of others that this thread has
     * ended, and such that it could not end. */
    cc_atomic_u64 neutralizations, refusals;

    cc_atomic_u64 number; /* cc_os_thread_number, while in use */
#if CC_HAS_INTERRUPTS
    /* Only the owner and its signal handler touch these. */
    volatile uint32_t phase; /* enum cc_phase */
    volatile uint32_t interrupted; /* the handler came while nothing could be restarted */
    const void *volatile stack; /* where it ended at the checkpoint */
    sigjmp_buf checkpoint;
#endif

    uint32_t index; /* 0, 1, 2, ...; of all records that are in use at most one has it */
    struct cc_thread_group *group; /* where its place is */
    struct cc_thread *next; /* this and the two before: written once, before it is published */
} cc_thread;

/* Eight bytes of static thread-local storage: glibc keeps room for such in libraries that are
 * loaded late, and the access is one instruction. musl does not; it gets the default model. One
 * module holds the whole core, so the variable is nobody else's. */
#if defined(__GLIBC__) && !defined(CC_SCHED)
#define CC_THREAD_LOCAL __attribute__((tls_model("initial-exec"))) _Thread_local
#elif defined(_MSC_VER) && !defined(__clang__)
#define CC_THREAD_LOCAL __declspec(thread)
#else
#define CC_THREAD_LOCAL _Thread_local
#endif
extern CC_THREAD_LOCAL cc_thread *cc_thread_of_this_thread;

cc_thread *cc_thread_register(void);

/* The calling thread's record; NULL when there is no memory for one. Registration is complete,
 * with seq_cst, before the record is returned. Lock-free; one thread-local load after the first
 * call. */
static inline cc_thread *cc_thread_self(void) {
    cc_thread *record = cc_thread_of_this_thread;
    return record ? record : cc_thread_register();
}

/* The same, but NULL for a thread that has none; for signal handlers. */
static inline cc_thread *cc_thread_self_if_any(void) {
    return cc_thread_of_this_thread;
}

/* Head of the list of all records, for scans; follow ->next. */
cc_thread *cc_thread_first(void);

/* Records in the list, free ones included. */
uint32_t cc_thread_count(void);

/* Threads that have a record now; one that comes or goes at this moment counts or not. */
uint32_t cc_thread_users(void);

/* The records, a group at a time. Which have an owner is for those to see who look at them often:
 * the list keeps the records of all threads that ever lived at once. A record's bit in `in_use` is
 * set before its owner's first reservation, and cleared after the last; its place is taken for
 * longer. */
#ifndef CC_THREADS_IN_GROUP
#define CC_THREADS_IN_GROUP 64u /* at most */
#endif

typedef struct cc_thread_group {
    cc_atomic_u64 in_use; /* bit i: members[i] */
    cc_atomic_uptr next;
    cc_atomic_u64 taken; /* bit i: somebody has the place of members[i] */
    struct cc_thread_section
        *section; /* thread.c; this and the next two: written once, before next leads here */
    uint32_t number; /* in the section */
    uint32_t first_index;
    struct cc_thread *members[CC_THREADS_IN_GROUP]; /* each written once, before its bit is set */
} cc_thread_group;

/* Has the record an owner? False: what the last one has done is seen, and the next one's loads will
 * see what the caller had done with seq_cst before it asked. (1), (15) */
static inline bool cc_thread_is_in_use(const cc_thread *t) {
    return cc_load_seq_cst_u64(&t->group->in_use) >> (t->index - t->group->first_index) & 1;
}

extern cc_thread_group cc_thread_first_group;

typedef struct cc_thread_walk {
    const cc_thread_group *group;
    uint64_t rest; /* bits of members that are still to come */
} cc_thread_walk;

static inline unsigned cc_lowest_bit(uint64_t bits) {
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned i = 0;
    while (!(bits >> i & 1)) {
        i++;
    }
    return i;
#endif
}

/* The next record that is in use, NULL at the end. */
static inline cc_thread *cc_thread_next_in_use(cc_thread_walk *w) {
    while (!w->rest) {
        w->group = (const cc_thread_group *)cc_load_seq_cst_uptr(&w->group->next);
        if (!w->group) {
            return NULL;
        }
        w->rest = cc_load_seq_cst_u64(&w->group->in_use); /* (1), (15) */
    }
    cc_thread *t = w->group->members[cc_lowest_bit(w->rest)];
    w->rest &= w->rest - 1;
    return t;
}

static inline cc_thread *cc_thread_first_in_use(cc_thread_walk *w) {
    w->group = &cc_thread_first_group;
    w->rest = cc_load_seq_cst_u64(&w->group->in_use); /* (1), (15) */
    return cc_thread_next_in_use(w);
}

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
void cc_thread_end_for_schedule(cc_thread *record);
#endif

#endif
