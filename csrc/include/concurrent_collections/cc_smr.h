/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safe memory reclamation: when may memory that other threads might still be reading be freed?
 *
 * A container owns one *domain*. An operation opens a protected region on it, follows pointers with
 * cc_smr_protect, closes the region, and hands what it has unlinked to cc_smr_retire. A retired
 * thing is released when no region that could have seen it is open any more.
 *
 * Rules for the caller:
 *   1. One region at a time per thread; it opens and closes in one C function.
 *   2. Inside: no waiting, no locks, no call that may run foreign code.
 *   3. A pointer is followed only if the word it came from was read by cc_smr_protect in this
 *      region, from a node that was still reachable at that moment (an unmarked link proves it).
 *   4. cc_smr_retire is called outside regions, once per thing, after the thing is unlinked from
 *      everywhere, by the thread that reserved room for it with cc_smr_reserve.
 *   5. The domain is destroyed when no thread uses the container any more.
 *
 * The scheme behind it is 2GE-IBR (Wen, Izraelevitz, Cai, Beadle, Scott: Interval-Based Memory
 * Reclamation, PPoPP 2018); csrc/memory/ibr.c says how, and what a stalled thread can pin.
 */
#ifndef CC_SMR_H
#define CC_SMR_H

#include <stddef.h>
#include <stdint.h>

#include "cc_atomic.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cc_smr_domain cc_smr_domain;

/* What the library's own containers choose from; a domain of cc_smr_domain_new is always
 * CC_SMR_IBR. */
typedef enum cc_smr_scheme {
    CC_SMR_IBR, /* intervals of eras: csrc/memory/ibr.c */
    CC_SMR_DEBRA /* epochs, and stalled threads are neutralized: csrc/memory/debra.c */
} cc_smr_scheme;

/* An open region. On the caller's stack; its fields are the library's. */
typedef struct cc_smr_guard {
    void *thread;
    cc_smr_domain *domain;
    const cc_atomic_u64 *clock;
    uint64_t upper;
    bool restarts;
} cc_smr_guard;

/* Called for a retired word when nobody can see it any more. `context` is what the domain was made
 * with. May run foreign code, may use containers; runs outside every region. */
typedef void (*cc_smr_release)(const void *context, uintptr_t word, unsigned kind);

/* Statistics of the process. What costs something on every operation is counted only while the
 * named field of cc_smr_settings is set; the rest is looked up when asked for. */
typedef struct cc_smr_statistics {
    uint64_t retired; /* things handed to cc_smr_retire (statistics) */
    uint64_t released; /* of those, released (statistics) */
    uint64_t scans; /* times that limbo was compared with the open regions (statistics) */
    uint64_t retries; /* operations' restarts after a lost race (contention) */
    /* Of CC_SMR_DEBRA: read phases of stalled threads that a scan has ended; and such that it could
     * not, since the signal was blocked or taken away. */
    uint64_t neutralizations, refusals;
    uint64_t domains; /* alive now */
    uint64_t eras; /* what their clocks show, added up */
    uint64_t limbo, limbo_bytes; /* things that wait in them, and their own bytes */
    uint64_t oldest_age; /* of their open regions: how many eras ago it began */
    uint64_t oldest_thread; /* and the system's number of its thread; 0 when none is open */
    uint64_t node_bytes; /* that the arena of all containers' nodes has from the system */
    uint32_t open_regions;
    uint32_t threads; /* thread records, free ones included */
} cc_smr_statistics;

/* The same of one domain. */
typedef struct cc_smr_domain_statistics {
    uint64_t era, limbo, limbo_bytes, oldest_age, oldest_thread;
    uint32_t open_regions;
    cc_smr_scheme scheme;
} cc_smr_domain_statistics;

