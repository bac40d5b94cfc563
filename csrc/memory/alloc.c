/* SPDX-License-Identifier: BSD-3-Clause */
#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#include "cc_alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concurrent_collections/cc_atomic.h"

#if defined(CC_TEST_HOOKS)
/* A plain C11 atomic, not cc_atomic: the schedule build must not see a scheduling point here. */
static _Atomic int64_t allocations_until_failure = -1;

bool cc_alloc_fails_now(void) {
    if (atomic_load_explicit(&allocations_until_failure, memory_order_relaxed) < 0) {
        return false;
    }
    if (atomic_fetch_sub_explicit(&allocations_until_failure, 1, memory_order_relaxed) > 0) {
        return false;
    }
    atomic_store_explicit(&allocations_until_failure, 0, memory_order_relaxed);
    return true;
}

void cc_alloc_fail_from(int64_t n) {
    atomic_store_explicit(&allocations_until_failure, n, memory_order_relaxed);
}
#endif

#if defined(CC_HAVE_MIMALLOC)
#include <mimalloc.h>

void *cc_alloc(size_t bytes) {
    return cc_alloc_fails_now() ? NULL : mi_malloc(bytes);
}

void *cc_alloc_aligned(size_t bytes, size_t alignment) {
    return cc_alloc_fails_now() ? NULL : mi_malloc_aligned(bytes, alignment);
}

void *cc_alloc_zeroed(size_t bytes) {
    return cc_alloc_fails_now() ? NULL : mi_zalloc(bytes);
}

void cc_free(void *memory) {
    mi_free(memory);
}

size_t cc_alloc_good_size(size_t bytes) {
    return mi_good_size(bytes);
}

const char *cc_alloc_name(void) {
    static char name[48];
    if (!name[0]) {
#if defined(CC_MIMALLOC_IS_BUNDLED)
        const char *whose = "bundled";
#else
        const char *whose = "shared";
#endif
        int v = mi_version(); /* 209 is 2.0.9; later ones have two digits each: 20302 */
        int digits = v < 10000 ? 10 : 100;
        snprintf(name, sizeof name, "mimalloc %d.%d.%d, %s", v / digits / digits,
                 v / digits % digits, v % digits, whose);
    }
    return name;
}
#else
#if defined(_WIN32)
#include <malloc.h>
/* _aligned_malloc pairs only with _aligned_free, so everything goes through it. */
void *cc_alloc_aligned(size_t bytes, size_t alignment) {
    return cc_alloc_fails_now() ? NULL : _aligned_malloc(bytes, alignment);
}

void *cc_alloc(size_t bytes) {
    return cc_alloc_aligned(bytes, 16);
}

void *cc_alloc_zeroed(size_t bytes) {
    void *memory = cc_alloc(bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

void cc_free(void *memory) {
    _aligned_free(memory);
}
#else
void *cc_alloc_aligned(size_t bytes, size_t alignment) {
    void *memory = NULL;
    return !cc_alloc_fails_now() && posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}

void *cc_alloc(size_t bytes) {
    return cc_alloc_fails_now() ? NULL : malloc(bytes);
}

void *cc_alloc_zeroed(size_t bytes) {
    return cc_alloc_fails_now() ? NULL : calloc(1, bytes);
}

void cc_free(void *memory) {
    free(memory);
}
#endif

size_t cc_alloc_good_size(size_t bytes) {
    /* glibc: an eight-byte header, multiples of sixteen, at least 32 in all. Others are similar. */
    size_t with_header = (bytes + 8u + 15u) & ~(size_t)15u;
    return with_header < 32u ? 32u : with_header;
}

const char *cc_alloc_name(void) {
    return "libc";
}
#endif
