/* SPDX-License-Identifier: BSD-3-Clause */
#include "members.h"

#include <string.h>

#include "../memory/cc_alloc.h"

static uint32_t chunk_of(uint32_t index) { /* index >= CC_MEMBERS_AT_HAND */
    uint32_t chunk = 0;
    while (index >= 2 * CC_MEMBERS_AT_HAND << chunk) {
        chunk++;
    }
    return chunk;
}

/* Where the pointer to the block of `index` is, or NULL: without memory for the chunk. */
static cc_atomic_uptr *place_of(cc_members *members, uint32_t index) {
    if (index < CC_MEMBERS_AT_HAND) {
        return &members->at_hand[index];
    }
    uint32_t chunk = chunk_of(index), size = CC_MEMBERS_AT_HAND << chunk;
    if (chunk >= CC_MEMBER_CHUNKS) {
        return NULL;
    }
    uintptr_t there = cc_load_acquire_uptr(&members->chunks[chunk]); /* pairs with (1) */
    if (!there) {
        cc_atomic_uptr *made = cc_alloc(size * sizeof *made);
        if (!made) {
            return NULL;
        }
        memset((void *)made, 0, size * sizeof *made);
        if (cc_cas_acq_rel_uptr(&members->chunks[chunk], &there, (uintptr_t)made)) { /* (1) */
            there = (uintptr_t)made;
        } else {
            cc_free((void *)made); /* another thread was faster: `there` is its chunk */
        }
    }
    return (cc_atomic_uptr *)there + (index - size);
}

cc_member *cc_member_find_or_make(cc_members *members, const cc_thread *self) {
    cc_atomic_uptr *place = place_of(members, self->index);
    if (!place) {
        return NULL;
    }
    cc_member *member = (cc_member *)cc_load_acquire_uptr(place); /* pairs with (1) */
    if (member) {
        return member;
    }
    member = cc_alloc_aligned(members->member_bytes, CC_CACHE_LINE);
    if (!member) {
        return NULL;
    }
    memset((void *)member, 0, members->member_bytes);
    /* First the count, then the list, then the first operation: who makes a ring after that operation has
     * begun knows of this member, and who looks at hazards finds them. */
    uint32_t count = cc_load_seq_cst_u32(&members->count);
    do {
        if (members->most && count >= members->most) {
            cc_free(member);
            return NULL;
        }
    } while (!cc_cas_seq_cst_u32(&members->count, &count, count + 1));
    member->ordinal = count;
    member->thread = self;
    uintptr_t head = cc_load_relaxed_uptr(&members->first);
    do {
        member->next = (cc_member *)head;
    } while (!cc_cas_seq_cst_uptr(&members->first, &head, (uintptr_t)member)); /* (2) */
    cc_store_release_uptr(place,
                          (uintptr_t)member); /* (1); only the owner of the record writes there */
    return member;
}

void cc_members_end(cc_members *members) {
    cc_member *member = cc_members_first(members);
    while (member) {
        cc_member *next = member->next;
        cc_free(member);
        member = next;
    }
    for (uint32_t i = 0; i < CC_MEMBER_CHUNKS; i++) {
        cc_free((void *)cc_load_relaxed_uptr(&members->chunks[i]));
    }
}

size_t cc_members_bytes(const cc_members *members) {
    size_t bytes = (size_t)cc_members_count(members) * members->member_bytes;
    for (uint32_t i = 0; i < CC_MEMBER_CHUNKS; i++) {
        if (cc_load_relaxed_uptr(&members->chunks[i])) {
            bytes += ((size_t)CC_MEMBERS_AT_HAND << i) * sizeof(cc_atomic_uptr);
        }
    }
    return bytes;
}
