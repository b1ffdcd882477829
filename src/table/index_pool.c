/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/index_pool.h"

#include <errno.h>
#include <stdlib.h>

int index_pool_open(struct index_pool *ring, uint32_t indices)
{
	uint32_t *index = calloc(indices, sizeof(*index));

	if (!index)
		return -ENOMEM;
	for (uint32_t i = 0; i < indices; i++)
		index[i] = i;
	ring->index = index;
	ring->indices = ring->free = indices;
	ring->first = 0;
	return 0;
}

void index_pool_close(struct index_pool *ring)
{
	free(ring->index);
	ring->index = NULL;
	ring->indices = ring->free = 0;
}

int index_pool_take(struct index_pool *ring, uint32_t *index)
{
	int error = -ENOSPC;

	pthread_mutex_lock(&ring->lock);
	if (ring->free) {
		*index = ring->index[ring->first];
		ring->first = (ring->first + 1) % ring->indices;
		ring->free--;
		error = 0;
	}
	pthread_mutex_unlock(&ring->lock);
	return error;
}

void index_pool_give(struct index_pool *ring, uint32_t index)
{
	pthread_mutex_lock(&ring->lock);
	ring->index[(ring->first + ring->free) % ring->indices] = index;
	ring->free++;
	pthread_mutex_unlock(&ring->lock);
}
