/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The only place where this library touches shared memory that threads race for.
 *
 * The order stands in the function's name, so that a reader never has to look it up and a reviewer
 * can search for it. Only combinations that are used exist. Words are 64 bits (counters, eras,
 * pointers as uintptr_t) or 32 bits (futexes, flags).
 *
 * Three builds:
 *   plain      C11 atomics, nothing else.
 *   CC_TSAN    the same, but fences become read-modify-writes: ThreadSanitizer does not model
 *              standalone fences and would report correct code.
 *   CC_SCHED   every access first asks a scheduler that decides which thread goes next, and stores
 *              pass through a simulated store buffer; a missing store-load fence then shows within
 *              a few schedules (tests/c/schedules). Nothing of it is left in other builds.
 */
#ifndef CC_ATOMIC_H
#define CC_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#include "cc_arch.h"

#if defined(__cplusplus) /* for users: <stdatomic.h> is C++ since C++23 only */
#include <atomic>
using std::atomic_signal_fence;
using std::atomic_thread_fence;
using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;
#define CC_ATOMIC_WORD(T) std::atomic<T>
#define CC_ALIGNAS(n) alignas(n)
#else
#include <stdatomic.h>
#define CC_ATOMIC_WORD(T) _Atomic(T)
#define CC_ALIGNAS(n) _Alignas(n)
#endif

/* All bytes 0 is the value 0. */
typedef struct cc_atomic_u64 {
    CC_ATOMIC_WORD(uint64_t) word;
} cc_atomic_u64;
typedef struct cc_atomic_u32 {
    CC_ATOMIC_WORD(uint32_t) word;
} cc_atomic_u32;
typedef struct cc_atomic_uptr {
    CC_ATOMIC_WORD(uintptr_t) word;
} cc_atomic_uptr;

/* ---------------------------------------------------------------- the scheduler's side of a
 * build */
#ifdef CC_SCHED
/* A store that may be delayed past later loads of the same thread; release stores stay in order. */
void cc_sched_store(void *address, unsigned bytes, uint64_t value, bool release);
/* A load: forwarded from the thread's own store buffer when it holds the address. */
uint64_t cc_sched_load(const void *address, unsigned bytes);
/* Before a read-modify-write or a full fence: a scheduling point, then the store buffer drains. */
void cc_sched_drain(void);
/* Behind a read-modify-write: what it has published is anybody's, and may be gone before the next
 * access, which need not be an atomic one. */
void cc_sched_behind(const int *unused);
/* Where the thread's own signal handler may come in between. */
void cc_sched_signal_point(void);
#endif

/* ---------------------------------------------------------------- loads, stores,
 * read-modify-writes */
#ifdef CC_SCHED
#define CC_ATOMIC_LOAD(T, p, order) ((T)cc_sched_load((const void *)&(p)->word, sizeof(T)))
#define CC_ATOMIC_STORE(T, p, v, order)                                                            \
    cc_sched_store((void *)&(p)->word, sizeof(T), (uint64_t)(v), (order) != memory_order_relaxed)
#define CC_ATOMIC_RMW_POINT()                                                                      \
    __attribute__((cleanup(cc_sched_behind))) const int point_behind = 0;                          \
    (void)point_behind;                                                                            \
    cc_sched_drain()
#else
#define CC_ATOMIC_LOAD(T, p, order) atomic_load_explicit(&(p)->word, order)
#define CC_ATOMIC_STORE(T, p, v, order) atomic_store_explicit(&(p)->word, v, order)
#define CC_ATOMIC_RMW_POINT() ((void)0)
#endif

/* cas: if *p == *expected, store desired and return true; else write what was there to *expected.
 * Strong: it fails only when the values differ. A failed one has acquire order (the caller is about
 * to look at what it found). */
