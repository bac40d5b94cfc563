/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A walk takes the first domain, puts it to the end with the number of the newest round, looks at
 * it, and lets go of the lock before the next one. It is over when the first domain carries its own
 * round or a later one: everything that was in the list when the walk began has been looked at
 * since, by this walk or by a later one. So nothing of a walk lies in the list: walks may overlap,
 * a domain may come or go at any moment, and a thread that is gone after fork() leaves no trace.
 */
#include "domains.h"

#include <stddef.h>

#include "../platform/cc_registry_lock.h"

/* The lock's. */
static cc_domain_link *first, *last;
static uint64_t rounds;
static uint64_t domain_count;

static void append(cc_domain_link *link) {
    link->round = rounds;
    link->next = NULL;
    link->previous = last;
    *(last ? &last->next : &first) = link;
    last = link;
}

static void take_out(cc_domain_link *link) {
    *(link->previous ? &link->previous->next : &first) = link->next;
    *(link->next ? &link->next->previous : &last) = link->previous;
}

void cc_domains_add(cc_domain_link *link) {
    cc_lock_registry();
    append(link);
    domain_count++;
    cc_unlock_registry();
}

void cc_domains_remove(cc_domain_link *link) {
    cc_lock_registry();
    take_out(link);
    domain_count--;
    cc_unlock_registry();
}

uint64_t cc_domains_count(void) {
    cc_lock_registry();
    uint64_t n = domain_count;
    cc_unlock_registry();
    return n;
}

uint64_t cc_domains_begin_round(void) {
    return ++rounds;
}

cc_domain_link *cc_domains_next_of_round(uint64_t round) {
    cc_domain_link *link = first;
    if (!link || link->round >= round) {
        return NULL;
    }
    take_out(link);
    append(link);
    return link;
}
