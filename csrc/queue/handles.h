/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The handles of a queue: one block of memory for each thread that has ever used it.
 *
 * Registration. A thread's first operation makes its handle; lock-free. After that finding it is
 * two loads. A handle belongs to a thread record (cc_thread.h), not to a thread: when a thread
 * ends, the next one that takes over the record finds the handle as it was left. So there are at
 * most as many handles as threads lived at once, and nothing has to be done when a thread ends.
 * What a handle says stays true: its counts are sums over all its threads, and its rings stay
 * pinned, at most two of them (but see ring_list.h).
 *
 * Memory. Handles never move and are freed with the queue, so a reader needs no protection.
 *
 * Pairs of releases and acquires, by number:
 *   (1) publishing a handle or a chunk  with the loads that find it: what is in it.
 *   (2) joining the list of handles     with the walk over it.
 */
#ifndef CC_QUEUE_HANDLES_H
#define CC_QUEUE_HANDLES_H

#include <stddef.h>

#include "../memory/cc_thread.h"
#include "concurrent_collections/cc_atomic.h"

/* Starts a cache line; a kind may make it longer (cc_handles.handle_bytes) and keep its own fields
 * behind. */
typedef struct cc_handle {
    /* Only the owner writes these; see queue.h on counts. */
    cc_atomic_u64 puts;
    cc_atomic_u64 gets;
    /* Sticky hazards: the rings that this handle's last put and its last get went to; see
     * ring_list.h. */
    cc_atomic_uptr put_ring;
    cc_atomic_uptr get_ring;
    struct cc_handle
        *next; /* this and the next line: written once, before the block is published */
    const cc_thread *thread;
    uint32_t unlooked, in_vain; /* from here to puts_then: burst_backoff.c */
    uint32_t is_timed, gap; /* nanoseconds; 0: not known yet */
    uint64_t left_at;
    uint64_t puts_then, gets_then;
    uint32_t ordinal; /* 0, 1, 2, ... in this queue */
    uint32_t cache_count; /* this line and the next: index_cache.h */
    uint32_t cache_first;
    const struct cc_ring *cache_ring; /* NULL: the cache is empty */
} cc_handle;

/* Pointers that need no second look-up: enough for most programs. */
#ifndef CC_HANDLES_INLINE
#define CC_HANDLES_INLINE 16u
#endif
/* Chunk i has pointers for the indices from 16 << i on, as many as all before it. */
#define CC_HANDLE_CHUNKS 24u

typedef struct cc_handles {
    cc_atomic_uptr inlined[CC_HANDLES_INLINE]; /* cc_handle *, by index of the record */
    cc_atomic_uptr chunks[CC_HANDLE_CHUNKS]; /* cc_atomic_uptr * */
    cc_atomic_uptr first; /* cc_handle *: all of them; grows at the head */
    cc_atomic_u32 count; /* raised before the handle does anything */
    uint32_t handle_bytes;
    uint32_t most; /* 0: any number; set by the kind before anybody comes */
} cc_handles;

/* Everything else is zero. */
static inline void cc_handles_begin(cc_handles *handles, size_t handle_bytes) {
    size_t lines = (handle_bytes + CC_CACHE_LINE - 1) / CC_CACHE_LINE;
    handles->handle_bytes = (uint32_t)(lines * CC_CACHE_LINE);
}

/* Frees the blocks. Nobody uses the queue any more. */
void cc_handles_end(cc_handles *handles);

/* The slow half of cc_handle_of. */
cc_handle *cc_handle_find_or_make(cc_handles *handles, const cc_thread *self);

/* The calling thread's block; NULL without memory for one, or when there are as many as there may
 * be. Lock-free, and two loads after the first call. */
static inline cc_handle *cc_handle_of(cc_handles *handles, const cc_thread *self) {
    if (self->index < CC_HANDLES_INLINE) {
        uintptr_t found = cc_load_acquire_uptr(&handles->inlined[self->index]); /* pairs with (1) */
        if (found) {
            return (cc_handle *)found;
        }
    }
    return cc_handle_find_or_make(handles, self);
}

/* For walks; follow ->next. */
static inline cc_handle *cc_handles_first(const cc_handles *handles) {
    return (cc_handle *)cc_load_seq_cst_uptr(&handles->first); /* pairs with (2) */
}

/* Handles that there have ever been: an upper bound for the threads that are in the queue now. */
static inline uint32_t cc_handles_count(const cc_handles *handles) {
    return cc_load_seq_cst_u32(&handles->count);
}

size_t cc_handles_bytes(const cc_handles *handles);

/* The owner's counts. Nobody else writes them, so no read-modify-write is needed; released, so that
 * whoever learns of an operation through the queue finds it counted. */
static inline void cc_handle_count(cc_atomic_u64 *counter, uint64_t by) {
    cc_store_release_u64(counter, cc_load_relaxed_u64(counter) + by);
}

#endif
