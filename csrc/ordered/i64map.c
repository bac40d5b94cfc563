/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The skip list with int64 keys held whole by their digests: no key is ever compared by a function.
 */
#include "concurrent_collections/cc_i64map.h"

#include "skiplist.h"

_Static_assert(CC_I64MAP_RESERVED == CC_TOMBSTONE, "the reserved value is the tombstone");
_Static_assert(CC_I64MAP_NO_MEMORY == CC_NO_MEMORY && CC_I64MAP_ABSENT == CC_ABSENT &&
                   CC_I64MAP_PRESENT == CC_FOUND && CC_I64MAP_MISMATCH == CC_MISMATCH,
               "answers are statuses");

static const cc_word_table plain_words = {0};

#define SIGN_BIT (UINT64_C(1) << 63)

static cc_ordered *ordered_of(const cc_i64map *map) {
    return (cc_ordered *)map;
}

static cc_search search_for(int64_t key) {
    uint64_t digest = (uint64_t)key ^ SIGN_BIT; /* signed order becomes unsigned order */
    return (cc_search){.digest = digest, .hash = cc_mix(digest)};
}

static int64_t key_of(uint64_t digest) {
    return (int64_t)(digest ^ SIGN_BIT);
}

cc_i64map *cc_i64map_new(void) {
    return (cc_i64map *)cc_ordered_new(&cc_skiplist_operations, &plain_words);
}

void cc_i64map_free(cc_i64map *map) {
    cc_ordered_free(ordered_of(map));
}

int cc_i64map_get(cc_i64map *map, int64_t key, uintptr_t *value) {
    cc_search s = search_for(key);
    return (int)cc_ordered_get(ordered_of(map), &s, value);
}

int cc_i64map_put(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *old) {
    cc_search s = search_for(key);
    return value == CC_TOMBSTONE
               ? CC_I64MAP_BAD_VALUE
               : (int)cc_ordered_put(ordered_of(map), &s, value, CC_PUT_ALWAYS, old);
}

int cc_i64map_put_if_absent(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *existing) {
    cc_search s = search_for(key);
    return value == CC_TOMBSTONE
               ? CC_I64MAP_BAD_VALUE
               : (int)cc_ordered_put(ordered_of(map), &s, value, CC_PUT_IF_ABSENT, existing);
}

int cc_i64map_get_or_insert(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *now) {
    uintptr_t existing;
    int answer = cc_i64map_put_if_absent(map, key, value, &existing);
    if (answer >= 0) {
        *now = answer == CC_I64MAP_PRESENT ? existing : value;
    }
    return answer;
}

int cc_i64map_replace_if(cc_i64map *map, int64_t key, uintptr_t expected, uintptr_t value) {
    cc_search s = search_for(key);
    return value == CC_TOMBSTONE
               ? CC_I64MAP_BAD_VALUE
               : (int)cc_ordered_replace_exact(ordered_of(map), &s, expected, value);
}

int cc_i64map_remove(cc_i64map *map, int64_t key, uintptr_t *old) {
    cc_search s = search_for(key);
    return (int)cc_ordered_remove(ordered_of(map), &s, old);
}

int cc_i64map_remove_if(cc_i64map *map, int64_t key, uintptr_t expected) {
    cc_search s = search_for(key);
    return (int)cc_ordered_remove_exact(ordered_of(map), &s, expected);
}

static int neighbour(cc_i64map *map, int64_t key, cc_relation relation, int64_t *found,
                     uintptr_t *value) {
    cc_search s = search_for(key);
    cc_entry e;
    cc_status status = cc_ordered_neighbour(ordered_of(map), &s, relation, &e);
    if (status == CC_FOUND) {
        *found = key_of(e.digest);
        *value = e.value;
    }
    return (int)status;
}

int cc_i64map_first(cc_i64map *map, int64_t *found, uintptr_t *value) {
    return neighbour(map, 0, CC_FIRST, found, value);
}

int cc_i64map_last(cc_i64map *map, int64_t *found, uintptr_t *value) {
    return neighbour(map, 0, CC_LAST, found, value);
}

int cc_i64map_floor(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) {
    return neighbour(map, key, CC_FLOOR, found, value);
}

int cc_i64map_ceiling(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) {
    return neighbour(map, key, CC_CEILING, found, value);
}

int cc_i64map_lower(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) {
    return neighbour(map, key, CC_LOWER, found, value);
}

int cc_i64map_higher(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) {
    return neighbour(map, key, CC_HIGHER, found, value);
}

static int pop_end(cc_i64map *map, cc_relation end, int64_t *found, uintptr_t *value) {
    cc_entry e;
    cc_status status = cc_ordered_pop_end(ordered_of(map), end, NULL, &e);
    if (status == CC_FOUND) {
        *found = key_of(e.digest);
        *value = e.value;
    }
    return (int)status;
}

int cc_i64map_pop_first(cc_i64map *map, int64_t *found, uintptr_t *value) {
    return pop_end(map, CC_FIRST, found, value);
}

int cc_i64map_pop_last(cc_i64map *map, int64_t *found, uintptr_t *value) {
    return pop_end(map, CC_LAST, found, value);
}

#ifndef ENTRIES_PER_SCAN
#define ENTRIES_PER_SCAN 64u
#endif

int64_t cc_i64map_scan(cc_i64map *map, int64_t from, int64_t *keys, uintptr_t *values,
                       size_t room) {
    cc_entry entries[ENTRIES_PER_SCAN];
    size_t total = 0, n = 1;
    for (unsigned how = 0; n && total < room; how = CC_SCAN_EXCLUSIVE) {
        size_t wanted = room - total < ENTRIES_PER_SCAN ? room - total : ENTRIES_PER_SCAN;
        cc_search s = search_for(from);
        if (cc_ordered_scan_up(ordered_of(map), &s, how, entries, wanted, &n) == CC_NO_MEMORY) {
            return CC_I64MAP_NO_MEMORY;
        }
        for (size_t i = 0; i < n; i++) {
            from = keys[total] = key_of(entries[i].digest);
            values[total++] = entries[i].value;
        }
    }
    return (int64_t)total;
}

size_t cc_i64map_length(const cc_i64map *map) {
    return cc_ordered_length(ordered_of(map));
}

size_t cc_i64map_bytes(const cc_i64map *map) {
    return cc_ordered_bytes(ordered_of(map));
}

size_t cc_i64map_flush(cc_i64map *map) {
    return cc_ordered_flush(ordered_of(map));
}

const char *cc_i64map_check(cc_i64map *map) {
    return cc_ordered_check(ordered_of(map));
}
