/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Memory for nodes, rings and records: mimalloc where the build found it, the C library elsewhere
 * and in every sanitizer build (a custom allocator hides use-after-free from them). Memory may be
 * freed by another thread than the one that allocated it. Never Python's allocators: the core runs
 * detached too, and 3.13t reuses object memory by rules of its own.
 */
#ifndef CC_ALLOC_H
#define CC_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `bytes` of memory aligned to 16, or NULL. */
void *cc_alloc(size_t bytes);

/* The same at a multiple of `alignment`, a power of two. */
void *cc_alloc_aligned(size_t bytes, size_t alignment);

/* `bytes` of memory that is zero; where that is much, the system zeroes its pages when they are
 * touched. */
void *cc_alloc_zeroed(size_t bytes);

/* Give back what cc_alloc, cc_alloc_zeroed or cc_alloc_aligned returned; NULL is nothing. */
void cc_free(void *memory);

/* Bytes that cc_alloc(bytes) really takes, with the allocator's rounding. */
size_t cc_alloc_good_size(size_t bytes);

/* "mimalloc 2.3.2, bundled", "mimalloc 2.0.9, shared", "libc". */
const char *cc_alloc_name(void);

#if defined(CC_TEST_HOOKS)
/* For tests of allocation failure: the n-th allocation from now on fails, and every one after it,
 * until called with a negative number (which is how a process starts). Process-wide. */
void cc_alloc_fail_from(int64_t n);

/* Counts as an allocation: does it fail? */
bool cc_alloc_fails_now(void);
#else
static inline bool cc_alloc_fails_now(void) {
    return false;
}
#endif

#endif