#define CC_DEFINE_ATOMICS(NAME, T)                                                                 \
    static inline T cc_load_relaxed_##NAME(const cc_atomic_##NAME *p) {                            \
        return CC_ATOMIC_LOAD(T, p, memory_order_relaxed);                                         \
    }                                                                                              \
    static inline T cc_load_acquire_##NAME(const cc_atomic_##NAME *p) {                            \
        return CC_ATOMIC_LOAD(T, p, memory_order_acquire);                                         \
    }                                                                                              \
    static inline T cc_load_seq_cst_##NAME(const cc_atomic_##NAME *p) {                            \
        return CC_ATOMIC_LOAD(T, p, memory_order_seq_cst);                                         \
    }                                                                                              \
    static inline void cc_store_relaxed_##NAME(cc_atomic_##NAME *p, T v) {                         \
        CC_ATOMIC_STORE(T, p, v, memory_order_relaxed);                                            \
    }                                                                                              \
    static inline void cc_store_release_##NAME(cc_atomic_##NAME *p, T v) {                         \
        CC_ATOMIC_STORE(T, p, v, memory_order_release);                                            \
    }                                                                                              \
    static inline T cc_exchange_acq_rel_##NAME(cc_atomic_##NAME *p, T v) {                         \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_exchange_explicit(&p->word, v, memory_order_acq_rel);                        \
    }                                                                                              \
    static inline T cc_exchange_seq_cst_##NAME(cc_atomic_##NAME *p, T v) {                         \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_exchange_explicit(&p->word, v, memory_order_seq_cst);                        \
    }                                                                                              \
    static inline bool cc_cas_acq_rel_##NAME(cc_atomic_##NAME *p, T *expected, T desired) {        \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_compare_exchange_strong_explicit(                                            \
            &p->word, expected, desired, memory_order_acq_rel, memory_order_acquire);              \
    }                                                                                              \
    static inline bool cc_cas_seq_cst_##NAME(cc_atomic_##NAME *p, T *expected, T desired) {        \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_compare_exchange_strong_explicit(                                            \
            &p->word, expected, desired, memory_order_seq_cst, memory_order_seq_cst);              \
    }                                                                                              \
    static inline T cc_fetch_add_relaxed_##NAME(cc_atomic_##NAME *p, T v) {                        \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_fetch_add_explicit(&p->word, v, memory_order_relaxed);                       \
    }                                                                                              \
    static inline T cc_fetch_add_acq_rel_##NAME(cc_atomic_##NAME *p, T v) {                        \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_fetch_add_explicit(&p->word, v, memory_order_acq_rel);                       \
    }                                                                                              \
    static inline T cc_fetch_add_seq_cst_##NAME(cc_atomic_##NAME *p, T v) {                        \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_fetch_add_explicit(&p->word, v, memory_order_seq_cst);                       \
    }                                                                                              \
    static inline T cc_fetch_sub_acq_rel_##NAME(cc_atomic_##NAME *p, T v) {                        \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_fetch_sub_explicit(&p->word, v, memory_order_acq_rel);                       \
    }                                                                                              \
    static inline T cc_fetch_or_acq_rel_##NAME(cc_atomic_##NAME *p, T v) {                         \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_fetch_or_explicit(&p->word, v, memory_order_acq_rel);                        \
    }                                                                                              \
    static inline T cc_fetch_or_seq_cst_##NAME(cc_atomic_##NAME *p, T v) {                         \
        CC_ATOMIC_RMW_POINT();                                                                     \
        return atomic_fetch_or_explicit(&p->word, v, memory_order_seq_cst);                        \
    }

CC_DEFINE_ATOMICS(u64, uint64_t)
CC_DEFINE_ATOMICS(u32, uint32_t)
CC_DEFINE_ATOMICS(uptr, uintptr_t)

/* ---------------------------------------------------------------- fences */

/* Orders every earlier load and store of this thread before every later one, as other threads see
 * them. `dummy` is any atomic word of the object in question: ThreadSanitizer builds touch it in
 * place of the fence they cannot see. */
