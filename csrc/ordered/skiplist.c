/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock-free skip list: operations on one key, and the overview.
 *
 *     skiplist_inside.h   nodes, positions, seeking
 *     skiplist.c          one key: get, put, replace_exact, remove
 *     skiplist_order.c    ordered queries, pops, scans, samples
 *     skiplist_build.c    many entries that come in order
 *     skiplist_sweep.c    unlinking what has been removed
 *     skiplist_index.c    the index in step with the list
 *     skiplist_growth.c   its size
 *     skiplist_bulk.c     clear, freeing, visit and check; the table of operations
 *
 *     value_slot.h, handoff.h, harris_list.h, index.h      what it is made of
 *
 * Promises. Every operation is linearizable but for scans, where each entry by itself is, and for
 * clear (skiplist_bulk.c). An operation asks foreign code only before its effect.
 *
 * Progress. Every operation is lock-free: a search starts over only when somebody else has changed
 * a link that it was about to use. Nobody waits for anybody.
 *
 * Algorithm. Fraser's (Practical lock-freedom, 2004, section 4.3) in the form of Harris' and
 * Michael's lists: a mark in the low bit of a node's next pointer says that this node is dead on
 * that level, and whoever meets a marked node unlinks it before going on.
 *
 *      head ----------------------------> 30 -------------> NULL      level 1
 *      head ---> 10 ---> 20 -(marked)---> 30 ---> 40 -----> NULL      level 0
 *
 * Deviations from the papers, and where each is argued.
 *
 *   Value slots decide (value_slot.h). Removing is one CAS from value to tombstone (whoever wins it
 *   owns the value, and pop returns exactly that), then the node is marked from its top level down
 *   and unlinked. Values have births of their own.
 *
 *   No step past a marked link without proof (harris_list.h).
 *
 *   One hand-off per node (handoff.h). The last one out of a node unlinks it from every level (a
 *   *sweep*) and retires it. Nobody can link it again after that.
 *
 *   Proof of unlinking (handoff.h, skiplist_sweep.c): UNLINKED in the node's own links.
 *
 *   Never in front of an equal key (skiplist_inside.h).
 *
 *   No question after the effect. A search that foreign code has to be asked for ends the operation
 *   (CC_NEED_COMPARE), and the caller begins it again. Once an entry is in or out there is no
 *   beginning again, and what foreign code raises would have nobody to go to. So a removal that
 *   asks learns the whole place of the entry first, and the sweep takes the node out where it was
 *   seen (cc_skiplist_unlink_at); pop_end, which knows no order, does so at the end of the list.
 *   What has changed meanwhile is found by a search that asks nothing, else by walking the level.
 *   An insertion that would have to ask again leaves its tower lower.
 *
 * Linearization points of this file.
 *   get, found       the load of the live value.
 *   get, absent      by the list: the load of the clean link on level 0 that skips the key. When a
 *                    node with a tombstone is found: its removal, or the load of the link to it if
 *                    that is later, since while a node is linked on level 0 no other node with its
 *                    key is. By the index: some point of the call at which no node with the key was
 *                    in the list. A node that was there from the call's beginning to its end would
 *                    have been found (index.h); so the key was absent when the call began, or when
 *                    the node that was there then had been removed.
 *   put              the CAS on the predecessor's level-0 link, or on the value.
 *   replace_exact    the CAS on the value; without effect as get, or the load of another value.
 *   remove           the CAS of the value to the tombstone; without effect as get, or the load of
 *                    another value than `expected`.
 *
 * Memory. Needs exactly cc_smr's rules; an operation's region is closed before words are released.
 *
 * Phases. Under debra.c a search is a read phase, which may begin again at any instruction. So it
 * only loads, and does CASes that anybody may do and nobody has to. One of these has a sequel: who
 * unlinks a node from a level then says so (UNLINKED). When that thread is interrupted in between,
 * the proof is missing, and a sweep that wants it walks the level. What an operation does once and
 * for all (swapping a value, linking, counting, joining builders, taking references) is in a write
 * phase, which holds the nodes it goes by. "A read phase" in a function's comment says that the
 * function begins one and ends it; nothing else may follow links.
 *
 * Pairs of releases and acquires, by number, and the file that has the words to them:
 *   (1) the CAS that links a node           harris_list.h
 *   (2) the CAS that stores a value         value_slot.h
 *   (3) the store that raises `top`         skiplist_inside.h
 *   (4) leaving builders, setting REMOVED   handoff.h
 *   (5) setting UNLINKED                    handoff.h
 *   (6) putting nodes aside                 skiplist_bulk.c
 */
