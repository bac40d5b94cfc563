/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cc_os.h for Windows, parking included; there are no interrupts.
 */
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "cc_os.h"

uint64_t cc_os_now(void) {
    LARGE_INTEGER ticks, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&ticks);
    uint64_t f = (uint64_t)frequency.QuadPart, t = (uint64_t)ticks.QuadPart;
    return t / f * 1000000000u + t % f * 1000000000u / f;
}

unsigned cc_os_cpu_count(void) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwNumberOfProcessors ? (unsigned)info.dwNumberOfProcessors : 1u;
}

void cc_os_yield(void) {
    SwitchToThread();
}

uint64_t cc_os_thread_number(void) {
    return GetCurrentThreadId();
}

unsigned cc_os_features(void) {
#if defined(CC_ARCH_AARCH64)
#ifndef PF_ARM_V81_ATOMIC_INSTRUCTIONS_AVAILABLE
#define PF_ARM_V81_ATOMIC_INSTRUCTIONS_AVAILABLE 34
#endif
    return IsProcessorFeaturePresent(PF_ARM_V81_ATOMIC_INSTRUCTIONS_AVAILABLE) ? CC_FEATURE_LSE
                                                                               : 0u;
#else
    return 0;
#endif
}

uint64_t cc_os_address_space(void) {
    return UINT64_MAX;
}

void *cc_os_reserve(size_t bytes) {
    return VirtualAlloc(NULL, bytes, MEM_RESERVE, PAGE_NOACCESS);
}

void cc_os_unreserve(void *reserved, size_t bytes) {
    (void)bytes;
    VirtualFree(reserved, 0, MEM_RELEASE);
}

bool cc_os_commit(void *from, size_t bytes, bool in_huge_pages) {
    (void)in_huge_pages; /* they need a privilege */
    return VirtualAlloc(from, bytes, MEM_COMMIT, PAGE_READWRITE) != NULL;
}

/* Committed memory stays counted as such; its pages are the system's to take. */
void cc_os_discard(void *from, size_t bytes) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    uintptr_t page = info.dwPageSize, first = ((uintptr_t)from + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)from + bytes) & ~(page - 1);
    if (first < end) {
        VirtualAlloc((void *)first, end - first, MEM_RESET, PAGE_READWRITE);
    }
}

/* C has no thread-local destructors on Windows; fibre-local storage has a callback that also runs
 * at thread exit. */
static INIT_ONCE exit_slot_once = INIT_ONCE_STATIC_INIT;
static DWORD exit_slot = FLS_OUT_OF_INDEXES;
static void (*exit_hook)(void *);

static void WINAPI call_exit_hook(void *argument) {
    if (argument) {
        exit_hook(argument);
    }
}

static BOOL CALLBACK make_exit_slot(PINIT_ONCE once, PVOID hook, PVOID *context) {
    (void)once;
    (void)context;
    exit_hook = *(void (**)(void *))hook;
    exit_slot = FlsAlloc(call_exit_hook);
    return TRUE;
}

int cc_os_at_thread_exit(void (*hook)(void *), void *argument) {
    InitOnceExecuteOnce(&exit_slot_once, make_exit_slot, &hook, NULL);
    if (exit_slot == FLS_OUT_OF_INDEXES) {
        return -1;
    }
    return FlsSetValue(exit_slot, argument) ? 0 : -1;
}

int cc_os_at_fork_in_child(void (*handler)(void)) {
    (void)handler;
    return 0; /* there is no fork */
}

cc_park_result cc_park(cc_atomic_u32 *word, uint32_t expected, uint64_t deadline) {
    DWORD wait = INFINITE;
    if (deadline != CC_PARK_FOREVER) {
        uint64_t now = cc_os_now();
        if (now >= deadline) {
            return CC_PARK_TIMED_OUT;
        }
        uint64_t milliseconds = (deadline - now + 999999u) / 1000000u;
        wait = milliseconds >= INFINITE ? INFINITE - 1u : (DWORD)milliseconds;
    }
    if (WaitOnAddress((volatile void *)&word->word, &expected, sizeof expected, wait)) {
        return CC_PARK_WOKEN;
    }
    return GetLastError() == ERROR_TIMEOUT ? CC_PARK_TIMED_OUT : CC_PARK_WOKEN;
}

void cc_unpark_one(cc_atomic_u32 *word) {
    WakeByAddressSingle((void *)&word->word);
}

void cc_unpark_all(cc_atomic_u32 *word) {
    WakeByAddressAll((void *)&word->word);
}

const char *cc_park_name(void) {
    return "WaitOnAddress";
}
#else
typedef int cc_nothing_for_windows_here;
#endif
