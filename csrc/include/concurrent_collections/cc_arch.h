/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the compiler can tell about the machine: architecture, cache line, pause instruction.
 * What only the running machine can tell (CMPXCHG16B, LSE) is asked once, in cc_features().
 */
#ifndef CC_ARCH_H
#define CC_ARCH_H

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)
#define CC_ARCH_X86_64 1
#define CC_ARCH_NAME "x86_64"
#elif defined(__aarch64__) || defined(_M_ARM64)
#define CC_ARCH_AARCH64 1
#define CC_ARCH_NAME "aarch64"
#elif defined(__riscv) && __riscv_xlen == 64
#define CC_ARCH_RISCV64 1
#define CC_ARCH_NAME "riscv64"
#elif defined(__powerpc64__)
#define CC_ARCH_PPC64 1
#define CC_ARCH_NAME "ppc64"
#elif defined(__s390x__)
#define CC_ARCH_S390X 1
#define CC_ARCH_NAME "s390x"
#else
#define CC_ARCH_NAME "generic"
#endif

#if UINTPTR_MAX != UINT64_MAX
#error "concurrent_collections needs a 64-bit machine: eras and marks share words with pointers"
#endif

/* Two variables that different threads write must be this far apart. Apple Silicon and POWER move
 * 128 bytes at a time; elsewhere 64 is the line. */
#if (defined(CC_ARCH_AARCH64) && defined(__APPLE__)) || defined(CC_ARCH_PPC64)
#define CC_CACHE_LINE 128
#else
#define CC_CACHE_LINE 64
#endif

/* Bits that cc_features() returns. */
#define CC_FEATURE_CMPXCHG16B 1u /* x86-64: a 16-byte compare-and-swap exists */
#define CC_FEATURE_LSE 2u        /* aarch64: single-instruction atomics (and CASP) exist */

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the CC_FEATURE_ bits of the running processor. Asked of the machine at the first call,
 * remembered after it. Wait-free, callable from any thread. */
unsigned cc_features(void);

#ifdef __cplusplus
}
#endif

/* One polite step of a spin loop: lets the sibling hyperthread run, gives up nothing else. */
static inline void cc_pause(void) {
#if defined(CC_ARCH_X86_64)
#if defined(_MSC_VER) && !defined(__clang__)
    _mm_pause();
#else
    __builtin_ia32_pause();
#endif
#elif defined(CC_ARCH_AARCH64) && !defined(_MSC_VER)
    __asm__ __volatile__("isb" ::
                             : "memory"); /* `yield` is a no-op on most cores; isb takes ~10 ns */
#elif defined(CC_ARCH_PPC64)
    __asm__ __volatile__("or 27,27,27" ::: "memory");
#elif defined(CC_ARCH_RISCV64)
    __asm__ __volatile__(".4byte 0x100000F" ::: "memory"); /* `pause` hint, a fence where unknown */
#endif
}

/* Ask for the cache line of an address that is going to be looked at. The address may be any. */
#if defined(__GNUC__)
#define CC_PREFETCH(address) __builtin_prefetch((const void *)(address))
#else
#define CC_PREFETCH(address) ((void)(address))
#endif

/* Of a function whose answer says whether anything was done. */
#if defined(__GNUC__)
#define CC_MUST_CHECK __attribute__((warn_unused_result))
#else
#define CC_MUST_CHECK
#endif

/* Of functions whose inlining decides over the speed of a hot path. */
#if defined(_MSC_VER) && !defined(__clang__)
#define CC_ALWAYS_INLINE static __forceinline
#define CC_NEVER_INLINE static __declspec(noinline)
#else
#define CC_ALWAYS_INLINE static inline __attribute__((always_inline))
#define CC_NEVER_INLINE static __attribute__((noinline, unused))
#endif

#endif
