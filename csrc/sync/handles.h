/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The handle registry of a queue or a stack: one block of memory for each thread that has ever used
 * it. A thread finds its own handle by its record, and threads that help each other, or look at
 * each other's hazards, offers and counts, find all of them by number.
 *
 * Registration. A thread's first operation makes its handle and registers it; lock-free. Numbers
 * are 1, 2, 3, ... in this order. The count is raised before the owner does anything else with the
 * handle; and who sees the count n finds all handles up to n.
 *   A handle belongs to a thread record (cc_thread.h), not to a thread: when a thread ends, the
 *   next one that takes over the record finds the handle as it was left. So there are at most as
 *   many handles as threads lived at once, and nothing has to be done when a thread ends. What a
 *   handle says stays true: its counts are sums over all its threads, and its rings stay pinned, at
 *   most two of them (but see ring_list.h).
 *
 * Progress. Finding a handle is two loads, or three, after the first time.
 *
 * Memory. Handles never move and are freed with their container, so a reader needs no protection.
 *
 * How it works. Registering puts the handle into the first place that is free, place by place, and
 * then raises the count; who finds the place taken raises it for the one that is there, and tries
 * the next.
 *
 * Pairs of releases and acquires, by number:
 *   (1) a handle or a chunk at its place  with the loads that find it: what is in it.
 *   (2) the count                         with the loads of it: the places of all that it counts.
 */
#ifndef CC_HANDLES_H
#define CC_HANDLES_H

#include <stdbool.h>
#include <stddef.h>

#include "../memory/cc_thread.h"
#include "concurrent_collections/cc_atomic.h"

/* Starts a cache line, and the first one is what every operation needs. A kind may make it longer
 * (cc_handles.handle_bytes) and keep its own fields behind. */
typedef struct cc_handle {
    /* Only the owner writes these; see queue.h on counts, and stack.h. The other fields but
     * `thread` and `number` are a queue's. */
    cc_atomic_u64 puts;
    cc_atomic_u64 gets;
    /* Sticky hazards: the rings that this handle's last put and its last get went to; see
     * ring_list.h. */
    cc_atomic_uptr put_ring;
    cc_atomic_uptr get_ring;
    const cc_thread *thread; /* this and the next: written before others can find the handle */
    uint32_t number;         /* 1, 2, 3, ... in this queue */
    uint32_t cache_count;    /* this and two more below: index_cache.h */
    uint32_t unlooked, in_vain; /* from here to gets_then: burst_backoff.c */
    uint32_t is_timed, gap;     /* nanoseconds; 0: not known yet */
    uint64_t left_at;
    uint64_t puts_then, gets_then;
    uint32_t cache_first;
    const struct cc_ring *cache_ring; /* NULL: the cache is empty */
} cc_handle;

_Static_assert(offsetof(cc_handle, left_at) <= CC_CACHE_LINE, "one line for every operation");

/* Places without a second look-up: enough for most programs. */
#ifndef CC_HANDLES_INLINE
#define CC_HANDLES_INLINE 16u
#endif
/* Chunk i has the places from 16 << 2i on, three times as many as all before it. */
#define CC_HANDLE_CHUNKS 10u
#define CC_MOST_HANDLES ((UINT32_C(1) << 20) - 1)

/* Places by index. All zero at the beginning. */
typedef struct cc_handle_table {
    cc_atomic_uptr inlined[CC_HANDLES_INLINE]; /* cc_handle * */
    cc_atomic_uptr chunks[CC_HANDLE_CHUNKS];   /* cc_atomic_uptr * */
} cc_handle_table;

typedef struct cc_handles {
    cc_handle_table by_record; /* by the index of its thread record */
    cc_handle_table by_number; /* 1 is at index 0 */
    cc_atomic_u32 count;
    uint32_t handle_bytes;
    uint32_t most; /* set by the kind before anybody comes */
    void (*begin_handle)(cc_handle *handle);
} cc_handles;

/* Everything else is zero. `begin_handle`, if not NULL, sets up what a kind keeps behind the
 * cc_handle, all zero else, before anybody can find it. */
void cc_handles_begin(cc_handles *handles, size_t handle_bytes,
                      void (*begin_handle)(cc_handle *handle));

/* Frees the handles. Nobody uses the queue any more. */
void cc_handles_end(cc_handles *handles);
/* The same, where the handles are somebody else's. */
void cc_handle_tables_end(cc_handles *handles);

