/* SPDX-License-Identifier: BSD-3-Clause */
#include <Python.h>

#include "stalled_reader.h"

#if defined(CC_TEST_HOOKS)
#include "memory/cc_alloc.h"
#include "memory/smr_fast.h"
#include "platform/cc_os.h"

enum { STARTING, INSIDE, ASKED_TO_LEAVE, OUTSIDE, FAILED };

struct cc_stalled_reader {
    cc_smr_domain *domain;
    uint64_t thread_number;
    cc_atomic_u32 state;
    cc_atomic_u32 users; /* the thread and its owner: the last one frees the memory */
};

static void forget(cc_stalled_reader *r) {
    if (cc_fetch_add_seq_cst_u32(&r->users, 0u - 1u) == 1) {
        cc_free(r);
    }
}

static void say(cc_stalled_reader *r, uint32_t state) {
    cc_exchange_acq_rel_u32(&r->state, state);
    cc_unpark_all(&r->state);
}

static uint32_t wait_while(cc_stalled_reader *r, uint32_t state, uint64_t deadline) {
    uint32_t now;
    while ((now = cc_load_acquire_u32(&r->state)) == state &&
           cc_park(&r->state, state, deadline) != CC_PARK_TIMED_OUT) {
    }
    return now;
}

#if defined(__GNUC__)
__attribute__((noinline)) /* with a checkpoint of its own, when the scheme has such */
#endif
static void stay_inside(cc_smr_guard *g, cc_stalled_reader *r) {
#if defined(CC_CHECKPOINT)
    CC_CHECKPOINT(g);
#endif
    if (cc_load_acquire_u32(&r->state) == STARTING) {
        say(r, INSIDE);
    }
    wait_while(r, INSIDE, CC_PARK_FOREVER);
#if defined(CC_CHECKPOINT)
    cc_end_reading(g);
#endif
}

static void read_and_stop(void *argument) {
    cc_stalled_reader *r = argument;
    cc_smr_guard g;
    r->thread_number = cc_os_thread_number();
    if (cc_enter(r->domain, &g)) {
        say(r, FAILED);
    } else {
        stay_inside(&g, r);
        cc_leave(&g); /* and no polling: what waits is for others to release */
        say(r, OUTSIDE);
    }
    forget(r);
}

cc_stalled_reader *cc_stalled_reader_start(cc_smr_domain *domain) {
    cc_stalled_reader *r = cc_alloc(sizeof *r);
    if (!r) {
        return NULL;
    }
    *r = (cc_stalled_reader){.domain = domain};
    cc_store_relaxed_u32(&r->state, STARTING);
    cc_store_relaxed_u32(&r->users, 2);
    if (PyThread_start_new_thread(read_and_stop, r) == PYTHREAD_INVALID_THREAD_ID) {
        cc_free(r);
        return NULL;
    }
    if (wait_while(r, STARTING, CC_PARK_FOREVER) == FAILED) {
        forget(r);
        return NULL;
    }
    return r;
}

uint64_t cc_stalled_reader_thread(const cc_stalled_reader *r) {
    return r->thread_number;
}

int cc_stalled_reader_stop(cc_stalled_reader *r, unsigned seconds) {
    say(r, ASKED_TO_LEAVE);
    bool has_left =
        wait_while(r, ASKED_TO_LEAVE, cc_os_now() + seconds * UINT64_C(1000000000)) == OUTSIDE;
    if (has_left) {
        forget(r);
        return 0;
    }
    return -1; /* its memory is lost: the thread may still come */
}
#endif
