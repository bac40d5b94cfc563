/* SPDX-License-Identifier: BSD-3-Clause */
#include "streak.h"

#include "concurrent_collections/cc_arch.h"
#include "platform/cc_os.h"

enum {
    MOST_UNLOOKED = 64, /* operations in a row that go ahead without a look */
    PAUSES_PER_LOOK_AT_THE_CLOCK = 16,
    LEAST_NANOSECONDS_OF_THOSE = 50 /* no processor is faster; bounds the steps */
};

static uint64_t operations_of(const cc_member *member) {
    return cc_load_relaxed_u64(&member->puts) + cc_load_relaxed_u64(&member->gets);
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

/* True: somebody was on a streak. */
static bool leave_alone(const cc_atomic_uptr *named_at, const cc_member *other, uint32_t most) {
    bool was_fast = false;
    uint64_t done = operations_of(other), start = cc_os_now(), then = start, now = start;
    for (uint64_t look = CC_STREAK_FIRST_LOOK; look <= most; look *= 2) {
        now = pause_until(start + look, now);
        const cc_member *named =
            (const cc_member *)cc_load_acquire_uptr(named_at); /* pairs with (6) */
        uint64_t done_now = operations_of(named);
        if (named == other && (int64_t)(done_now - done) * CC_STREAK_PACE < (int64_t)(now - then)) {
            break;
        }
        was_fast = true;
        other = named;
        done = done_now;
        then = now;
    }
    return was_fast;
}

/* Since it was here last. */
static bool has_put_and_got(cc_member *self) {
    uint64_t puts = cc_load_relaxed_u64(&self->puts), gets = cc_load_relaxed_u64(&self->gets);
    bool both = puts != self->puts_then && gets != self->gets_then;
    self->puts_then = puts;
    self->gets_then = gets;
    return both;
}

/* May this operation go ahead, since looks were in vain lately? */
static bool goes_unlooked(cc_member *self) {
    if (self->unlooked) {
        self->unlooked--;
        return true;
    }
    return false;
}

static void learn(cc_member *self, bool was_in_vain) {
    if (!was_in_vain) {
        self->in_vain = 0;
        return;
    }
    self->in_vain = self->in_vain < MOST_UNLOOKED / 2 ? 2 * self->in_vain + 1 : MOST_UNLOOKED;
    self->unlooked = self->in_vain;
}

void cc_streak_wait(cc_streaks *streaks, cc_queue_end end, cc_member *self) {
    if (goes_unlooked(self)) {
        return;
    }
    const cc_member *other =
        (const cc_member *)cc_load_acquire_uptr(&streaks->at[end]); /* pairs with (6) */
    learn(self, !other || !leave_alone(&streaks->at[end], other, streaks->most));
    cc_store_release_uptr(&streaks->at[end], (uintptr_t)self); /* (6) */
    if (has_put_and_got(self)) {
        cc_store_release_uptr(&streaks->at[!end], (uintptr_t)self); /* (6) */
    }
}

void cc_streak_fall_back(cc_streaks *streaks, cc_member *self) {
    if (goes_unlooked(self)) {
        return;
    }
    /* Somebody is named: cc_streak_is_behind_another has seen it, and nobody takes a name away. */
    const cc_member *putter =
        (const cc_member *)cc_load_acquire_uptr(&streaks->at[CC_PUTTING]); /* pairs with (6) */
    uint32_t most = streaks->most < CC_STREAK_HEAD_START ? streaks->most : CC_STREAK_HEAD_START;
    learn(self, !leave_alone(&streaks->at[CC_PUTTING], putter, most));
}
