/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/index_pool.h"

#include <errno.h>
#include <stdlib.h>

int index_pool_open(struct index_pool *pool, uint32_t indices)
{
	uint32_t *index = calloc(indices, sizeof(*index));

	if (!index)
		return -ENOMEM;
	for (uint32_t i = 0; i < indices; i++)
		index[i] = i;
	pool->index = index;
	pool->indices = pool->free = indices;
	pool->first = 0;
	return 0;
}

void index_pool_close(struct index_pool *pool)
{
	free(pool->index);
	pool->index = NULL;
	pool->indices = pool->free = 0;
}

int index_pool_take(struct index_pool *pool, uint32_t *index)
{
	int error = -ENOSPC;

	pthread_mutex_lock(&pool->lock);
	if (pool->free) {
		*index = pool->index[pool->first];
		pool->first = (pool->first + 1) % pool->indices;
		pool->free--;
		error = 0;
	}
	pthread_mutex_unlock(&pool->lock);
	return error;
}

void index_pool_give(struct index_pool *pool, uint32_t index)
{
	pthread_mutex_lock(&pool->lock);
	pool->index[(pool->first + pool->free) % pool->indices] = index;
	pool->free++;
	pthread_mutex_unlock(&pool->lock);
}
