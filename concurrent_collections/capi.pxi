# Written by tools/write_c_api. Each function here hands its arguments to the core's function of
# the same name.

cdef extern from "concurrent_collections/cc_smr.h" nogil:
    cc_smr_domain *core_cc_smr_domain_new "cc_smr_domain_new"(cc_smr_release release, const void *context)
    void core_cc_smr_domain_free "cc_smr_domain_free"(cc_smr_domain *domain)
    int core_cc_smr_enter "cc_smr_enter"(cc_smr_domain *domain, cc_smr_guard *guard)
    void core_cc_smr_leave "cc_smr_leave"(cc_smr_guard *guard)
    uintptr_t core_cc_smr_protect "cc_smr_protect"(cc_smr_guard *guard, const cc_atomic_uptr *source)
    uint64_t core_cc_smr_birth "cc_smr_birth"(cc_smr_guard *guard)
    void core_cc_smr_published "cc_smr_published"(cc_smr_guard *guard)
    int core_cc_smr_reserve "cc_smr_reserve"(unsigned int n)
    int core_cc_smr_retire "cc_smr_retire"(cc_smr_domain *domain, uintptr_t word, unsigned int kind, uint64_t birth, size_t bytes)
    size_t core_cc_smr_flush "cc_smr_flush"(cc_smr_domain *domain)
    size_t core_cc_smr_limbo_count "cc_smr_limbo_count"(const cc_smr_domain *domain)
    void core_cc_smr_domain_join_flushes "cc_smr_domain_join_flushes"(cc_smr_domain *domain)

cdef extern from "concurrent_collections/cc_i64map.h" nogil:
    cc_i64map *core_cc_i64map_new "cc_i64map_new"()
    void core_cc_i64map_free "cc_i64map_free"(cc_i64map *map)
    int core_cc_i64map_get "cc_i64map_get"(cc_i64map *map, int64_t key, uintptr_t *value)
    int core_cc_i64map_put "cc_i64map_put"(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *old)
    int core_cc_i64map_put_if_absent "cc_i64map_put_if_absent"(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *existing)
    int core_cc_i64map_get_or_insert "cc_i64map_get_or_insert"(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *now)
    int core_cc_i64map_replace_if "cc_i64map_replace_if"(cc_i64map *map, int64_t key, uintptr_t expected, uintptr_t value)
    int core_cc_i64map_remove "cc_i64map_remove"(cc_i64map *map, int64_t key, uintptr_t *old)
    int core_cc_i64map_remove_if "cc_i64map_remove_if"(cc_i64map *map, int64_t key, uintptr_t expected)
    int core_cc_i64map_first "cc_i64map_first"(cc_i64map *map, int64_t *found, uintptr_t *value)
    int core_cc_i64map_last "cc_i64map_last"(cc_i64map *map, int64_t *found, uintptr_t *value)
    int core_cc_i64map_floor "cc_i64map_floor"(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value)
    int core_cc_i64map_ceiling "cc_i64map_ceiling"(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value)
    int core_cc_i64map_lower "cc_i64map_lower"(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value)
    int core_cc_i64map_higher "cc_i64map_higher"(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value)
    int core_cc_i64map_pop_first "cc_i64map_pop_first"(cc_i64map *map, int64_t *found, uintptr_t *value)
    int core_cc_i64map_pop_last "cc_i64map_pop_last"(cc_i64map *map, int64_t *found, uintptr_t *value)
    int64_t core_cc_i64map_scan "cc_i64map_scan"(cc_i64map *map, int64_t start, int64_t *keys, uintptr_t *values, size_t room)
    size_t core_cc_i64map_length "cc_i64map_length"(const cc_i64map *map)
    size_t core_cc_i64map_bytes "cc_i64map_bytes"(const cc_i64map *map)
    size_t core_cc_i64map_flush "cc_i64map_flush"(cc_i64map *map)

