/* SPDX-License-Identifier: BSD-3-Clause */
#include "fifo.h"

#include "../memory/cc_alloc.h"

static size_t bytes_of_chunk(const cc_fifo *fifo) {
    return sizeof(cc_fifo_chunk) + fifo->words_per_chunk * sizeof(uintptr_t);
}

/* Words go into `chunk` from now on. */
static void fill_from(cc_fifo *fifo, cc_fifo_chunk *chunk) {
    chunk->next = NULL;
    fifo->newest = chunk;
    fifo->free = chunk->words;
    fifo->end_of_newest = chunk->words + fifo->words_per_chunk;
}

/* Words come from `chunk` from now on. */
static void take_from(cc_fifo *fifo, cc_fifo_chunk *chunk) {
    fifo->oldest = chunk;
    fifo->first = chunk->words;
    fifo->end_of_oldest = chunk->words + fifo->words_per_chunk;
}

bool cc_fifo_begin(cc_fifo *fifo, uint32_t words_per_chunk) {
    *fifo =
        (cc_fifo){.words_per_chunk = words_per_chunk ? words_per_chunk : CC_FIFO_WORDS_PER_CHUNK};
    cc_fifo_chunk *chunk = cc_alloc(bytes_of_chunk(fifo));
    if (!chunk) {
        return false;
    }
    fill_from(fifo, chunk);
    take_from(fifo, chunk);
    return true;
}

void cc_fifo_end(cc_fifo *fifo) {
    cc_fifo_chunk *chunk = fifo->oldest;
    while (chunk) {
        cc_fifo_chunk *next = chunk->next;
        cc_free(chunk);
        chunk = next;
    }
    cc_free(fifo->spare);
}

bool cc_fifo_append_chunk(cc_fifo *fifo) {
    cc_fifo_chunk *before = fifo->newest, *chunk = fifo->spare;
    if (!chunk && !(chunk = cc_alloc(bytes_of_chunk(fifo)))) {
        return false;
    }
    fifo->spare = NULL;
    fill_from(fifo, chunk);
    before->next = chunk;
    return true;
}

void cc_fifo_drop_chunk(cc_fifo *fifo) {
    cc_fifo_chunk *dropped = fifo->oldest;
    take_from(fifo, dropped->next);
    cc_free(fifo->spare); /* the one that has just been read is in the cache */
    fifo->spare = dropped;
}

int cc_fifo_visit(const cc_fifo *fifo, int (*visit)(uintptr_t word, void *argument),
                  void *argument) {
    const cc_fifo_chunk *chunk = fifo->oldest;
    const uintptr_t *word = fifo->first, *end = fifo->end_of_oldest;
    for (uint64_t left = cc_fifo_length(fifo); left; left--) {
        if (word == end) {
            chunk = chunk->next;
            word = chunk->words;
            end = word + fifo->words_per_chunk;
        }
        int answer = visit(*word++, argument);
        if (answer) {
            return answer;
        }
    }
    return 0;
}

size_t cc_fifo_bytes(const cc_fifo *fifo) {
    size_t chunks = fifo->spare ? 1 : 0;
    for (const cc_fifo_chunk *chunk = fifo->oldest; chunk; chunk = chunk->next) {
        chunks++;
    }
    return chunks * bytes_of_chunk(fifo);
}