#include "skiplist_inside.h"

/* ---------------------------------------------------------------- making nodes */

int cc_skiplist_random_height(cc_thread *self, int top) {
    uint64_t r = cc_thread_random(self) >> 11; /* the low bits of xorshift are the weak ones */
    int height = 1;
    while (height < MAX_HEIGHT && height <= top && (r & 3) == 0) {
        height++;
        r >>= 2;
    }
    return height;
}

node *cc_skiplist_new_node(cc_skiplist *list, const cc_search *search, uintptr_t value,
                           int height) {
    size_t in_front = search->key ? sizeof(uintptr_t) : 0;
    char *block = cc_arena_alloc(cc_thread_self(),
                                 in_front + sizeof(node) + (size_t)height * sizeof(cc_link));
    if (!block) {
        return NULL;
    }
    node *n = (node *)(block + in_front);
    uint64_t era = cc_birth_of_new_node(&list->map.common);
    if (in_front) {
        *(uintptr_t *)block = search->key;
    }
    n->digest = search->digest;
    n->birth_kind_height = era | (uint64_t)search->kind << CC_ERA_BITS | (uint64_t)height << 56 |
                           (in_front ? HAS_WORD : 0) |
                           (list->head.birth_kind_height & IN_LOCKED_LIST);
    cc_store_relaxed_u64(&n->slot.birth, era | CC_ONE_BUILDER);
    cc_store_relaxed_uptr(&n->slot.value, value);
    return n;
}

/* ---------------------------------------------------------------- asking the index */

typedef enum index_answer {
    INDEX_DOES_NOT_KNOW, /* search; unless the search has a question */
    INDEX_FOUND,
    INDEX_ABSENT
} index_answer;

/* Has the node's key the searched hash? Where kinds differ a tag is not enough: comparing might ask
 * foreign code of two keys that nobody has compared. In a read phase. */
CC_NEVER_INLINE bool has_searched_hash(cc_skiplist *list, cc_smr_guard *g, const cc_search *search,
                                       const node *n) {
    cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
    cc_end_reading(g); /* the owner's function: see cc_compare_key_slowly */
    bool same = hash_of(list, n) == search->hash;
    cc_resume_reading(g);
    return same;
}

/* Ask the index for the searched key. INDEX_FOUND: its node, and the value that it had, which was
 * no tombstone. It may leave a question in search->asks. In a read phase. */
CC_ALWAYS_INLINE index_answer ask_index(cc_skiplist *list, cc_smr_guard *g, bool restarts,
                                        cc_search *search, node **found, uintptr_t *value) {
    if (!search->hash) {
        return INDEX_DOES_NOT_KNOW;
    }
    const index_table *t = (const index_table *)cc_protect_in(g, restarts, &list->index);
    const uint64_t tag = index_tag(search->hash);
    uint64_t flags = 0;
    FOR_EACH_PROBE(t, p) {
        const index_bucket *b = index_probe(t, search->hash, p);
        uint64_t state = cc_load_acquire_u64(&b->state); /* (16) */
        if (p == 0) { /* before the other slots: a healer fills them, and then takes LOST away */
            flags = state;
        }
        for (uint64_t m = index_slots_with(state, tag); m; m &= m - 1) {
            node *n = target_of(
                cc_protect_reference(g, restarts, &b->nodes[index_first_slot(m)])); /* (16) */
            /* Rule C: only now, after the protected load, does it prove anything. */
            if (cc_load_acquire_uptr(&list->index) != (uintptr_t)t) {
                return INDEX_DOES_NOT_KNOW;
            }
            if (!n || (kind_of(n) != search->kind && !has_searched_hash(list, g, search, n))) {
                continue;
            }
            int order = compare(list, g, search, n);
            if (order == CC_UNDECIDED) {
                return INDEX_DOES_NOT_KNOW;
            }
            if (order == 0) {
                if (!(cc_load_acquire_u64(&n->slot.birth) & CC_LINKED)) { /* (4) */
                    return INDEX_DOES_NOT_KNOW;
                }
                *value = cc_load_value(g, restarts, &n->slot); /* (2) */
                if (*value != CC_TOMBSTONE) {
                    *found = n;
                    return INDEX_FOUND;
                }
                observe_in_read_phase(list, g, n, CC_TOMBSTONE);
            }
        }
        if (!(state & BUCKET_PASSED)) {
            break;
        }
    }
    return (flags & BUCKET_LOST) || cc_load_acquire_u32(&list->unhashed) ? INDEX_DOES_NOT_KNOW
                                                                         : INDEX_ABSENT;
}

