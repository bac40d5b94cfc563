/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An ordered map of words that any number of threads use at once, whatever algorithm is behind it:
 *
 *   skiplist.h          a skip list, lock-free
 *   skiplist_locked.h   a skip list whose writers lock nodes
 *   bptree.h            a B+tree with locks
 *   bst.h               a binary search tree, lock-free
 *
 *     cc_ordered *map = cc_ordered_new(&cc_skiplist_operations, &words);
 *     status = cc_ordered_put(map, &search, value, CC_PUT_ALWAYS, &old);
 *     status = cc_ordered_neighbour(map, &search, CC_FLOOR, &entry);
 *     cc_ordered_free(map);
 *
 * An operation with a search may have to be repeated: search.h shows the loop.
 *
 * Atomicity. Operations on one key, ordered queries and pops are linearizable; each file of an
 * algorithm names its linearization points. Scans and cc_ordered_clear are weakly consistent.
 *
 * Progress. As the algorithm says. All operations of a lock-free one are lock-free; none is
 * wait-free, since cc_ordered_get, too, helps with what others have begun.
 *
 * Memory. Any operation may release words that have waited until nobody could see them, and so run
 * foreign code: never inside a region, and with nothing of the map in its hands.
 */
#ifndef CC_ORDERED_H
#define CC_ORDERED_H

#include "../memory/cc_thread.h"
#include "search.h"

typedef struct cc_ordered cc_ordered;
typedef struct cc_ordered_operations cc_ordered_operations; /* ordered_inside.h */

typedef enum cc_put_policy { CC_PUT_ALWAYS, CC_PUT_IF_ABSENT, CC_PUT_IF_PRESENT } cc_put_policy;

typedef enum cc_relation {
    CC_FIRST,
    CC_LAST,
    CC_FLOOR,
    CC_CEILING,
    CC_LOWER,
    CC_HIGHER
} cc_relation;

/* A key with its value; key and value words acquired for the caller. */
typedef struct cc_entry {
    uint64_t digest;
    uintptr_t key;
    uintptr_t value;
    uint8_t kind;
} cc_entry;

/* A new, empty map; NULL without memory. `words` must live as long as the process. */
cc_ordered *cc_ordered_new(const cc_ordered_operations *ops, const cc_word_table *words);

/* Release every key and value and free the map; NULL is nothing. No thread uses it any more.
 * Iterative: a value that owns another map is destroyed after this one, not inside it. */
void cc_ordered_free(cc_ordered *map);

/* What it was made with. */
const cc_word_table *cc_ordered_words(const cc_ordered *map);
const cc_ordered_operations *cc_ordered_operations_of(const cc_ordered *map);

/* The order of the map's keys: a word of the owner's, which is in every search of the map
 * (search.h). 0 at first. Wait-free; a thread that reads an order sees what was written to it
 * before. */
uintptr_t cc_ordered_order(const cc_ordered *map);

/* Set the order, which is not 0: before anything is put under another one. Returns the map's order,
 * which is this one or, unchanged, one that had been set before. */
uintptr_t cc_ordered_set_order(cc_ordered *map, uintptr_t order);

/* A word of the map for whatever the owner makes of it: 0 at first. What it leads to is the owner's
 * to free when the map is freed. */
cc_atomic_uptr *cc_ordered_notes(cc_ordered *map);

/* What `compare` of the word table says of this map's keys may be a lie, since the owner asks
 * others: it is believed no more than what foreign code says outside. Before the order is set that
 * has such comparisons. */
void cc_ordered_distrust(cc_ordered *map);

/* ---- operations on one key; the search asks for order ---- */

/* *value (if not NULL): acquired, when CC_FOUND. */
cc_status cc_ordered_get(cc_ordered *map, cc_search *search, uintptr_t *value);

/* Store value under the key. CC_ABSENT: the key was not there; unless IF_PRESENT it now is, and the
 * map has taken over both words (search->key and value). CC_FOUND: it was there; unless IF_ABSENT
 * the map has taken over `value` alone. *old (if not NULL): acquired, when CC_FOUND. */
cc_status cc_ordered_put(cc_ordered *map, cc_search *search, uintptr_t value, cc_put_policy policy,
                         uintptr_t *old);

