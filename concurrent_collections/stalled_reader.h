/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For tests: a thread that stops in the middle of reading a container. No operation of a container
 * can be made to stop there, since a region runs no foreign code; so there would be no way to see
 * from Python that what it may have seen waits for it.
 */
#ifndef CC_STALLED_READER_H
#define CC_STALLED_READER_H

#include <stdint.h>

struct cc_smr_domain;
typedef struct cc_stalled_reader cc_stalled_reader;

/* Start a thread, detached from the interpreter, that opens a region and stays in it; return when
 * it is inside. NULL when there is no memory or no thread to be had. Called detached. */
cc_stalled_reader *cc_stalled_reader_start(struct cc_smr_domain *domain);

/* The system's number of its thread. */
uint64_t cc_stalled_reader_thread(const cc_stalled_reader *reader);

/* Let it leave and wait until it has, at most `seconds`; call once. Returns 0, or -1 when it did
 * not: then it is in another process, that of the parent before fork(). Called detached. */
int cc_stalled_reader_stop(cc_stalled_reader *reader, unsigned seconds);

#endif
