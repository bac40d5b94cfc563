/* SPDX-License-Identifier: BSD-3-Clause */
#include "handles.h"

#include <string.h>

#include "../memory/cc_alloc.h"

void cc_handles_begin(cc_handles *handles, size_t handle_bytes,
                      void (*begin_handle)(cc_handle *handle)) {
    size_t lines = (handle_bytes + CC_CACHE_LINE - 1) / CC_CACHE_LINE;
    handles->handle_bytes = (uint32_t)(lines * CC_CACHE_LINE);
    handles->begin_handle = begin_handle;
    handles->most = CC_MOST_HANDLES;
}

/* ---------------------------------------------------------------- tables */

static size_t places_of_chunk(uint32_t chunk) {
    return (size_t)3 * CC_HANDLES_INLINE << 2 * chunk;
}

/* Where the handle with this index goes. NULL without memory for the chunk. */
static cc_atomic_uptr *find_or_make_place(cc_handle_table *table, uint32_t index) {
    cc_atomic_uptr *place = cc_handle_place(table, index);
    if (place) {
        return place;
    }
    uint32_t chunk = cc_handle_chunk_of(index);
    size_t bytes = places_of_chunk(chunk) * sizeof *place;
    void *made = cc_alloc(bytes);
    if (!made) {
        return NULL;
    }
    memset(made, 0, bytes);
    uintptr_t none = 0;
    if (!cc_cas_acq_rel_uptr(&table->chunks[chunk], &none, (uintptr_t)made)) { /* (1) */
        cc_free(made); /* another thread was faster */
    }
    return cc_handle_place(table, index);
}

static size_t bytes_of_table(const cc_handle_table *table) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < CC_HANDLE_CHUNKS; i++) {
        if (cc_load_relaxed_uptr(&table->chunks[i])) {
            bytes += places_of_chunk(i) * sizeof(cc_atomic_uptr);
        }
    }
    return bytes;
}

static void end_table(cc_handle_table *table) {
    for (uint32_t i = 0; i < CC_HANDLE_CHUNKS; i++) {
        cc_free((void *)cc_load_relaxed_uptr(&table->chunks[i]));
    }
}

/* ---------------------------------------------------------------- registration */

bool cc_handles_register(cc_handles *handles, cc_handle *handle) {
    for (;;) {
        uint32_t count = cc_handles_count(handles);
        if (count >= handles->most) {
            return false;
        }
        cc_atomic_uptr *place = find_or_make_place(&handles->by_number, count);
        if (!place) {
            return false;
        }
        handle->number = count + 1;
        uintptr_t nobody = 0;
        bool is_ours = cc_cas_acq_rel_uptr(place, &nobody, (uintptr_t)handle); /* (1) */
        /* (2) For another, if it was faster. */
        (void)cc_cas_seq_cst_u32(&handles->count, &count, count + 1);
        if (is_ours) {
            return true;
        }
    }
}

cc_handle *cc_handle_find_or_make(cc_handles *handles, const cc_thread *self) {
    if (self->index >= CC_HANDLES_INLINE << 2 * CC_HANDLE_CHUNKS) {
        return NULL;
    }
    cc_atomic_uptr *place = find_or_make_place(&handles->by_record, self->index);
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
    handle->thread = self;
    if (handles->begin_handle) {
        handles->begin_handle(handle);
    }
    /* First the count, then the first operation: who makes a ring after that operation has begun
     * knows of this handle, and who looks at hazards finds them. */
    if (!cc_handles_register(handles, handle)) {
        cc_free(handle);
        return NULL;
    }
    cc_store_release_uptr(place, (uintptr_t)handle); /* (1); only the record's owner writes here */
    return handle;
}

void cc_handle_tables_end(cc_handles *handles) {
    end_table(&handles->by_number);
    end_table(&handles->by_record);
}

void cc_handles_end(cc_handles *handles) {
    cc_handle_walk w;
    for (cc_handle *h = cc_handle_first(handles, &w); h; h = cc_handle_next(handles, &w)) {
        cc_free(h);
    }
    cc_handle_tables_end(handles);
}

size_t cc_handles_bytes(const cc_handles *handles) {
    return (size_t)cc_handles_count(handles) * handles->handle_bytes +
           bytes_of_table(&handles->by_record) + bytes_of_table(&handles->by_number);
}
