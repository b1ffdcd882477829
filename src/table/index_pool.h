/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows of a table that are not in use. They are given out in a ring: the one
 * that was given back longest ago comes first, when no CPU can be writing in it
 * still.
 */
#ifndef OFFLOAD_TABLE_INDEX_POOL_H
#define OFFLOAD_TABLE_INDEX_POOL_H

#include <pthread.h>
#include <stdint.h>

/** All zeros but for the lock (PTHREAD_MUTEX_INITIALIZER): no rows. */
struct ring {
	pthread_mutex_t lock;
	uint32_t *row;
	uint32_t rows, first, free;
};

/** All of `rows` rows are free. 0 or -ENOMEM. */
int ring_start(struct ring *ring, uint32_t rows);

/** No rows. */
void ring_stop(struct ring *ring);

/** A free row. 0 or -ENOSPC. Any thread. */
int ring_take(struct ring *ring, uint32_t *row);

/** Gives back a row that ring_take gave. Any thread. */
void ring_give(struct ring *ring, uint32_t row);

#endif
