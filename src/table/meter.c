/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/meter.h"

#include <string.h>

void meter_open(struct meters *meters, struct limit *shared, uint64_t bps)
{
	memset(meters, 0, sizeof(*meters));
	memset(shared, 0, sizeof(*shared));
	shared->bps = bps > INT64_MAX ? INT64_MAX : bps;
	for (int i = 0; i < LIMIT_METERS; i++)
		shared->left[i] = (int64_t)shared->bps;
	meters->shared = shared;
}

/*
 * What both sides have spent is max-bps less what is left. `left` is negative if they have spent more than
 * max-bps; then the sum is above it.
 */
static uint64_t count(struct meters *meters, enum limit_meter meter, int64_t left)
{
	meters->counted[meter] = meters->shared->bps - (uint64_t)left;
	return meters->counted[meter];
}

/*
 * A counter that is lower than the value it was set to belongs to another socket, or coturn has cleared it:
 * then all that it has counts as new.
 */
static int64_t spend(struct meters *meters, enum limit_meter meter, uint64_t counter)
{
	uint64_t before = meters->counted[meter];
	uint64_t spent = counter >= before ? counter - before : counter;

	return __atomic_sub_fetch(&meters->shared->left[meter], (int64_t)spent, __ATOMIC_RELAXED);
}

uint64_t meter_share(struct meters *meters, enum limit_meter meter, uint64_t counter)
{
	return count(meters, meter, spend(meters, meter, counter));
}

uint64_t meter_begin_second(struct meters *meters, enum limit_meter meter, uint64_t counter)
{
	int64_t *left = (int64_t *)&meters->shared->left[meter];
	int64_t rest;

	spend(meters, meter, counter);
	rest = __atomic_exchange_n(left, (int64_t)meters->shared->bps, __ATOMIC_RELAXED);
	if (rest >= 0)
		return count(meters, meter, __atomic_load_n(left, __ATOMIC_RELAXED));
	return count(meters, meter, __atomic_add_fetch(left, rest, __ATOMIC_RELAXED));
}

void meter_lift(struct meters *meters, enum limit_meter meter)
{
	__atomic_store_n(&meters->shared->left[meter], INT64_MAX, __ATOMIC_RELAXED);
}

void meter_unsent(struct meters *meters, uint64_t *packets, uint64_t *bytes)
{
	uint64_t now_packets = __atomic_load_n(&meters->shared->unsent_packets, __ATOMIC_RELAXED);
	uint64_t now_bytes = __atomic_load_n(&meters->shared->unsent_bytes, __ATOMIC_RELAXED);

	*packets = now_packets - meters->unsent_packets;
	*bytes = now_bytes - meters->unsent_bytes;
	meters->unsent_packets = now_packets;
	meters->unsent_bytes = now_bytes;
}