node *cc_skiplist_find_by_index(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                bool *is_absent) {
    node *n = NULL;
    uintptr_t value;
    index_answer answer = ask_index(list, g, false, search, &n, &value);
    if (is_absent) {
        *is_absent = answer == INDEX_ABSENT;
    }
    return answer == INDEX_FOUND ? n : NULL;
}

/* ---------------------------------------------------------------- operations on one key */

/* What find_entry has found. */
typedef struct found_entry {
    node *n;
    uintptr_t value; /* CC_TOMBSTONE: the key was absent at some point of the call */
    /* Where regions restart: the read phase has met a collector, so n is held, and a get reports
     * it. Where none was met, a walk that began later sees the same. */
    bool is_collected;
} found_entry;

/* What the caller of find_entry goes on to touch in its write phase, so that only that is held:
 *
 *   A get takes a reference to the value, where the owner has such; the value may be replaced and
 *   retired the moment the phase is over, so it is held for that. A get that only asks whether the
 *   key is there, and one of plain words, looks at the word itself and never at what it might lead
 *   to. It does not touch the node.
 *
 *   A writer goes by the node: swap_value reads its value and birth, and marks it. The value that
 *   was found is not used again: swap_value loads the word anew, compares it as a word, and takes a
 *   reference only to what its own CAS has taken out of the node, which is the caller's then, and
 *   released by nobody else. Nor is `expected` followed, which the caller keeps alive besides.
 *
 *   A replacement (ITS_NODE_IN_ORDER) is an error where the key has no order among those that are
 *   there. The index compares nothing; so when it knows that the key is absent, the list is
 *   searched all the same. */
typedef enum entry_use { ITS_VALUE, ITS_WORD, ITS_NODE, ITS_NODE_IN_ORDER } entry_use;

CC_NEVER_INLINE cc_status seek_entry_plainly(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                             node **n) {
    position at;
    cc_status status = seek(list, g, false, search, &at, SEEK_ENTRY);
    *n = status == CC_FOUND ? at.after[0] : NULL;
    return status;
}

/* In a read phase. The position is its caller's: what a phase calls has little stack
 * (CC_MOST_STACK). */
CC_NEVER_INLINE cc_status seek_entry_in_phase(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                              position *at, node **n) {
    cc_status status = seek(list, g, true, search, at, SEEK_ENTRY);
    *n = status == CC_FOUND ? at->after[0] : NULL;
    return status;
}

/* A read phase; the write phase holds what it uses. `at` is room for a search, where the phase
 * restarts. */
CC_ALWAYS_INLINE cc_status find_entry_in_phase(cc_skiplist *list, cc_smr_guard *g, bool restarts,
                                               cc_search *search, position *at, entry_use use,
                                               found_entry *found) {
    node *n = NULL;
    uintptr_t value = CC_TOMBSTONE;
    index_answer answer = ask_index(list, g, restarts, search, &n, &value);
    if (search->asks) {
        return CC_NEED_COMPARE;
    }
    if (answer == INDEX_ABSENT && use != ITS_NODE_IN_ORDER) {
        cc_end_reading(g);
        return CC_ABSENT;
    }
    if (answer != INDEX_FOUND) {
        /* Out of line: a position is large, and what the index finds needs none. */
        cc_status status = restarts ? seek_entry_in_phase(list, g, search, at, &n)
                                    : seek_entry_plainly(list, g, search, &n);
        if (status != CC_FOUND) {
            cc_end_reading(g);
            return status;
        }
        value = cc_load_value(g, restarts, &n->slot); /* (2) */
    }
    found->n = n;
    found->value = value;
    if (restarts) {
        found->is_collected =
            (use == ITS_VALUE || use == ITS_WORD) && cc_is_collecting(&list->map.common);
        if (use == ITS_VALUE && list->map.common.words->acquire) {
            cc_hold(g, CC_HELD_VALUE, value);
        }
        if (use == ITS_NODE || use == ITS_NODE_IN_ORDER || found->is_collected) {
            cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
        }
        cc_end_reading(g);
    }
    return CC_FOUND;
}