cdef extern from "concurrent_collections/cc_counters.h" nogil:
    cc_atomic_counter *core_cc_atomic_counter_new "cc_atomic_counter_new"(int64_t value)
    void core_cc_atomic_counter_free "cc_atomic_counter_free"(cc_atomic_counter *counter)
    int64_t core_cc_atomic_counter_get "cc_atomic_counter_get"(const cc_atomic_counter *counter)
    void core_cc_atomic_counter_set "cc_atomic_counter_set"(cc_atomic_counter *counter, int64_t value)
    int64_t core_cc_atomic_counter_get_and_set "cc_atomic_counter_get_and_set"(cc_atomic_counter *counter, int64_t value)
    int core_cc_atomic_counter_add "cc_atomic_counter_add"(cc_atomic_counter *counter, int64_t amount, int64_t *now)
    int core_cc_atomic_counter_compare_and_set "cc_atomic_counter_compare_and_set"(cc_atomic_counter *counter, int64_t expected, int64_t value)
    cc_striped_counter *core_cc_striped_counter_new "cc_striped_counter_new"(int64_t value)
    void core_cc_striped_counter_free "cc_striped_counter_free"(cc_striped_counter *counter)
    int core_cc_striped_counter_add "cc_striped_counter_add"(cc_striped_counter *counter, int64_t amount)
    int core_cc_striped_counter_sum "cc_striped_counter_sum"(const cc_striped_counter *counter, int64_t *sum, int64_t *high)
    int core_cc_striped_counter_sum_then_reset "cc_striped_counter_sum_then_reset"(cc_striped_counter *counter, int64_t *sum, int64_t *high)
    int core_cc_striped_counter_sum_all "cc_striped_counter_sum_all"(cc_striped_counter *const *counters, size_t count, int64_t *sums, int64_t *highs)
    int core_cc_striped_counter_sum_all_then_reset "cc_striped_counter_sum_all_then_reset"(cc_striped_counter *const *counters, size_t count, int64_t *sums, int64_t *highs)


cdef cc_smr_domain *cc_smr_domain_new(cc_smr_release release, const void *context) noexcept nogil:
    return core_cc_smr_domain_new(release, context)


cdef void cc_smr_domain_free(cc_smr_domain *domain) noexcept nogil:
    core_cc_smr_domain_free(domain)


cdef int cc_smr_enter(cc_smr_domain *domain, cc_smr_guard *guard) noexcept nogil:
    return core_cc_smr_enter(domain, guard)


cdef void cc_smr_leave(cc_smr_guard *guard) noexcept nogil:
    core_cc_smr_leave(guard)


cdef uintptr_t cc_smr_protect(cc_smr_guard *guard, const cc_atomic_uptr *source) noexcept nogil:
    return core_cc_smr_protect(guard, source)


cdef uint64_t cc_smr_birth(cc_smr_guard *guard) noexcept nogil:
    return core_cc_smr_birth(guard)


cdef void cc_smr_published(cc_smr_guard *guard) noexcept nogil:
    core_cc_smr_published(guard)


cdef int cc_smr_reserve(unsigned int n) noexcept nogil:
    return core_cc_smr_reserve(n)


cdef int cc_smr_retire(cc_smr_domain *domain, uintptr_t word, unsigned int kind, uint64_t birth, size_t bytes) noexcept nogil:
    return core_cc_smr_retire(domain, word, kind, birth, bytes)


cdef size_t cc_smr_flush(cc_smr_domain *domain) noexcept nogil:
    return core_cc_smr_flush(domain)


cdef size_t cc_smr_limbo_count(const cc_smr_domain *domain) noexcept nogil:
    return core_cc_smr_limbo_count(domain)


cdef void cc_smr_domain_join_flushes(cc_smr_domain *domain) noexcept nogil:
    core_cc_smr_domain_join_flushes(domain)


cdef cc_i64map *cc_i64map_new() noexcept nogil:
    return core_cc_i64map_new()


cdef void cc_i64map_free(cc_i64map *map) noexcept nogil:
    core_cc_i64map_free(map)


