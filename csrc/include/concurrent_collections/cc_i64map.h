/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A lock-free ordered map from int64_t to words (uintptr_t), for native code: no Python object is
 * ever touched, so every function may be called with or without an attached thread state, from any
 * thread.
 *
 * The algorithm is that of SkipListMap (csrc/ordered/skiplist.c). Every operation is lock-free;
 * expected time is O(log n), and O(1) to find a key, or that it is absent. A value may be any
 * word but CC_I64MAP_RESERVED; words that are pointers are the caller's to keep alive.
 */
#ifndef CC_I64MAP_H
#define CC_I64MAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cc_i64map cc_i64map;

/* The one word that cannot be a value. */
#define CC_I64MAP_RESERVED UINTPTR_MAX

/* Answers. Negative ones are errors, and nothing has changed. Any function may answer NO_MEMORY at
 * a thread's first call, which registers the thread; later on, those that only read do not. */
#define CC_I64MAP_NO_MEMORY (-1)
#define CC_I64MAP_BAD_VALUE (-2) /* the value is CC_I64MAP_RESERVED */
#define CC_I64MAP_ABSENT 0
#define CC_I64MAP_PRESENT 1
#define CC_I64MAP_MISMATCH 3

/* A new, empty map, or NULL without memory. */
cc_i64map *cc_i64map_new(void);

/* Free the map; NULL is nothing. No other thread uses it any more. O(n). */
void cc_i64map_free(cc_i64map *map);

/* PRESENT and *value, or ABSENT. */
int cc_i64map_get(cc_i64map *map, int64_t key, uintptr_t *value);

/* Store. PRESENT: replaced, and *old (if not NULL) is what was there. ABSENT: inserted. */
int cc_i64map_put(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *old);

/* Store if the key is not there: ABSENT. Else PRESENT, and *existing (if not NULL) is what is
 * there. */
int cc_i64map_put_if_absent(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *existing);

/* The value that is there afterwards, in *now: what was there (PRESENT), or else `value`, which is
 * stored (ABSENT). */
int cc_i64map_get_or_insert(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *now);

/* Compare-and-swap: replace `expected` by `value`. PRESENT when done, else ABSENT or MISMATCH. */
int cc_i64map_replace_if(cc_i64map *map, int64_t key, uintptr_t expected, uintptr_t value);

/* Remove. PRESENT, and *old (if not NULL) is what was there, to nobody else; or ABSENT. */
int cc_i64map_remove(cc_i64map *map, int64_t key, uintptr_t *old);

/* Remove the entry if its value is `expected`: PRESENT when done, else ABSENT or MISMATCH. */
int cc_i64map_remove_if(cc_i64map *map, int64_t key, uintptr_t expected);

/* The entry that is first, last, at or before, at or after, before, after `key`: PRESENT or ABSENT.
 * There was a moment of the call at which the key was the right one, and one at which the value was
 * its value. They are the same moment, unless all of this happens between two loads of the call:
 * the value is replaced and the very same word is put back, and another key comes in that would be
 * the right one, and goes. */
int cc_i64map_first(cc_i64map *map, int64_t *found, uintptr_t *value);
int cc_i64map_last(cc_i64map *map, int64_t *found, uintptr_t *value);
int cc_i64map_floor(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value);
int cc_i64map_ceiling(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value);
int cc_i64map_lower(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value);
int cc_i64map_higher(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value);

/* Remove an entry that was first (last) at some moment of the call: PRESENT, or ABSENT when
 * empty. */
int cc_i64map_pop_first(cc_i64map *map, int64_t *found, uintptr_t *value);
int cc_i64map_pop_last(cc_i64map *map, int64_t *found, uintptr_t *value);

/* Up to `room` entries in ascending order with from <= key, into keys[] and values[]. Returns how
 * many, 0 at the end; or NO_MEMORY. Each entry was there at some moment of the call. To go on, call
 * with the last key plus one, unless that was INT64_MAX. */
int64_t cc_i64map_scan(cc_i64map *map, int64_t from, int64_t *keys, uintptr_t *values, size_t room);

/* Entries (exact when nothing changes meanwhile), and bytes allocated for the map. */
size_t cc_i64map_length(const cc_i64map *map);
size_t cc_i64map_bytes(const cc_i64map *map);

/* Free what waits for readers, as far as they allow. Returns how many things still wait. */
size_t cc_i64map_flush(cc_i64map *map);

/* ---- not in the C API ---- */

/* For tests: NULL, or which invariant is broken. No thread is inside an operation. */
const char *cc_i64map_check(cc_i64map *map);

#ifdef __cplusplus
}
#endif

#endif
