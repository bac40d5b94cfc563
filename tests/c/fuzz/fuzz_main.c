/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fuzzers without libFuzzer: random inputs, or those in the files that are named.
 */
#include "fuzz.h"

enum { MOST_BYTES = 1 << 16 };

static void play_file(const char *name) {
    static uint8_t bytes[MOST_BYTES];
    FILE *file = fopen(name, "rb");
    CHECK(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    begin_test(name);
    LLVMFuzzerTestOneInput(bytes, count);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        play_file(argv[i]);
    }
    if (argc == 1) {
        begin_test("random inputs");
        rng r = rng_from(0);
        for (int64_t n = scaled(random_inputs); n > 0; n--) {
            uint8_t bytes[1000];
            size_t count = (size_t)rng_below(&r, sizeof bytes);
            for (size_t i = 0; i < count; i++) {
                bytes[i] = (uint8_t)rng_next(&r);
            }
            LLVMFuzzerTestOneInput(bytes, count);
        }
    }
    printf("passed\n");
    return 0;
}