/* Settings of the process; changed at any time, looked at by later operations. */
typedef struct cc_smr_settings_t {
    cc_atomic_u32 retire_threshold; /* things waiting in one stripe that start a scan; >= 1 */
    cc_atomic_u32 max_reclaim_per_poll; /* released at most, by one operation; >= 1 */
    cc_atomic_u32 statistics; /* 1: count retired, released, scans */
    cc_atomic_u32 contention; /* 1: count retries */
    cc_atomic_u32
        scheme; /* cc_smr_scheme of containers made from now on, where the platform has it */
    cc_atomic_u32 signal; /* the number of the signal that CC_SMR_DEBRA uses; 0: SIGRTMIN + 6 */
} cc_smr_settings_t;

#ifndef CC_SMR_NO_SETTINGS
extern cc_smr_settings_t cc_smr_settings;
#endif

/* A new domain, or NULL without memory. `context` must outlive everything that is ever retired. */
cc_smr_domain *cc_smr_domain_new(cc_smr_release release, const void *context);

/* Release what waits, and free the domain. No thread is in a region of it, none will be. What was
 * retired inside a release function, of whatever domain, may still be in another thread's hands
 * when it returns: the context lives on. */
void cc_smr_domain_free(cc_smr_domain *domain);

/* Open a region. Returns 0, or -1 when this thread is new and there is no memory for its record.
 * Wait-free after the first call of a thread. */
CC_MUST_CHECK int cc_smr_enter(cc_smr_domain *domain, cc_smr_guard *guard);

/* Close it. Wait-free. May release a few things that have waited: call it attached where the
 * release function needs that. */
void cc_smr_leave(cc_smr_guard *guard);

/* Read a word that leads to a node. Lock-free: it repeats only when an era has passed. */
uintptr_t cc_smr_protect(cc_smr_guard *guard, const cc_atomic_uptr *source);

/* The birth to stamp on a new node: read before it is published. Wait-free. */
uint64_t cc_smr_birth(cc_smr_guard *guard);

/* Say that something new has been published (a node, a value): eras advance with these. */
void cc_smr_published(cc_smr_guard *guard);

/* Make sure that the calling thread can retire `n` things without allocating. Returns 0, or -1
 * without memory. Call before the operation has an effect. */
CC_MUST_CHECK int cc_smr_reserve(unsigned n);

/* Hand over an unlinked word. Released at once when no open region could have seen it, else later
 * by any thread's operation on this domain. Returns 0; or -1 when nothing was reserved and there is
 * no memory, and then the word still belongs to the caller. Lock-free. */
int cc_smr_retire(cc_smr_domain *domain, uintptr_t word, unsigned kind, uint64_t birth,
                  size_t bytes);

/* Release everything that can be released now. Returns how many things still wait. */
size_t cc_smr_flush(cc_smr_domain *domain);

/* Things and bytes that wait. A sum over stripes: exact when nothing changes meanwhile. */
size_t cc_smr_limbo_count(const cc_smr_domain *domain);

/* Say that the domain's context and release function live as long as the process. From now on
 * cc_smr_flush_all releases its things too; some may still be in that function's hands, in another
 * thread, when cc_smr_domain_free returns. The library's own containers do. */
void cc_smr_domain_join_flushes(cc_smr_domain *domain);

/* ---- not in the C API ---- */

/* Release everything that can be released now in all live domains that have joined. Returns how
 * many things still wait in all domains, whether they have joined or not. Called where the release
 * functions may be. Takes a short lock, that of the list of domains, but not while it releases.
 * Inside a release function it only counts. */
size_t cc_smr_flush_all(void);

/* Domains that are alive. */
uint64_t cc_smr_domain_count(void);

/* A hint, cheap: 0 when nothing has waited anywhere since the last cc_smr_flush_all. */
int cc_smr_anything_waits(void);

/* Counters of all threads added up; depths and regions as they are found, one domain after the
 * other. O(domains + threads); takes the lock of the list of domains. */
void cc_smr_get_statistics(cc_smr_statistics *out);
void cc_smr_get_domain_statistics(const cc_smr_domain *domain, cc_smr_domain_statistics *out);

#ifdef __cplusplus
}
#endif

#endif