/* Registers a handle that nobody knows. False without memory, or when there are as many as there
 * may be. Lock-free. */
bool cc_handles_register(cc_handles *handles, cc_handle *handle);

/* The slow half of cc_handle_of. */
cc_handle *cc_handle_find_or_make(cc_handles *handles, const cc_thread *self);

/* The calling thread's handle; NULL without memory for one, or when there are as many as there may
 * be. Lock-free, and two loads after the first call. */
static inline cc_handle *cc_handle_of(cc_handles *handles, const cc_thread *self) {
    if (self->index < CC_HANDLES_INLINE) {
        cc_handle *found = (cc_handle *)cc_load_acquire_uptr(
            &handles->by_record.inlined[self->index]); /* pairs with (1) */
        if (found) {
            return found;
        }
    }
    return cc_handle_find_or_make(handles, self);
}

/* Handles that there have ever been: an upper bound for the threads that are in the queue now. */
static inline uint32_t cc_handles_count(const cc_handles *handles) {
    return cc_load_seq_cst_u32(&handles->count); /* pairs with (2) */
}

/* Of an index >= CC_HANDLES_INLINE. */
static inline uint32_t cc_handle_chunk_of(uint32_t index) {
    uint32_t chunk = 0;
    while (index / CC_HANDLES_INLINE >> 2 * (chunk + 1)) {
        chunk++;
    }
    return chunk;
}

/* Where the handle with this index is; NULL: there is no chunk for it yet. */
static inline cc_atomic_uptr *cc_handle_place(const cc_handle_table *table, uint32_t index) {
    if (index < CC_HANDLES_INLINE) {
        return (cc_atomic_uptr *)&table->inlined[index];
    }
    uint32_t chunk = cc_handle_chunk_of(index);
    cc_atomic_uptr *places =
        (cc_atomic_uptr *)cc_load_acquire_uptr(&table->chunks[chunk]); /* (1) */
    return places ? &places[index - (CC_HANDLES_INLINE << 2 * chunk)] : NULL;
}

/* The handle with this number, 1 .. count. */
static inline cc_handle *cc_handle_at(const cc_handles *handles, uint32_t number) {
    return (cc_handle *)cc_load_acquire_uptr(
        cc_handle_place(&handles->by_number, number - 1)); /* pairs with (1) */
}

/* All handles there have been when the walk began, in the order of their numbers. */
typedef struct cc_handle_walk {
    const cc_atomic_uptr *places, *end; /* of this chunk, or of those without a chunk */
    uint32_t left;                      /* in the chunks to come */
    uint32_t next_chunk;
} cc_handle_walk;

static inline void cc_handle_walk_over(cc_handle_walk *w, const cc_atomic_uptr *places,
                                       uint32_t most) {
    uint32_t here = w->left < most ? w->left : most;
    w->left -= here;
    w->places = places;
    w->end = places + here;
}

/* NULL at the end. */
static inline cc_handle *cc_handle_next(const cc_handles *handles, cc_handle_walk *w) {
    if (w->places == w->end) {
        if (!w->left) {
            return NULL;
        }
        uintptr_t chunk = cc_load_acquire_uptr(&handles->by_number.chunks[w->next_chunk]); /* (1) */
        cc_handle_walk_over(w, (const cc_atomic_uptr *)chunk,
                            3 * CC_HANDLES_INLINE << 2 * w->next_chunk);
        w->next_chunk++;
    }
    return (cc_handle *)cc_load_acquire_uptr(w->places++); /* pairs with (1) */
}

static inline cc_handle *cc_handle_first(const cc_handles *handles, cc_handle_walk *w) {
    *w = (cc_handle_walk){.left = cc_handles_count(handles)};
    cc_handle_walk_over(w, handles->by_number.inlined, CC_HANDLES_INLINE);
    return cc_handle_next(handles, w);
}

size_t cc_handles_bytes(const cc_handles *handles);

/* The owner's counts. Nobody else writes them, so no read-modify-write is needed; released, so that
 * whoever learns of an operation through the queue finds it counted. */
static inline void cc_handle_count(cc_atomic_u64 *counter, uint64_t by) {
    cc_store_release_u64(counter, cc_load_relaxed_u64(counter) + by);
}

#endif