/* If the key's value is the very word `expected`, replace it by `value`, which the map takes over:
 * CC_FOUND. Else CC_ABSENT or CC_MISMATCH. */
cc_status cc_ordered_replace_exact(cc_ordered *map, cc_search *search, uintptr_t expected,
                                   uintptr_t value);

/* Remove the key. *old (if not NULL): acquired, when CC_FOUND. */
cc_status cc_ordered_remove(cc_ordered *map, cc_search *search, uintptr_t *old);

/* Remove the key if its value is the very word `expected`: CC_FOUND. Else CC_ABSENT or
 * CC_MISMATCH. */
cc_status cc_ordered_remove_exact(cc_ordered *map, cc_search *search, uintptr_t expected);

/* ---- ordered operations ---- */

/* The entry in that relation to the searched key (which CC_FIRST and CC_LAST do not look at).
 * Linearizable, key and value together. One exception: when between two loads the value is replaced
 * and the very same word put back, and a key comes in between and goes, then key and value were
 * both right, but perhaps not together. */
cc_status cc_ordered_neighbour(cc_ordered *map, cc_search *search, cc_relation relation,
                               cc_entry *entry);

/* Remove the entry that is CC_FIRST or CC_LAST, comparing nothing. CC_FOUND: it is handed out to
 * nobody else; linearizable as cc_ordered_neighbour is. CC_ABSENT: empty.
 *
 * With `prepared`, an entry whose key has no word is only removed when prepared holds kind and
 * digest of that key; else CC_MISMATCH, and kind and digest are in *entry. So a caller who has to
 * make something of such a key can make it before the entry is gone, and call again. */
cc_status cc_ordered_pop_end(cc_ordered *map, cc_relation end, const cc_stored_key *prepared,
                             cc_entry *entry);

/* How a scan goes: any of these together, or 0. */
enum {
    CC_SCAN_EXCLUSIVE = 1, /* not the searched key itself */
    CC_SCAN_WITHOUT_VALUES = 2 /* values are not touched, and are 0 in the entries */
};

/* Up to `room` entries in ascending order, from the searched key on, or from the first one when
 * search is NULL. Returns CC_FOUND with *count entries (0: there are no more) or CC_NEED_COMPARE.
 * Weakly consistent: each entry was there at some point of the call. */
cc_status cc_ordered_scan_up(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                             size_t room, size_t *count);

/* The same downwards from the searched key, or from the last one. */
cc_status cc_ordered_scan_down(cc_ordered *map, cc_search *search, unsigned how, cc_entry *entries,
                               size_t room, size_t *count);

/* Up to `room` keys in ascending order behind the searched key, or from the first one on when
 * search is NULL: about one of `every` (at least 1), left to chance; every one when that is 1, or
 * when the container cannot tell better. Returns as a scan without values does, and is as
 * consistent. For cutting a map into parts of about equal size: a container that has upper levels
 * looks at these alone, so a call takes O(log n), and a step for each key. */
cc_status cc_ordered_sample(cc_ordered *map, cc_search *search, size_t every, cc_entry *entries,
                            size_t room, size_t *count);

/* ---- many entries ---- */

/* An entry to put: its key as in a search for it. */
typedef struct cc_new_entry {
    uint64_t digest;
    uint64_t hash;
    uintptr_t key;
    uintptr_t value;
    uint8_t kind;
} cc_new_entry;

/* Put the first ones of `count` (at least 1) entries, where that can be done without a search for
 * each: they ascend, and belong behind the last entry that is there. Returns how many have been
 * put, all of them at once: none was there, and the map has taken over their words. 0: nothing has
 * changed. Asks nothing of foreign code. *run: how many ascend, as far as was looked, at least 1;
 * after a 0 these are for cc_ordered_put. */
size_t cc_ordered_append(cc_ordered *map, const cc_new_entry *entries, size_t count, size_t *run);

/* A hint: the map is going to have so many entries. What is made step by step while they come is
 * made at once, O(entries), and no smaller until the hint is taken back (0), which is the caller's
 * duty when all of them have come. The last hint counts. Without memory: nothing. */
void cc_ordered_expect(cc_ordered *map, size_t entries);

/* ---- point-in-time snapshots ---- */

