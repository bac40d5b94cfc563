/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests visit words with that are numbers which count up.
 */
#ifndef CC_TEST_VISIT_WORDS_H
#define CC_TEST_VISIT_WORDS_H

#include "check.h"

/* The argument is the number expected next. */
static inline UNUSED int visit_next(uintptr_t word, void *argument) {
    uintptr_t *expected = argument;
    CHECK_EQ(word, *expected);
    ++*expected;
    return 0;
}

/* The visit ends with 42 at the number that the argument is. */
static inline UNUSED int stop_at(uintptr_t word, void *argument) {
    return word == *(uintptr_t *)argument ? 42 : 0;
}

#endif
