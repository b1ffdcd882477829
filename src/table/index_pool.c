/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/index_pool.h"

#include <errno.h>
#include <stdlib.h>

int ring_start(struct ring *ring, uint32_t rows)
{
	uint32_t *row = calloc(rows, sizeof(*row));

	if (!row)
		return -ENOMEM;
	for (uint32_t i = 0; i < rows; i++)
		row[i] = i;
	ring->row = row;
	ring->rows = ring->free = rows;
	ring->first = 0;
	return 0;
}

void ring_stop(struct ring *ring)
{
	free(ring->row);
	ring->row = NULL;
	ring->rows = ring->free = 0;
}

int ring_take(struct ring *ring, uint32_t *row)
{
	int error = -ENOSPC;

	pthread_mutex_lock(&ring->lock);
	if (ring->free) {
		*row = ring->row[ring->first];
		ring->first = (ring->first + 1) % ring->rows;
		ring->free--;
		error = 0;
	}
	pthread_mutex_unlock(&ring->lock);
	return error;
}

void ring_give(struct ring *ring, uint32_t row)
{
	pthread_mutex_lock(&ring->lock);
	ring->row[(ring->first + ring->free) % ring->rows] = row;
	ring->free++;
	pthread_mutex_unlock(&ring->lock);
}
