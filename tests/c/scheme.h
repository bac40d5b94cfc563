/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tests of containers run once for each reclamation scheme: CC_TEST_SCHEME=debra asks for the
 * other one. The scheme of a container is said where it matters.
 */
#ifndef CC_TEST_SCHEME_H
#define CC_TEST_SCHEME_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/smr_fast.h"

static inline void use_scheme_of_the_environment(void) {
    const char *wanted = getenv("CC_TEST_SCHEME");
    if (wanted && strcmp(wanted, "debra") == 0) {
        cc_store_relaxed_u32(&cc_smr_settings.scheme, CC_SMR_DEBRA);
    }
    printf("reclamation: %s\n",
           cc_smr_scheme_of_new_containers() == CC_SMR_DEBRA ? "debra" : "ibr");
}

static inline void say_what_was_neutralized(void) {
    cc_smr_statistics s;
    cc_smr_get_statistics(&s);
    printf("    %llu read phases neutralized, %llu refusals\n",
           (unsigned long long)s.neutralizations, (unsigned long long)s.refusals);
}

#endif