/* The content at one point in time: snapshot.h.
 *
 *     cc_snapshot *s = cc_ordered_snapshot(map);
 *     while ((status = cc_snapshot_step(s)) == CC_FOUND || status == CC_NEED_COMPARE) {
 *         ... where a comparison is needed: learn, for cc_snapshot_search(s) ...
 *     }
 *     ... CC_ABSENT: entries = room for cc_snapshot_room(s) ...
 *     while ((taken = cc_snapshot_take(s, entries + count, &in_order)) > 0) {
 *         count += taken;
 *     }
 *     cc_snapshot_end(s);
 *
 * Of one thread. O(n) time and memory. Between two steps nobody waits for it, however long that
 * takes. Of a lock-free container all of it is lock-free, and no other operation waits for it. Of
 * one with locks the instant is in one step, which operations that change the container wait for,
 * O(n). */
typedef struct cc_snapshot cc_snapshot;

/* NULL without memory, or where the container takes none. */
cc_snapshot *cc_ordered_snapshot(cc_ordered *map);

/* A part of the work. CC_FOUND: there is more. CC_ABSENT: the instant has been, at some point since
 * cc_ordered_snapshot, and the content can be taken. CC_NEED_COMPARE, or CC_NO_MEMORY. May run
 * foreign code. */
cc_status cc_snapshot_step(cc_snapshot *s);
cc_search *cc_snapshot_search(cc_snapshot *s);

/* The content, once, in parts of moderate size: no more entries altogether than there is room for,
 * with references of their own. Returns how many this part has; 0: that was all. *in_order: they
 * are in order, and behind all before; parts that are not come last, and are in none. */
size_t cc_snapshot_room(const cc_snapshot *s);
size_t cc_snapshot_take(cc_snapshot *s, cc_entry *entries, bool *in_order);

/* At any time; NULL is nothing. May run foreign code. */
void cc_snapshot_end(cc_snapshot *s);

/* ---- the whole ---- */

/* Remove every entry that is there when the call begins, comparing nothing. O(n). CC_FOUND, or
 * CC_NO_MEMORY with a part removed. */
cc_status cc_ordered_clear(cc_ordered *map);

/* Entries. Exact when nothing changes meanwhile, never negative. */
size_t cc_ordered_length(const cc_ordered *map);

/* Bytes allocated for the map and all that is in it; limbo included. */
size_t cc_ordered_bytes(const cc_ordered *map);

/* How many nodes are linked on each level, the lowest first, for at most `room` levels, and
 * CC_MOST_LEVELS are enough; returns for how many: 0 without memory, and of a container that has
 * none. Compares nothing. Each level is counted by itself, beside all other operations. Of a
 * skip list: the entries, then a walk over each upper level, in all O(n / 3); helps to unlink.
 * Lock-free, as cc_ordered_clear. */
#define CC_MOST_LEVELS 64u
unsigned cc_ordered_levels(cc_ordered *map, uint64_t *counts, unsigned room);

/* Release what waits in limbo and can be released. Returns how many things still wait. */
size_t cc_ordered_flush(cc_ordered *map);
size_t cc_ordered_limbo_count(const cc_ordered *map);
cc_smr_scheme cc_ordered_scheme(const cc_ordered *map);

/* The map's domain, for statistics and for tests that stop a reader in it. */
struct cc_smr_domain *cc_ordered_domain(const cc_ordered *map);

/* How often the calling thread has changed this map (modulo 2^32; may count changes of other maps),
 * below the number of its record: marks of two threads are never the same, but for those of a
 * thread that goes on with another's record. A thread without a record has changed nothing, and has
 * one mark for ever. Iterators ask at every step. */
static inline uint64_t cc_ordered_changes_by_this_thread(const cc_ordered *map) {
    cc_thread *self = cc_thread_self_if_any();
    return self ? (uint64_t)self->index << 32 | *cc_thread_write_mark(self, map) : UINT64_MAX;
}

/* Call `visit` for every word the map owns, stop at the first non-zero answer and return it. The
 * world is stopped: no thread is inside an operation. Takes no references, allocates nothing. */
int cc_ordered_visit(cc_ordered *map, int (*visit)(uintptr_t word, void *argument), void *argument);

/* Look for broken invariants while no thread is inside an operation: order, structure, no dead node
 * linked, counts right. Returns NULL, or what is wrong. */
const char *cc_ordered_check(cc_ordered *map);

#endif
