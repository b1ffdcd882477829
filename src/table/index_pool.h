/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The indices of a table's slots that are free. They are given out in the order in which they
 * came back, so that a slot rests for as long as possible before it is used again: a CPU that
 * has read the slot's old content may still write to it for a moment.
 */
#ifndef OFFLOAD_TABLE_INDEX_POOL_H
#define OFFLOAD_TABLE_INDEX_POOL_H

#include <pthread.h>
#include <stdint.h>

/** The free indices, as a ring. Before index_pool_open, all zeros but the lock (PTHREAD_MUTEX_INITIALIZER). */
struct index_pool {
	pthread_mutex_t lock;
	uint32_t *index; /* the ring, with room for `indices` of them */
	uint32_t indices;
	uint32_t first; /* place of the next index to be taken */
	uint32_t free;  /* how many are free, from `first` on */
};

/** Makes the indices from 0 to `indices` - 1 free. Returns 0 or -ENOMEM. Before other threads use the pool. */
int index_pool_open(struct index_pool *pool, uint32_t indices);

/** Frees the pool's memory. No other thread may use the pool any more. */
void index_pool_close(struct index_pool *pool);

/** Takes the index that has been free for longest. Returns 0 or -ENOSPC. Any thread. */
int index_pool_take(struct index_pool *pool, uint32_t *index);

/** Gives back an index that index_pool_take has returned. Any thread. */
void index_pool_give(struct index_pool *pool, uint32_t index);

#endif