CC_NEVER_INLINE cc_status find_entry_restartably(cc_skiplist *list, cc_smr_guard *g,
                                                 cc_search *search, entry_use use,
                                                 found_entry *found) {
    position at;
    CC_CHECKPOINT(g);
    return find_entry_in_phase(list, g, true, search, &at, use, found);
}

/* The entry with the searched key, by the index or by a search: CC_FOUND, CC_ABSENT or
 * CC_NEED_COMPARE. */
CC_ALWAYS_INLINE cc_status find_entry(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                      entry_use use, found_entry *found) {
    return g->restarts ? find_entry_restartably(list, g, search, use, found)
                       : find_entry_in_phase(list, g, false, search, NULL, use, found);
}

cc_status cc_skiplist_get(cc_ordered *map, cc_search *search, uintptr_t *value) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    found_entry found;
    if (cc_begin_operation(&list->map.common, &g, 0)) {
        return CC_NO_MEMORY;
    }
    cc_status status = find_entry(list, &g, search, value ? ITS_VALUE : ITS_WORD, &found);
    if (status == CC_FOUND) {
        if (cc_is_collecting(&list->map.common) && (!g.restarts || found.is_collected)) {
            cc_skiplist_report(list, &g, found.n, found.value);
        }
        if (found.value == CC_TOMBSTONE) {
            status = CC_ABSENT;
        } else if (value) {
            cc_acquire_word(&list->map.common, found.value);
            *value = found.value;
        }
    }
    cc_end_operation(&g);
    return status;
}

int cc_skiplist_build_tower(cc_skiplist *list, cc_smr_guard *g, cc_search *search, node *n,
                            position *at, int level) {
    for (; level < height_of(n); level++) {
        for (;;) {
            cc_link_word link = load_link(n, level);
            if (cc_is_marked(link)) {
                return level;
            }
            node *after = at->after[level];
            /* Our own next first, by CAS, since a remover may mark it at any time; then the link to
             * us. */
            if (target_of(link) != after &&
                !cc_cas_acq_rel_u32(&n->next[level], &link, link_to(after))) {
                return level;
            }
            if (swing_link(at->before[level], level, after, n)) { /* (1) */
                break;
            }
            cc_count_retry(g);
            cc_status status = cc_skiplist_seek_again(list, g, search, at, height_of(n));
            if (status != CC_FOUND || at->after[0] != n) {
                at->levels = status == CC_NEED_COMPARE ? 0 : at->levels; /* nothing is held */
                return level;
            }
        }
    }
    return height_of(n);
}

/* Where the searched key is, or belongs. With `by_index`, and when the index leads to it, only
 * at->after[0] is set. A read phase; the write phase holds the position on the levels below
 * `levels`. */
CC_ALWAYS_INLINE cc_status find_place_in_phase(cc_skiplist *list, cc_smr_guard *g, bool restarts,
                                               cc_search *search, bool by_index, position *at,
                                               int levels) {
    if (by_index) {
        node *n;
        uintptr_t value;
        index_answer answer = ask_index(list, g, restarts, search, &n, &value);
        if (search->asks) {
            return CC_NEED_COMPARE;
        }
        if (answer == INDEX_FOUND) {
            at->after[0] = n;
            cc_hold(g, CC_HELD_NODES, (uintptr_t)n);
            cc_end_reading(g);
            return CC_FOUND;
        }
    }
    cc_status status = seek(list, g, restarts, search, at, SEEK_POSITION);
    keep_position(g, at, status, levels);
    return status;
}

CC_NEVER_INLINE cc_status find_place_restartably(cc_skiplist *list, cc_smr_guard *g,
                                                 cc_search *search, bool by_index, position *at,
                                                 int levels) {
    CC_CHECKPOINT(g);
    return find_place_in_phase(list, g, true, search, by_index, at, levels);
}

