/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CC_INVARIANT_H
#define CC_INVARIANT_H

/* Stop the process with a message where a condition does not hold, in builds with
 * -Ddebug_invariants=true; costs nothing in others. */
#if defined(CC_DEBUG_INVARIANTS)
#define CC_INVARIANT(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            cc_invariant_failed(#condition, __FILE__, __LINE__);                                   \
        }                                                                                          \
    } while (0)
#else
#define CC_INVARIANT(condition) ((void)0)
#endif

void cc_invariant_failed(const char *condition, const char *file, int line);

#endif
