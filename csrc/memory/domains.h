/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The list of the live domains of the process.
 *
 * A caller may rely on this: a walk sees every domain that was in the list when it began and still
 * is when its turn comes; domains may come and go at any moment, and walks may overlap. A domain
 * that is in the list while the lock is held is not freed.
 *
 * Progress. Blocking: under a short lock (platform/cc_registry_lock.h), taken where a container is
 * made or destroyed and by walks, never by an operation on a container.
 *
 * Layer: above platform/ only. It knows nothing of a domain but its link; domain.h is built on it.
 */
#ifndef CC_DOMAINS_H
#define CC_DOMAINS_H

#include <stdbool.h>
#include <stdint.h>

/* A domain's place in the list. Guarded by the registry lock, `joins_flushes` as well. */
typedef struct cc_domain_link {
    struct cc_domain_link *next, *previous;
    uint64_t round;
    bool joins_flushes; /* flush.c */
} cc_domain_link;

void cc_domains_add(cc_domain_link *link);

/* When it returns, no walk touches the domain any more. */
void cc_domains_remove(cc_domain_link *link);

uint64_t cc_domains_count(void);

/* A walk: with the lock held, begin a round, and take one after the other until there is none. The
 * lock may be let go of after each. */
uint64_t cc_domains_begin_round(void);
cc_domain_link *cc_domains_next_of_round(uint64_t round);

#endif