CC_ALWAYS_INLINE cc_status find_place(cc_skiplist *list, cc_smr_guard *g, cc_search *search,
                                      bool by_index, position *at, int levels) {
    return g->restarts ? find_place_restartably(list, g, search, by_index, at, levels)
                       : find_place_in_phase(list, g, false, search, by_index, at, levels);
}

void cc_skiplist_give_up_node(cc_skiplist *list, cc_smr_guard *g, node *n, cc_leftovers *left) {
    cc_acquire_word(&list->map.common, key_of(n));
    cc_count_entries(&list->map.common, g->thread, 0, (int64_t)bytes_of(n));
    for (int level = 0; level < height_of(n); level++) {
        cc_store_relaxed_u32(&n->next[level], CC_MARK | CC_UNLINKED); /* (5): and never will be */
    }
    bool alone = cc_set_removed(&n->slot.birth);
    CC_INVARIANT(!alone); /* we are a builder */
    (void)alone;
    if (cc_leave_builders(&n->slot.birth)) {
        cc_skiplist_last_one_out(list, g, NULL, n, left);
    }
}

bool cc_skiplist_index_new_node(cc_skiplist *list, cc_smr_guard *g, const cc_search *search,
                                node *n, index_attempts *attempts) {
    if (!search->hash) {
        if (!cc_load_relaxed_u32(&list->unhashed)) {
            cc_store_release_u32(&list->unhashed, 1); /* the CAS that links n is the fence */
        }
        return true;
    }
    /* Read before: whatever table is full, there is room to come as long as another one replaces
     * this. */
    const uintptr_t before = cc_load_relaxed_uptr(&list->index);
    const index_table *full =
        cc_skiplist_index_or_lose(list, g, search->hash, n, attempts->began, &attempts->loses);
    attempts->began = true; /* in some other table, perhaps */
    if (!full) {
        return true;
    }
    cc_thread *self = g->thread;
    cc_leave(g);
    cc_skiplist_make_room(list, self, full);
    if (cc_load_relaxed_uptr(&list->index) == before) {
        cc_skiplist_become_loser(list);
        attempts->loses = true;
    }
    CC_INVARIANT(self->spare_count >= 2); /* for what the put still has to retire */
    cc_enter_as(self, list->map.common.domain, g);
    return false;
}

cc_status cc_skiplist_put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                          uintptr_t *old) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    cc_leftovers left = {0};
    position at;
    node *n = NULL;
    index_attempts attempts = {false, false};
    bool is_indexed = false;
    if (cc_begin_operation(&list->map.common, &g, 2)) {
        return CC_NO_MEMORY;
    }
    cc_status status;
    const int height = cc_skiplist_random_height(g.thread, (int)cc_load_relaxed_u32(&list->top));
    for (bool by_index = true;; by_index = false, cc_count_retry(&g)) {
        status = find_place(list, &g, search, by_index, &at, height);
        if (status == CC_NEED_COMPARE) {
            break;
        }
        if (status == CC_FOUND) {
            node *found = at.after[0];
            if (policy == CC_PUT_IF_ABSENT) {
                uintptr_t v = cc_load_and_hold_value(&g, &found->slot); /* (2) */
                if (v != CC_TOMBSTONE) {
                    observe(list, &g, found, v);
                    if (old) {
                        cc_acquire_word(&list->map.common, v);
                        *old = v;
                    }
                    break;
                }
            } else if (swap_value(list, &g, found, value, NULL, &left) == CC_FOUND) {
                observe(list, &g, found, value);
                if (old) {
                    cc_acquire_word(&list->map.common, left.value);
                    *old = left.value;
                }
                break;
            }
            mark_dead(list, &g, found); /* so that the next seek unlinks it */
            continue;
        }
        if (policy == CC_PUT_IF_PRESENT) {
            break;
        }
        if (!n && !(n = cc_skiplist_new_node(list, search, value, height))) {
            status = CC_NO_MEMORY;
            break;
        }
        raise_top(list, &at, height);
        for (int level = 0; level < height; level++) {
            set_link(n, level, at.after[level]);
        }
        if (!is_indexed &&
            !(is_indexed = cc_skiplist_index_new_node(list, &g, search, n, &attempts))) {
            continue;
        }
        if (swing_link(at.before[0], 0, at.after[0], n)) { /* (1) */
            observe(list, &g, n, value); /* a builder: n stays */
            cc_thread *self = g.thread;
            ++*cc_thread_write_mark(self, &list->map.common);
            cc_count_entries(&list->map.common, self, 1, (int64_t)bytes_of(n));
            cc_published(&g);
            for (int level = cc_skiplist_build_tower(list, &g, search, n, &at, 1); level < height;
                 level++) {
                cc_set_unlinked(&n->next[level]); /* (5): and never will be */
            }
            if (cc_leave_builders_linked(&n->slot.birth)) {
                cc_skiplist_unlink_at(list, &at, n);
                cc_skiplist_last_one_out(list, &g, search, n, &left);
            }
            n = NULL;
            break;
        }
    }
    if (n && attempts.began) {
        cc_skiplist_give_up_node(list, &g, n, &left);
    } else {
        free_new_node(n); /* made, but not needed in the end */
    }
    if (attempts.loses) {
        cc_skiplist_stop_being_loser(list);
    }
    cc_skiplist_end_update(list, &g, &left);
    return status;
}

