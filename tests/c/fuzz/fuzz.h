/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sequences of operations out of bytes, for programs that look for one which the core answers
 * differently from a sequential model, or which breaks an invariant or touches freed memory.
 *
 * A program has one function, libFuzzer's. Linked with libFuzzer (-Dfuzzers=true) it searches, led
 * by what each input covers: tools/soak, and for a few seconds tools/test. Linked with fuzz_main.c
 * it is a unit test of random inputs, and repeats the inputs that are named on its command line.
 */
#ifndef CC_TEST_FUZZ_H
#define CC_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "../check.h"

/* Play one input. It ends the process if something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* How many random inputs the unit test plays. */
extern const int64_t random_inputs;

/* Chooses by these bytes until `left` is 0. */
static inline UNUSED rng choices_of(const uint8_t *bytes, size_t count) {
    rng r = {.bytes = bytes, .left = count};
    return r;
}

#endif
