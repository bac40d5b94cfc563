/* SPDX-License-Identifier: BSD-3-Clause */
#include "invariant.h"

#include <stdio.h>
#include <stdlib.h>

void cc_invariant_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
    abort();
}
