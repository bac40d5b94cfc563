/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What all ordered containers have in common: being made and freed, counts, limbo; and the way from
 * cc_ordered_* to the container's table, a load and a jump.
 *
 * Pairs of releases and acquires:
 *   (1) setting an order with reading it: what the owner has written to it.
 *   (2) putting a tree aside with the exchange that takes it: how far it has been taken apart.
 */
#include "ordered_inside.h"

#include <string.h>

/* ---------------------------------------------------------------- making and freeing */

cc_ordered *cc_ordered_new(const cc_ordered_operations *ops, const cc_word_table *words) {
    cc_ordered *map = cc_alloc_aligned(ops->bytes, CC_CACHE_LINE);
    if (!map) {
        return NULL;
    }
    memset((void *)map, 0, ops->bytes);
    map->ops = ops;
    map->common.words = words;
    map->common.domain =
        cc_smr_domain_new_of(cc_smr_scheme_of_new_containers(), ops->release_retired, words);
    if (!map->common.domain) {
        cc_free(map);
        return NULL;
    }
    cc_smr_domain_join_flushes(map->common.domain); /* a table of words lives for ever */
    ops->begin(map);
    return map;
}

static void destroy(cc_deferred *item) {
    cc_ordered *map = (cc_ordered *)item;
    map->ops->end(map);
    cc_smr_domain_free(map->common.domain);
    cc_free(map);
}

void cc_ordered_free(cc_ordered *map) {
    if (map) {
        map->common.destruction.run = destroy;
        cc_run_or_defer(&map->common.destruction);
    }
}

const cc_word_table *cc_ordered_words(const cc_ordered *map) {
    return map->common.words;
}

const cc_ordered_operations *cc_ordered_operations_of(const cc_ordered *map) {
    return map->ops;
}

uintptr_t cc_ordered_order(const cc_ordered *map) {
    return cc_load_acquire_uptr(&map->common.order); /* (1) */
}

uintptr_t cc_ordered_set_order(cc_ordered *map, uintptr_t order) {
    uintptr_t before = 0;
    return cc_cas_acq_rel_uptr(&map->common.order, &before, order) ? order : before; /* (1) */
}

cc_atomic_uptr *cc_ordered_notes(cc_ordered *map) {
    return &map->notes;
}

void cc_ordered_distrust(cc_ordered *map) {
    cc_store_relaxed_u32(&map->common.asked, 1); /* seen by whoever sees the order */
}

/* ---------------------------------------------------------------- the container's operations */

#define CHECK_QUESTION(search) CC_INVARIANT(!(search) || (search)->question == CC_ASK_ORDER)

cc_status cc_ordered_get(cc_ordered *map, cc_search *search, uintptr_t *value) {
    CHECK_QUESTION(search);
    return map->ops->get(map, search, value);
}

cc_status cc_ordered_put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                         uintptr_t *old) {
    CHECK_QUESTION(search);
    CC_INVARIANT(value != CC_TOMBSTONE);
    return map->ops->put(map, search, value, policy, old);
}

cc_status cc_ordered_replace_exact(cc_ordered *map, cc_search *search, uintptr_t expected,
                                   uintptr_t value) {
    CHECK_QUESTION(search);
    CC_INVARIANT(value != CC_TOMBSTONE);
    return map->ops->replace_exact(map, search, expected, value);
}

cc_status cc_ordered_remove(cc_ordered *map, cc_search *search, uintptr_t *old) {
    CHECK_QUESTION(search);
    return map->ops->remove(map, search, NULL, old);
}

cc_status cc_ordered_remove_exact(cc_ordered *map, cc_search *search, uintptr_t expected) {
    CHECK_QUESTION(search);
    return map->ops->remove(map, search, &expected, NULL);
}

cc_status cc_ordered_neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
                               cc_entry *entry) {
    CHECK_QUESTION(search);
    return map->ops->neighbour(map, search, relation, entry);
}

cc_status cc_ordered_pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                             cc_entry *entry) {
    return map->ops->pop_end(map, end, prepared, entry);
}

cc_status cc_ordered_scan_up(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                             size_t room, size_t *count) {
    CHECK_QUESTION(search);
    return map->ops->scan_up(map, search, how, entries, room, count);
}

cc_status cc_ordered_scan_down(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                               size_t room, size_t *count) {
    CHECK_QUESTION(search);
    return map->ops->scan_down(map, search, how, entries, room, count);
}

cc_status cc_ordered_sample(cc_ordered *map, cc_search *search, size_t every, cc_entry *entries,
                            size_t room, size_t *count) {
    CHECK_QUESTION(search);
    CC_INVARIANT(every > 0);
    return map->ops->sample
               ? map->ops->sample(map, search, every, entries, room, count)
               : map->ops->scan_up(map, search, CC_SCAN_EXCLUSIVE | CC_SCAN_WITHOUT_VALUES, entries,
                                   room, count);
}

size_t cc_ordered_append(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run) {
    CC_INVARIANT(count > 0);
    return map->ops->append(map, entries, count, run);
}

void cc_ordered_expect(cc_ordered *map, size_t entries) {
    if (map->ops->expect) {
        map->ops->expect(map, entries);
    }
}

cc_status cc_ordered_clear(cc_ordered *map) {
    return map->ops->clear(map);
}

const char *cc_ordered_check(cc_ordered *map) {
    return map->ops->check(map);
}

/* ---------------------------------------------------------------- what a clear has cut off */

