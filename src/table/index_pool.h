/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The indices of a table that are not in use. They are given out in a ring: the one
 * that was given back longest ago comes first, when no CPU can be writing in it
 * still.
 */
#ifndef OFFLOAD_TABLE_INDEX_POOL_H
#define OFFLOAD_TABLE_INDEX_POOL_H

#include <pthread.h>
#include <stdint.h>

/** All zeros but for the lock (PTHREAD_MUTEX_INITIALIZER): no indices. */
struct index_pool {
	pthread_mutex_t lock;
	uint32_t *index;
	uint32_t indices, first, free;
};

/** All of `indices` indices are free. 0 or -ENOMEM. */
int index_pool_open(struct index_pool *ring, uint32_t indices);

/** No indices. */
void index_pool_close(struct index_pool *ring);

/** A free index. 0 or -ENOSPC. Any thread. */
int index_pool_take(struct index_pool *ring, uint32_t *index);

/** Gives back a index that index_pool_take gave. Any thread. */
void index_pool_give(struct index_pool *ring, uint32_t index);

#endif