static inline void cc_fence_seq_cst(cc_atomic_u64 *dummy) {
#if defined(CC_SCHED)
    (void)dummy;
    cc_sched_drain();
#elif defined(CC_TSAN)
    atomic_fetch_add_explicit(&dummy->word, 0, memory_order_seq_cst);
#else
    (void)dummy;
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* The same, where the change that must be seen first was made by a read-modify-write: this
 * thread's, or another's that this thread has seen done. On x86 that is a full barrier, and what is
 * seen is not seen too early, so only the compiler has to be told. */
static inline void cc_fence_seq_cst_after_rmw(cc_atomic_u64 *dummy) {
#if defined(CC_ARCH_X86_64) && !defined(CC_SCHED) && !defined(CC_TSAN)
    (void)dummy;
    atomic_signal_fence(memory_order_seq_cst);
#else
    cc_fence_seq_cst(dummy);
#endif
}

/* Orders what this thread does before its own signal handler's eyes: for the compiler, not the
 * processor. */
static inline void cc_fence_for_own_handler(void) {
    atomic_signal_fence(memory_order_seq_cst);
#if defined(CC_SCHED)
    cc_sched_signal_point();
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* Store v, then make sure that everybody sees it before this thread's next load. On x86 the
 * exchange is that fence; elsewhere a read-modify-write followed by a load is not a full barrier in
 * C11, so the fence is said. */
static inline void cc_publish_u64(cc_atomic_u64 *p, uint64_t v) {
    (void)cc_exchange_seq_cst_u64(p, v);
#if !defined(CC_SCHED) && !defined(CC_TSAN) && !defined(CC_ARCH_X86_64)
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Sets the lower 16 bits of a word and leaves the upper ones, which others may be changing, as they
 * are. For words whose lower half nobody else writes at that time: then x86-64 needs no locked
 * instruction but a store of two bytes. C11 does not know stores of a part; elsewhere, and where
 * ThreadSanitizer looks on, it is an OR. */
static inline void cc_set_low_half_release_u32(cc_atomic_u32 *p) {
#if defined(CC_SCHED)
    unsigned is_big_endian = *(const uint8_t *)&(const uint16_t){1} == 0;
    cc_sched_store((char *)&p->word + 2 * is_big_endian, 2, 0xFFFF, true);
#elif defined(CC_ARCH_X86_64) && !defined(CC_TSAN) && !defined(_MSC_VER) && !defined(__cplusplus)
    __asm__ __volatile__("movw $-1, %0" : "+m"(p->word) : : "memory");
#else
    atomic_fetch_or_explicit(&p->word, 0xFFFF, memory_order_release);
#endif
}

/* ---------------------------------------------------------------- sixteen bytes at once */

/* A pair of words that one instruction can compare and swap. Must be 16-byte aligned. */
typedef struct cc_pair {
#if defined(_MSC_VER) && !defined(__clang__)
    __declspec(align(16)) uint64_t low;
#else
    CC_ALIGNAS(16) uint64_t low;
#endif
    uint64_t high;
} cc_pair;

/* CC_HAVE_PAIR_CAS: the architecture may have cc_pair_cas. On x86-64 ask cc_features() for
 * CC_FEATURE_CMPXCHG16B as well before calling it. */
#if defined(CC_ARCH_X86_64) || (defined(CC_ARCH_AARCH64) && !defined(_MSC_VER))
#define CC_HAVE_PAIR_CAS 1
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif
#if defined(CC_TSAN)
#include <sanitizer/tsan_interface.h> /* it does not see what the instruction below orders */
#endif

/* If *p == *expected, store desired and return true; else write what was there to *expected.
 * Sequentially consistent. Never a call into libatomic, which would take a lock. */
static inline bool cc_pair_cas(cc_pair *p, cc_pair *expected, cc_pair desired) {
    CC_ATOMIC_RMW_POINT();
#if defined(CC_TSAN)
    __tsan_release(&p->low);
    __tsan_release(&p->high);
#endif
#if defined(CC_ARCH_X86_64) && defined(_MSC_VER) && !defined(__clang__)
    return _InterlockedCompareExchange128((volatile long long *)p, (long long)desired.high,
                                          (long long)desired.low, (long long *)expected) != 0;
#elif defined(CC_ARCH_X86_64)
    bool swapped;
    __asm__ __volatile__("lock cmpxchg16b %1"
                         : "=@ccz"(swapped), "+m"(*p), "+a"(expected->low), "+d"(expected->high)
                         : "b"(desired.low), "c"(desired.high)
                         : "memory");
#if defined(CC_TSAN)
    __tsan_acquire(&p->low);
    __tsan_acquire(&p->high);
#endif
    return swapped;
#else
    /* An exclusive pair loop runs on every aarch64; the failing path stores back what it read,
     * because only a successful store proves that the two halves were read together. */
    uint64_t low, high;
    uint32_t failed;
    bool equal;
    do {
        __asm__ __volatile__("ldaxp %0, %1, %2" : "=&r"(low), "=&r"(high) : "Q"(*p) : "memory");
        equal = low == expected->low && high == expected->high;
        uint64_t new_low = equal ? desired.low : low;
        uint64_t new_high = equal ? desired.high : high;
        __asm__ __volatile__("stlxp %w0, %2, %3, %1"
                             : "=&r"(failed), "=Q"(*p)
                             : "r"(new_low), "r"(new_high)
                             : "memory");
    } while (failed);
    __asm__ __volatile__("dmb ish" ::: "memory");
    expected->low = low;
    expected->high = high;
    return equal;
#endif
}
#endif /* CC_HAVE_PAIR_CAS */

#endif