static void put_aside(cc_atomic_uptr *aside, cc_detached *tree) {
    uintptr_t head = cc_load_relaxed_uptr(aside);
    do {
        tree->next = (cc_detached *)head;
    } while (!cc_cas_acq_rel_uptr(aside, &head, (uintptr_t)tree)); /* (2) */
}

cc_detached *cc_take_aside(cc_atomic_uptr *aside) {
    return (cc_detached *)cc_exchange_acq_rel_uptr(aside, 0); /* (2) */
}

static bool take_each_apart(cc_ordered *map, cc_thread *self, cc_atomic_uptr *aside,
                            cc_detached *all, cc_take_apart take_apart) {
    bool done = true;
    while (all) {
        cc_detached *tree = all;
        all = all->next;
        if (take_apart(map, self, tree)) {
            cc_free(tree);
        } else {
            put_aside(aside, tree);
            done = false;
        }
    }
    return done;
}

bool cc_take_all_apart(cc_ordered *map, cc_thread *self, cc_atomic_uptr *aside,
                       cc_detached *cut_off, cc_take_apart take_apart) {
    bool done = take_each_apart(map, self, aside, cut_off, take_apart);
    return take_each_apart(map, self, aside, cc_take_aside(aside), take_apart) && done;
}

void cc_retire_aside(cc_ordered *map, cc_atomic_uptr *aside, cc_take_apart take_apart) {
    cc_thread *self = cc_load_relaxed_uptr(aside) ? cc_thread_self() : NULL;
    if (self) {
        cc_take_all_apart(map, self, aside, NULL, take_apart);
    }
}

/* ---------------------------------------------------------------- what comes in order */

bool cc_is_less(const cc_ordered *map, const cc_new_entry *a, const cc_new_entry *b) {
    const cc_word_table *words = map->common.words;
    if (a->kind == b->kind && (a->digest != b->digest || !(a->key | b->key))) {
        return a->digest < b->digest;
    }
    cc_search search = {.digest = b->digest,
                        .hash = b->hash,
                        .key = b->key,
                        .kind = b->kind,
                        .order = (const void *)cc_ordered_order(map)};
    return words->compare && words->compare(&search, a->kind, a->digest, a->key) == 1;
}

size_t cc_count_ascending(const cc_ordered *map, const cc_new_entry *entries, size_t count,
                          size_t most) {
    size_t n = 1;
    while (n < count && n < most && cc_is_less(map, &entries[n - 1], &entries[n])) {
        n++;
    }
    return n;
}

/* ---------------------------------------------------------------- counts */

int64_t cc_sum_of_entries(const cc_ordered *map) {
    const cc_smr_domain *d = map->common.domain;
    uint64_t sum = 0;
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        sum += cc_load_relaxed_u64(&d->stripes[i].counts.entries);
    }
    return (int64_t)sum;
}

uint64_t cc_sum_of_bytes(const cc_ordered *map) {
    const cc_smr_domain *d = map->common.domain;
    uint64_t sum = 0;
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        sum += cc_load_relaxed_u64(&d->stripes[i].counts.bytes);
    }
    return sum;
}

size_t cc_ordered_length(const cc_ordered *map) {
    int64_t sum = cc_sum_of_entries(map);
    return sum > 0 ? (size_t)sum : 0;
}

size_t cc_ordered_bytes(const cc_ordered *map) {
    const cc_smr_domain *d = map->common.domain;
    uint64_t sum = map->ops->bytes + sizeof *d + (d->stripe_mask + 1) * sizeof(cc_stripe);
    for (uint32_t i = 0; i <= d->stripe_mask; i++) {
        sum += cc_load_relaxed_u64(&d->stripes[i].limbo.limbo_bytes);
    }
    return (size_t)(sum + cc_sum_of_bytes(map));
}

unsigned cc_ordered_levels(cc_ordered *map, uint64_t *counts, unsigned room) {
    return map->ops->levels ? map->ops->levels(map, counts, room) : 0;
}

/* ---------------------------------------------------------------- limbo */

size_t cc_ordered_flush(cc_ordered *map) {
    map->ops->retire_remainder(map);
    return cc_smr_flush(map->common.domain);
}

size_t cc_ordered_limbo_count(const cc_ordered *map) {
    return cc_smr_limbo_count(map->common.domain);
}

cc_smr_scheme cc_ordered_scheme(const cc_ordered *map) {
    return map->common.domain->scheme;
}

cc_smr_domain *cc_ordered_domain(const cc_ordered *map) {
    return map->common.domain;
}

static int visit_limbo(const cc_ordered *map, const cc_atomic_uptr *list,
                       int (*visit)(uintptr_t word, void *argument), void *argument) {
    for (cc_retired *r = (cc_retired *)cc_load_relaxed_uptr(list); r; r = r->next) {
        int answer = r->kind != CC_RETIRED_VALUE
                         ? map->ops->visit_retired(r->word, r->kind, visit, argument)
                     : r->word ? visit(r->word, argument)
                               : 0;
        if (answer) {
            return answer;
        }
    }
    return 0;
}

int cc_ordered_visit(cc_ordered *map, int (*visit)(uintptr_t word, void *argument),
                     void *argument) {
    const cc_smr_domain *d = map->common.domain;
    int answer = map->ops->visit(map, visit, argument);
    for (uint32_t i = 0; i <= d->stripe_mask && !answer; i++) {
        const cc_limbo *s = &d->stripes[i].limbo;
        answer = visit_limbo(map, &s->waiting, visit, argument);
        if (!answer) {
            answer = visit_limbo(map, &s->ready, visit, argument);
        }
    }
    return answer;
}
