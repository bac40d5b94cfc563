/* SPDX-License-Identifier: BSD-3-Clause */
#include "handles.h"

#include <string.h>

#include "../memory/cc_alloc.h"

static uint32_t chunk_of(uint32_t index) { /* index >= CC_HANDLES_INLINE */
    uint32_t chunk = 0;
    while (index >= 2 * CC_HANDLES_INLINE << chunk) {
        chunk++;
    }
    return chunk;
}

/* Where the pointer to the block of `index` is, or NULL: without memory for the chunk. */
static cc_atomic_uptr *place_of(cc_handles *handles, uint32_t index) {
    if (index < CC_HANDLES_INLINE) {
        return &handles->inlined[index];
    }
    uint32_t chunk = chunk_of(index), size = CC_HANDLES_INLINE << chunk;
    if (chunk >= CC_HANDLE_CHUNKS) {
        return NULL;
    }
    uintptr_t there = cc_load_acquire_uptr(&handles->chunks[chunk]); /* pairs with (1) */
    if (!there) {
        cc_atomic_uptr *made = cc_alloc(size * sizeof *made);
        if (!made) {
            return NULL;
        }
        memset((void *)made, 0, size * sizeof *made);
        if (cc_cas_acq_rel_uptr(&handles->chunks[chunk], &there, (uintptr_t)made)) { /* (1) */
            there = (uintptr_t)made;
        } else {
            cc_free((void *)made); /* another thread was faster: `there` is its chunk */
        }
    }
    return (cc_atomic_uptr *)there + (index - size);
}

cc_handle *cc_handle_find_or_make(cc_handles *handles, const cc_thread *self) {
    cc_atomic_uptr *place = place_of(handles, self->index);
    if (!place) {
        return NULL;
    }
    cc_handle *handle = (cc_handle *)cc_load_acquire_uptr(place); /* pairs with (1) */
    if (handle) {
        return handle;
    }
    handle = cc_alloc_aligned(handles->handle_bytes, CC_CACHE_LINE);
    if (!handle) {
        return NULL;
    }
    memset((void *)handle, 0, handles->handle_bytes);
    /* First the count, then the list, then the first operation: who makes a ring after that
     * operation has begun knows of this handle, and who looks at hazards finds them. */
    uint32_t count = cc_load_seq_cst_u32(&handles->count);
    do {
        if (handles->most && count >= handles->most) {
            cc_free(handle);
            return NULL;
        }
    } while (!cc_cas_seq_cst_u32(&handles->count, &count, count + 1));
    handle->ordinal = count;
    handle->thread = self;
    uintptr_t head = cc_load_relaxed_uptr(&handles->first);
    do {
        handle->next = (cc_handle *)head;
    } while (!cc_cas_seq_cst_uptr(&handles->first, &head, (uintptr_t)handle)); /* (2) */
    cc_store_release_uptr(place,
                          (uintptr_t)handle); /* (1); only the owner of the record writes there */
    return handle;
}

void cc_handles_end(cc_handles *handles) {
    cc_handle *handle = cc_handles_first(handles);
    while (handle) {
        cc_handle *next = handle->next;
        cc_free(handle);
        handle = next;
    }
    for (uint32_t i = 0; i < CC_HANDLE_CHUNKS; i++) {
        cc_free((void *)cc_load_relaxed_uptr(&handles->chunks[i]));
    }
}

size_t cc_handles_bytes(const cc_handles *handles) {
    size_t bytes = (size_t)cc_handles_count(handles) * handles->handle_bytes;
    for (uint32_t i = 0; i < CC_HANDLE_CHUNKS; i++) {
        if (cc_load_relaxed_uptr(&handles->chunks[i])) {
            bytes += ((size_t)CC_HANDLES_INLINE << i) * sizeof(cc_atomic_uptr);
        }
    }
    return bytes;
}