cc_status cc_skiplist_replace_exact(cc_ordered *map, cc_search *search, uintptr_t expected,
                                    uintptr_t value) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    cc_leftovers left = {0};
    found_entry found;
    if (cc_begin_operation(&list->map.common, &g, 2)) {
        return CC_NO_MEMORY;
    }
    cc_status status = find_entry(list, &g, search, ITS_NODE_IN_ORDER, &found);
    if (status == CC_FOUND) {
        status = swap_value(list, &g, found.n, value, &expected, &left);
        if (status == CC_FOUND) {
            observe(list, &g, found.n, value);
        } else {
            observe_anyhow(list, &g, found.n);
        }
    }
    cc_end_update(&list->map.common, &g, &left);
    return status;
}

/* Is it foreign code that orders the searched key? Such keys have no hash. */
static bool is_ordered_by_asking(cc_skiplist *list, const cc_search *search) {
    return search->known_count || (!search->hash && cc_load_relaxed_u32(&list->map.common.asked));
}

/* The entry to remove, and its place on every level: all that must be asked about it is asked now,
 * before the removal. A read phase; the write phase holds the node and the place. */
CC_NEVER_INLINE cc_status find_entry_and_place(cc_skiplist *list, cc_smr_guard *g,
                                               cc_search *search, found_entry *found,
                                               position *at) {
    CC_CHECKPOINT(g);
    cc_status status = seek(list, g, false, search, at, SEEK_ENTRY); /* as a get finds it */
    if (status == CC_FOUND) {
        found->n = at->after[0];
        if (seek(list, g, false, search, at, SEEK_POSITION) == CC_NEED_COMPARE) {
            return CC_NEED_COMPARE;
        }
        /* One more than a position on all levels has: n need not be in it, when comparisons are no
         * order. */
        cc_hold(g, CC_HELD_VALUE, (uintptr_t)found->n);
        keep_position(g, at, CC_FOUND, MAX_HEIGHT);
    } else if (status == CC_ABSENT) {
        cc_end_reading(g);
    }
    return status;
}

cc_status cc_skiplist_remove(cc_ordered *map, cc_search *search, const uintptr_t *expected,
                             uintptr_t *old) {
    cc_skiplist *list = (cc_skiplist *)map;
    cc_smr_guard g;
    cc_leftovers left = {0};
    found_entry found;
    position at;
    if (cc_begin_operation(&list->map.common, &g, 2)) {
        return CC_NO_MEMORY;
    }
    bool asking = is_ordered_by_asking(list, search);
    cc_status status = asking ? find_entry_and_place(list, &g, search, &found, &at)
                              : find_entry(list, &g, search, ITS_NODE, &found);
    if (status == CC_FOUND) {
        node *n = found.n;
        status = swap_value(list, &g, n, CC_TOMBSTONE, expected, &left);
        if (status == CC_FOUND) {
            if (old) {
                cc_acquire_word(&list->map.common, left.value);
                *old = left.value;
            }
            mark_dead(list, &g, n);
            if (cc_set_removed(&n->slot.birth)) {
                if (asking) {
                    cc_skiplist_unlink_at(list, &at, n);
                }
                cc_skiplist_last_one_out(list, &g, search, n, &left);
            }
        } else {
            observe_anyhow(list, &g, n);
        }
    }
    cc_skiplist_end_update(list, &g, &left);
    return status;
}