cdef int cc_i64map_get(cc_i64map *map, int64_t key, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_get(map, key, value)


cdef int cc_i64map_put(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *old) noexcept nogil:
    return core_cc_i64map_put(map, key, value, old)


cdef int cc_i64map_put_if_absent(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *existing) noexcept nogil:
    return core_cc_i64map_put_if_absent(map, key, value, existing)


cdef int cc_i64map_get_or_insert(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *now) noexcept nogil:
    return core_cc_i64map_get_or_insert(map, key, value, now)


cdef int cc_i64map_replace_if(cc_i64map *map, int64_t key, uintptr_t expected, uintptr_t value) noexcept nogil:
    return core_cc_i64map_replace_if(map, key, expected, value)


cdef int cc_i64map_remove(cc_i64map *map, int64_t key, uintptr_t *old) noexcept nogil:
    return core_cc_i64map_remove(map, key, old)


cdef int cc_i64map_remove_if(cc_i64map *map, int64_t key, uintptr_t expected) noexcept nogil:
    return core_cc_i64map_remove_if(map, key, expected)


cdef int cc_i64map_first(cc_i64map *map, int64_t *found, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_first(map, found, value)


cdef int cc_i64map_last(cc_i64map *map, int64_t *found, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_last(map, found, value)


cdef int cc_i64map_floor(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_floor(map, key, found, value)


cdef int cc_i64map_ceiling(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_ceiling(map, key, found, value)


cdef int cc_i64map_lower(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_lower(map, key, found, value)


cdef int cc_i64map_higher(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_higher(map, key, found, value)


cdef int cc_i64map_pop_first(cc_i64map *map, int64_t *found, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_pop_first(map, found, value)


cdef int cc_i64map_pop_last(cc_i64map *map, int64_t *found, uintptr_t *value) noexcept nogil:
    return core_cc_i64map_pop_last(map, found, value)


cdef int64_t cc_i64map_scan(cc_i64map *map, int64_t start, int64_t *keys, uintptr_t *values, size_t room) noexcept nogil:
    return core_cc_i64map_scan(map, start, keys, values, room)


cdef size_t cc_i64map_length(const cc_i64map *map) noexcept nogil:
    return core_cc_i64map_length(map)


cdef size_t cc_i64map_bytes(const cc_i64map *map) noexcept nogil:
    return core_cc_i64map_bytes(map)


cdef size_t cc_i64map_flush(cc_i64map *map) noexcept nogil:
    return core_cc_i64map_flush(map)


cdef cc_atomic_counter *cc_atomic_counter_new(int64_t value) noexcept nogil:
    return core_cc_atomic_counter_new(value)


cdef void cc_atomic_counter_free(cc_atomic_counter *counter) noexcept nogil:
    core_cc_atomic_counter_free(counter)


cdef int64_t cc_atomic_counter_get(const cc_atomic_counter *counter) noexcept nogil:
    return core_cc_atomic_counter_get(counter)


cdef void cc_atomic_counter_set(cc_atomic_counter *counter, int64_t value) noexcept nogil:
    core_cc_atomic_counter_set(counter, value)


cdef int64_t cc_atomic_counter_get_and_set(cc_atomic_counter *counter, int64_t value) noexcept nogil:
    return core_cc_atomic_counter_get_and_set(counter, value)


cdef int cc_atomic_counter_add(cc_atomic_counter *counter, int64_t amount, int64_t *now) noexcept nogil:
    return core_cc_atomic_counter_add(counter, amount, now)


cdef int cc_atomic_counter_compare_and_set(cc_atomic_counter *counter, int64_t expected, int64_t value) noexcept nogil:
    return core_cc_atomic_counter_compare_and_set(counter, expected, value)


cdef cc_striped_counter *cc_striped_counter_new(int64_t value) noexcept nogil:
    return core_cc_striped_counter_new(value)


cdef void cc_striped_counter_free(cc_striped_counter *counter) noexcept nogil:
    core_cc_striped_counter_free(counter)


cdef int cc_striped_counter_add(cc_striped_counter *counter, int64_t amount) noexcept nogil:
    return core_cc_striped_counter_add(counter, amount)


cdef int cc_striped_counter_sum(const cc_striped_counter *counter, int64_t *sum, int64_t *high) noexcept nogil:
    return core_cc_striped_counter_sum(counter, sum, high)


cdef int cc_striped_counter_sum_then_reset(cc_striped_counter *counter, int64_t *sum, int64_t *high) noexcept nogil:
    return core_cc_striped_counter_sum_then_reset(counter, sum, high)


cdef int cc_striped_counter_sum_all(cc_striped_counter *const *counters, size_t count, int64_t *sums, int64_t *highs) noexcept nogil:
    return core_cc_striped_counter_sum_all(counters, count, sums, highs)


cdef int cc_striped_counter_sum_all_then_reset(cc_striped_counter *const *counters, size_t count, int64_t *sums, int64_t *highs) noexcept nogil:
    return core_cc_striped_counter_sum_all_then_reset(counters, count, sums, highs)
