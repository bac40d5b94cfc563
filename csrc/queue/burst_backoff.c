/* SPDX-License-Identifier: BSD-3-Clause */
#include "burst_backoff.h"

#include "concurrent_collections/cc_arch.h"
#include "../platform/cc_os.h"

enum {
    MOST_UNLOOKED = 64, /* operations in a row that go ahead without a look */
    NANOSECONDS_UNLOOKED = 8000, /* of one of those while everybody rests, at a guess */
    MOST_FORGIVEN =
        5, /* looks in a row that found nobody fast, since the others are still gathering */
    LOST_ITS_PROCESSOR = 8000, /* nanoseconds without a single operation */
    FIRST_REST = 16000, /* nanoseconds */
    LONGEST_REST = 2000000,
    PAUSES_PER_LOOK_AT_THE_CLOCK = 16,
    LEAST_NANOSECONDS_OF_THOSE = 50 /* no processor is faster; bounds the steps */
};

static uint64_t operations_of(const cc_handle *handle) {
    return cc_load_relaxed_u64(&handle->puts) + cc_load_relaxed_u64(&handle->gets);
}

/* Returns what the clock says. */
static uint64_t pause_until(uint64_t moment, uint64_t now) {
    uint64_t steps = moment > now ? (moment - now) / LEAST_NANOSECONDS_OF_THOSE + 1 : 0;
    for (; steps && now < moment; steps--) {
        for (int i = 0; i < PAUSES_PER_LOOK_AT_THE_CLOCK; i++) {
            cc_pause();
        }
        now = cc_os_now();
    }
    return now;
}

/* True: somebody was in a burst. */
static bool leave_alone(const cc_atomic_uptr *named_at, const cc_handle *other, uint32_t most) {
    bool was_fast = false;
    unsigned forgiven = 0;
    uint64_t done = operations_of(other), now = cc_os_now(), in_all = 0;
    for (uint64_t look = CC_BURST_FIRST_LOOK; (in_all += look) <= most; look *= 2) {
        uint64_t then = now;
        now = pause_until(then + look, now);
        const cc_handle *named =
            (const cc_handle *)cc_load_acquire_uptr(named_at); /* pairs with (6) */
        uint64_t done_now = operations_of(named);
        bool is_same = named == other;
        if (is_same && (int64_t)(done_now - done) * CC_BURST_PACE >= (int64_t)(now - then)) {
            was_fast = true;
            forgiven = 0;
        } else if (++forgiven > MOST_FORGIVEN ||
                   (is_same && (was_fast || (done_now == done && look >= LOST_ITS_PROCESSOR)))) {
            break;
        } else if (was_fast) { /* the next one's turn has begun */
            look = CC_BURST_FIRST_LOOK / 2;
        }
        other = named;
        done = done_now;
    }
    return was_fast;
}

/* Since it was here last. */
static bool has_put_and_got(cc_handle *self) {
    uint64_t puts = cc_load_relaxed_u64(&self->puts), gets = cc_load_relaxed_u64(&self->gets);
    bool both = puts != self->puts_then && gets != self->gets_then;
    self->puts_then = puts;
    self->gets_then = gets;
    return both;
}

/* May this operation go ahead, since looks were in vain lately? */
static bool goes_unlooked(cc_handle *self) {
    if (self->unlooked) {
        self->unlooked--;
        return true;
    }
    return false;
}

static void learn(cc_handle *self, bool was_in_vain) {
    if (!was_in_vain) {
        self->in_vain = 0;
        return;
    }
    self->in_vain = self->in_vain < MOST_UNLOOKED / 2 ? 2 * self->in_vain + 1 : MOST_UNLOOKED;
    self->unlooked = self->in_vain;
}

/* ---------------------------------------------------------------- who is hot */

void cc_burst_backoff_note_the_end(cc_handle *self) {
    self->left_at = cc_os_now();
}

/* Before the operation behind the one that was timed. A running mean, in which a single long gap,
 * as when a processor is lost, does not weigh more than a few that are too long. */
