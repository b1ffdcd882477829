/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/limits.h"

#include "table/index_pool.h"
#include "table/maps.h"

static struct index_pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

int limits_open(uint32_t slots)
{
	return index_pool_open(&pool, slots);
}

void limits_close(void)
{
	index_pool_close(&pool);
}

int limits_take(uint32_t *slot, struct limit **limit)
{
	int error = index_pool_take(&pool, slot);

	if (!error)
		*limit = maps_limit(*slot);
	return error;
}

void limits_give(uint32_t slot)
{
	index_pool_give(&pool, slot);
}
