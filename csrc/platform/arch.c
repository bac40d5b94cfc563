/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the processor can do, asked of it or of the system once and then remembered.
 */
#include "concurrent_collections/cc_arch.h"

#include "cc_os.h"

#include <stdlib.h>
#include <string.h>

#if defined(CC_ARCH_X86_64)
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
static unsigned ask_the_machine(void) {
#if defined(_MSC_VER) && !defined(__clang__)
    int registers[4];
    __cpuid(registers, 1);
    unsigned ecx = (unsigned)registers[2];
#else
    unsigned eax, ebx, ecx = 0, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        return 0;
    }
#endif
    return (ecx & (1u << 13)) ? CC_FEATURE_CMPXCHG16B : 0u;
}
#else
static unsigned ask_the_machine(void) {
    return cc_os_features();
}
#endif

/* For tests: the feature that CONCURRENT_COLLECTIONS_WITHOUT names is reported as absent. So what
 * runs on machines without it can be tried on one that has it. Read once. */
#if defined(_MSC_VER) && !defined(__clang__)
#pragma warning(disable : 4996) /* of getenv, which is standard C */
#endif
static unsigned ask_tests(void) {
    const char *without = getenv("CONCURRENT_COLLECTIONS_WITHOUT");
    return without && strcmp(without, "cmpxchg16b") == 0 ? CC_FEATURE_CMPXCHG16B : 0u;
}

#define KNOWN 0x80000000u /* told apart from "not asked yet" */

unsigned cc_features(void) {
    static _Atomic uint32_t remembered;
    uint32_t features = atomic_load_explicit(&remembered, memory_order_relaxed);
    if (!features) {
        /* Two threads may both ask; they get the same answer. */
        features = (ask_the_machine() & ~ask_tests()) | KNOWN;
        atomic_store_explicit(&remembered, features, memory_order_relaxed);
    }
    return features & ~KNOWN;
}
