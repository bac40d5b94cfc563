/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A FIFO of words for one thread at a time. It has no atomics: whoever shares it lets one thread in
 * after the other, and the one sees what the other has done.
 *
 * A put and a take are O(1) each, the longest of them too: they touch one word and, every
 * words_per_chunk words, allocate or free a chunk. Nothing is copied. Nothing is called back but by
 * cc_fifo_visit.
 *
 * How it works. Words lie in chunks, which are linked from the oldest to the newest:
 *
 *      oldest -> [ . . w w ] -> [ w w w w ] -> [ w . . . ] <- newest
 *                      first                       free
 *
 * A chunk whose last word has been taken stays until the next take, which finds `first` at its end.
 * One chunk is kept for the next put that needs one, so that a FIFO whose length hardly changes
 * allocates nothing.
 */
#ifndef CC_QUEUE_FIFO_H
#define CC_QUEUE_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With `next` and the size that an allocator rounds to: 512 bytes. */
#ifndef CC_FIFO_WORDS_PER_CHUNK
#define CC_FIFO_WORDS_PER_CHUNK 63u
#endif

typedef struct cc_fifo_chunk {
    struct cc_fifo_chunk *next; /* NULL: it is the newest */
    uintptr_t words[];
} cc_fifo_chunk;

typedef struct cc_fifo {
    uintptr_t *first,
        *end_of_oldest; /* the oldest word, if there is one; behind the chunk's last */
    uintptr_t *free, *end_of_newest;  /* where the next word goes; the same */
    uint64_t puts, takes;             /* ever */
    cc_fifo_chunk *oldest, *newest;
    cc_fifo_chunk *spare; /* or NULL */
    uint32_t words_per_chunk;
} cc_fifo;

/* Make it, empty. words_per_chunk 0: the default; the bytes of a chunk fit in a size_t. False:
 * without memory, and nothing is left. */
bool cc_fifo_begin(cc_fifo *fifo, uint32_t words_per_chunk);

/* Give back its memory; the words in it are the caller's business. */
void cc_fifo_end(cc_fifo *fifo);

/* The newest chunk is full: append one. False: without memory, and nothing has happened. */
bool cc_fifo_append_chunk(cc_fifo *fifo);

/* All words of the oldest chunk have been taken, and there are more: go on to the next chunk. */
void cc_fifo_drop_chunk(cc_fifo *fifo);

static inline uint64_t cc_fifo_length(const cc_fifo *fifo) {
    return fifo->puts - fifo->takes;
}

/* Room for one word: the next cc_fifo_put cannot fail. False: without memory. */
static inline bool cc_fifo_reserve(cc_fifo *fifo) {
    return fifo->free != fifo->end_of_newest || cc_fifo_append_chunk(fifo);
}

/* Put a word at the end. False: without memory, and nothing has happened. */
static inline bool cc_fifo_put(cc_fifo *fifo, uintptr_t word) {
    if (!cc_fifo_reserve(fifo)) {
        return false;
    }
    *fifo->free++ = word;
    fifo->puts++;
    return true;
}

/* Take the oldest word. There is one: cc_fifo_length is not 0. */
static inline uintptr_t cc_fifo_take(cc_fifo *fifo) {
    if (fifo->first == fifo->end_of_oldest) {
        cc_fifo_drop_chunk(fifo);
    }
    fifo->takes++;
    return *fifo->first++;
}

/* Call visit for every word, oldest first, until it answers other than 0; return that. `visit` does
 * not change the FIFO. O(length). */
int cc_fifo_visit(const cc_fifo *fifo, int (*visit)(uintptr_t word, void *argument),
                  void *argument);

/* Allocated now, without the struct. O(length / words_per_chunk). */
size_t cc_fifo_bytes(const cc_fifo *fifo);

#endif
