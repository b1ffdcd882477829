/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/sessions.h"

#include "table/index_pool.h"
#include "table/maps.h"

static struct index_pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

int sessions_open(uint32_t numbers)
{
	return index_pool_open(&pool, numbers);
}

void sessions_close(void)
{
	index_pool_close(&pool);
}

int sessions_take(const struct session_entry *session, uint32_t *number)
{
	uint32_t index;
	int error = index_pool_take(&pool, &index);

	if (error)
		return error;
	*number = index + 1;
	maps_session_put(*number, session);
	return 0;
}

void sessions_give(uint32_t number)
{
	if (!number)
		return;
	maps_session_put(number, NULL);
	index_pool_give(&pool, number - 1);
}

struct limit *sessions_limit(uint32_t number)
{
	return maps_limit(number - 1);
}