static void note_the_gap(cc_handle *self) {
    uint64_t now = cc_os_now(), most = 4 * CC_BURST_GAP;
    uint64_t gap = now - self->left_at; /* very long where the end was not noted */
    gap = gap < 1 ? 1 : gap > most ? most : gap;
    self->gap = self->gap ? (3 * self->gap + (uint32_t)gap) / 4 : (uint32_t)gap;
    self->is_timed = 0;
}

static bool is_hot(const cc_handle *self) {
    return self->gap && self->gap <= CC_BURST_GAP;
}

/* ---------------------------------------------------------------- waiting */

/* Nobody waits at this end for a while. `began`: when the wait in vain did. */
static void let_all_rest(cc_burst_backoff *backoff, cc_queue_end end, uint64_t began) {
    if (cc_load_relaxed_u64(&backoff->not_before[end]) > began) {
        return; /* somebody else has waited in vain at the same time */
    }
    uint64_t rest = 2 * cc_load_relaxed_u64(&backoff->rest[end]);
    rest = rest < FIRST_REST ? FIRST_REST : rest > LONGEST_REST ? LONGEST_REST : rest;
    cc_store_relaxed_u64(&backoff->not_before[end], cc_os_now() + rest);
    cc_store_relaxed_u64(&backoff->rest[end], rest);
}

void cc_burst_backoff_wait(cc_burst_backoff *backoff, cc_queue_end end, cc_handle *self) {
    uintptr_t named = cc_load_acquire_uptr(&backoff->at[end]); /* pairs with (6) */
    if (!self->is_timed) {
        self->is_timed = !goes_unlooked(self); /* first let us see whether we are hot */
        return;
    }
    note_the_gap(self);
    if (named == (uintptr_t)self) {
        /* Who puts and gets in turn, and has only one of the ends, was timed for the other one. */
        end = end == CC_PUTTING ? CC_GETTING : CC_PUTTING;
        named = cc_load_acquire_uptr(&backoff->at[end]); /* pairs with (6) */
        if (named == (uintptr_t)self || !has_put_and_got(self)) {
            return;
        }
    }
    if (!is_hot(self)) {
        learn(self, true);
        return;
    }
    self->in_vain = 0;
    uint64_t now = cc_os_now(), not_before = cc_load_relaxed_u64(&backoff->not_before[end]);
    if (now < not_before) {
        uint64_t unlooked = (not_before - now) / NANOSECONDS_UNLOOKED;
        self->unlooked = unlooked < MOST_UNLOOKED ? (uint32_t)unlooked : MOST_UNLOOKED;
        return;
    }
    if (named) {
        if (!leave_alone(&backoff->at[end], (const cc_handle *)named, backoff->most)) {
            let_all_rest(backoff, end, now);
        } else if (cc_load_relaxed_u64(&backoff->rest[end])) {
            cc_store_relaxed_u64(&backoff->rest[end], 0);
        }
    }
    cc_store_release_uptr(&backoff->at[end], (uintptr_t)self); /* (6) */
    if (has_put_and_got(self)) {
        cc_store_release_uptr(&backoff->at[!end], (uintptr_t)self); /* (6) */
    }
}

void cc_burst_backoff_fall_back(cc_burst_backoff *backoff, cc_handle *self) {
    self->is_timed = 1; /* what the next look goes by */
    if (!is_hot(self) || goes_unlooked(self)) {
        return;
    }
    /* Somebody is named: cc_burst_backoff_is_behind_another has seen it, and nobody takes a name
     * away. */
    const cc_handle *putter =
        (const cc_handle *)cc_load_acquire_uptr(&backoff->at[CC_PUTTING]); /* pairs with (6) */
    uint32_t most = backoff->most < CC_BURST_HEAD_START ? backoff->most : CC_BURST_HEAD_START;
    learn(self, !leave_alone(&backoff->at[CC_PUTTING], putter, most));
}
